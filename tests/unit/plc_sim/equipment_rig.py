"""Final elements, motors and burners with nothing behind them but rows that the test writes and reads."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from controller.core import models
from controller.core.state import State
from plc_sim.actuators import Actuators, Board
from plc_sim.burner_plc import BurnerPlc
from plc_sim.equipment import Equipment
from plc_sim.equipment_parameters import EquipmentParameters
from plc_sim.points import FULL_COUNTS, InputPoint, OutputPoint, Points
from plc_sim.supplies import Supplies

Floats = npt.NDArray[np.float64]

DT = 0.1
BAROMETRIC_PA = 93_200.0
EQUIPMENT = {
    "air_least_pa": 350e3,
    "bus_least": 0.5,
    "feedback_s": 0.5,
    "run_up_s": 3.0,
    "coast_s": 10.0,
    "rated_range": 0.7,
    "load": 0.8,
    "no_load_current": 0.35,
    "starting_current": 6.0,
    "room_k": 303.15,
    "bearing_rise_k": 30.0,
    "bearing_s": 60.0,
    "winding_rise_k": 60.0,
    "winding_s": 45.0,
    "vibration_m_s": 0.0018,
    "bearing_high_k": 353.15,
    "bearing_trip_k": 363.15,
    "vibration_high_m_s": 0.0045,
    "vibration_trip_m_s": 0.011,
    "winding_high_k": 393.15,
    "winding_trip_k": 413.15,
    "trip_s": 5.0,
}
BURNER_PLC = {
    "purge_nm3": 800.0,
    "purge_s": 30.0,
    "purge_air_nm3_s": 10.8,
    "kept_air_nm3_s": 2.0,
    "hot_k": 1023.15,
    "gas_low_pa": 35e3,
    "gas_high_pa": 65e3,
    "lance_s": 8.0,
    "ignitor_s": 3.0,
    "safety_s": 3.0,
    "hold_s": 5.0,
    "flame_out_s": 0.5,
    "valve_open_s": 1.0,
    "valve_close_s": 0.5,
    "light_load": 0.2,
    "light_air": 0.2,
    "load_per_air": 1.1,
}
PROCESS = {
    "L1": {"burner_plc": BURNER_PLC, "diesel_motors": {"P-1010A.CMD": 1.0}},
    "L2": {"burner_plc": BURNER_PLC},
    "C0": {"equipment": EQUIPMENT, "battery_motors": {"P-3110B.CMD": 1.0}},
}
BURNERS = ("burner_1", "burner_2")
HOLD = models.Fail(position="hold")


def output(key: str, drives: str, *, fail: models.Fail = HOLD, is_shown: bool = True, **actuator: float) -> OutputPoint:
    """Return an output; a run, open or start order is a bool, all others are counts of 0..100 %."""
    form: models.Form = "bool" if key.endswith((".CMD", ".OPN")) else "raw"
    hi, table = (1.0, "coil") if form == "bool" else (100.0, "holding")
    spec = models.Actuator(drives=drives, **actuator)
    place = (key, key[:2], key[:2], table, 0, form, 0.0, hi, "" if form == "bool" else "%", "line/test.yaml", 1)
    return OutputPoint(*place, spec, fail, is_shown)


def read(key: str, of: str, unit: str = "", hi: float = 1.0, **instrument: float) -> InputPoint:
    """Return an input: a bool without unit, else counts."""
    form: models.Form = "raw" if unit else "bool"
    spec = models.Instrument(of=of, **instrument)
    return InputPoint(key, key[:2], key[:2], "input", 0, form, 0.0, hi, unit, "line/test.yaml", 1, spec)


def motor(key: str, **own: str) -> list[InputPoint]:
    """Return the tags of a motor; ``own`` names what the process shows by itself."""
    name = f"{key[3:]}.CMD"
    states = [read(f"{key}.{kind[:3].upper()}", f"{kind}.{name}") for kind in ("fault", "local", "available")]
    running = read(f"{key}.RUN", own.get("running", f"running.{name}"))
    return [*states, running, read(f"{key}.I", own.get("current", f"current.{name}"), "A", 100.0)]


def line_points(line: str) -> tuple[list[OutputPoint], list[InputPoint]]:
    """Return valves, two motors and two burners of a line."""
    leaks = models.Fail(position=0.0, hold_s=60.0, rate_per_min=1.0)
    outputs = [
        output(f"{line}-FV-1601.OP", "feedwater.valve", stroke_s=10.0, dead_band_pct=0.5, fail=leaks),
        output(f"{line}-FV-1541.OP", "steam.vent", stroke_s=10.0, close_s=20.0, fail=models.Fail(position=100.0)),
        output(f"{line}-FV-1111.OP", "pa.damper", stroke_s=10.0),
        output(f"{line}-SC-2201", "dosing.speed", stroke_s=10.0, is_shown=False),
        output(f"{line}-XV-2306.OPN", "quench.valve", stroke_s=3.0),
        output(f"{line}-P-1010A.CMD", "hydraulics.pump_a", is_shown=False),
        output(f"{line}-K-2401.CMD", "id_fan.command", is_shown=False),
        output(f"{line}-K-2401.SPD_SP", "id_fan.speed", stroke_s=25.0, is_shown=False),
    ]
    for number, burner in enumerate(BURNERS):
        key = f"{line}-BC-132{number}"
        outputs += [
            output(f"{key}.CMD", f"{burner}.start", is_shown=False),
            output(f"{key}.OP", f"{burner}.load", stroke_s=5.0),
            output(f"{key}.AD_OP", f"{burner}.air", stroke_s=10.0),
        ]
    fan = f"{line}-K-2401"
    inputs = [
        *motor(f"{line}-P-1010A"),
        *motor(fan, running="id_fan.running"),
        read(f"{fan}.P", "id_fan.power", "kW", 800.0),
        read(f"{fan}.TE1", "id_fan.bearing_1", "°C", 150.0),
        read(f"{fan}.TE2", "id_fan.bearing_2", "°C", 150.0),
        read(f"{fan}.VE1", "id_fan.vibration_1", "mm/s", 20.0),
        read(f"{fan}.VE2", "id_fan.vibration_2", "mm/s", 20.0),
        *(read(f"{fan}.TW{number}", f"id_fan.winding_{number}", "°C", 200.0) for number in (1, 2, 3)),
    ]
    return outputs, inputs


def common_points() -> tuple[list[OutputPoint], list[InputPoint]]:
    """Return a feedwater pump with its own thermometers and an oil pump on batteries."""
    pump, name = "C0-P-3010A", "P-3010A.CMD"
    outputs = [
        output(f"{pump}.CMD", "pump_a.command", is_shown=False),
        output("C0-P-3110B.CMD", "oil.dc_pump.command", is_shown=False),
    ]
    inputs = [
        *motor(pump),
        *motor("C0-P-3110B"),
        read(f"{pump}.P", f"power.{name}", "kW", 700.0),
        read(f"{pump}.SPD", f"speed.{name}", "%", 110.0),
        read(f"{pump}.TE1", f"bearing_temperature_1.{name}", "°C", 150.0),
        read(f"{pump}.VE1", f"vibration_1.{name}", "mm/s", 20.0),
        read(f"{pump}.TW1", f"winding_temperature_1.{name}", "°C", 200.0),
    ]
    return outputs, inputs


SIGNALS: Mapping[str, float] = {
    "furnace.roof": 283.15,
    "pa.flow": 0.0,
    "sa.flow": 0.0,
    "emergency_stop.line": 0.0,
    "id_fan.running": 0.0,
    "id_fan.power": 0.0,
    "id_fan.bearing_1": 320.0,
    "id_fan.bearing_2": 320.0,
    "id_fan.vibration_1": 0.002,
    "id_fan.vibration_2": 0.002,
    "id_fan.winding_1": 350.0,
    "id_fan.winding_2": 350.0,
    "id_fan.winding_3": 350.0,
} | {f"{burner}.flame": 0.0 for burner in BURNERS}
COMMON_SIGNALS: Mapping[str, float] = {
    "gas.pressure": BAROMETRIC_PA + 50e3,
    "air.pressure": BAROMETRIC_PA + 650e3,
    "house.voltage": 1.0,
    "diesel.running": 0.0,
}


class EquipmentRig:
    """Lines L1 and L2 and the common part C0, at rest; a burner burns when gas meets its ignitor."""

    def __init__(
        self,
        batch: int = 1,
        process: Mapping[str, Mapping[str, Mapping[str, float]]] = PROCESS,
        initial: Mapping[str, float] | None = None,
        hidden: str = "",
    ) -> None:
        """Build the rig; the process begins with inputs ``initial`` and does not show the signal ``hidden``."""
        parts = [line_points("L1"), line_points("L2"), common_points()]
        self.points = Points(
            tuple(point for _, inputs in parts for point in inputs),
            tuple(point for outputs, _ in parts for point in outputs),
            ("L1", "L2", "C0"),
        )
        self.state = State(batch)
        driven = [f"{p.instance}/{p.actuator.drives}" for p in self.points.outputs]
        driven = [name for name in driven if not name.endswith(".start")]
        driven += [f"{line}/{b}.{what}" for line in ("L1", "L2") for b in BURNERS for what in ("valve", "ignitor")]
        self.inputs = self._board("process.inputs", dict.fromkeys(driven, 0.0) | dict(initial or {}))
        shown = {f"{line}/{name}": value for line in ("L1", "L2") for name, value in SIGNALS.items()}
        shown |= {f"C0/{name}": value for name, value in COMMON_SIGNALS.items()}
        shown.pop(hidden, None)
        self.signals = self._board("process.signals", shown)
        shared: dict[str, Any] = {
            "inputs": self.inputs,
            "signals": self.signals,
            "state": self.state,
            "period_s": DT,
            "barometric_pa": BAROMETRIC_PA,
        }
        self.burners = BurnerPlc(self.points.outputs, process, common="C0", **shared)
        self.actuators = Actuators(self.points.outputs, [self.inputs, self.burners.board], self.state, period_s=DT)
        parameters = EquipmentParameters.model_validate(process["C0"]["equipment"])
        self.supplies = Supplies(self.signals.rows, "C0", parameters, BAROMETRIC_PA)
        self.equipment = Equipment(self.points, parameters, process, **shared)
        self.raw = self.actuators.initial_raw.copy()
        self._shown = {name: row for row, name in enumerate(self.equipment.signal_names)}
        self._burner_row = {name: row for row, name in enumerate(self.burners.signal_names)}
        self._numbers = {p.key: number for number, p in enumerate(self.points.outputs)}

    def _board(self, slot: str, values: Mapping[str, float]) -> Board:
        fill = np.array([[value] for value in values.values()])
        return Board(self.state.add(slot, list(values), fill=fill), {name: row for row, name in enumerate(values)})

    def order(self, key: str, value: float | Floats) -> Self:
        """Write an output: percent, or 0 or 1."""
        number = self._numbers[key]
        is_bool = self.points.outputs[number].form == "bool"
        self.raw[number] = value if is_bool else np.rint(np.asarray(value) / 100.0 * FULL_COUNTS)
        return self

    def show(self, name: str, value: float | Floats) -> Self:
        """Set a process signal."""
        self.signals.array[self.signals.rows[name]] = value
        return self

    def run(self, seconds: float) -> Self:
        """Step all parts and the flames."""
        for _ in range(round(seconds / DT)):
            supply = self.supplies.read(self.signals.array)
            self.actuators.step(self.raw, supply.air)
            self.equipment.step(self.actuators.position, supply)
            self.burners.step()
            self._burn()
        return self

    def move(self, seconds: float) -> Self:
        """Step the final elements alone."""
        for _ in range(round(seconds / DT)):
            self.actuators.step(self.raw, self.supplies.read(self.signals.array).air)
        return self

    def _burn(self) -> None:
        for line in ("L1", "L2"):
            for burner in BURNERS:
                flame = self.signals.array[self.signals.rows[f"{line}/{burner}.flame"]]
                gas, spark = (self.inputs.array[self.inputs.rows[f"{line}/{burner}.{w}"]] for w in ("valve", "ignitor"))
                flame[...] = (gas >= 0.5) & ((flame >= 0.5) | (spark >= 0.5))

    def put_out(self, line: str, burner: str) -> None:
        """Let a flame go out."""
        self.signals.array[self.signals.rows[f"{line}/{burner}.flame"]] = 0.0

    def position(self, key: str) -> float:
        """Return where a final element stands, 0..1."""
        return float(self.actuators.position[self._numbers[key], 0])

    def driven(self, name: str) -> float:
        """Return a process input, L1/burner_1.valve."""
        return float(self.inputs.array[self.inputs.rows[name], 0])

    def get(self, name: str) -> float:
        """Return a general signal of a motor or a signal of the burners."""
        if name in self._shown:
            return float(self.equipment.signals()[self._shown[name], 0])
        return float(self.burners.signals()[self._burner_row[name], 0])

    def number(self, key: str) -> int:
        """Return the row of an output."""
        return self._numbers[key]

    def motor(self, key: str) -> int:
        """Return the row of a motor."""
        return self.equipment.keys.index(key)
