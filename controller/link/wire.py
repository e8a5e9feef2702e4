"""What crosses the process boundary, as bytes: frames one way, requests and replies the other.

A frame is one message: a prefix of two counts, a msgpack header, then value, time and quality as they lie in memory.

    <II> header bytes, rows | header | padding to 8 | value float64 | time int64 | quality uint32   (little endian)

Requests and replies are msgpack. An event travels as the JSON text in which the journal keeps it.
"""

import struct
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from controller.core.clock import MonoNs, UtcNs
from controller.core.command import Answer, Command
from controller.core.errors import PlantError
from controller.core.event import Event
from controller.core.frame import Frame
from controller.core.quality import Codes

VERSION: Final = 1  # of all that is defined here; both sides of a link must speak the same
FRAMES: Final = "frames.ipc"  # sockets in the link's directory
REQUESTS: Final = "requests.ipc"
EVENTS_AT_ONCE: Final = 1000  # most events in one reply

_PREFIX = struct.Struct("<II")


@dataclass(frozen=True, slots=True)
class LinkFrame:
    """One frame as a reader gets it: every row after scan number ``scan``.

    ``value`` (rows,) in the row's unit, NaN exactly where ``quality`` (rows,) is BAD; ``time`` (rows,) UTC ns of the
    measurement. ``event_seq`` is the number of the newest event: ask for events when it has grown. ``number`` counts
    the frames that this run of the controller has sent. Read-only arrays.
    """

    scan: int
    mono: MonoNs  # of the controller's host
    utc: UtcNs
    config_hash: str
    event_seq: int
    value: npt.NDArray[np.float64]
    quality: Codes
    time: npt.NDArray[np.int64]
    number: int = 0


class _Header(msgspec.Struct, array_like=True):
    version: int
    scan: int
    mono: int
    utc: int
    config_hash: str
    event_seq: int
    number: int


def encode_frame(frame: Frame, *, config_hash: str, event_seq: int, number: int) -> bytes:
    """Return ``frame`` of a live controller (batch 1) as one message."""
    header = _Header(VERSION, frame.scan, frame.mono, frame.utc, config_hash, event_seq, number)
    head = msgspec.msgpack.encode(header)
    prefix = _PREFIX.pack(len(head), frame.value.shape[0])
    return b"".join(
        (
            prefix,
            head,
            b"\0" * _padding(len(head)),
            frame.value[:, 0].astype("<f8", copy=False).tobytes(),
            frame.time.astype("<i8", copy=False).tobytes(),
            frame.quality[:, 0].astype("<u4", copy=False).tobytes(),
        )
    )


def decode_frame(data: bytes) -> LinkFrame:
    """Return what ``encode_frame`` packed; the arrays are views of ``data``. PlantError when it is no such message."""
    try:
        size, rows = _PREFIX.unpack_from(data)
        head = msgspec.msgpack.decode(memoryview(data)[_PREFIX.size : _PREFIX.size + size], type=_Header)
    except (struct.error, msgspec.MsgspecError) as error:
        raise PlantError(f"link: {len(data)} bytes that are no frame ({error})") from error
    if head.version != VERSION:
        raise PlantError(
            f"link: the controller sends version {head.version}, this program reads {VERSION}; "
            "start both from the same installation"
        )
    start = _PREFIX.size + size + _padding(size)
    if len(data) != start + 20 * rows:
        raise PlantError(f"link: frame of {rows} rows has {len(data)} bytes, expected {start + 20 * rows}")
    return LinkFrame(
        head.scan,
        MonoNs(head.mono),
        UtcNs(head.utc),
        head.config_hash,
        head.event_seq,
        value=np.frombuffer(data, "<f8", rows, start),
        quality=np.frombuffer(data, "<u4", rows, start + 16 * rows),
        time=np.frombuffer(data, "<i8", rows, start + 8 * rows),
        number=head.number,
    )


def _padding(header_size: int) -> int:
    return -(_PREFIX.size + header_size) % 8


# --- requests and replies: DEALER (reader) to ROUTER (controller), one message part each -----------------------------


class CommandRequest(msgspec.Struct, frozen=True, tag="command"):
    """A command. After ``expires`` (monotonic ns of the host both run on) nobody waits for it: it must not act."""

    number: int  # counts the requests of one reader; the reply carries it
    command: Command
    expires: int


class EventsRequest(msgspec.Struct, frozen=True, tag="events"):
    """Ask for events with a sequence number above ``since``."""

    number: int
    since: int
    limit: int = EVENTS_AT_ONCE


class Report(msgspec.Struct, frozen=True, tag="report"):
    """Figures of the reader (system figures by name); also its sign of life. Has no reply."""

    figures: dict[str, float]


Request = CommandRequest | EventsRequest | Report


class AnswerReply(msgspec.Struct, frozen=True, tag="answer"):
    """What became of a command."""

    number: int
    answer: Answer


class EventsReply(msgspec.Struct, frozen=True, tag="events"):
    """Events, oldest first, each as the journal keeps it."""

    number: int
    events: list[bytes]


class Refusal(msgspec.Struct, frozen=True, tag="refusal"):
    """The controller could not read a request; ``text`` says why."""

    text: str


Reply = AnswerReply | EventsReply | Refusal


def _plain(value: object) -> object:
    """Return a numpy scalar, which an event may carry, as Python's own number."""
    if isinstance(value, np.generic):
        return value.item()
    raise NotImplementedError(f"an event cannot carry a {type(value).__name__}")


encode = msgspec.msgpack.Encoder().encode
decode_request = msgspec.msgpack.Decoder(Request).decode
decode_reply = msgspec.msgpack.Decoder(Reply).decode
encode_event = msgspec.json.Encoder(enc_hook=_plain).encode
decode_event = msgspec.json.Decoder(Event).decode
