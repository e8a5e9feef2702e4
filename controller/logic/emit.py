"""How decisions tell that something happened: they call ``emit``; the scan adds number and times."""

from typing import Protocol

from controller.core.event import EventKind


class Emit(Protocol):
    """Record one event of this scan.

    ``source`` is the key of the row it is about, ``plant`` the column of the batch it happened in. The fields are those
    of ``controller.core.event.Event``; what the scan alone knows (seq, utc, mono, scan) is not asked for.
    """

    def __call__(
        self,
        kind: EventKind,
        source: str,
        *,
        plant: int = 0,
        severity: int = 1,
        value: float | None = None,
        limit: float | None = None,
        quality: int = 0,
        user: str = "",
        reason: str = "",
        text: str = "",
        data: dict[str, str | float | int | bool] | None = None,
    ) -> None:
        """Append the event to those of this scan."""
        ...
