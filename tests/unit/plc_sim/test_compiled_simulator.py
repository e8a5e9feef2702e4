"""The whole simulator of the shipped plant: its compiled step is that of numpy, and a batch is its plants alone."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from controller.core.config import Config
from plc_sim.simulator import Simulator

Floats = npt.NDArray[np.float64]

RTOL = 1e-9  # the compiled step may sum in another order
ATOL = 1e-9  # of what is next to nothing
BATCH = 64
COLUMNS = (0, 13, 63)


def set_faults(sim: Simulator, column: slice | int = 0) -> None:
    """Let something be wrong in every part of the plant; of the plants of a batch, each has its own sizes."""

    def sizes(first: float, last: float) -> Any:
        """Return one size, or one for each plant."""
        return np.linspace(first, last, BATCH)[column]

    sim.fault("F1", line="L1", lhv=sizes(7.0, 10.0), minutes=1.0)
    sim.fault("F2", line="L2", percent=sizes(10.0, 60.0))
    sim.fault("F5", line="L1", t_h=sizes(1.0, 20.0))
    sim.fault("F9", line="L2")
    sim.fault("F17", line="L1", mg=sizes(100.0, 1200.0))
    sim.fault("F18")
    sim.fault("F31")
    sim.fault("motor_trip", motor="C0-P-3010A.CMD")
    sim.fault("transmitter_drift", tag="L1-LT-1401A", per_h=sizes(-500.0, 500.0))
    sim.fault("transmitter_noise", tag="C0-PT-3004A", times=sizes(0.0, 5.0))
    sim.fault("transmitter_frozen", tag="L2-LT-1401B")
    sim.fault("valve_stiction", output="L1-FV-1601.OP", band=sizes(0.0, 6.0), jump=1.0)
    sim.fault("valve_slow", output="L2-FV-1601.OP", percent=30.0)


def orders(sim: Simulator, steps: int) -> list[Floats]:
    """Return what a controller writes: every second a third of the final elements is sent to another place."""
    random, outputs = np.random.default_rng(1), sim.points.outputs
    written: list[Floats] = []
    for step in range(steps):
        raw = np.full((len(outputs), 1), np.nan)
        moves = np.array([p.form == "raw" for p in outputs]) & (random.random(len(outputs)) < 0.3) & (step % 10 == 0)
        raw[moves, 0] = np.rint(random.uniform(0.0, 27_648.0, int(moves.sum())))
        written.append(raw)
    return written


def step(sim: Simulator, raw: Floats) -> None:
    sim.write_raw(np.broadcast_to(raw, (len(raw), sim.state.batch)), heartbeat=sim.steps + 1)
    sim.step()


def test_the_compiled_step_is_that_of_numpy(whole: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled, calculated = Simulator(whole, seed=3), Simulator(whole, seed=3)
    monkeypatch.setattr(calculated, "_run", calculated.advance)
    monkeypatch.setattr(calculated, "_bound", lambda: calculated.advance)  # for other faults
    for sim in (compiled, calculated):
        set_faults(sim)
    for raw in orders(compiled, 200):
        for sim in (compiled, calculated):
            step(sim, raw)
        for name, slot in compiled.state.slots.items():
            np.testing.assert_allclose(slot.array, calculated.state[name], rtol=RTOL, atol=ATOL, err_msg=name)
    assert np.array_equal(compiled.instruments.raw, calculated.instruments.raw, equal_nan=True)


def test_every_column_of_a_batch_is_the_plant_of_its_seed_alone_bit_for_bit(whole: Config) -> None:
    batch = Simulator(whole, batch=BATCH, seed=100)
    set_faults(batch, slice(None))
    written = orders(batch, 60)
    for raw in written:
        step(batch, raw)
    spread = batch.instruments.raw.std(axis=1) > 0.0
    assert spread.sum() > 200, "the plants differ"
    for column in COLUMNS:
        alone = Simulator(whole, seed=100 + column)
        set_faults(alone, column)
        for raw in written:
            step(alone, raw)
        for name, slot in alone.state.slots.items():
            if name != "seed":
                same = np.ascontiguousarray(batch.state[name][..., column]).tobytes()
                assert slot.array.tobytes() == same, f"{name} of plant {column}"
