"""The rows of the tag table: what each value is called, how it looks, and who may write it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast

from controller.core import models
from controller.core.command import Role
from controller.core.config import Config, Placed, area_of
from controller.core.config.forward import destinations
from controller.core.loop_plan import LOOP_MEMBERS
from controller.core.plan import AlarmState, Mode, Suspension, TripState
from controller.core.tags import DataType, Row, RowKind, Text

PROCESS_ROLES = frozenset({Role.OPERATOR, Role.SHIFT_LEAD, Role.ENGINEER})
ENGINEER_ONLY = frozenset({Role.ENGINEER})

ALARM_KINDS = ("hihi", "hi", "lo", "lolo", "active", "bad")
LOW_KINDS = frozenset({"lo", "lolo"})

_MODE_TEXT = {
    Mode.OOS: Text("Out of service", "Выведен"),
    Mode.LO: Text("Local override", "Принудительно"),
    Mode.MAN: Text("Manual", "Ручной"),
    Mode.AUTO: Text("Automatic", "Автомат"),
    Mode.CAS: Text("Cascade", "Каскад"),
    Mode.RCAS: Text("Remote cascade", "Внешний каскад"),
    Mode.IMAN: Text("Initialisation manual", "Ожидание каскада"),
}
_TRIP_TEXT = {
    TripState.HEALTHY: Text("Healthy", "Норма"),
    TripState.CAUSE_SHOWN: Text("Cause present, not acting", "Причина есть, не действует"),
    TripState.ACTIVE: Text("Acting", "Действует"),
    TripState.LATCHED: Text("Tripped, cause present", "Сработала, причина есть"),
    TripState.RESETTABLE: Text("Tripped, may be reset", "Сработала, можно сбросить"),
    TripState.DEGRADED: Text("Healthy, channel bad", "Норма, канал неисправен"),
    TripState.BYPASSED: Text("Bypassed", "Выведена"),
    TripState.TEST: Text("Under test", "Проверка"),
}
_ALARM_TEXT = {
    AlarmState.NORMAL: Text("Normal", "Норма"),
    AlarmState.UNACKED: Text("Active, not acknowledged", "Активна, не квитирована"),
    AlarmState.ACKED: Text("Active, acknowledged", "Активна, квитирована"),
    AlarmState.RETURNED_UNACKED: Text("Returned, not acknowledged", "Ушла, не квитирована"),
    AlarmState.SHELVED: Text("Shelved", "Отложена"),
    AlarmState.SUPPRESSED: Text("Suppressed by design", "Подавлена логикой"),
    AlarmState.OUT_OF_SERVICE: Text("Out of service", "Выведена"),
}
_SUSPENSION_TEXT = {
    Suspension.NONE: Text("None", "Нет"),
    Suspension.CHANNEL: Text("Channel", "Канал"),
    Suspension.FUNCTION: Text("Whole row", "Вся защита"),
    Suspension.START_UP: Text("Start-up override", "Пусковая блокировка"),
    Suspension.TEST: Text("Test", "Проверка"),
}
_CAUSE_TEXT = ((0, Text("No", "Нет")), (1, Text("Yes", "Да")), (2, Text("Unknown", "Неизвестно")))
_NO_YES = ((0, Text("No", "Нет")), (1, Text("Yes", "Да")))
_MEMBER_TEXT = {
    "PV": Text("process value", "значение"),
    "SP": Text("set-point", "задание"),
    "SP_ACT": Text("set-point in use", "действующее задание"),
    "SPR": Text("remote set-point", "внешнее задание"),
    "OP": Text("output", "выход"),
    "MODE": Text("target mode", "заданный режим"),
    "MODE_ACT": Text("actual mode", "действующий режим"),
    "KP": Text("gain", "коэффициент"),
    "TI": Text("integral time", "время интегрирования"),
    "TD": Text("derivative time", "время дифференцирования"),
    "ERR": Text("control error", "рассогласование"),
    "STATE": Text("state", "состояние"),
    "CAUSE": Text("cause", "причина"),
    "ARMED": Text("armed", "введена"),
    "FIRST_OUT": Text("first-out order", "очерёдность"),
    "BAD": Text("bad channels", "неисправных каналов"),
    "BYPASS": Text("bypass", "вывод"),
    "LEFT": Text("time left of the bypass", "остаток времени вывода"),
    "ACT": Text("acts", "действует"),
}
_ALARM_KIND_TEXT = {
    "hihi": Text("high-high", "верхний аварийный"),
    "hi": Text("high", "верхний"),
    "lo": Text("low", "нижний"),
    "lolo": Text("low-low", "нижний аварийный"),
    "active": Text("alarm", "сигнализация"),
    "bad": Text("signal bad", "сигнал недостоверен"),
}


def text(title: models.Title) -> Text:
    """Return a title as the text of the tag table."""
    return Text(title.en, title.ru)


def _joined(title: models.Title, part: Text) -> Text:
    return Text(f"{title.en}: {part.en}", f"{title.ru}: {part.ru}")


@dataclass(slots=True)
class Alarm:
    """One alarm of one tag: ``kind`` is the field of models.Alarms it comes from."""

    source: str
    kind: str
    spec: models.AlarmSpec
    tag: Placed[models.Tag]

    @property
    def key(self) -> str:
        """The key of the alarm's row; one of a tag that has a dot already joins with an underscore."""
        dot = "_" if "." in self.source else "."
        return f"{self.source}{dot}{self.kind.upper()}"


