"""The field wiring as the simulator sees it: every input and output of the configuration with its place and numbers.

Rows are in the order of the configuration's tags, inputs and outputs apart. ``raw`` is what a register holds, as a
number: counts for 4-20 mA signals, 0 or 1 for bool, the value itself for the other forms.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core import models
from controller.core.config import Config, Placed
from controller.core.errors import ConfigError, Issue
from controller.core.units import si_scale

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

FULL_COUNTS = 27648.0  # 20 mA; 0 is 4 mA
LOWEST_COUNTS = -346.0  # 3.8 mA: a healthy transmitter saturates here (NE 43)
HIGHEST_COUNTS = 28512.0  # 20.5 mA
SPLIT = 2.0**29 + 1.0  # leaves 24 of the 53 bits of a float64
LIMITS: Mapping[str, tuple[float, float]] = {
    "raw": (LOWEST_COUNTS, HIGHEST_COUNTS),
    "bool": (0.0, 1.0),
    "int16": (-(2.0**15), 2.0**15 - 1),
    "uint16": (0.0, 2.0**16 - 1),
    "int32": (-(2.0**31), 2.0**31 - 1),
    "uint32": (0.0, 2.0**32 - 1),
    "float32": (-3.4028234663852886e38, 3.4028234663852886e38),
    "float64": (-np.inf, np.inf),
}


@dataclass(frozen=True, slots=True)
class Point:
    """Where one value sits in a device, and its range in the tag's unit."""

    key: str  # full key of the tag
    instance: str
    device: str
    table: str  # input, holding, discrete, coil
    address: int
    form: models.Form
    lo: float
    hi: float
    unit: str
    file: str  # where the tag is written, for messages
    line: int

    @property
    def name(self) -> str:
        """The tag within its instance: FV-1601.OP."""
        return self.key.removeprefix(f"{self.instance}-")

    @property
    def owner(self) -> str:
        """The equipment that the tag belongs to, L1-K-2401 of L1-K-2401.CMD; the tag itself where it has no suffix."""
        return self.key.partition(".")[0]

    def issue(self, part: str, text: str) -> Issue:
        """Return a mistake in a part of the tag."""
        return Issue(self.file, self.line, f"{self.key}.{part}", text)


@dataclass(frozen=True, slots=True)
class InputPoint(Point):
    """An input and the instrument that makes it."""

    instrument: models.Instrument


@dataclass(frozen=True, slots=True)
class OutputPoint(Point):
    """An output, its actuator, and what the PLC does with it when the controller is silent."""

    actuator: models.Actuator
    fail: models.Fail
    has_feedback: bool  # an input shows its position or a limit switch


@dataclass(frozen=True, slots=True)
class Points:
    """All inputs and outputs, and the devices they sit in."""

    inputs: tuple[InputPoint, ...]
    outputs: tuple[OutputPoint, ...]
    devices: tuple[str, ...]


def read_points(config: Config) -> Points:
    """Collect the points; ConfigError naming every tag that the simulator cannot serve."""
    inputs: list[InputPoint] = []
    outputs: list[OutputPoint] = []
    issues: list[Issue] = []
    shown = _shown(config)
    for tag in config.tags.values():
        spec = tag.spec
        if spec.input is not None and spec.input.address is not None:
            table = spec.input.table or ("discrete" if spec.input.form == "bool" else "input")
            if spec.instrument is None:
                text = "missing: the simulator must know what this input measures"
                issues.append(Issue(tag.file, tag.line, f"{tag.key}.instrument", text))
            else:
                inputs.append(InputPoint(*_point(tag, spec.input, table), instrument=spec.instrument))
        elif spec.output is not None:
            table = "coil" if spec.output.form == "bool" else "holding"
            if spec.actuator is None:
                text = "missing: the simulator must know what this output moves"
                issues.append(Issue(tag.file, tag.line, f"{tag.key}.actuator", text))
            else:
                point = _point(tag, spec.output, table)
                outputs.append(OutputPoint(*point, spec.actuator, spec.output.fail, tag.key in shown))
    if issues:
        raise ConfigError(issues)
    return Points(tuple(inputs), tuple(outputs), tuple(config.plant.devices))


