"""The plant's nodes as clients find them: folders, names in two languages, properties, references both ways."""

from collections.abc import Iterator
from functools import cache

import pytest
from asyncua import ua
from asyncua.server.address_space import AddressSpace, AttributeValue, NodeData
from asyncua.ua.ua_binary import struct_to_binary
from hypothesis import given
from hypothesis import strategies as st

from controller.core.command import Role
from controller.core.plan import Plan
from hmi_server.opcua import wire
from hmi_server.opcua.attributes import Attributes
from hmi_server.opcua.ids import AttributeIds, ObjectIds, StatusCodes, node_id, standard
from hmi_server.opcua.live import Live
from hmi_server.opcua.space import OVERVIEW, ROOT, Link, PlantNodes, PlantSpace
from hmi_server.opcua.view import MAX_CONTINUATION_POINTS, OpenBrowses, Views
from tests.interop.opcua_plant import plan_almaty


@cache
def space() -> PlantSpace:
    return PlantSpace(plan_almaty())


def plan() -> Plan:
    return plan_almaty()


def reached(key: str) -> Iterator[str]:
    """Yield every node below a node, folders first."""
    yield key
    for link in space().links(key):
        if link.is_forward and isinstance(link.target, str) and key != OVERVIEW:
            yield from reached(link.target)


def test_every_row_is_reached_exactly_once_from_the_plant_folder() -> None:
    found = list(reached(ROOT))
    assert len(found) == len(set(found))
    assert {row.key for row in plan().tags.rows} <= set(found)
    assert {trip.key for trip in plan().trip_info} <= set(found)


def test_every_reference_is_answered_by_its_inverse() -> None:
    for key in reached(ROOT):
        for link in space().links(key):
            if isinstance(link.target, str) and link.is_forward and key != OVERVIEW:
                assert Link(link.type_id, key, is_forward=False) in list(space().links(link.target)), (key, link)


def test_the_overview_shows_loops_trips_and_the_system() -> None:
    shown = {link.target for link in space().links(OVERVIEW) if link.is_forward}
    assert {"L1-LIC-1401.PV", "L1-LIC-1401.SP", "L1-LIC-1401.OP", "L1-LIC-1401.MODE", "L1-UZ-03.STATE"} <= shown
    assert "C0-SYS-SCAN-MS" in shown
    assert "L1-LIC-1401.KP" not in shown


def test_a_loop_a_trip_and_a_voted_value_carry_their_parts() -> None:
    parts = {key: {link.target for link in space().links(key)} for key in ("L1-LIC-1401", "L1-UZ-03", "L1-LT-1401")}
    assert {"L1-LIC-1401.PV", "L1-LIC-1401.KP"} <= parts["L1-LIC-1401"]
    assert {"L1-UZ-03.STATE", "L1-UZ-03/Reset"} <= parts["L1-UZ-03"]
    assert {"L1-LT-1401.LOLO", "L1-LT-1401/EURange", "L1-LT-1401/EngineeringUnits"} <= parts["L1-LT-1401"]


def test_an_object_has_the_words_its_members_share() -> None:
    node = space().node("L1-LIC-1401")
    member = space().node("L1-LIC-1401.SP")
    assert node is not None
    assert member is not None
    assert member.title.en.startswith(f"L1-LIC-1401.SP {node.words.en}: ")
    assert node.title.ru.startswith("L1-LIC-1401 ")


@pytest.mark.parametrize("key", ["", "L3", "L1-NO-SUCH", "L1-LT-1401/Nothing", "L1/99", "L1-LIC-1401/Reset", "/"])
def test_what_is_not_in_the_plan_is_no_node(key: str) -> None:
    assert space().node(key) is None
    assert node_id(key) not in PlantNodes({}, space())


# --- attributes ------------------------------------------------------------------------------------------------------


def read(key: str, attribute: int, *, locale: str = "en", role: Role = Role.VIEWER, part: str = "") -> ua.DataValue:
    attributes = Attributes(space(), Live(plan()), AddressSpace())
    item = ua.ReadValueId(node_id(key), AttributeIds(attribute))
    if part:
        item.IndexRange = ua.String(part)
    return attributes.read_item(item, locale, role)


def test_names_come_in_the_language_of_the_session() -> None:
    words = {lang: read("L1-LT-1401", AttributeIds.DisplayName, locale=lang).Value for lang in ("en", "ru")}
    assert words["en"] is not None
    assert words["ru"] is not None
    assert words["en"].Value.Text == "L1-LT-1401 Drum level"
    assert words["ru"].Value.Text.startswith("L1-LT-1401 Уровень")


def test_who_may_write_is_told_to_each_role() -> None:
    levels = [read("L1-LIC-1401.SP", AttributeIds.UserAccessLevel, role=role).Value for role in Role]
    may_write = [level is not None and bool(level.Value & 2) for level in levels]
    assert may_write == [role in {Role.OPERATOR, Role.SHIFT_LEAD, Role.ENGINEER} for role in Role]