def alarms_of(tags: dict[str, Placed[models.Tag]]) -> list[Alarm]:
    """Return the alarms of all tags: high ones, low ones, lost quality, each in the order of tags and of severity."""
    alarms = [
        Alarm(tag.key, kind, spec, tag)
        for tag in tags.values()
        if tag.spec.alarms
        for kind in ALARM_KINDS
        if (spec := cast("models.AlarmSpec | None", getattr(tag.spec.alarms, kind)))
    ]
    return sorted(alarms, key=lambda alarm: (alarm.kind == "bad", alarm.kind in LOW_KINDS))


@dataclass(slots=True)
class Table:
    """The tag table while it grows: rows in order and their numbers."""

    rows: list[Row] = field(default_factory=list[Row])
    index: dict[str, int] = field(default_factory=dict[str, int])

    def add_rows(self, rows: Iterable[Row]) -> None:
        """Add rows and number them."""
        for row in rows:
            self.index[row.key] = len(self.rows)
            self.rows.append(row)

    def add_tags(
        self, tags: Iterable[Placed[models.Tag]], kind: RowKind, driven: frozenset[str] | set[str] = frozenset()
    ) -> None:
        """Add the rows of tags; an output that no loop drives is the operator's."""
        for placed in tags:
            is_operators = kind is RowKind.OUTPUT and placed.key not in driven
            self.add_rows([tag_row(placed, kind, PROCESS_ROLES if is_operators else frozenset())])


def tag_row(placed: Placed[models.Tag], kind: RowKind, writers: frozenset[Role]) -> Row:
    """Return the row of a tag; ``writers`` may write it."""
    spec = placed.spec
    owner, _, member = placed.key.partition(".")
    states = tuple((code, text(title)) for code, title in sorted((spec.states or {}).items()))
    return Row(
        key=placed.key,
        kind=kind,
        title=text(spec.title),
        data_type=DataType.BOOL if spec.bool_ else DataType.FLOAT,
        unit=spec.unit,
        lo=spec.range.lo if spec.range else 0.0,
        hi=spec.range.hi if spec.range else 1.0,
        writers=writers,
        states=states or (_NO_YES if spec.bool_ else ()),
        instance=placed.instance,
        area=area_of(placed.key),
        owner=owner if member else "",
        member=member,
    )


def members_of(config: Config, loop: Placed[models.Loop]) -> tuple[str, ...]:
    """Return the members of a loop, in order: those that mean something for its law and its place."""
    spec = loop.spec
    left_out: set[str] = set()
    if spec.law == "station":
        left_out |= {"SP", "SP_ACT", "ERR"}
    if spec.law != "pid":
        left_out |= {"KP", "TI", "TD"}
    has_source = spec.sp is not None and spec.sp.from_ is not None
    if not has_source and not any(loop.key in destinations(other.spec) for other in config.loops.values()):
        left_out.add("SPR")
    return tuple(member for member in LOOP_MEMBERS if member not in left_out)


