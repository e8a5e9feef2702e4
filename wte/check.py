"""The summary that ``wte check`` prints of a configuration without mistakes."""

from collections import Counter

from rich.table import Table

from controller.core.config import Config
from controller.core.plan import Plan
from controller.core.tags import RowKind
from controller.modbus.poll import plan_reads, plan_writes, supervision_points


def summary(config: Config, plan: Plan) -> list[Table]:
    """Return the tables: what the plant has, and what each device is asked each scan."""
    return [_parts(config, plan), _devices(plan)]


def _parts(config: Config, plan: Plan) -> Table:
    table = Table(title=f"{plan.title.en}: no mistakes")
    instances = list(plan.instances)
    table.add_column("")
    for name in [*instances, "all"]:
        table.add_column(name, justify="right")
    rows = {
        "inputs": [row.instance for row in plan.tags.rows if row.kind is RowKind.INPUT],
        "derived tags": [row.instance for row in plan.tags.rows if row.kind is RowKind.DERIVED],
        "emission figures": [row.instance for row in plan.tags.rows if row.kind is RowKind.EMISSION],
        "outputs": [row.instance for row in plan.tags.rows if row.kind is RowKind.OUTPUT],
        "system figures": [row.instance for row in plan.tags.rows if row.kind is RowKind.SYSTEM],
        "loops": [loop.instance for loop in config.loops.values()],
        "protection rows": [row.instance for row in config.protection.values()],
        "alarms": [row.instance for row in plan.tags.rows if row.kind is RowKind.ALARM],
        "values in OPC UA": [row.instance for row in plan.tags.rows],
    }
    for title, found in rows.items():
        count = Counter(found)
        table.add_row(title, *(str(count[name]) for name in instances), str(len(found)))
    return table


def _devices(plan: Plan) -> Table:
    table = Table(title="devices, each scan")
    for column in ("device", "address", "registers read", "registers written", "read requests", "write requests"):
        table.add_column(column, justify="left" if column in {"device", "address"} else "right", overflow="fold")
    guards = [supervision_points(number, device) for number, device in enumerate(plan.devices)]
    gaps = [device.max_gap for device in plan.devices]
    reads = plan_reads([*plan.inputs, *plan.outputs, *(guard["plc_counter"] for guard in guards)], gaps)
    outputs = plan_writes(plan.outputs)
    marks = plan_writes([guard[name] for guard in guards for name in ("heartbeat", "planned_stop")])
    for number, device in enumerate(plan.devices):
        read = [reads.blocks[block] for block in reads.of(number)]
        written = [part.blocks[block] for part in (outputs, marks) for block in part.of(number)]
        table.add_row(
            device.name,
            f"{device.host}:{device.port}",
            str(sum(block.count for block in read)),
            str(sum(block.count for block in written)),
            str(len(read)),
            str(len(written)),
        )
    return table
