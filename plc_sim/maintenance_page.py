"""The registers of a simulated plant as a page (Markdown): of the maintenance device, and of all PLCs."""

from collections.abc import Iterable

from controller.core.models import Simulator
from plc_sim import maintenance_map as block
from plc_sim import simulator
from plc_sim.disturbances import DISTURBANCES
from plc_sim.fault_record import MOST, MOST_ARGS
from plc_sim.faults import Fault
from plc_sim.registers import width
from plc_sim.single_faults import FAULTS

_HEAD = f"""# Registers of the simulator

`wte sim --map` prints this page, and then what belongs to the plant: its programs of faults, all registers of its PLCs
and the numbers of all targets.
How to use them: [how-to/drive-the-simulator.md](how-to/drive-the-simulator.md).

The maintenance device is called {Simulator.name}; `simulator:` in plant.yaml says where it listens. Addresses
are those in the request: the first register is 0; tools that count from 1 or 40001 add that. A value of 32 bits has its
high word first, each word its high byte first. A value is written whole or not at all.

A write that fits no register is refused with exception 2, a number that a register cannot hold with exception 3, a
command while another is carried out with exception 6. None of them changes anything.
"""
_TEXT = f"""Input registers {block.TEXT} to {block.TEXT + block.TEXT_WORDS - 1} hold a text on the last command:
ASCII, two characters in each, the first in the high byte, filled up with 0.

From {block.STANDING} on are the faults that stand, at most {MOST} of {block.STANDING_WORDS} registers each: fault,
target and {MOST_ARGS} arguments (float32; NaN where the fault has its default).
"""
_FAULTS = """Numbers never change; those below 100 are the plant's programs (faults.yaml). The target is its number in
the lists of `wte sim --map`. An argument in [brackets] may be left out, from the last one on; a choice is given by its
place, from 1.
"""
_DISTURBANCES = """What the fault `disturbance` can set; its target names one and the thing it acts on: wall_leak/L1.
Neutral is 1 for a factor and 0 for the rest. Several on one thing: factors multiply, amounts add, a flag holds as long
as one wants it.
"""
_TITLES = ("number", "fault", "target", "arguments", "meaning")


def page() -> str:
    """Return what holds for every plant: the block's registers, commands, results and single faults."""
    parts = [
        _HEAD,
        "## Holding registers: what a rig writes\n",
        _fields(block.HOLDING),
        "## Input registers: what it reads\n",
        _fields(block.INPUT),
        _TEXT,
        "## Commands\n",
        _table(("number", "command", "what it does"), ((c.value, _name(c.name), t) for c, t in block.COMMANDS.items())),
        "## Results\n",
        _table(("number", "result", "meaning"), ((r.value, _name(r.name), t) for r, t in block.RESULTS.items())),
        "## Faults\n",
        _FAULTS,
        _table(_TITLES, (_row(*one) for one in FAULTS.items())),
        "## Disturbances\n",
        _DISTURBANCES,
        _table(
            ("disturbance", "kind", "range", "meaning"),
            ((key, d.kind.value, f"{d.lo:g}..{d.hi:g} {d.unit}".strip(), d.meaning) for key, d in DISTURBANCES.items()),
        ),
    ]
    return "\n".join(parts)


def plant_page(plant: simulator.Simulator) -> str:
    """Return what holds for this plant: its programs, the registers of its PLCs, the targets of faults by number."""
    points = plant.points
    number = {p.key: n for keys in (points.inputs, points.outputs) for n, p in enumerate(keys, start=1)}
    programs = [_row(*one) for one in plant.fault_table().items() if one[0] not in FAULTS]
    parts = ["## Programs of faults\n", _table(_TITLES, programs)] if programs else []
    for device in points.devices:
        own = [p for p in (*points.inputs, *points.outputs) if p.device == device]
        own.sort(key=lambda p: (p.table, p.address))
        rows = ((p.table, p.address, p.form, p.key, f"{p.lo:g}..{p.hi:g} {p.unit}".strip(), number[p.key]) for p in own)
        titles = ("table", "address", "form", "tag", "range", "number as a target")
        parts += [f"## Registers of {device}\n", _table(titles, rows)]
    parts += ["## Other targets\n", _table(("fault", "targets"), _other_targets(plant))]
    return "\n".join(parts)


def _other_targets(plant: simulator.Simulator) -> list[tuple[str, str]]:
    """Return faults and the targets they share by number; not those whose targets are all inputs or all outputs."""
    faults_on: dict[tuple[str, ...], list[str]] = {}
    for name, fault in plant.fault_table().items():
        if fault.targets is not None:
            faults_on.setdefault(tuple(fault.targets(plant.faults)), []).append(name)
    for points in (plant.points.inputs, plant.points.outputs):
        faults_on.pop(tuple(p.key for p in points), None)
    return [
        (", ".join(names), ", ".join(f"{n} {key}" for n, key in enumerate(keys, start=1)))
        for keys, names in faults_on.items()
    ]


def _fields(fields: Iterable[block.Field]) -> str:
    rows = ((_place(f), f.name, f.form, f.meaning) for f in fields)
    return _table(("address", "name", "form", "meaning"), rows)


def _place(field: block.Field) -> str:
    last = field.address + width(field.form) - 1
    return f"{field.address}" if last == field.address else f"{field.address}, {last}"


def _row(name: str, fault: Fault) -> tuple[object, ...]:
    target = "" if fault.targets is None else next(iter(fault.args))
    if target:
        target = f"{target}: {fault.args[target]}" + (" (0: all)" if target in fault.optional else "")
    args = [_argument(fault, arg) for arg in fault.numbers]
    return fault.number, name, target, ". ".join(args), fault.meaning


def _argument(fault: Fault, arg: str) -> str:
    name = f"[{arg}]" if arg in fault.optional else arg
    choices = ", ".join(f"{n} {choice}" for n, choice in enumerate(fault.choices.get(arg, ()), start=1))
    limits = f", {fault.limits[arg][0]:g}..{fault.limits[arg][1]:g}" if arg in fault.limits else ""
    default = f"; default {fault.defaults[arg]:g}" if arg in fault.defaults else ""
    return f"{name}: {fault.args[arg]}{limits}{default}" + (f" ({choices})" if choices else "")


def _name(constant: str) -> str:
    return constant.lower().replace("_", " ")


def _table(titles: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    lines = [titles, ("---",) * len(titles), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"