def _shown(config: Config) -> set[str]:
    """Return the outputs whose position or limit switches an input shows."""
    shown: set[str] = set()
    for tag in config.tags.values():
        of = tag.spec.instrument.of if tag.spec.instrument is not None else ""
        for kind in ("position.", "limit.open.", "limit.closed."):
            if of.startswith(kind):
                shown.add(f"{tag.instance}-{of.removeprefix(kind)}")
    return shown


def _point(
    tag: Placed[models.Tag], place: models.Input | models.Output, table: str
) -> tuple[str, str, str, str, int, models.Form, float, float, str, str, int]:
    """Return the fields of ``Point`` in their order."""
    bounds = tag.spec.range or models.Range(lo=0.0, hi=1.0)
    address = place.address or 0
    return (
        *(tag.key, tag.instance, place.device, table, address, place.form),
        *(bounds.lo, bounds.hi, tag.spec.unit, tag.file, tag.line),
    )


@dataclass(frozen=True, slots=True)
class Scaling:
    """Between engineering values and raw numbers, for all rows of one kind at once; (rows, 1) arrays."""

    zero: Floats
    gain: Floats
    lo: Floats
    span: Floats
    least: Floats
    most: Floats
    is_rounded: Mask
    is_single: Mask

    @classmethod
    def of(cls, points: tuple[Point, ...], *, saturates: bool) -> "Scaling":
        """Collect the numbers of the rows. A transmitter saturates beyond its range, an output register does not."""

        def column(values: list[float]) -> Floats:
            return np.array(values, dtype=np.float64).reshape(-1, 1)

        is_raw = [p.form == "raw" for p in points]
        limits = [LIMITS["int16" if p.form == "raw" and not saturates else p.form] for p in points]
        return cls(
            zero=column([p.lo if raw else 0.0 for p, raw in zip(points, is_raw, strict=True)]),
            gain=column([FULL_COUNTS / (p.hi - p.lo) if raw else 1.0 for p, raw in zip(points, is_raw, strict=True)]),
            lo=column([p.lo for p in points]),
            span=column([p.hi - p.lo for p in points]),
            least=column([least for least, _ in limits]),
            most=column([most for _, most in limits]),
            is_rounded=column([float(not p.form.startswith("float")) for p in points]) > 0.5,
            is_single=column([float(p.form == "float32") for p in points]) > 0.5,
        )

    def raw(self, value: Floats) -> Floats:
        """Return what the registers hold for ``value`` (rows, batch): scaled, saturated, rounded."""
        return self.rounded((value - self.zero) * self.gain)

    def rounded(self, raw: Floats) -> Floats:
        """Return ``raw`` as the registers can hold it."""
        result = np.minimum(np.maximum(raw, self.least), self.most)
        np.copyto(result, np.rint(result), where=self.is_rounded)
        if self.is_single.any():
            # Dekker's splitting: the nearest number with the 24 bits of a float32
            wide = np.where(self.is_single, result, 0.0) * SPLIT
            np.copyto(result, wide - (wide - result), where=self.is_single)
        return result

    def fraction(self, raw: Floats) -> Floats:
        """Return ``raw`` as a share of the range, 0..1."""
        value = raw / self.gain + self.zero
        return np.minimum(np.maximum((value - self.lo) / self.span, 0.0), 1.0)

    def raw_of_fraction(self, share: Floats) -> Floats:
        """Return what the registers hold for a share of the range."""
        return self.raw(self.lo + share * self.span)


def unit_scale(point: Point, barometric_pa: float) -> tuple[float, float]:
    """Return (factor, offset) with ``value = si * factor + offset`` in the tag's unit."""
    factor, offset = si_scale(point.unit, barometric_pa)
    return 1.0 / factor, -offset / factor
