"""Names of what instruments can see of combustion and furnace, and of what final elements do to it; one line's.

Both are blocks of rows (names, lines, batch) in the order of ``LINE_SIGNALS`` and ``LINE_INPUTS``; the step finds them
by ``SIGNAL`` and ``INPUT``: a row for a single name, a slice of rows for a group of equal things.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from plc_sim.process.combustion_parameters import BURNERS, GROUPS, PUSHERS, ZONES
from plc_sim.process.fan import FANS
from plc_sim.process.furnace import EXCHANGERS


class Group(NamedTuple):
    """Names that the step reads or writes at once, as one array (names, lines, batch)."""

    name: str
    names: tuple[str, ...]


Parts = Sequence[str | Group]


def numbered(name: str, count: int) -> Group:
    """Return the group of name_1, name_2, ..."""
    return Group(name, tuple(f"{name}_{number + 1}" for number in range(count)))


def of_burners(what: str) -> Group:
    """Return the group burner.what of burner_1.what, burner_2.what, ..."""
    return Group(f"burner.{what}", tuple(f"burner_{number + 1}.{what}" for number in range(BURNERS)))


def of_fans(what: str) -> Group:
    """Return the group fan.what of both air fans."""
    return Group(f"fan.{what}", tuple(f"{fan}.{what}" for fan in FANS))


def names(parts: Parts) -> tuple[str, ...]:
    """Return all names in their order."""
    return tuple(name for part in parts for name in (part.names if isinstance(part, Group) else (part,)))


def places(parts: Parts) -> Mapping[str, int | slice]:
    """Return where each name and each group stands."""
    rows: dict[str, int | slice] = {name: row for row, name in enumerate(names(parts))}
    first = 0
    for part in parts:
        count = 1
        if isinstance(part, Group):
            count = len(part.names)
            rows[part.name] = slice(first, first + count)
        first += count
    return rows


_SIGNALS: Parts = (
    "crane.grab",
    "chute.level",
    "chute.wall",
    "chute.water_out",
    "feeder.flow",
    "feeder.lhv",
    numbered("feeder.pusher", PUSHERS),
    "hydraulics.pressure",
    "hydraulics.temperature",
    "hydraulics.level",
    numbered("grate.group", GROUPS),
    numbered("grate.bed_dp", ZONES),
    numbered("grate.bar", ZONES),
    "grate.fire_end",
    "grate.side",
    "grate.inventory",
    "grate.ash_flow",
    "grate.loss_on_ignition",
    "ash.water_level",
    "ash.extractor_running",
    "ash.wet_flow",
    "ash.boiler_flow",
    "fire.power",
    numbered("pa.zone", ZONES),
    numbered("pa.box", ZONES),
    Group("air.flow", ("pa.flow", "sa.flow")),
    Group("air.header", ("pa.header", "sa.header")),
    Group("air.temperature", ("pa.temperature", "sa.temperature")),
    Group("nozzles", ("sa.front", "sa.rear")),
    "heater.level",
    Group("heater.steam", ("heater.extraction", "heater_steam.flow")),
    of_fans("speed"),
    of_fans("running"),
    of_fans("power"),
    of_fans("bearing"),
    of_fans("vibration"),
    of_fans("winding"),
    "furnace.pressure",
    "furnace.roof",
    Group("thermocouples", ("furnace.thermocouple_a", "furnace.thermocouple_b", "furnace.thermocouple_c")),
    Group("furnace.gas", ("furnace.plane", *(f"furnace.{name}" for name in EXCHANGERS[1:]))),
    "furnace.co",
    "furnace.o2",
    "furnace.false_air",
    "furnace.ash",
    of_burners("gas"),
    of_burners("flame"),
)
_INPUTS: Parts = (
    "crane.run",
    "hopper.gate",
    "chute.spray",
    "feeder.speed",
    numbered("grate.speed", GROUPS),
    Group("hydraulics.pumps", ("hydraulics.pump_a", "hydraulics.pump_b")),
    "hydraulics.cooler",
    numbered("pa.damper", ZONES),
    of_fans("command"),
    of_fans("demand"),
    "heater.extraction_valve",
    "heater.drum_valve",
    "heater.drain_valve",
    Group("sa.damper", ("sa.damper_front", "sa.damper_rear")),
    of_burners("valve"),
    of_burners("load"),
    of_burners("ignitor"),
    of_burners("air"),
    "ash.water_valve",
    Group("ash.drives", ("ash.extractor", "ash.boiler_conveyor")),
    "cleaning.shower",
)
LINE_SIGNALS = names(_SIGNALS)
LINE_INPUTS = names(_INPUTS)
SIGNAL = places(_SIGNALS)
INPUT = places(_INPUTS)
