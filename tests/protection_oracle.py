"""What the cause-and-effect matrix says, read from its YAML and judged one plant and one row at a time.

Written from the words of the rules; it shares no code with the controller and reads no compiled plan. Letters: T a
channel that is true, H healthy, B bad, Y bypassed.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

BAD = 0x8000_0000  # status codes from here on are bad
OVERRIDE = 0x0096_0000  # good, local override: written by hand

Reading = tuple[float, int]  # value, quality


@dataclass
class Limit:
    """``above``, ``below``, ``is_true``, ``is_false`` or ``is_bad`` and its number."""

    side: str
    number: float

    def holds(self, value: float) -> bool:
        match self.side:
            case "above":
                return value >= self.number
            case "below":
                return value <= self.number
            case "is_true":
                return value >= 0.5
            case "is_false":
                return value < 0.5
            case _:
                return False


@dataclass
class Part:
    need: int
    of: list[str]
    limit: Limit


@dataclass
class Vote:
    name: str
    need: int
    parts: list[Part]
    is_nested: bool
    delay_s: float
    policy: str
    began: float | None = None
    bad_since: float | None = None


@dataclass
class Row:
    key: str
    group: str
    votes: list[Vote]
    armed: str
    actions: list[str]
    latch: bool
    resets: list[tuple[str, Limit, float]]
    reset_by: str | None
    function_bypass: bool
    channel_bypass: int
    manual: str | None
    held: list[float | None] = field(default_factory=list)
    acting: bool = False
    acting_since: float = 0.0
    is_clear: bool = True  # of the last evaluation: no cause is true or unknown
    is_met: bool = False  # of the last evaluation: the reset conditions hold

    @property
    def tags(self) -> set[str]:
        """Every tag the row reads."""
        channels = {tag for vote in self.votes for part in vote.parts for tag in part.of}
        return channels | {tag for tag, _, _ in self.resets} | ({self.armed} - {"always"})


@dataclass
class Matrix:
    rows: dict[str, Row]
    forces: dict[str, list[tuple[str, float, int, float]]]  # action -> output, value, priority, after
    also: dict[str, list[str]]

    def all_actions(self, names: Iterable[str]) -> set[str]:
        found: set[str] = set()
        todo = list(names)
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += self.also[name]
        return found

    def forced(self, acting: Mapping[str, float], now: float) -> dict[str, float]:
        """Return output -> value for rows that act, given when each began."""
        best: dict[str, tuple[int, float]] = {}
        for key, since in acting.items():
            for action in self.all_actions(self.rows[key].actions):
                for output, value, priority, after in self.forces[action]:
                    if now - since >= after - 1e-6 and priority > best.get(output, (-1, 0.0))[0]:
                        best[output] = (priority, value)
        return {output: value for output, (_, value) in best.items()}


def read(folder: Path) -> Matrix:
    """Read all files of all templates."""
    plant = yaml.safe_load((folder / "plant.yaml").read_text(encoding="utf-8"))
    instances: dict[str, str] = {name: one["template"] for name, one in plant["instances"].items()}
    matrix = Matrix({}, {}, {})
    for name, template in instances.items():
        for file in sorted((folder / template).glob("*.yaml")):
            section = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
            for key, action in (section.get("actions") or {}).items():
                _add_action(matrix, instances, name, key, action)
            for key, row in (section.get("protection") or {}).items():
                matrix.rows[f"{name}-{key}"] = _row(instances, name, key, row)
    return matrix


def _refs(instances: Mapping[str, str], here: str, ref: str, join: str = "-") -> list[str]:
    where, _, key = ref.rpartition("/")
    places = [here] if not where else [where] if where in instances else [n for n, t in instances.items() if t == where]
    return [f"{place}{join}{key}" for place in places]


def _add_action(matrix: Matrix, instances: Mapping[str, str], here: str, key: str, spec: Any) -> None:
    name = f"{here}/{key}"
    matrix.forces[name] = []
    matrix.also[name] = [one for ref in spec.get("also", []) for one in _refs(instances, here, ref, "/")]
    for ref, force in spec.get("force", {}).items():
        value, after = (force["to"], force["after_s"]) if isinstance(force, dict) else (force, 0.0)
        for output in _refs(instances, here, ref):
            matrix.forces[name].append((output, float(value), spec.get("priority", 5), float(after)))


def _limit(spec: Any) -> Limit:
    for side in ("above", "below"):
        if side in spec:
            return Limit(side, float(spec[side]))
    return Limit(next(side for side in ("is_true", "is_false", "is_bad") if spec.get(side)), 0.5)


def _part(instances: Mapping[str, str], here: str, spec: Any) -> Part:
    of = [key for ref in spec["of"] for key in _refs(instances, here, ref)]
    return Part(int(spec["vote"].split("oo")[0]), of, _limit(spec))


def _vote(instances: Mapping[str, str], here: str, name: str, spec: Any, policy: str) -> Vote:
    nested = spec.get("parts")
    parts = [_part(instances, here, one) for one in nested or [spec]]
    need = int(spec["vote"].split("oo")[0]) if nested else 1
    return Vote(name, need, parts, bool(nested), float(spec["delay_s"]), spec.get("on_unknown", policy))


def _row(instances: Mapping[str, str], here: str, key: str, spec: Any) -> Row:
    resets = spec["reset_when"]
    listed = resets if isinstance(resets, list) else [resets] if resets else []
    armed = spec["armed_when"]
    return Row(
        key=f"{here}-{key}",
        group=f"{here}-{spec['group']}",
        votes=[_vote(instances, here, name, vote, spec["on_unknown"]) for name, vote in spec["votes"].items()],
        armed=armed if armed == "always" else _refs(instances, here, armed)[0],
        actions=[one for ref in spec["actions"] for one in _refs(instances, here, ref, "/")],
        latch=spec["latch"],
        resets=[(_refs(instances, here, one["tag"])[0], _limit(one), float(one.get("for_s", 0.0))) for one in listed],
        reset_by=spec["reset_by"],
        function_bypass=spec["function_bypass"],
        channel_bypass=spec["channel_bypass"],
        manual=spec.get("manual_trip"),
        held=[None] * len(listed),
    )


# --- one plant, in plain words ---------------------------------------------------------------------------------------


def is_bad(reading: Reading) -> bool:
    return reading[1] >= BAD or math.isnan(reading[0])


def letter(reading: Reading, limit: Limit) -> str:
    """Judge one channel: bad; true; written by hand and not true counts as bad; else healthy."""
    if is_bad(reading):
        return "B"
    if limit.holds(reading[0]):
        return "T"
    return "B" if reading[1] & 0xFFFF_0000 == OVERRIDE else "H"


def count(letters: str, need: int, policy: str) -> str:
    """Return true, false, unknown, or gone when everything is bypassed."""
    left = letters.replace("Y", "")
    if not left:
        return "gone"
    need = min(need, len(left))
    true, bad = left.count("T"), left.count("B")
    if policy == "trip":
        if true >= need:
            return "true"
        return "unknown" if true + bad >= need else "false"
    if bad == len(left):
        return "unknown"
    return "true" if true >= min(need, len(left) - bad) else "false"


def decide(vote: Vote, letters: list[str]) -> str:
    """Return true, false or unknown for a vote with the letters of each part."""
    parts = [count(one, part.need, vote.policy) for one, part in zip(letters, vote.parts, strict=True)]
    if vote.is_nested:
        meaning = {"true": "T", "unknown": "B", "false": "H", "gone": "Y"}
        result = count("".join(meaning[one] for one in parts), vote.need, vote.policy)
    else:
        result = parts[0]
    return "false" if result == "gone" else result


def advance(
    row: Row, table: Mapping[str, Reading], now: float, out: Iterable[str] = (), *, suspended: bool = False
) -> bool:
    """Evaluate a row at ``now`` (seconds, rising); return whether it acts. ``out`` names bypassed channels."""
    votes = [_vote_acts(vote, table, now, out) for vote in row.votes]  # every timer must see this instant
    tripped = any(votes)
    armed = row.armed == "always" or is_bad(table[row.armed]) or table[row.armed][0] >= 0.5
    met = resets_hold(row, table, now)
    may = armed and not suspended
    if row.latch:
        acting = row.acting or (tripped and may)
    else:
        acting = may and (tripped or (row.acting and bool(row.resets) and not met))
    if acting and not row.acting:
        row.acting_since = now
    row.acting = acting
    return acting


def _vote_acts(vote: Vote, table: Mapping[str, Reading], now: float, out: Iterable[str]) -> bool:
    letters = ["".join("Y" if tag in out else letter(table[tag], part.limit) for tag in part.of) for part in vote.parts]
    decision = decide(vote, letters)
    left = "".join(letters).replace("Y", "")
    runs = decision == "true" or (decision == "unknown" and vote.policy == "trip")
    if runs:
        vote.began = now if vote.began is None else vote.began
    elif not _only_bad_ones_keep_it(vote, letters):
        vote.began = None
    if not left or left.count("B") < len(left):
        vote.bad_since = None
    elif vote.bad_since is None:
        vote.bad_since = now
    is_over = runs and vote.began is not None and now - vote.began >= vote.delay_s - 1e-6
    later = vote.policy == "excluded_trip_after_30s" and vote.bad_since is not None
    return is_over or (later and now - (vote.bad_since or 0.0) >= 30.0 - 1e-6)


def clear(row: Row, table: Mapping[str, Reading], out: Iterable[str] = ()) -> bool:
    """Return whether no vote is true or unknown."""
    for vote in row.votes:
        letters = [
            "".join("Y" if tag in out else letter(table[tag], part.limit) for tag in part.of) for part in vote.parts
        ]
        if decide(vote, letters) != "false":
            return False
    return True


def _only_bad_ones_keep_it(vote: Vote, letters: list[str]) -> bool:
    """Return whether it would be true if every bad channel were, and something is true or nothing can be read."""
    best = decide(vote, [one.replace("B", "T") for one in letters])
    left = "".join(letters).replace("Y", "")
    return best == "true" and ("T" in left or set(left) == {"B"})


def resets_hold(row: Row, table: Mapping[str, Reading], now: float) -> bool:
    met = True
    for number, (tag, limit, for_s) in enumerate(row.resets):
        if is_bad(table[tag]) or not limit.holds(table[tag][0]):
            row.held[number] = None
            met = False
            continue
        since = row.held[number]
        row.held[number] = since = now if since is None else since
        met = met and now - since >= for_s - 1e-6
    return met


def healthy(matrix: Matrix) -> dict[str, float]:
    """Return a value for every tag of the matrix at which no cause is true and every reset condition holds."""
    bounds: dict[str, list[tuple[str, float]]] = {}
    for row in matrix.rows.values():
        for part in (part for vote in row.votes for part in vote.parts):
            flip = {"above": "below", "below": "above", "is_true": "is_false", "is_false": "is_true"}
            for tag in part.of:
                if part.limit.side in flip:
                    bounds.setdefault(tag, []).append((flip[part.limit.side], part.limit.number))
                else:
                    bounds.setdefault(tag, [])
        for tag, limit, _ in row.resets:
            bounds.setdefault(tag, []).append((limit.side, limit.number))
        if row.armed != "always":
            bounds.setdefault(row.armed, []).append(("is_true", 0.5))
    return {tag: _between(limits) for tag, limits in bounds.items()}


def _between(limits: list[tuple[str, float]]) -> float:
    sides = {side for side, _ in limits}
    if sides & {"is_true", "is_false"}:
        return 1.0 if "is_true" in sides else 0.0
    low = max((number for side, number in limits if side == "above"), default=-math.inf)
    high = min((number for side, number in limits if side == "below"), default=math.inf)
    if math.isinf(low):
        return 0.0 if math.isinf(high) else high - max(1.0, abs(high) * 0.2)
    return low + max(1.0, abs(low) * 0.2) if math.isinf(high) else (low + high) / 2.0
