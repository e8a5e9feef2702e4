"""asyncua's numbers and NodeIds, imported from where they are defined and with the types that asyncua asks for.

asyncua annotates its own types (Int32, String, DateTime) where any int, str or datetime does; the casts stand here.
"""

from datetime import datetime
from typing import Final, cast

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes

__all__ = [
    "NAMESPACE",
    "AttributeIds",
    "ObjectIds",
    "StatusCodes",
    "date_time",
    "key_of",
    "node_id",
    "standard",
    "status",
]

NAMESPACE: Final = 2  # index of urn:wte:plant: 0 is OPC UA, 1 the server's own application URI


def standard(number: int) -> ua.NodeId:
    """Return the NodeId of a node that OPC UA itself defines."""
    return ua.NodeId(ua.Int32(number))


def node_id(key: str) -> ua.NodeId:
    """Return the NodeId of a plant node."""
    return ua.NodeId(ua.String(key), ua.Int16(NAMESPACE), ua.NodeIdType.String)


def expanded(node: ua.NodeId) -> ua.ExpandedNodeId:
    """Return the same id in the form of references."""
    return ua.ExpandedNodeId(node.Identifier, node.NamespaceIndex, node.NodeIdType)


def key_of(node: ua.NodeId) -> str | None:
    """Return the key in a NodeId of the plant's namespace, None for any other NodeId."""
    if node.NamespaceIndex == NAMESPACE and isinstance(node.Identifier, str):
        return node.Identifier
    return None


def status(code: int) -> ua.StatusCode:
    """Return a status code."""
    return ua.StatusCode(ua.UInt32(code))


def date_time(moment: datetime) -> ua.DateTime:
    """Return a time as asyncua's annotations want it."""
    return cast("ua.DateTime", moment)
