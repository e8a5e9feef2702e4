"""Event filters: fields by browse path, where clauses with three answers, and filters nobody can evaluate."""

from typing import Any

import pytest
from asyncua import ua
from asyncua.server.address_space import AddressSpace, NodeData

from controller.core.tags import Text
from hmi_server.opcua.event_filter import compile_filter
from hmi_server.opcua.event_record import EventRecord, EventStamp, base_fields
from hmi_server.opcua.ids import AttributeIds, ObjectIds, StatusCodes, node_id, standard
from hmi_server.opcua.space import PlantSpace
from hmi_server.opcua.view import Views
from tests.logic_plans import make_plan

ALARM = standard(ObjectIds.ExclusiveLevelAlarmType)
CONDITION = standard(ObjectIds.ConditionType)
Operators = ua.FilterOperator


@pytest.fixture
def views() -> Views:
    """The type tree as far as the tests need it: the level alarm is a condition."""
    aspace = AddressSpace()
    parent = NodeData(CONDITION)
    child = ua.ReferenceDescription()
    child.ReferenceTypeId, child.IsForward = standard(ObjectIds.HasSubtype), True
    child.NodeId = ALARM
    parent.references = [child]
    aspace[CONDITION], aspace[ALARM] = parent, NodeData(ALARM)
    return Views(aspace, PlantSpace(make_plan([])))


def event(*, severity: int = 500, is_audit: bool = False) -> EventRecord:
    stamp = EventStamp(b"1", "L1-LT-1401", 0, severity, Text("level high", "уровень высок"))
    return EventRecord(ALARM, base_fields(ALARM, stamp, node_id("L1-LT-1401")), node_id("L1-LT-1401.HI"), is_audit)


def field(*path: str, attribute: int = AttributeIds.Value) -> ua.SimpleAttributeOperand:
    operand = ua.SimpleAttributeOperand()
    operand.AttributeId = AttributeIds(attribute)
    operand.BrowsePath = [ua.QualifiedName(name, 0) for name in path]
    return operand


def literal(value: Any) -> ua.LiteralOperand:
    return ua.LiteralOperand(Value=ua.Variant(value))


def element(number: int) -> ua.ElementOperand:
    return ua.ElementOperand(Index=number)


def wanted(*elements: tuple[Any, ...], select: list[Any] | None = None) -> ua.EventFilter:
    found = ua.EventFilter()
    found.SelectClauses = select if select is not None else [field("Message")]
    found.WhereClause.Elements = [ua.ContentFilterElement(operator, list(given)) for operator, *given in elements]
    return found


def test_fields_come_in_the_order_and_the_language_asked_for(views: Views) -> None:
    select = [field("Message"), field("Severity"), field("Nothing"), field(attribute=AttributeIds.NodeId)]
    compiled = compile_filter(wanted(select=select), views, sees_audit=True)
    message, severity, nothing, condition = (v.Value for v in compiled.select(event(), "ru"))
    assert (message.Text, message.Locale) == ("уровень высок", "ru")
    assert (severity, nothing, condition) == (500, None, node_id("L1-LT-1401.HI"))
    assert compiled.select(event(), "en")[0].Value.Text == "level high"


@pytest.mark.parametrize(
    ("elements", "passes"),
    [
        ([(Operators.OfType, literal(CONDITION))], True),
        ([(Operators.OfType, literal(standard(ObjectIds.AuditEventType)))], False),
        ([(Operators.GreaterThanOrEqual, field("Severity"), literal(500))], True),
        ([(Operators.GreaterThan, field("Severity"), literal(500))], False),
        ([(Operators.GreaterThan, field("Severity"), literal("high"))], False),
        ([(Operators.Between, field("Severity"), literal(400), literal(600))], True),
        ([(Operators.InList, field("SourceName"), literal("x"), literal("L1-LT-1401"))], True),
        ([(Operators.IsNull, field("Nothing"))], True),
        ([(Operators.Not, element(1)), (Operators.Equals, field("Nothing"), literal(1))], False),  # not unknown
        (
            [
                (Operators.Or, element(1), element(2)),
                (Operators.Equals, field("Nothing"), literal(1)),
                (Operators.Equals, field("Severity"), literal(500)),
            ],
            True,
        ),
        (
            [
                (Operators.And, element(1), element(2)),
                (Operators.Equals, field("Nothing"), literal(1)),
                (Operators.Equals, field("Severity"), literal(500)),
            ],
            False,
        ),
    ],
)
def test_a_where_clause_lets_through_what_it_says(views: Views, elements: list[Any], *, passes: bool) -> None:
    assert compile_filter(wanted(*elements), views, sees_audit=True).passes(event()) is passes


def test_audit_events_are_for_those_who_logged_in(views: Views) -> None:
    assert compile_filter(wanted(), views, sees_audit=True).passes(event(is_audit=True))
    assert not compile_filter(wanted(), views, sees_audit=False).passes(event(is_audit=True))


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (wanted(select=[]), StatusCodes.BadEventFilterInvalid),
        (wanted((Operators.BitwiseAnd, literal(1), literal(1))), StatusCodes.BadFilterOperatorUnsupported),
        (wanted((Operators.Equals, literal(1))), StatusCodes.BadFilterOperandCountMismatch),
        (wanted((Operators.Not, element(0))), StatusCodes.BadFilterOperandInvalid),
        (wanted((Operators.Not, element(7))), StatusCodes.BadFilterOperandInvalid),
    ],
)
def test_a_filter_nobody_can_evaluate_is_refused(views: Views, asked: ua.EventFilter, code: int) -> None:
    with pytest.raises(ua.UaStatusCodeError) as refused:
        compile_filter(asked, views, sees_audit=True)
    assert refused.value.code == code
