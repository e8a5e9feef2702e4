"""Laws of cascades: whatever people do to the modes of a tree of loops, nothing jumps, nothing winds up, no NaN passes.

Trees are drawn at random: masters of one or two slaves, straight, split or fanned out, to a depth of four, with every
tuning and both actions. Many plants run side by side, each with its own history.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from controller.core.plan import Mode, Plan
from controller.core.tags import Floats
from tests.loop_bench import Bench, Spec, analogue, loop, make, valve

BATCH = 48
MODES = (Mode.OOS, Mode.LO, Mode.MAN, Mode.AUTO, Mode.CAS, Mode.RCAS)
SPLITS: tuple[tuple[tuple[float, float], ...], ...] = (
    ((0, 100),),
    ((0, 50), (50, 100)),
    ((0, 48), (52, 100)),
    ((0, 60), (40, 100)),
    ((50, 0), (50, 100)),
    ((0, 100), (0, 100)),
)


@dataclass
class Tree:
    """A random tree of loops, its tags, and a state in which everything explains everything else."""

    rng: np.random.Generator
    tags: dict[str, Spec] = field(default_factory=dict[str, Spec])
    loops: dict[str, Spec] = field(default_factory=dict[str, Spec])
    depth: dict[str, int] = field(default_factory=dict[str, int])
    ends: dict[str, list[tuple[str, tuple[float, float]]]] = field(default_factory=dict[str, Any])

    def grow(self, depth: int, *, is_root: bool = True) -> str:
        """Add a loop and all below it; return its key."""
        number = 1001 + len(self.loops)
        key = f"FIC-{number}"
        self.depth[key] = depth
        self.tags[f"FT-{number}"] = analogue(len(self.loops))
        self.loops[key] = {}
        at = SPLITS[self.rng.integers(len(SPLITS))]
        self.ends[key] = []
        for n, way in enumerate(at):
            if depth > 1:
                to = self.grow(depth - 1, is_root=False)
            else:
                to = f"FV-{number}{'AB'[n]}.OP"
                self.tags[to] = valve(2 * len(self.loops) + n)
            self.ends[key].append((to, way))
        self.loops[key] = loop(
            f"FT-{number}",
            outputs=[{"to": to, "at": list(way)} for to, way in self.ends[key]],
            action=str(self.rng.choice(["reverse", "direct"])),
            tuning={
                "kp": float(self.rng.uniform(0.1, 5.0)),
                "ti_s": float(self.rng.choice([0.0, 2.0, 30.0])),
                "td_s": float(self.rng.choice([0.0, 1.0])),
                "b": float(self.rng.choice([0.0, 0.5, 1.0])),
            },
            permitted=[mode.name for mode in MODES if mode is not Mode.CAS or not is_root],
            normal="AUTO" if is_root else "CAS",
            start="AUTO" if is_root else "CAS",
            rate=1,
        )
        return key

    def rest(self, batch: int) -> tuple[dict[str, Floats], dict[str, Floats]]:
        """Return measured values and outputs (batch,) of a plant at rest: every PV is what its masters ask."""
        values: dict[str, Floats] = {}
        outputs: dict[str, Floats] = {}
        for key in self.loops:  # masters stand before their slaves
            values.setdefault(key.replace("IC", "T"), self.rng.uniform(5.0, 95.0, batch))
            op = self.rng.uniform(5.0, 95.0, batch)
            for to, (lo, hi) in self.ends[key]:
                share = 100.0 * np.clip((op - lo) / (hi - lo), 0.0, 1.0)
                if to in self.loops:
                    values[to.replace("IC", "T")] = share
                else:
                    outputs[to] = share
        return values, outputs


def at_rest(plan: Plan, tree: Tree) -> Bench:
    """Return plants whose loops have no error and whose outputs are explained."""
    values, outputs = tree.rest(BATCH)
    bench = Bench(plan, BATCH, inputs=values, outputs=outputs).start()
    pv = bench.state["table.value"][plan.loops.pv]
    bench.state["loop.sp"][...], bench.state["loop.sp_used"][...] = pv, pv
    return bench


def plant(tmp_path: Path, seed: int) -> tuple[Tree, Plan]:
    tree = Tree(np.random.default_rng(seed))
    tree.grow(int(tree.rng.integers(1, 5)))
    return tree, make(tmp_path, tree.tags, tree.loops)


def command(bench: Bench, rng: np.random.Generator, share: float = 0.05) -> None:
    """Let people select permitted modes here and there, each plant for itself."""
    plan, mode = bench.plan, bench.state["loop.mode"]
    wish = rng.choice([int(m) for m in MODES], mode.shape).astype(np.int8)
    permitted = plan.loops.permitted[np.arange(len(mode))[:, None], wish]
    np.copyto(mode, wish, where=permitted & (rng.random(mode.shape) < share))


@pytest.mark.parametrize("seed", range(8))
def test_no_mode_command_moves_a_plant_at_rest(tmp_path: Path, seed: int) -> None:
    tree, plan = plant(tmp_path, seed)
    bench = at_rest(plan, tree)
    before = bench.readback.copy()
    rng = np.random.default_rng(seed)
    for _ in range(150):
        command(bench, rng)
        if rng.random() < 0.1:  # the engineer tunes, too
            row, x = int(rng.integers(len(plan.loops.keys))), float(rng.uniform(0.1, 8.0))
            member = str(rng.choice(["KP", "TI", "TD"]))
            bench.order(f"{plan.loops.keys[row][3:]}.{member}", x)
        bench.scan()
        assert np.abs(bench.readback - before).max() < 0.1


@pytest.mark.parametrize("seed", range(12, 15))
@pytest.mark.parametrize("gap_s", [1.0, 5.0])
def test_a_restart_moves_nothing(tmp_path: Path, seed: int, gap_s: float) -> None:
    tree, plan = plant(tmp_path, seed)
    old = at_rest(plan, tree)
    rng = np.random.default_rng(seed)
    for _ in range(30):
        command(old, rng)
        old.scan()
    new = Bench(plan, BATCH)
    new.value[...], new.readback[...] = old.value, old.readback
    new.state.restore(old.state.save(retained_only=True))
    new.start(is_restored=True, gap_s=gap_s)
    for _ in range(30):
        new.scan()
        assert np.abs(new.readback - old.readback).max() < 0.1
    if gap_s > plan.watchdog_ns * 1e-9:
        assert (new.state["loop.mode"] <= Mode.MAN).all()
    else:
        assert np.array_equal(new.state["loop.mode"], old.state["loop.mode"])


def flows(tree: Tree, noise: float) -> Any:
    """Return a process: each measured value follows what its loop moves, whichever way the loop acts."""
    rng = np.random.default_rng(1)

    def process(bench: Bench) -> None:
        for key in reversed(list(tree.loops)):
            name = key.replace("IC", "T")
            row = bench._input(name)
            parts = []
            for to, way in tree.ends[key]:
                x = bench.value[bench._input(to.replace("IC", "T"))] if to in tree.loops else bench.sent(to)
                parts.append(100.0 - x if way[1] < way[0] else x)
            target = np.mean(parts, axis=0)
            if tree.loops[key]["action"] == "direct":
                target = 100.0 - target
            tau = 1.0 * 4.0 ** tree.depth[key]
            bench.value[row] += 0.1 / tau * (np.nan_to_num(target, nan=50.0) - bench.value[row])
            bench.value[row] = np.clip(bench.value[row] + noise * rng.normal(size=bench.batch), 0.0, 100.0)

    return process


@pytest.mark.parametrize("seed", range(18, 23))
def test_in_a_storm_of_commands_and_failures_outputs_stay_sound_and_within_limits(tmp_path: Path, seed: int) -> None:
    tree, plan = plant(tmp_path, seed)
    bench = at_rest(plan, tree)
    move = flows(tree, 0.5)
    rng = np.random.default_rng(seed)
    for _ in range(150):
        command(bench, rng)
        sound = np.where(np.isfinite(bench.value), bench.value, 50.0)
        bench.value[...] = sound
        move(bench)
        is_bad = rng.random(bench.value.shape) < 0.01
        bench.quality[...] = np.where(is_bad, np.uint32(0x8000_0000), np.uint32(0))
        bench.value[is_bad] = np.nan
        sp = bench.state["loop.sp"]
        np.copyto(sp, rng.uniform(0.0, 100.0, sp.shape), where=rng.random(sp.shape) < 0.02)
        frame = bench.scan()
        assert np.isfinite(frame.mv).all()
        assert ((frame.mv >= 0.0) & (frame.mv <= 100.0)).all()
        op = bench.state["loop.op"]
        assert ((op >= plan.loops.op_lo) & (op <= plan.loops.op_hi)).all()
        for name in ("loop.sp_used", "loop.sp", "loop.ff", "pid.integral", "pid.d", "pid.p", "loop.sp_gap"):
            assert np.isfinite(bench.state[name]).all(), name


@pytest.mark.parametrize(("depth", "action"), [(1, "reverse"), (1, "direct"), (2, "direct"), (3, "reverse")])
def test_how_long_a_cascade_was_saturated_leaves_no_trace(tmp_path: Path, depth: int, action: str) -> None:
    tags: dict[str, Spec] = {"FV-1000.OP": valve(0)}
    loops: dict[str, Spec] = {}
    for n in range(depth):  # the innermost first, each three times slower than the next
        key = f"FIC-{1001 + n}"
        tags[f"FT-{1001 + n}"] = analogue(n)
        cas = ["CAS"] if n < depth - 1 else []
        loops[key] = loop(
            f"FT-{1001 + n}",
            output=f"FIC-{1000 + n}" if n else "FV-1000.OP",
            action=action if n == 0 else "reverse",
            tuning={"kp": 0.8, "ti_s": 2.0 * 3.0**n},
            op={"rate_per_s": 20.0} if n == 0 else {},
            permitted=["MAN", "AUTO", *cas],
            normal="CAS" if cas else "AUTO",
            start="CAS" if cas else "AUTO",
        )
    plan = make(tmp_path, tags, loops)
    top = f"FIC-{1000 + depth}"

    def process(bench: Bench) -> None:
        x = bench.sent("FV-1000.OP")
        x = 0.7 * (100.0 - x if action == "direct" else x)  # 70 % is all there is
        for n in range(depth):
            row = bench._input(f"FT-{1001 + n}")
            bench.value[row] += 0.1 / (2.0 * 3.0**n) * (x - bench.value[row])
            x = bench.value[row]

    values = {f"FT-{1001 + n}": 35.0 for n in range(depth)}
    bench = Bench(plan, 2, process=process, inputs=values, outputs={"FV-1000.OP": 50.0}).start()
    sp = bench.state["loop.sp"][plan.loops.keys.index(f"C0-{top}")]
    sp[...] = 35.0
    bench.scan(5)
    sp[0] = 95.0
    bench.scan(600 * depth)
    sp[1] = 95.0
    bench.scan(600 * depth)
    assert bench.sent("FV-1000.OP") == pytest.approx(0.0 if action == "direct" else 100.0)
    sp[...] = 40.0
    seen = []
    for _ in range(500 * depth):
        bench.scan()
        seen.append(bench.all(f"{top}.PV").copy())
    long, short = np.array(seen).T
    assert np.abs(short - long).max() < 0.5
    assert short.min() > 40.0 - 8.0
    assert short[-1] == pytest.approx(40.0, abs=0.5)