@pytest.mark.parametrize(
    ("key", "attribute", "part", "code"),
    [
        ("L1-NO-SUCH", AttributeIds.Value, "", StatusCodes.BadNodeIdUnknown),
        ("L1-LIC-1401", AttributeIds.Value, "", StatusCodes.BadAttributeIdInvalid),
        ("L1-LT-1401", AttributeIds.EventNotifier, "", StatusCodes.BadAttributeIdInvalid),
        ("L1-LT-1401", AttributeIds.Value, "0:1", StatusCodes.BadIndexRangeNoData),
        ("L1-LIC-1401.MODE/EnumValues", AttributeIds.Value, "2:1", StatusCodes.BadIndexRangeInvalid),
        ("L1-LIC-1401.MODE/EnumValues", AttributeIds.Value, "0:1", StatusCodes.Good),
    ],
)
def test_what_cannot_be_read_says_why(key: str, attribute: int, part: str, code: int) -> None:
    found = read(key, attribute, part=part)
    assert found.StatusCode is not None
    assert found.StatusCode.value == code
    if code == StatusCodes.Good:
        assert found.Value is not None
        assert len(found.Value.Value) == 2


# --- browsing --------------------------------------------------------------------------------------------------------


def views() -> Views:
    aspace = AddressSpace()
    aspace._nodes = PlantNodes({}, space())
    for number in (
        ObjectIds.HasTypeDefinition, ObjectIds.FolderType, ObjectIds.ObjectsFolder, ObjectIds.BaseObjectType,
    ):  # fmt: skip
        aspace[standard(number)] = NodeData(standard(number))
        for name in ("BrowseName", "DisplayName", "NodeClass"):
            aspace[standard(number)].attributes[AttributeIds[name]] = AttributeValue(ua.DataValue())
    return Views(aspace, space())


def browse(of: Views, opened: OpenBrowses, key: str, limit: int, mask: int = 63) -> ua.BrowseResult:
    wanted = ua.BrowseDescription(node_id(key), ua.BrowseDirection.Forward, ua.NodeId())
    wanted.ResultMask = ua.UInt32(mask)
    params = ua.BrowseParameters(RequestedMaxReferencesPerNode=ua.Counter(limit), NodesToBrowse=[wanted])
    return of.browse_for(params, opened, "en")[0]


@given(limit=st.integers(1, 30))
def test_pages_put_together_are_the_whole_answer(limit: int) -> None:
    of, opened = views(), OpenBrowses()
    whole = browse(of, opened, "L1-LIC-1401", 0).References
    result = browse(of, opened, "L1-LIC-1401", limit)
    found = list(result.References)
    while result.ContinuationPoint:
        (result,) = of.browse_next_for(ua.BrowseNextParameters(False, [result.ContinuationPoint]), opened)
        assert len(result.References) <= limit
        found += result.References
    assert [r.NodeId for r in found] == [r.NodeId for r in whole]
    assert not opened.left


def test_a_continuation_point_is_good_once_and_the_oldest_is_given_up() -> None:
    of, opened = views(), OpenBrowses()
    points = [browse(of, opened, "L1-LIC-1401", 1).ContinuationPoint for _ in range(MAX_CONTINUATION_POINTS + 1)]
    for point in (points[0], b"guess"):
        (result,) = of.browse_next_for(ua.BrowseNextParameters(False, [point]), opened)
        assert result.StatusCode.value == StatusCodes.BadContinuationPointInvalid
    (released,) = of.browse_next_for(ua.BrowseNextParameters(True, [points[1]]), opened)
    assert released.StatusCode.value == StatusCodes.Good
    assert released.References == []
    (again,) = of.browse_next_for(ua.BrowseNextParameters(False, [points[1]]), opened)
    assert again.StatusCode.value == StatusCodes.BadContinuationPointInvalid


def test_the_result_mask_leaves_out_what_nobody_asked_for() -> None:
    shown = browse(views(), OpenBrowses(), "L1-LIC-1401", 0, mask=int(ua.BrowseResultMask.BrowseName)).References[-1]
    assert shown.BrowseName.Name
    assert shown.DisplayName == ua.LocalizedText()
    assert shown.ReferenceTypeId.is_null()


# --- the Publish request read without asyncua's decoder --------------------------------------------------------------


@given(
    token=st.binary(min_size=1, max_size=40),
    handle=st.integers(0, 2**32 - 1),
    timeout=st.integers(0, 2**32 - 1),
    acks=st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)), max_size=5),
)
def test_a_usual_publish_request_says_what_asyncua_wrote(
    token: bytes, handle: int, timeout: int, acks: list[tuple[int, int]]
) -> None:
    request = ua.PublishRequest()
    header = request.RequestHeader
    header.AuthenticationToken = ua.NodeId(ua.ByteString(token), ua.Int16(0), ua.NodeIdType.ByteString)
    header.RequestHandle, header.TimeoutHint = ua.IntegerId(handle), ua.UInt32(timeout)
    request.Parameters.SubscriptionAcknowledgements = [
        ua.SubscriptionAcknowledgement(ua.IntegerId(a), ua.Counter(b)) for a, b in acks
    ]
    body = struct_to_binary(request)
    assert wire.usual_publish(body) == wire.PublishFields(token, handle, timeout, acks)
    for cut in (1, 4, 9):
        assert wire.usual_publish(body[:-cut]) is None
    assert wire.usual_publish(body + b"x") is None
