"""The plant's part of the address space, answered from the plan on demand.

Nothing is built per node: a tree of keys (who stands below whom) is made once, and a node is described when somebody
asks for it. Keys are the strings of the NodeIds in the namespace ``urn:wte:plant``:

``Plant``, ``Overview``      folders
``L1``, ``L1/14``            folders by instance and by area
``L1-LIC-1401``              object of a loop, a trip or a device; a voted row carries its alarms itself
``L1-LIC-1401.PV``           variable of a row
``L1-LIC-1401.PV/EURange``   property of a row
``L1-UZ-03/Reset``           method of a trip
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from asyncua import ua
from asyncua.server.address_space import NodeData

from controller.core.plan import Plan
from controller.core.tags import DataType, Row, RowKind, Text
from hmi_server.opcua.ids import NAMESPACE, AttributeIds, ObjectIds, expanded, key_of, node_id, standard

NAMESPACE_URI: Final = "urn:wte:plant"

ROOT: Final = "Plant"
OVERVIEW: Final = "Overview"
OVERVIEW_MEMBERS: Final = frozenset({"PV", "SP", "OP", "MODE", "STATE"})
RESET: Final = "Reset"

_ROOT_TEXT = Text("Plant", "Установка")
_OVERVIEW_TEXT = Text("Overview", "Обзор")
_RESET_TEXT = Text("Reset the trip", "Сброс защиты")
_NO_AREA_TEXT = Text("Common", "Общее")
_NO_AREA: Final = "00"

_CONDITION_METHODS = (
    ObjectIds.AcknowledgeableConditionType_Acknowledge,
    ObjectIds.AcknowledgeableConditionType_Confirm,
    ObjectIds.AlarmConditionType_ShelvingState_TimedShelve,
    ObjectIds.AlarmConditionType_ShelvingState_Unshelve,
)


@dataclass(frozen=True, slots=True)
class PlantNode:
    """One node as a client sees it; ``row`` is the row number of a variable, -1 otherwise."""

    key: str
    node_class: ua.NodeClass
    name: ua.QualifiedName
    title: Text  # DisplayName
    words: Text  # Description
    type_id: int  # numeric id of the type definition, 0 for a method
    row: int = -1
    prop: str = ""  # name of the property, for the properties of a row


@dataclass(frozen=True, slots=True)
class Link:
    """One reference of a node: to another plant node (a key) or to a standard node (a number)."""

    type_id: int
    target: str | int
    is_forward: bool = True


def localized(text: Text, locale: str) -> ua.LocalizedText:
    """Return the words in the session's language: "ru", or "en" for every other."""
    return ua.LocalizedText(text.ru, "ru") if locale == "ru" else ua.LocalizedText(text.en, "en")


def properties_of(row: Row) -> tuple[str, ...]:
    """Return the names of the properties of a row's variable."""
    if row.data_type is DataType.BOOL:
        return ("FalseState", "TrueState") if row.states else ()
    if row.states:
        return ("EnumValues", "ValueAsText")
    return ("EURange", "EngineeringUnits") if row.unit else ("EURange",)


def _type_of(row: Row) -> int:
    if row.data_type is DataType.BOOL:
        return ObjectIds.TwoStateDiscreteType if row.states else ObjectIds.BaseDataVariableType
    return ObjectIds.MultiStateValueDiscreteType if row.states else ObjectIds.AnalogItemType


