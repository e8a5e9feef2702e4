"""The only way in for a person: Write and Call become commands, and the scan's answer becomes the client's status.

What the scan cannot see (index ranges, types, timestamps) is checked here, everything else there; the order of the
checks is one for both: role, writable, attribute, index range, status or time given, type, finite, then the scan.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from secrets import token_hex
from typing import Final, Protocol, TypeVar

import structlog
from asyncua import ua

from controller.core.command import Action, Answer, Command, Reason
from controller.core.tags import DataType, Row
from hmi_server.opcua.ids import AttributeIds, ObjectIds, StatusCodes, key_of, standard, status
from hmi_server.opcua.session import PlantSession
from hmi_server.opcua.space import RESET, PlantSpace

MAX_COMMANDS: Final = 100  # in one Write or Call request

STATUS: Final[dict[Reason, int]] = {
    Reason.ACCEPTED: StatusCodes.Good,
    Reason.NOT_RECORDED: StatusCodes.GoodCompletesAsynchronously,
    Reason.UNKNOWN_TAG: StatusCodes.BadNodeIdUnknown,
    Reason.NO_RIGHT: StatusCodes.BadUserAccessDenied,
    Reason.NOT_WRITABLE: StatusCodes.BadNotWritable,
    Reason.WRONG_TYPE: StatusCodes.BadTypeMismatch,
    Reason.OUT_OF_RANGE: StatusCodes.BadOutOfRange,
    Reason.WRONG_MODE: StatusCodes.BadInvalidState,
    Reason.INTERLOCKED: StatusCodes.BadInvalidState,
    Reason.CAUSE_STANDS: StatusCodes.BadInvalidState,
    Reason.TOO_MANY: StatusCodes.BadTooManyOperations,
    Reason.NOT_READY: StatusCodes.BadNotConnected,
}
_VARIANTS: Final = {
    DataType.BOOL: ua.VariantType.Boolean,
    DataType.INT: ua.VariantType.Int32,
    DataType.FLOAT: ua.VariantType.Double,
}
_log = structlog.get_logger()
Result = TypeVar("Result")


class Commander(Protocol):
    """What is needed of the link."""

    async def send(self, command: Command, timeout_s: float = 2.0) -> Answer:
        """Return the scan's answer."""
        ...


class Commands:
    """Sends what sessions write and call as commands over the link."""

    def __init__(self, space: PlantSpace, link: Commander) -> None:
        self._space = space
        self._link = link

    async def send(
        self, session: PlantSession, target: str, action: Action, value: float = 0.0, words: str = ""
    ) -> ua.StatusCode:
        """Send one command of a session and return its answer as a status; the reason is logged when it is refused."""
        if session.is_anonymous:
            return status(StatusCodes.BadUserAccessDenied)
        command = Command(
            ident=token_hex(8),
            target=target,
            action=action,
            value=value,
            user=session.user_name,
            role=session.role,
            reason=words,
            address=session.address,
        )
        answer = await self._link.send(command)
        if not answer.is_accepted:
            _log.info(
                "command_refused",
                target=target,
                action=str(action),
                user=session.user_name,
                reason=str(answer.reason),
                text=answer.text,
            )
        return status(STATUS[answer.reason])

    # --- Write -------------------------------------------------------------------------------------------------------

    async def write(self, session: PlantSession, params: ua.WriteParameters) -> list[ua.StatusCode]:
        """Answer the Write service: each item on its own, in the order given."""
        if len(params.NodesToWrite) > MAX_COMMANDS:
            raise ua.UaStatusCodeError(StatusCodes.BadTooManyOperations)
        return await in_order([self._write_item(session, item) for item in params.NodesToWrite])

    async def _write_item(self, session: PlantSession, item: ua.WriteValue) -> ua.StatusCode:
        key = key_of(item.NodeId)
        if session.is_anonymous:
            return self._refused(session, item, StatusCodes.BadUserAccessDenied)
        if key is None or key not in self._space.plan.tags.index:
            return self._refused(session, item, self._status_of_no_row(key))
        row = self._space.plan.tags.rows[self._space.plan.row(key)]
        number = _number(item.Value.Value, row)
        is_allowed = session.role in row.writers and item.AttributeId == AttributeIds.Value
        if is_allowed and (code := _wire_fault(item, number)):
            return self._refused(session, item, code)
        if item.AttributeId != AttributeIds.Value:
            return self._refused(session, item, StatusCodes.BadNotWritable)
        return await self.send(session, key, Action.WRITE, math.nan if number is None else number)

    def _status_of_no_row(self, key: str | None) -> int:
        """Folders, objects, properties and standard nodes are not written; the rest does not exist."""
        is_known = key is None or self._space.node(key) is not None
        return StatusCodes.BadNotWritable if is_known else StatusCodes.BadNodeIdUnknown

    @staticmethod
    def _refused(session: PlantSession, item: ua.WriteValue, code: int) -> ua.StatusCode:
        refused = status(code)
        _log.info(
            "write_refused",
            node=item.NodeId.to_string(),
            user=session.user_name or "anonymous",
            address=session.address,
            status=refused.name,
        )
        return refused

    # --- Call --------------------------------------------------------------------------------------------------------

    async def reset(self, session: PlantSession, call: ua.CallMethodRequest) -> ua.CallMethodResult:
        """Answer a call of a trip's Reset method."""
        result = ua.CallMethodResult()
        key = key_of(call.ObjectId)
        if key is None or self._space.node(key) is None:
            result.StatusCode = status(StatusCodes.BadNodeIdUnknown)
        elif key_of(call.MethodId) != f"{key}/{RESET}":
            result.StatusCode = status(StatusCodes.BadMethodInvalid)
        elif call.InputArguments:
            result.StatusCode = status(StatusCodes.BadTooManyArguments)
        else:
            result.StatusCode = await self.send(session, key, Action.RESET)
        return result


