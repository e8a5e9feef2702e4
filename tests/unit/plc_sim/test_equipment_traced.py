"""Final elements, motors, burners and instruments can be part of a compiled step: nothing branches on their state."""

from plc_sim.compiled.trace import trace
from plc_sim.instruments import Instruments
from tests.unit.plc_sim.equipment_rig import BAROMETRIC_PA, DT, EquipmentRig, read


class Measured:
    """The rig, seen by two instruments."""

    def __init__(self) -> None:
        self.rig = EquipmentRig()
        state = self.rig.state
        self.motors = state.add("shown.motors", self.rig.equipment.signal_names)
        self.burners = state.add("shown.burners", self.rig.burners.signal_names)
        points = (
            read("L1-TT-1303", "furnace.roof", "°C", 1400.0, tau_s=2.0, noise=1.0, dead_time_s=0.3),
            read("L1-BC-1320.UV1", "burner_1.flame"),
        )
        rows = dict(self.rig.signals.rows)
        self.instruments = Instruments(points, rows, state, barometric_pa=BAROMETRIC_PA, period_s=DT)
        self.instruments.start(self.rig.signals.array, seed=0)

    def step(self) -> None:
        rig = self.rig
        supply = rig.supplies.read(rig.signals.array)
        rig.actuators.step(rig.raw, supply.air)
        rig.equipment.step(rig.actuators.position, supply)
        rig.burners.step()
        self.motors[...] = rig.equipment.signals()
        self.burners[...] = rig.burners.signals()
        self.instruments.step(rig.signals.array)


def test_one_way_leads_through_a_step() -> None:
    measured = Measured()
    program = trace(measured, measured.rig.state, Measured.step)
    assert len(program.paths) == 1
    (path,) = program.paths
    slots = [slot.name for slot in program.graph.slots]
    written = {slots[slot] for slot, _ in path.outputs}
    assert {"actuator.position", "motor.fault", "burner_plc.phase", "instrument.raw", "shown.burners"} <= written