class PlantSpace:
    """Describes plant nodes and their references."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._rows = plan.tags.rows
        self._index = plan.tags.index
        self._trips = {trip.key: trip for trip in plan.trip_info}
        self._resettable = {trip.key for trip in plan.trip_info if trip.reset_role is not None}
        self._conditions = {alarm.key for alarm in plan.alarm_info}

    # --- the tree of keys --------------------------------------------------------------------------------------------

    @cached_property
    def _members(self) -> dict[str, list[str]]:
        """Rows by owner, in table order."""
        members: dict[str, list[str]] = {}
        for row in self._rows:
            if row.owner:
                members.setdefault(row.owner, []).append(row.key)
        return members

    @cached_property
    def _place(self) -> dict[str, str]:
        """Folder of everything that stands in a folder: rows without owner, and owners that are no row themselves."""
        places: dict[str, str] = {}
        for row in self._rows:
            key = row.owner or row.key
            if key not in places and (not row.owner or key not in self._index):
                places[key] = f"{row.instance}/{row.area or _NO_AREA}"
        return places

    @cached_property
    def _folders(self) -> dict[str, list[str]]:
        """What each folder holds."""
        folders: dict[str, list[str]] = {ROOT: [OVERVIEW]}
        for key, folder in sorted(self._place.items()):
            instance = folder.partition("/")[0]
            if instance not in folders:
                folders[instance] = []
                folders[ROOT].append(instance)
            if folder not in folders:
                folders[folder] = []
                folders[instance].append(folder)
            folders[folder].append(key)
        for children in folders.values():
            children.sort()
        folders[OVERVIEW] = [row.key for row in self._rows if self._is_overview(row)]
        return folders

    @staticmethod
    def _is_overview(row: Row) -> bool:
        if row.kind in {RowKind.LOOP, RowKind.TRIP}:
            return row.member in OVERVIEW_MEMBERS
        return row.kind is RowKind.SYSTEM

    # --- nodes -------------------------------------------------------------------------------------------------------

    def node(self, key: str) -> PlantNode | None:
        """Return the node of a key, None when there is none."""
        base, _, part = key.partition("/")
        if key in self._index:
            return self._variable(key)
        if key in self._folders:
            return self._folder(key)
        if key in self._members:
            title = self._owner_title(key)
            words = self._trip_words(key) or title
            return _node(key, ua.NodeClass.Object, key, _keyed(key, title), words, ObjectIds.BaseObjectType)
        if part == RESET and base in self._resettable:
            return _node(key, ua.NodeClass.Method, RESET, _RESET_TEXT, _RESET_TEXT, 0)
        row = self._index.get(base, -1)
        if row >= 0 and part in properties_of(self._rows[row]):
            name, words = ua.QualifiedName(part, 0), Text(part, part)
            return PlantNode(key, ua.NodeClass.Variable, name, words, words, ObjectIds.PropertyType, row, part)
        return None

    def _variable(self, key: str) -> PlantNode:
        number = self._index[key]
        row = self._rows[number]
        name = ua.QualifiedName(row.member or key, NAMESPACE)
        return PlantNode(key, ua.NodeClass.Variable, name, _keyed(key, row.title), row.title, _type_of(row), number)

    def _folder(self, key: str) -> PlantNode:
        instance, _, area = key.partition("/")
        if key == ROOT:
            title = _ROOT_TEXT
        elif key == OVERVIEW:
            title = _OVERVIEW_TEXT
        elif area:
            title = _keyed(area, self.plan.areas.get(area, _NO_AREA_TEXT))
        else:
            title = _keyed(instance, self.plan.instances.get(instance, Text("", "")))
        return _node(key, ua.NodeClass.Object, area or key, title, title, ObjectIds.FolderType)

    def _owner_title(self, owner: str) -> Text:
        """Words for an object: those of its trip, or what the titles of its members have in common."""
        if owner in self._trips:
            return self._trips[owner].title
        titles = [self._rows[self._index[key]].title for key in self._members[owner]]
        return Text(_shared([t.en for t in titles]), _shared([t.ru for t in titles]))

    def _trip_words(self, key: str) -> Text | None:
        trip = self._trips.get(key)
        if trip is None:
            return None
        detail = "; ".join((*trip.causes, *trip.actions))
        return Text(f"{trip.title.en}: {detail}", f"{trip.title.ru}: {detail}")

    # --- references --------------------------------------------------------------------------------------------------

    def links(self, key: str) -> Iterator[Link]:
        """Yield the references of an existing node."""
        node = self.node(key)
        if node is None:
            return
        if node.type_id:
            yield Link(ObjectIds.HasTypeDefinition, node.type_id)
        yield from self._upward(node)
        if key in self._folders:
            yield from (Link(ObjectIds.Organizes, child) for child in self._folders[key])
        yield from (Link(ObjectIds.HasComponent, child) for child in self._members.get(key, ()))
        if key in self._resettable:
            yield Link(ObjectIds.HasComponent, f"{key}/{RESET}")
        if node.row >= 0 and not node.prop:
            yield from (Link(ObjectIds.HasProperty, f"{key}/{name}") for name in properties_of(self._rows[node.row]))
        if key in self._conditions:
            yield from (Link(ObjectIds.HasComponent, method) for method in _CONDITION_METHODS)

    def _upward(self, node: PlantNode) -> Iterator[Link]:
        base, _, part = node.key.partition("/")
        if node.key == ROOT:
            yield Link(ObjectIds.Organizes, ObjectIds.ObjectsFolder, is_forward=False)
        elif node.key in self._folders:
            yield Link(ObjectIds.Organizes, base if part else ROOT, is_forward=False)
        elif node.key in self._place:
            yield Link(ObjectIds.Organizes, self._place[node.key], is_forward=False)
        elif part:
            kind = ObjectIds.HasProperty if node.prop else ObjectIds.HasComponent
            yield Link(kind, base, is_forward=False)
        else:
            yield Link(ObjectIds.HasComponent, self._rows[node.row].owner, is_forward=False)


def _node(key: str, node_class: ua.NodeClass, name: str, title: Text, words: Text, type_id: int) -> PlantNode:
    return PlantNode(key, node_class, ua.QualifiedName(name, NAMESPACE), title, words, type_id)


def _keyed(key: str, title: Text) -> Text:
    return Text(f"{key} {title.en}".rstrip(), f"{key} {title.ru}".rstrip())


def _shared(titles: list[str]) -> str:
    """Return what titles like "Drum level: output" and "Drum level: set-point" begin with, else the first."""
    begins = {title.rpartition(": ")[0] for title in titles}
    return begins.pop() if len(begins) == 1 and "" not in begins else titles[0]


# --- for asyncua's own services --------------------------------------------------------------------------------------


class PlantNodes(dict[ua.NodeId, NodeData]):
    """asyncua's node table: the standard nodes as they are, plant nodes made on demand and not kept.

    Only the references are filled in: reading and writing go through ``attributes`` and ``commands``.
    """

    def __init__(self, standard: dict[ua.NodeId, NodeData], space: PlantSpace) -> None:
        super().__init__(standard)
        self._space = space

    def __missing__(self, node: ua.NodeId) -> NodeData:
        key = key_of(node)
        if key is None or self._space.node(key) is None:
            raise KeyError(node)
        data = NodeData(node)
        data.references = [self._reference(link) for link in self._space.links(key)]
        return data

    def __contains__(self, node: object) -> bool:
        if super().__contains__(node):
            return True
        key = key_of(node) if isinstance(node, ua.NodeId) else None
        return key is not None and self._space.node(key) is not None

    def get(self, node: ua.NodeId, default: NodeData | None = None) -> NodeData | None:  # pyright: ignore[reportIncompatibleMethodOverride]  asyncua passes only this
        """Return a node, ``default`` when there is none."""
        try:
            return self[node]
        except KeyError:
            return default

    def reference_to_plant(self) -> ua.ReferenceDescription:
        """Return the reference with which the Objects folder shows the plant."""
        return self._reference(Link(ObjectIds.Organizes, ROOT))

    def _reference(self, link: Link) -> ua.ReferenceDescription:
        reference = ua.ReferenceDescription()
        reference.ReferenceTypeId = standard(link.type_id)
        reference.IsForward = link.is_forward
        if isinstance(link.target, str):
            self._describe(reference, link.target)
        else:
            self._describe_standard(reference, standard(link.target))
        return reference

    def _describe(self, reference: ua.ReferenceDescription, key: str) -> None:
        node = self._space.node(key)
        assert node is not None, key  # noqa: S101  links() names existing nodes only
        reference.NodeId = expanded(node_id(key))
        reference.BrowseName = node.name
        reference.DisplayName = localized(node.title, "en")
        reference.NodeClass = node.node_class
        if node.type_id:
            reference.TypeDefinition = expanded(standard(node.type_id))

    def _describe_standard(self, reference: ua.ReferenceDescription, node: ua.NodeId) -> None:
        attributes = super().__getitem__(node).attributes
        reference.NodeId = expanded(node)
        for field in ("BrowseName", "DisplayName", "NodeClass"):
            value = attributes[AttributeIds[field]].value
            if value is not None and value.Value is not None:
                setattr(reference, field, value.Value.Value)
