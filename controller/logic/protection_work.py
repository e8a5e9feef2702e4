"""Index arrays and buffers of the evaluation of protection."""

import numpy as np
import numpy.typing as npt

from controller.core.plan import TRIP_MEMBERS, Bools, Ints, Plan, TripState
from controller.logic import suspension

Counts = npt.NDArray[np.int8]

_TRIP, _EXCLUDED_THEN_TRIP = 0, 2  # codes of ProtectionPlan.vote_unknown
_WIDE = 16  # plants from which on it pays


class Runs:
    """Joins runs of neighbouring entries of an axis: their sum, or whether any is true.

    ``reduceat`` goes through a wide batch entry by entry; there, adding the second, third... of all runs is faster.
    """

    def __init__(self, first: Ints, size: int, batch: int) -> None:
        """Begin runs at ``first``; the last ends at ``size``."""
        self.first = first
        self.is_wide = batch >= _WIDE
        length = np.diff(np.append(first, size))
        longest = int(length.max()) if len(length) else 1
        self.layers = [(found, first[found] + n) for n in range(1, longest) if len(found := np.flatnonzero(length > n))]

    def count(self, x: Bools, out: Counts) -> None:
        """Count the true entries of each run: x (..., entries, batch) -> out (..., runs, batch)."""
        numbers = x.view(np.int8)
        if self.is_wide:
            np.take(numbers, self.first, axis=-2, out=out, mode="clip")
            for runs, entries in self.layers:
                out[..., runs, :] += numbers[..., entries, :]
        else:
            np.add.reduceat(numbers, self.first, axis=-2, dtype=np.int8, out=out)

    def any(self, x: Bools, out: Bools) -> None:
        """Tell whether an entry of each run is true: x (..., entries, batch) -> out (..., runs, batch)."""
        if self.is_wide:
            np.take(x, self.first, axis=-2, out=out, mode="clip")
            for runs, entries in self.layers:
                out[..., runs, :] |= x[..., entries, :]
        else:
            np.logical_or.reduceat(x, self.first, axis=-2, out=out)


