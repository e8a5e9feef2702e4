"""Final elements, motors and burners can be part of a compiled step: nothing branches on their state."""

from plc_sim.compiled.trace import trace
from tests.unit.plc_sim.equipment_rig import EquipmentRig


class Shown:
    """The rig, and rows for what it shows."""

    def __init__(self) -> None:
        self.rig = EquipmentRig()
        state = self.rig.state
        self.motors = state.add("shown.motors", self.rig.equipment.signal_names)
        self.burners = state.add("shown.burners", self.rig.burners.signal_names)

    def step(self) -> None:
        rig = self.rig
        supply = rig.supplies.read(rig.signals.array)
        rig.actuators.step(rig.raw, supply.air)
        rig.equipment.step(rig.actuators.position, supply)
        rig.burners.step()
        self.motors[...] = rig.equipment.signals()
        self.burners[...] = rig.burners.signals()


def test_one_way_leads_through_a_step() -> None:
    shown = Shown()
    program = trace(shown, shown.rig.state, Shown.step)
    assert len(program.paths) == 1
    (path,) = program.paths
    slots = [slot.name for slot in program.graph.slots]
    written = {slots[slot] for slot, _ in path.outputs}
    assert {"actuator.position", "motor.fault", "burner_plc.phase", "shown.burners"} <= written
