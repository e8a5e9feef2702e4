"""The Read service: attributes of plant nodes from the plan and the newest frame, of standard nodes from asyncua."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from asyncua import ua
from asyncua.server.address_space import AddressSpace

from controller.core.command import Role
from controller.core.tags import DataType, Row
from controller.core.units import UNITS
from hmi_server.opcua.ids import AttributeIds, ObjectIds, StatusCodes, date_time, key_of, node_id, standard, status
from hmi_server.opcua.live import Live
from hmi_server.opcua.space import PlantNode, PlantSpace, localized

_UNECE: Final = "http://www.opcfoundation.org/UA/units/un/cefact"
_READ: Final = 1 << ua.AccessLevel.CurrentRead
_WRITE: Final = 1 << ua.AccessLevel.CurrentWrite
_DATA_TYPES: Final = {
    DataType.BOOL: ObjectIds.Boolean,
    DataType.INT: ObjectIds.Int32,
    DataType.FLOAT: ObjectIds.Double,
}
_PROPERTY_TYPES: Final = {
    "EURange": ObjectIds.Range,
    "EngineeringUnits": ObjectIds.EUInformation,
    "EnumValues": ObjectIds.EnumValueType,
    "ValueAsText": ObjectIds.LocalizedText,
    "FalseState": ObjectIds.LocalizedText,
    "TrueState": ObjectIds.LocalizedText,
}
_ONE_DIMENSION: Final = 1
_SCALAR: Final = -1
_TIMESTAMPS: Final = ua.TimestampsToReturn

Reader = Callable[[PlantNode, str, Role], ua.Variant]


def bad(code: int) -> ua.DataValue:
    """Return a value that is only a status."""
    return ua.DataValue(ua.Variant(None, ua.VariantType.Null), StatusCode=status(code))


class Attributes:
    """Reads any attribute of any node for a session's role and language."""

    def __init__(self, space: PlantSpace, live: Live, standard: AddressSpace) -> None:
        self._space = space
        self._live = live
        self._standard = standard
        self._period_ms = space.plan.period_ns / 1e6
        ids = AttributeIds
        self._common: dict[int, Reader] = {
            ids.NodeId: lambda n, _l, _r: ua.Variant(node_id(n.key), ua.VariantType.NodeId),
            ids.NodeClass: lambda n, _l, _r: ua.Variant(int(n.node_class), ua.VariantType.Int32),
            ids.BrowseName: lambda n, _l, _r: ua.Variant(n.name, ua.VariantType.QualifiedName),
            ids.DisplayName: lambda n, lang, _r: ua.Variant(localized(n.title, lang), ua.VariantType.LocalizedText),
            ids.Description: lambda n, lang, _r: ua.Variant(localized(n.words, lang), ua.VariantType.LocalizedText),
            ids.WriteMask: lambda _n, _l, _r: ua.Variant(0, ua.VariantType.UInt32),
            ids.UserWriteMask: lambda _n, _l, _r: ua.Variant(0, ua.VariantType.UInt32),
        }
        self._by_class: dict[ua.NodeClass, dict[int, Reader]] = {
            ua.NodeClass.Object: {ids.EventNotifier: lambda _n, _l, _r: ua.Variant(0, ua.VariantType.Byte)},
            ua.NodeClass.Method: {
                ids.Executable: lambda _n, _l, _r: ua.Variant(True, ua.VariantType.Boolean),
                ids.UserExecutable: lambda n, _l, role: ua.Variant(self._may_reset(n, role), ua.VariantType.Boolean),
            },
            ua.NodeClass.Variable: {
                ids.DataType: self._data_type,
                ids.ValueRank: lambda n, _l, _r: ua.Variant(
                    _ONE_DIMENSION if n.prop == "EnumValues" else _SCALAR, ua.VariantType.Int32
                ),
                ids.AccessLevel: lambda n, _l, _r: ua.Variant(self._access(n, None), ua.VariantType.Byte),
                ids.UserAccessLevel: lambda n, _l, role: ua.Variant(self._access(n, role), ua.VariantType.Byte),
                ids.MinimumSamplingInterval: lambda _n, _l, _r: ua.Variant(self._period_ms, ua.VariantType.Double),
                ids.Historizing: lambda _n, _l, _r: ua.Variant(False, ua.VariantType.Boolean),
            },
        }

    def read(self, params: ua.ReadParameters, locale: str, role: Role) -> list[ua.DataValue]:
        """Answer the Read service, item by item."""
        if params.MaxAge < 0:
            raise ua.UaStatusCodeError(StatusCodes.BadMaxAgeInvalid)
        if params.TimestampsToReturn == _TIMESTAMPS.Invalid:
            raise ua.UaStatusCodeError(StatusCodes.BadTimestampsToReturnInvalid)
        return [
            stamped(self.read_item(item, locale, role), item.AttributeId, params.TimestampsToReturn)
            for item in params.NodesToRead
        ]

    def read_item(self, item: ua.ReadValueId, locale: str, role: Role) -> ua.DataValue:
        """Read one attribute, without the choice of timestamps."""
        is_value = item.AttributeId == AttributeIds.Value
        if item.DataEncoding.Name and (not is_value or item.DataEncoding.Name != "Default Binary"):
            return bad(StatusCodes.BadDataEncodingUnsupported if is_value else StatusCodes.BadDataEncodingInvalid)
        key = key_of(item.NodeId)
        found = self._read_standard(item) if key is None else self._read_plant(key, item.AttributeId, locale, role)
        return _ranged(found, item.IndexRange) if item.IndexRange else found

    def _read_plant(self, key: str, attribute: int, locale: str, role: Role) -> ua.DataValue:
        row = self._space.plan.tags.index.get(key, -1)
        if row >= 0 and attribute == AttributeIds.Value:
            return self._live.data_value(row)
        node = self._space.node(key)
        if node is None:
            return bad(StatusCodes.BadNodeIdUnknown)
        if node.prop and attribute == AttributeIds.Value:
            return ua.DataValue(self._property(node, locale), SourceTimestamp=date_time(datetime.now(UTC)))
        reader = self._common.get(attribute) or self._by_class[node.node_class].get(attribute)
        if reader is None:
            return bad(StatusCodes.BadAttributeIdInvalid)
        return ua.DataValue(reader(node, locale, role))

    def _read_standard(self, item: ua.ReadValueId) -> ua.DataValue:
        try:
            attribute = AttributeIds(item.AttributeId)
        except ValueError:
            return bad(StatusCodes.BadAttributeIdInvalid)
        if item.NodeId == standard(ObjectIds.Server_ServiceLevel) and attribute == AttributeIds.Value:
            level = ua.Variant(self._live.service_level, ua.VariantType.Byte)
            return ua.DataValue(level, SourceTimestamp=date_time(datetime.now(UTC)))
        if attribute == AttributeIds.Value and not self._is_readable(item.NodeId):
            return bad(StatusCodes.BadNotReadable)
        return self._standard.read_attribute_value(item.NodeId, attribute)

    def _is_readable(self, node: ua.NodeId) -> bool:
        """Whether AccessLevel lets a standard node be read; one that has none is left to its other checks."""
        level = self._standard.read_attribute_value(node, AttributeIds.AccessLevel)
        return level.Value is None or level.Value.Value is None or bool(level.Value.Value & _READ)

    # --- attributes of plant nodes -----------------------------------------------------------------------------------

    def _row(self, node: PlantNode) -> Row:
        return self._space.plan.tags.rows[node.row]

    def _data_type(self, node: PlantNode, _locale: str, _role: Role) -> ua.Variant:
        kind = _PROPERTY_TYPES[node.prop] if node.prop else _DATA_TYPES[self._row(node).data_type]
        return ua.Variant(standard(kind), ua.VariantType.NodeId)

    def _access(self, node: PlantNode, role: Role | None) -> int:
        """AccessLevel of a row; with a role, what is left for that role."""
        writers = frozenset[Role]() if node.prop else self._row(node).writers
        may_write = bool(writers) if role is None else role in writers
        return _READ | _WRITE if may_write else _READ

    def _may_reset(self, node: PlantNode, role: Role) -> bool:
        key = node.key.partition("/")[0]
        needed = next(trip.reset_role for trip in self._space.plan.trip_info if trip.key == key)
        return needed is not None and needed <= role < Role.ADMIN

    def _property(self, node: PlantNode, locale: str) -> ua.Variant:
        row = self._row(node)
        match node.prop:
            case "EURange":
                return ua.Variant(ua.Range(row.lo, row.hi), ua.VariantType.ExtensionObject)
            case "EngineeringUnits":
                return ua.Variant(_eu_information(row.unit), ua.VariantType.ExtensionObject)
            case "EnumValues":
                values = [ua.EnumValueType(ua.Int64(code), localized(text, locale)) for code, text in row.states]
                return ua.Variant(values, ua.VariantType.ExtensionObject, is_array=True)
            case "ValueAsText":
                return ua.Variant(self._state_text(node.row, row, locale), ua.VariantType.LocalizedText)
            case _:
                text = dict(row.states)[int(node.prop == "TrueState")]
                return ua.Variant(localized(text, locale), ua.VariantType.LocalizedText)

    def _state_text(self, number: int, row: Row, locale: str) -> ua.LocalizedText:
        code = self._live.variant(number).Value
        text = None if code is None else dict(row.states).get(round(code))
        return ua.LocalizedText() if text is None else localized(text, locale)


