"""Events: what happened, once, in order. Levels travel in frames; events must never be lost."""

from dataclasses import dataclass, field
from enum import StrEnum

from controller.core.clock import MonoNs, UtcNs


class EventKind(StrEnum):
    """What kind of thing happened; past tense, constant, the first word of every log line about it."""

    STARTED = "started"
    STOPPED = "stopped"
    ALARM_RAISED = "alarm_raised"
    ALARM_CLEARED = "alarm_cleared"
    ALARM_ACKED = "alarm_acked"
    ALARM_CONFIRMED = "alarm_confirmed"
    ALARM_SHELVED = "alarm_shelved"
    ALARM_UNSHELVED = "alarm_unshelved"
    TRIP_LATCHED = "trip_latched"
    TRIP_ACTED = "trip_acted"  # a row without latch became active
    TRIP_CLEARED = "trip_cleared"  # a row without latch became inactive
    TRIP_RESET = "trip_reset"
    BYPASS_ASKED = "bypass_asked"  # waits for a second person
    BYPASS_BEGUN = "bypass_begun"  # also a test
    BYPASS_ENDS_SOON = "bypass_ends_soon"
    BYPASS_ENDED = "bypass_ended"
    COMMAND_ACCEPTED = "command_accepted"
    COMMAND_REJECTED = "command_rejected"
    MODE_SHED = "mode_shed"  # a loop left its mode: its PV went bad, or the program that leads it (RCAS) is silent
    DEVICE_LOST = "device_lost"
    DEVICE_BACK = "device_back"
    WRITE_MISMATCH = "write_mismatch"
    SCAN_OVERRUN = "scan_overrun"
    EMISSION_RECORDED = "emission_recorded"  # a mean of one stack: all channels, state, validity, reasons
    EMISSION_EXCEEDED = "emission_exceeded"  # a half-hour above limit A, or too many ten-minute means
    EMISSION_GAP = "emission_gap"  # nobody calculated for whole half-hours, or the clock was set
    CONTROL_FAILED = "control_failed"  # an exception in control: loops hold, protection goes on


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, as it is journalled and shown.

    ``seq`` counts up by one without a gap over the life of the retained state (restarts included); the scan assigns it.
    ``severity`` is the OPC UA one, 1..1000. ``source`` is the key of the row it is about ("L1-LT-1401.HIHI").
    ``plant`` is the column of the batch, 0 live.
    """

    seq: int
    kind: EventKind
    source: str
    utc: UtcNs
    mono: MonoNs
    scan: int
    severity: int = 1
    value: float | None = None
    limit: float | None = None
    quality: int = 0
    user: str = ""
    reason: str = ""
    text: str = ""  # free words for the journal; operator texts come from the configuration by ``source``
    plant: int = 0
    data: dict[str, str | float | int | bool] = field(default_factory=dict[str, str | float | int | bool])