def _number(given: ua.Variant | None, row: Row) -> float | None:
    """Return a written value as a number, None unless it is one value of the row's own type."""
    if given is None or given.is_array or given.Value is None or given.VariantType != _VARIANTS[row.data_type]:
        return None
    return float(given.Value)


def _wire_fault(item: ua.WriteValue, number: float | None) -> int:
    """Return the status of what is wrong with the form of a write, 0 when it is well formed."""
    if item.IndexRange:
        return StatusCodes.BadIndexRangeNoData
    if _carries_status_or_time(item.Value):
        return StatusCodes.BadWriteNotSupported
    if number is None:
        return StatusCodes.BadTypeMismatch
    if not math.isfinite(number):
        return StatusCodes.BadOutOfRange
    return 0


def _carries_status_or_time(value: ua.DataValue) -> bool:
    """Whether a client gives a status (Good is the same as none) or a timestamp with its value."""
    has_status = value.StatusCode is not None and value.StatusCode.value != StatusCodes.Good
    return has_status or value.SourceTimestamp is not None or value.ServerTimestamp is not None


async def in_order(parts: list[Awaitable[Result]]) -> list[Result]:
    """Start all parts in their order and wait for all: a request of many writes takes one scan, not one each."""
    return list(await asyncio.gather(*parts))


_OPEN_METHODS: Final = (  # those that only show
    standard(ObjectIds.ConditionType_ConditionRefresh),
    standard(ObjectIds.ConditionType_ConditionRefresh2),
)
MethodHandler = Callable[[PlantSession, ua.CallMethodRequest], Awaitable[ua.CallMethodResult]]


class Methods:
    """The Call service: plant methods by their NodeId's key, standard methods by their number."""

    def __init__(self, commands: Commands, standard: dict[int, MethodHandler]) -> None:
        self._commands = commands
        self._standard = standard

    async def call(self, session: PlantSession, params: ua.CallParameters) -> list[ua.CallMethodResult]:
        """Answer the Call service: each call on its own, in the order given."""
        if len(params.MethodsToCall) > MAX_COMMANDS:
            raise ua.UaStatusCodeError(StatusCodes.BadTooManyOperations)
        return await in_order([self._call(session, call) for call in params.MethodsToCall])

    async def _call(self, session: PlantSession, call: ua.CallMethodRequest) -> ua.CallMethodResult:
        if session.is_anonymous and call.MethodId not in _OPEN_METHODS:
            return ua.CallMethodResult(status(StatusCodes.BadUserAccessDenied))
        if key_of(call.MethodId) is not None:
            return await self._commands.reset(session, call)
        number = call.MethodId.Identifier if call.MethodId.NamespaceIndex == 0 else None
        handler = self._standard.get(number) if isinstance(number, int) else None
        if handler is None:
            return ua.CallMethodResult(status(StatusCodes.BadMethodInvalid))
        return await handler(session, call)