def _eu_information(unit: str) -> ua.EUInformation:
    known = UNITS[unit]
    words = ua.LocalizedText(known.symbol)
    return ua.EUInformation(_UNECE, known.unece_id, words, words)


def _ranged(found: ua.DataValue, index_range: str) -> ua.DataValue:
    """Apply an IndexRange ("2" or "1:3") to a one-dimensional array; anything else has no such elements."""
    value = None if found.Value is None else found.Value.Value
    first, _, last = index_range.partition(":")
    if not first.isdigit() or (last and not last.isdigit()) or (last and int(last) <= int(first)):
        return bad(StatusCodes.BadIndexRangeInvalid)
    if found.Value is None or not isinstance(value, list | tuple | str | bytes):
        return bad(StatusCodes.BadIndexRangeNoData)
    part = value[int(first) : int(last or first) + 1]
    if not part:
        return bad(StatusCodes.BadIndexRangeNoData)
    is_array = isinstance(value, list | tuple)
    return replace(found, Value=ua.Variant(part, found.Value.VariantType, is_array=is_array))


def stamped(found: ua.DataValue, attribute: int, wanted: ua.TimestampsToReturn) -> ua.DataValue:
    """Return the value with the timestamps the client asked for; only Value has a source time."""
    has_source = wanted in {_TIMESTAMPS.Source, _TIMESTAMPS.Both} and attribute == AttributeIds.Value
    has_server = wanted in {_TIMESTAMPS.Server, _TIMESTAMPS.Both}
    return replace(
        found,
        SourceTimestamp=found.SourceTimestamp if has_source else None,
        ServerTimestamp=datetime.now(UTC) if has_server else None,
        SourcePicoseconds=None,
        ServerPicoseconds=None,
    )
