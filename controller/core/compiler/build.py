"""From the checked configuration to the plan: rows of the tag table, index arrays, parameter arrays.

Blocks of one (kind, depth, rate) become one group with contiguous rows, because at batch 1 the number of calls is the
cost of a scan, not the number of tags. Only forward edges are sorted: a reference to an output, a loop member or a
protection row reads the value of the last scan.
"""

from controller.core import models
from controller.core.compiler.arrays import rows
from controller.core.compiler.control import control_groups, loop_plan, output_plan, pv_row
from controller.core.compiler.derived import derived_groups
from controller.core.compiler.emissions import emission_plan
from controller.core.compiler.order import control_order, derived_order, leaf
from controller.core.compiler.safety import alarm_info, alarm_plan, protection_plan, trip_info
from controller.core.compiler.table import (
    Table,
    action_row,
    alarm_row,
    alarms_of,
    loop_row,
    members_of,
    text,
    trip_row,
)
from controller.core.config import Config, Placed
from controller.core.config.forward import destinations
from controller.core.loop_plan import LOOP_MEMBERS
from controller.core.plan import TRIP_MEMBERS, DevicePlan, Plan, PointPlan
from controller.core.tags import RowKind, TagTable


def compile_plan(config: Config) -> Plan:
    """Return the plan of a checked configuration: the rows kind by kind, then each part against the finished table."""
    tags = config.tags
    inputs = [t for t in tags.values() if t.spec.input]
    outputs = [t for t in tags.values() if t.spec.output]
    among_loops = control_order(config)
    late = [[tags[key] for key in group] for group in among_loops if group[0] in tags]
    is_late = {key for group in among_loops for key in group}
    early = derived_order({key: t for key, t in tags.items() if key not in is_late})
    derived = [*early, *late]
    loops = [config.loops[key] for group in among_loops for key in group if key in config.loops]
    matrix = list(config.protection.values())
    alarms = alarms_of(tags)
    system = [t for t in tags.values() if t.spec.system]
    driven = {to for loop in loops for to in destinations(loop.spec)}

    table = Table()
    table.add_tags(inputs, RowKind.INPUT)
    table.add_tags([placed for group in derived for placed in group], RowKind.DERIVED)
    table.add_tags([t for t in tags.values() if t.spec.emission], RowKind.EMISSION)
    table.add_tags(outputs, RowKind.OUTPUT, driven)
    pv = {loop.key: pv_row(config, table, loop) for loop in loops}
    table.add_rows(
        loop_row(loop, pv[loop.key], member)
        for member in LOOP_MEMBERS
        for loop in loops
        if member in members_of(config, loop)
    )
    table.add_rows(trip_row(row, member) for member in TRIP_MEMBERS for row in matrix)
    table.add_rows(action_row(action) for action in config.actions.values())
    table.add_rows(alarm_row(alarm) for alarm in alarms)
    table.add_tags(system, RowKind.SYSTEM)

    output_keys = [o.key for o in outputs]
    groups = derived_groups(config, table, derived)
    loops_plan = loop_plan(config, table, among_loops, output_keys)
    devices = {name: number for number, name in enumerate(config.plant.devices)}
    return Plan(
        name=config.plant.name,
        title=text(config.plant.title),
        config_hash=config.hash,
        period_ns=config.plant.period_ms * 1_000_000,
        watchdog_ns=round(config.plant.watchdog_s * 1e9),
        timezone=config.plant.site.timezone,
        tags=TagTable(tuple(table.rows)),
        areas={name: text(title) for name, title in config.plant.areas.items()},
        instances={name: text(instance.title) for name, instance in config.plant.instances.items()},
        devices=tuple(_device(name, d) for name, d in config.plant.devices.items()),
        inputs=tuple(_point(config, n, t, devices) for n, t in enumerate(inputs)),
        outputs=tuple(_point(config, n, t, devices) for n, t in enumerate(outputs)),
        derived=groups[: len(early)],
        control=control_groups(among_loops, config, groups[len(early) :], loops_plan),
        derived_time=rows(table.index[leaf(tags, t.key)] for group in derived for t in group),
        loops=loops_plan,
        protection=protection_plan(config, table, matrix, output_keys),
        alarms=alarm_plan(table, alarms),
        output=output_plan(outputs, loops_plan),
        system={_figure(t): table.index[t.key] for t in system},
        alarm_info=tuple(alarm_info(a) for a in alarms),
        trip_info=tuple(trip_info(config, table, p) for p in matrix),
        emissions=emission_plan(config, table),
    )


def _point(config: Config, number: int, placed: Placed[models.Tag], devices: dict[str, int]) -> PointPlan:
    spec = placed.spec
    source = spec.input or spec.output
    assert source is not None and source.address is not None, placed.key  # noqa: S101, PT018  checked by load()
    is_bool = source.form == "bool"
    table = spec.input.table if spec.input else None
    default = ("discrete" if is_bool else "input") if spec.input else ("coil" if is_bool else "holding")
    return PointPlan(
        key=placed.key,
        row=number,
        device=devices[source.device],
        table=table or default,
        address=source.address,
        form=source.form,
        byte_order=config.plant.devices[source.device].byte_order,
        lo=spec.range.lo if spec.range else 0.0,
        hi=spec.range.hi if spec.range else 1.0,
    )


def _figure(placed: Placed[models.Tag]) -> str:
    system = placed.spec.system
    assert system is not None  # noqa: S101  caller selects by it
    return f"{system.figure}/{system.device}" if system.device else system.figure


def _device(name: str, device: models.Device) -> DevicePlan:
    s = device.supervision
    return DevicePlan(
        name=name,
        host=device.host,
        port=device.port,
        unit_id=device.unit_id,
        timeout_ms=device.timeout_ms,
        stale_s=device.stale_s,
        heartbeat=s.heartbeat,
        planned_stop=s.planned_stop,
        watchdog_ms=s.watchdog_ms,
        plc_counter=s.plc_counter,
        max_gap=device.max_gap,
    )