class Work:
    """Index arrays and buffers of ``evaluate``, made once from the plan; holds nothing that outlives a scan.

    Channels, armed conditions and reset conditions are all comparisons ``sign * value >= limit``: one gather of table
    rows serves the three.
    """

    def __init__(self, plan: Plan, batch: int) -> None:
        self._index(plan, batch)
        self._buffers(plan, batch)
        self.suspended = suspension.Suspended(plan)

    def _index(self, plan: Plan, batch: int) -> None:
        p = plan.protection
        self.channels, parts, rows = len(p.channel_row), len(p.part_first), len(p.keys)
        one, half = np.ones((rows, 1)), np.full((rows, 1), 0.5)
        self.source = np.concatenate([p.channel_row, np.maximum(p.armed_row, 0), p.reset_row])
        self.sign = np.concatenate([p.channel_sign, one, p.reset_sign])
        self.limit = self.sign * np.concatenate([p.channel_limit, half, p.reset_limit])
        self.is_always_armed = (p.armed_row < 0)[:, np.newaxis]
        self.trips_unknown = p.vote_unknown == _TRIP
        self.trips_later = p.vote_unknown == _EXCLUDED_THEN_TRIP
        self.excluded = (~self.trips_unknown).astype(np.int8)
        self.part_excluded = self.excluded[p.part_vote]
        self.part_end = np.append(p.part_first, self.channels)[1:]
        self.vote_end = np.append(p.vote_first, parts)[1:]
        self.row_end = np.append(p.row_first, len(p.vote_first))[1:]
        self.of_part = Runs(p.part_first, self.channels, batch)
        self.of_vote = Runs(p.vote_first, parts, batch)
        self.of_row = Runs(p.row_first, len(p.vote_first), batch)
        self.channels_of_row = Runs(p.part_first[p.vote_first[p.row_first]], self.channels, batch)
        self.resets_of_row = Runs(p.reset_first, len(p.reset_row), batch)
        self.rows_of_action = Runs(p.action_first, len(p.action_row), batch)
        self.held = np.flatnonzero(p.reset_hold[:, 0])
        self.hold = p.reset_hold[self.held]
        self.never_returns = ~p.returns
        self.group_rows = [np.flatnonzero(p.group == number) for number in range(len(p.groups))]
        self.acting_code = np.where(p.latch, float(TripState.LATCHED), float(TripState.ACTIVE))
        self.target = np.concatenate([*(p.members[member] for member in TRIP_MEMBERS), p.action_acts])
        self.output_first = np.flatnonzero(np.diff(p.effect_output, prepend=-1))
        self.forced_output = p.effect_output[self.output_first]
        self.effect_number = np.arange(len(p.effect_row), dtype=np.int32)[:, np.newaxis]
        self.effect_value = np.append(p.effect_value[:, 0], np.nan)  # one more: "no effect acts"
        self.later = np.flatnonzero(p.effect_after[:, 0])  # effects that begin after a while

    def _buffers(self, plan: Plan, batch: int) -> None:
        p = plan.protection
        parts, votes, rows = len(p.part_first), len(p.vote_first), len(p.keys)
        armed, reset = slice(self.channels, self.channels + rows), slice(self.channels + rows, None)
        self.value = np.empty((len(self.source), batch))
        self.quality = np.empty((len(self.source), batch), dtype=np.uint32)
        self.sub_code = np.empty((self.channels, batch), dtype=np.uint32)
        self.is_override = np.empty((self.channels, batch), dtype=np.bool_)
        self.tested = np.empty((2, len(self.source), batch), dtype=np.bool_)
        self.is_true, self.is_bad = self.tested[0], self.tested[1]
        self.armed, self.reset_true = self.is_true[armed], self.is_true[reset]
        self.armed_bad = self.is_bad[armed]
        self.reset_met = np.empty((rows, batch), dtype=np.bool_)

        self.part_count = np.empty((2, parts, batch), dtype=np.int8)
        self.part_true, self.part_bad = self.part_count[0], self.part_count[1]
        self.part_number = np.empty((parts, batch), dtype=np.int8)
        self.part = np.empty((4, parts, batch), dtype=np.bool_)
        self.vote_count = np.empty((4, votes, batch), dtype=np.int8)
        self.n_certain, self.n_could, self.n_all_bad, self.n_true = self.vote_count
        self.number = np.empty((votes, batch), dtype=np.int8)
        self.mask, self.could, self.all_bad, self.due = np.empty((4, votes, batch), dtype=np.bool_)
        self.elapsed = np.empty((votes, batch), dtype=np.int64)
        self.vote = np.empty((4, votes, batch), dtype=np.bool_)
        self.certain, self.unknown, self.run, self.acts = self.vote

        self.row = np.empty((4, rows, batch), dtype=np.bool_)
        self.row_certain, self.row_unknown, self.row_shown, self.row_acts = self.row
        self.row_bad = np.empty((rows, batch), dtype=np.int8)
        self.acting, self.changed, self.row_mask = np.empty((3, rows, batch), dtype=np.bool_)
        self.table = np.empty((len(self.target), batch))
        self.shown = self.table[: len(TRIP_MEMBERS) * rows].reshape(len(TRIP_MEMBERS), rows, batch)
        self.action_acts = self.table[len(TRIP_MEMBERS) * rows :]
        self.action_true = np.empty((len(p.action_first), batch), dtype=np.bool_)
        self.action_uses = np.empty((len(p.action_row), batch), dtype=np.bool_)
        self.effect_acts = np.empty((len(p.effect_row), batch), dtype=np.bool_)
        self.first_effect = np.empty((len(p.effect_row), batch), dtype=np.int32)
        self.chosen = np.empty((len(self.output_first), batch), dtype=np.int32)
        self.forced = np.empty((len(self.output_first), batch))
        self.forces = np.full((len(plan.output.keys), batch), np.nan)
