"""How fast the plant's time runs: in real time, faster, slower, as fast as possible, not at all, or so many steps.

The clock is an argument, in seconds of any origin. Time that the machine lost is not made up.
"""

from controller.core.errors import PlantError

FASTEST = 0.0  # the speed that means: as fast as possible
LEAST, MOST = 0.1, 1000.0  # plant seconds per second
BACKLOG_S = 0.05  # of the machine's time: what a step that came late may catch up with when the period is shorter
REACHED_S = 1.0  # over which the speed reached is measured


class Pace:
    """When the next step is due."""

    def __init__(self, period_s: float, *, speed: float = 1.0, is_frozen: bool = False) -> None:
        """``period_s`` is one step of plant time; see ``checked_speed`` for ``speed``."""
        self.period_s = period_s
        self.speed = checked_speed(speed)
        self.is_frozen = is_frozen
        self.steps_left = 0  # while frozen: steps somebody asked for
        self._due: float | None = None
        self._counted, self._since, self._reached = 0, 0.0, 0.0
        self._idle_s, self._idle_share, self._seen = 0.0, 0.0, -1.0

    def freeze(self) -> None:
        """Stop the plant's time."""
        self.is_frozen, self.steps_left = True, 0

    def run(self) -> None:
        """Let the plant's time run at ``speed``."""
        self.is_frozen, self.steps_left, self._due = False, 0, None

    def step(self, count: int) -> None:
        """Freeze, and let ``count`` steps pass as fast as possible."""
        self.is_frozen, self.steps_left = True, count

    def set_speed(self, speed: float) -> None:
        """Change the speed; a frozen plant stays frozen."""
        self.speed, self._due = checked_speed(speed), None

    @property
    def reached(self) -> float:
        """Plant seconds per second in the last second or so; 0 while frozen."""
        return 0.0 if self.is_frozen else self._reached

    def wait_s(self, now: float) -> float | None:
        """Return how long to wait for the next step; None: until somebody changes something."""
        if self.is_frozen:
            return 0.0 if self.steps_left else None
        return 0.0 if self._due is None or self.speed == FASTEST else max(self._due - now, 0.0)

    def take(self, now: float) -> bool:
        """Return whether a step is due; the caller then makes it."""
        if self.is_frozen:
            is_due = self.steps_left > 0
            self.steps_left -= is_due
            return is_due
        if self._due is None:
            self._due, self._since, self._counted, self._reached = now, now, 0, 0.0
        if self.speed == FASTEST:
            self._count(now)
            return True
        if now < self._due:
            return False
        period = self.period_s / self.speed
        self._due = max(self._due + period, now - max(period, BACKLOG_S))
        self._count(now)
        return True

    def idle_s(self, now: float) -> float:
        """Return for how long the plant's time has stood still so far; while it runs slower than real time, in part."""
        if self._seen >= 0.0:
            self._idle_s += self._idle_share * (now - self._seen)
        self._seen = now
        self._idle_share = 1.0 if self.is_frozen else 0.0 if self.speed == FASTEST else max(1.0 - self.speed, 0.0)
        return self._idle_s

    def _count(self, now: float) -> None:
        if now - self._since >= REACHED_S:
            self._reached = self._counted * self.period_s / (now - self._since)
            self._since, self._counted = now, 0
        self._counted += 1


def checked_speed(speed: float) -> float:
    """Return ``speed``; PlantError when the plant cannot be asked for it."""
    if speed != FASTEST and not LEAST <= speed <= MOST:
        raise PlantError(f"speed {speed:g}: expected {LEAST:g} to {MOST:g} plant seconds per second, or 0: all it can")
    return speed
