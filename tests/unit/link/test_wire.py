"""Frames, requests and replies as bytes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.clock import MonoNs, UtcNs
from controller.core.command import Action, Answer, Command, Reason, Role
from controller.core.errors import PlantError
from controller.core.frame import Frame
from controller.core.quality import BAD_SENSOR_FAILURE, GOOD
from controller.link import wire


def frame(rows: int, *, scan: int = 7) -> Frame:
    value = np.linspace(-1.0, 1.0, rows).reshape(-1, 1)
    quality = np.full((rows, 1), GOOD, np.uint32)
    value[::3], quality[::3] = np.nan, BAD_SENSOR_FAILURE
    return Frame(scan, MonoNs(123), UtcNs(456), value, quality, np.arange(rows), np.empty((0, 1)))


@given(rows=st.integers(0, 400), config_hash=st.text(max_size=70), event_seq=st.integers(0, 2**62))
def test_a_frame_arrives_as_it_was_sent(rows: int, config_hash: str, event_seq: int) -> None:
    sent = frame(rows)
    got = wire.decode_frame(wire.encode_frame(sent, config_hash=config_hash, event_seq=event_seq, number=3))
    assert (got.scan, got.mono, got.utc, got.config_hash, got.event_seq, got.number) == (
        *(7, 123, 456),
        *(config_hash, event_seq, 3),
    )
    assert got.value.tobytes() == sent.value.tobytes()
    assert got.quality.tobytes() == sent.quality.tobytes()
    assert got.time.tobytes() == sent.time.tobytes()
    assert got.value.flags.aligned
    assert not got.value.flags.writeable


@given(data=st.binary(max_size=200))
def test_bytes_that_are_no_frame_are_refused_with_words(data: bytes) -> None:
    with pytest.raises(PlantError, match="link"):
        wire.decode_frame(data)


def test_a_frame_cut_short_is_refused() -> None:
    whole = wire.encode_frame(frame(10), config_hash="", event_seq=0, number=0)
    for size in range(len(whole)):
        with pytest.raises(PlantError, match="link"):
            wire.decode_frame(whole[:size])


def test_another_version_of_the_link_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "VERSION", 99)
    data = wire.encode_frame(frame(2), config_hash="", event_seq=0, number=0)
    monkeypatch.undo()
    with pytest.raises(PlantError, match="same installation"):
        wire.decode_frame(data)


def test_requests_and_replies_arrive_as_they_were_sent() -> None:
    command = Command("7", "L1-UZ-03", Action.RESET, 1.5, "anna", Role.SHIFT_LEAD, "checked", "127.0.0.1")
    for request in (wire.CommandRequest(1, command, 99), wire.EventsRequest(2, 5, 6), wire.Report({"sessions": 2.0})):
        assert wire.decode_request(wire.encode(request)) == request
    answer = Answer("7", Reason.CAUSE_STANDS, "L1-LT-1401A is still low", 12)
    for reply in (wire.AnswerReply(1, answer), wire.EventsReply(2, [b"{}"]), wire.Refusal("no")):
        assert wire.decode_reply(wire.encode(reply)) == reply


def test_a_set_point_that_is_no_number_arrives_as_such_for_the_scan_to_refuse() -> None:
    request = wire.CommandRequest(1, Command("1", "L1-LIC-1401.SP", value=float("nan")), 0)
    got: wire.Request = wire.decode_request(wire.encode(request))
    assert isinstance(got, wire.CommandRequest)
    assert np.isnan(got.command.value)
