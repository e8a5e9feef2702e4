"""The view services: Browse with reference limits and BrowseNext, in the session's language."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from secrets import token_bytes
from typing import Final

from asyncua import ua
from asyncua.server.address_space import AddressSpace, ViewService

from hmi_server.opcua.ids import StatusCodes, key_of, status
from hmi_server.opcua.space import PlantSpace, localized

MAX_REFERENCES: Final = 1000  # a node's references in one answer, whatever the client asks for
MAX_CONTINUATION_POINTS: Final = 20  # a session's open ones; the oldest is given up

_MASK: Final = ua.BrowseResultMask


@dataclass(slots=True)
class OpenBrowses:
    """What a session has not fetched yet, by continuation point."""

    left: OrderedDict[bytes, tuple[list[ua.ReferenceDescription], int]] = field(
        default_factory=OrderedDict[bytes, tuple[list[ua.ReferenceDescription], int]]
    )

    def keep(self, references: list[ua.ReferenceDescription], limit: int) -> bytes:
        """Keep the rest of an answer and return the continuation point that fetches it."""
        point = token_bytes(16)
        self.left[point] = (references, limit)
        if len(self.left) > MAX_CONTINUATION_POINTS:
            self.left.popitem(last=False)
        return point


class Views(ViewService):
    """asyncua's view service, completed; TranslateBrowsePathsToNodeIds is asyncua's."""

    def __init__(self, aspace: AddressSpace, space: PlantSpace) -> None:
        super().__init__(aspace)
        self._space = space
        self._subtypes: dict[ua.NodeId, frozenset[ua.NodeId]] = {}

    def browse_for(self, params: ua.BrowseParameters, opened: OpenBrowses, locale: str) -> list[ua.BrowseResult]:
        """Answer the Browse service."""
        if not params.NodesToBrowse:
            raise ua.UaStatusCodeError(StatusCodes.BadNothingToDo)
        if not params.View.ViewId.is_null():
            raise ua.UaStatusCodeError(StatusCodes.BadViewIdUnknown)
        wanted = params.RequestedMaxReferencesPerNode
        limit = min(wanted, MAX_REFERENCES) if wanted else MAX_REFERENCES
        return [self._browse_node(node, opened, limit, locale) for node in params.NodesToBrowse]

    def browse_next_for(self, params: ua.BrowseNextParameters, opened: OpenBrowses) -> list[ua.BrowseResult]:
        """Answer the BrowseNext service."""
        results: list[ua.BrowseResult] = []
        for point in params.ContinuationPoints:
            rest = opened.left.pop(point, None)
            if rest is None:
                results.append(_failed(StatusCodes.BadContinuationPointInvalid))
            elif params.ReleaseContinuationPoints:
                results.append(ua.BrowseResult())
            else:
                results.append(_page(*rest, opened))
        return results

    def _browse_node(
        self, wanted: ua.BrowseDescription, opened: OpenBrowses, limit: int, locale: str
    ) -> ua.BrowseResult:
        if wanted.NodeId not in self._aspace:
            return _failed(StatusCodes.BadNodeIdUnknown)
        if not wanted.ReferenceTypeId.is_null() and wanted.ReferenceTypeId not in self._aspace:
            return _failed(StatusCodes.BadReferenceTypeIdInvalid)
        try:
            ua.BrowseDirection(wanted.BrowseDirection)
        except ValueError:
            return _failed(StatusCodes.BadBrowseDirectionInvalid)
        found = [
            self._shown(reference, wanted.ResultMask, locale)
            for reference in self._aspace[wanted.NodeId].references
            if self._is_suitable_ref(wanted, reference)
        ]
        return _page(found, limit, opened)

    def _shown(self, reference: ua.ReferenceDescription, mask: int, locale: str) -> ua.ReferenceDescription:
        """Return a copy with the fields of the result mask, names in the session's language."""
        shown = ua.ReferenceDescription()
        shown.NodeId = reference.NodeId
        if mask & _MASK.ReferenceTypeId:
            shown.ReferenceTypeId = reference.ReferenceTypeId
        if mask & _MASK.IsForward:
            shown.IsForward = reference.IsForward
        if mask & _MASK.NodeClass:
            shown.NodeClass = reference.NodeClass
        if mask & _MASK.BrowseName:
            shown.BrowseName = reference.BrowseName
        if mask & _MASK.DisplayName:
            shown.DisplayName = self._display_name(reference, locale)
        if mask & _MASK.TypeDefinition:
            shown.TypeDefinition = reference.TypeDefinition
        return shown

    def _display_name(self, reference: ua.ReferenceDescription, locale: str) -> ua.LocalizedText:
        key = key_of(reference.NodeId)
        node = self._space.node(key) if key is not None and locale != "en" else None
        return reference.DisplayName if node is None else localized(node.title, locale)

    def _suitable_reftype(self, ref1: ua.NodeId, ref2: ua.NodeId, subtypes: bool) -> bool:  # noqa: FBT001  asyncua's
        if ref1.is_null() or ref1 == ref2:
            return True
        if not subtypes:
            return False
        if ref1 not in self._subtypes:
            self._subtypes[ref1] = frozenset(self._get_sub_ref(ref1))
        return ref2 in self._subtypes[ref1]

    def subtypes_of(self, type_id: ua.NodeId) -> Iterator[ua.NodeId]:
        """Yield a type and all its subtypes."""
        yield type_id
        yield from self._get_sub_ref(type_id)


def _page(references: list[ua.ReferenceDescription], limit: int, opened: OpenBrowses) -> ua.BrowseResult:
    result = ua.BrowseResult()
    result.References = references[:limit]
    if len(references) > limit:
        result.ContinuationPoint = opened.keep(references[limit:], limit)
    return result


def _failed(code: int) -> ua.BrowseResult:
    result = ua.BrowseResult()
    result.StatusCode = status(code)
    return result
