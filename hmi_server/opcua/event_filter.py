"""Event filters: which fields a client wants of an event, and which events it wants (OPC UA Part 4 section 7.22.3)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from asyncua import ua

from hmi_server.opcua.event_record import EventRecord
from hmi_server.opcua.ids import AttributeIds, StatusCodes
from hmi_server.opcua.view import Views

MAX_ELEMENTS: Final = 100

_COMPARE: Final[dict[int, Callable[[Any, Any], bool]]] = {
    ua.FilterOperator.Equals: lambda a, b: a == b,
    ua.FilterOperator.GreaterThan: lambda a, b: a > b,
    ua.FilterOperator.LessThan: lambda a, b: a < b,
    ua.FilterOperator.GreaterThanOrEqual: lambda a, b: a >= b,
    ua.FilterOperator.LessThanOrEqual: lambda a, b: a <= b,
}
_NEEDS: Final = {  # operands of each operator that is understood
    **dict.fromkeys(_COMPARE, 2),
    ua.FilterOperator.IsNull: 1,
    ua.FilterOperator.Not: 1,
    ua.FilterOperator.OfType: 1,
    ua.FilterOperator.Between: 3,
    ua.FilterOperator.InList: 2,
    ua.FilterOperator.And: 2,
    ua.FilterOperator.Or: 2,
}


def _path(operand: ua.SimpleAttributeOperand) -> str:
    return "/".join(part.Name or "" for part in operand.BrowsePath)


@dataclass(slots=True)
class CompiledFilter:
    """An event filter that has been checked."""

    selected: list[ua.SimpleAttributeOperand]
    elements: list[ua.ContentFilterElement]
    views: Views
    sees_audit: bool = True

    def select(self, event: EventRecord, locale: str) -> list[ua.Variant]:
        """Return the selected fields; one that the event does not have is null."""
        return [self._field(operand, event, locale) for operand in self.selected]

    def _field(self, operand: ua.SimpleAttributeOperand, event: EventRecord, locale: str) -> ua.Variant:
        if operand.BrowsePath:
            return event.value(_path(operand), locale)
        if operand.AttributeId == AttributeIds.NodeId and event.condition is not None:
            return ua.Variant(event.condition, ua.VariantType.NodeId)
        return ua.Variant(None, ua.VariantType.Null)

    def passes(self, event: EventRecord) -> bool:
        """Whether the where clause lets the event through; a comparison of unlike things does not."""
        if event.is_audit and not self.sees_audit:
            return False
        if event.is_refresh or not self.elements:
            return True
        return self._holds(0, event) is True

    def _holds(self, number: int, event: EventRecord) -> bool | None:
        """Evaluate an element: true, false, or None for unknown."""
        element = self.elements[number]
        operator = element.FilterOperator
        if operator == ua.FilterOperator.OfType:
            wanted = self._value(element.FilterOperands[0], event)
            return isinstance(wanted, ua.NodeId) and event.event_type in self.views.subtypes_of(wanted)
        values = [self._value(operand, event) for operand in element.FilterOperands]
        match operator:
            case ua.FilterOperator.IsNull:
                return values[0] is None
            case ua.FilterOperator.Not:
                return None if values[0] is None else not values[0]
            case ua.FilterOperator.InList:
                return any(values[0] == other for other in values[1:])
            case ua.FilterOperator.And:
                return False if False in values else None if None in values else True
            case ua.FilterOperator.Or:
                return True if True in values else None if None in values else False
            case ua.FilterOperator.Between:
                low = _compare(ua.FilterOperator.GreaterThanOrEqual, values[0], values[1])
                return low and _compare(ua.FilterOperator.LessThanOrEqual, values[0], values[2])
            case _:
                return _compare(operator, values[0], values[1])

    def _value(self, operand: Any, event: EventRecord) -> Any:
        if isinstance(operand, ua.ElementOperand):
            return self._holds(operand.Index, event)
        if isinstance(operand, ua.LiteralOperand):
            return None if operand.Value is None else operand.Value.Value
        return self._field(operand, event, "en").Value


def _compare(operator: int, left: Any, right: Any) -> bool | None:
    if left is None or right is None:
        return None
    try:
        return _COMPARE[operator](left, right)
    except TypeError:
        return False


def compile_filter(wanted: ua.EventFilter, views: Views, *, sees_audit: bool) -> CompiledFilter:
    """Check a client's filter; raises the OPC UA status of the first thing that is not understood."""
    if not wanted.SelectClauses:
        raise ua.UaStatusCodeError(StatusCodes.BadEventFilterInvalid)
    elements: list[ua.ContentFilterElement] = list(wanted.WhereClause.Elements or ())
    if len(elements) > MAX_ELEMENTS:
        raise ua.UaStatusCodeError(StatusCodes.BadEventFilterInvalid)
    for number, element in enumerate(elements):
        _check(number, element, len(elements))
    return CompiledFilter(list(wanted.SelectClauses), elements, views, sees_audit)


def _check(number: int, element: ua.ContentFilterElement, count: int) -> None:
    needed = _NEEDS.get(element.FilterOperator)
    if needed is None:
        raise ua.UaStatusCodeError(StatusCodes.BadFilterOperatorUnsupported)
    if len(element.FilterOperands) < needed:
        raise ua.UaStatusCodeError(StatusCodes.BadFilterOperandCountMismatch)
    for operand in element.FilterOperands:
        if isinstance(operand, ua.ElementOperand):
            if not number < operand.Index < count:  # only forward: a filter cannot refer to itself
                raise ua.UaStatusCodeError(StatusCodes.BadFilterOperandInvalid)
        elif not isinstance(operand, ua.LiteralOperand | ua.SimpleAttributeOperand):
            raise ua.UaStatusCodeError(StatusCodes.BadFilterOperandInvalid)
