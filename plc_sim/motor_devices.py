"""Which outputs are motors, and what the tags of their devices read: found in the configuration's points."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.core.units import si_scale
from plc_sim.points import InputPoint, OutputPoint, Points

STATES = ("running", "fault", "local", "available", "current", "power", "speed")
BEARINGS = ("bearing_temperature_1", "bearing_temperature_2")
VIBRATIONS = ("vibration_1", "vibration_2")
WINDINGS = ("winding_temperature_1", "winding_temperature_2", "winding_temperature_3")
GENERAL = (*STATES, *BEARINGS, *VIBRATIONS, *WINDINGS)  # signals of any motor, with its output: "fault.K-2401.CMD"
KINDS = ("bearing", "vibration", "winding")  # of the quantities that motor protection watches
METERS = ("current", "power")  # whose ranges tell the size of the motor


@dataclass(frozen=True, slots=True)
class MotorDevice:
    """A motor with the tags beside its run command."""

    motor: OutputPoint
    output: int  # number of the run command among all outputs
    ramp: int | None  # number of the output that is its speed demand
    general: list[int] = field(default_factory=list[int])  # places in ``GENERAL`` of what tags read
    own: dict[str, list[int]] = field(default_factory=dict[str, list[int]])  # quantity to rows of process signals
    spans: dict[str, float] = field(default_factory=dict[str, float])  # quantity to the end of its range, SI

    @property
    def has_converter(self) -> bool:
        """Whether it has a speed other than its rated one."""
        return self.ramp is not None or "speed" in self.spans

    def rows(self, quantity: str) -> list[int]:
        """Return the rows of the process signals that show a quantity."""
        return self.own.get(quantity, [])

    def span(self, quantity: str) -> float:
        """Return the end of a meter's range in SI units, 0 without meter."""
        return self.spans.get(quantity, 0.0)


def motor_devices(points: Points, signal_row: Mapping[str, int], barometric_pa: float) -> list[MotorDevice]:
    """Return all motors in the order of the outputs; ``signal_row`` are the signals of the process."""
    read = {(point.instance, point.instrument.of) for point in points.inputs}
    devices: list[MotorDevice] = []
    by_owner: dict[str, MotorDevice] = {}
    for number, motor in enumerate(points.outputs):
        general = [place for place, name in enumerate(GENERAL) if (motor.instance, f"{name}.{motor.name}") in read]
        if general:
            device = MotorDevice(motor, number, _ramp(points, motor), general)
            devices.append(device)
            by_owner[motor.owner] = device
    for point in points.inputs:
        if point.owner in by_owner:
            _note(by_owner[point.owner], point, signal_row, barometric_pa)
    return devices


def _ramp(points: Points, motor: OutputPoint) -> int | None:
    """Return the number of the device's other output, a share of the speed."""
    same = (n for n, p in enumerate(points.outputs) if p.owner == motor.owner and p.form != "bool")
    return next(same, None)


def _note(device: MotorDevice, point: InputPoint, signal_row: Mapping[str, int], barometric_pa: float) -> None:
    """Add what one tag of a device reads."""
    of = point.instrument.of
    general = of.removesuffix(f".{device.motor.name}")
    name = general if general != of else of.rpartition(".")[2]
    quantity = name.rstrip("_123456789").removesuffix("_temperature")
    if quantity not in (*KINDS, *METERS, "speed"):
        return
    factor, _ = si_scale(point.unit, barometric_pa)
    device.spans[quantity] = point.hi * factor
    row = signal_row.get(f"{point.instance}/{of}")
    if row is not None:
        device.own.setdefault(quantity, []).append(row)