def loop_row(loop: Placed[models.Loop], pv: Row, member: str) -> Row:
    """Return the row of one member of a loop; ``pv`` is the row of its process value."""
    unit, lo, hi = pv.unit, pv.lo, pv.hi
    data_type, states = DataType.FLOAT, ()
    writers: frozenset[Role] = frozenset()
    match member:
        case "PV":
            data_type, states = pv.data_type, pv.states
        case "SP" if loop.spec.sp is not None:
            lo, hi, writers = loop.spec.sp.lo, loop.spec.sp.hi, PROCESS_ROLES
        case "OP":
            unit, lo, hi, writers = "%", loop.spec.op.lo, loop.spec.op.hi, PROCESS_ROLES
        case "MODE" | "MODE_ACT":
            unit, lo, hi, data_type = "", 0.0, float(max(Mode)), DataType.INT
            states = tuple((int(mode), text) for mode, text in _MODE_TEXT.items())
            writers = PROCESS_ROLES if member == "MODE" else writers
        case "KP":
            unit, lo, hi, writers = "", 0.001, 1000.0, ENGINEER_ONLY
        case "TI" | "TD":
            unit, lo, hi, writers = "s", 0.0, 36_000.0, ENGINEER_ONLY
        case "ERR":
            lo, hi = lo - hi, hi - lo
        case _:
            pass
    return Row(
        key=f"{loop.key}.{member}",
        kind=RowKind.LOOP,
        title=_joined(loop.spec.title, _MEMBER_TEXT[member]),
        data_type=data_type,
        unit=unit,
        lo=lo,
        hi=hi,
        writers=writers,
        states=states,
        instance=loop.instance,
        area=area_of(loop.key),
        owner=loop.key,
        member=member,
    )


def trip_row(placed: Placed[models.ProtectionRow], member: str) -> Row:
    """Return the row of one member of a protection row."""
    states, hi = {
        "STATE": (tuple((int(s), t) for s, t in _TRIP_TEXT.items()), float(max(TripState))),
        "CAUSE": (_CAUSE_TEXT, 2.0),
        "ARMED": (_NO_YES, 1.0),
        "FIRST_OUT": ((), 99.0),
        "BAD": ((), 99.0),
        "BYPASS": (tuple((int(s), t) for s, t in _SUSPENSION_TEXT.items()), float(max(Suspension))),
        "LEFT": ((), 86_400.0),
    }[member]
    data_type = {"ARMED": DataType.BOOL, "LEFT": DataType.FLOAT}.get(member, DataType.INT)
    return Row(
        key=f"{placed.key}.{member}",
        kind=RowKind.TRIP,
        title=_joined(placed.spec.title, _MEMBER_TEXT[member]),
        data_type=data_type,
        unit="s" if member == "LEFT" else "",
        hi=hi,
        states=states,
        instance=placed.instance,
        area=area_of(next(iter(placed.spec.votes.values())).leaves[0].of[0]),
        owner=placed.key,
        member=member,
    )


def acts_key(action: str) -> str:
    """Return the key of the row that tells whether an action acts: ``L1-A2.ACT`` of ``L1/A2``."""
    return f"{action.replace('/', '-')}.ACT"


def action_row(action: Placed[models.ActionGroup]) -> Row:
    """Return the row that tells whether an action acts."""
    return Row(
        key=acts_key(action.key),
        kind=RowKind.TRIP,
        title=_joined(action.spec.title, _MEMBER_TEXT["ACT"]),
        data_type=DataType.BOOL,
        states=_NO_YES,
        instance=action.instance,
    )


def alarm_row(alarm: Alarm) -> Row:
    """Return the row of an alarm's state."""
    owner, _, member = alarm.key.partition(".")
    return Row(
        key=alarm.key,
        kind=RowKind.ALARM,
        title=_joined(alarm.tag.spec.title, _ALARM_KIND_TEXT[alarm.kind]),
        data_type=DataType.INT,
        hi=float(max(AlarmState)),
        states=tuple((int(s), t) for s, t in _ALARM_TEXT.items()),
        instance=alarm.tag.instance,
        area=area_of(alarm.source),
        owner=owner,
        member=member,
    )
