"""Laws of the drum: nothing is lost, and a plant in a batch is the plant alone."""

import numpy as np
import numpy.typing as npt

from plc_sim.process.drum import Drum, Flows, Geometry
from plc_sim.process.water import saturation_table

Floats = npt.NDArray[np.float64]

CONSERVED_RTOL = 1e-6  # of the contents, after an hour
SIZES = {"v_d": 28.4, "v_r": 40, "v_dc": 20, "a_d": 21.25, "a_dc": 0.3, "m_t": 180e3, "m_r": 120e3, "m_d": 60e3}
REST = {"c_p": 550, "k": 25, "beta": 0.3, "t_d": 12, "v0_sd": 6.0}
FEEDWATER_J_KG = 0.8997e6
AMBIENT_PA = 93_200.0


def drum(lines: int = 1) -> Drum:
    column = {name: np.full((lines, 1), float(value)) for name, value in (SIZES | REST).items()}
    return Drum(Geometry(**column), saturation_table(), 93_200.0)


def rest(model: Drum, batch: int, lines: int = 1) -> tuple[Floats, Flows]:
    p = np.full((lines, batch), 7.2e6)
    s = model.water.at(p)
    steam, blowdown = np.full_like(p, 32.0), np.full_like(p, 0.3)
    feed = steam + blowdown
    heat = steam * s.h_s + blowdown * s.h_w - feed * FEEDWATER_J_KG
    flows = Flows(heat, feed, np.full_like(p, FEEDWATER_J_KG), steam, blowdown)
    return model.steady(p, flows), flows


def test_mass_and_energy_are_conserved_over_an_hour() -> None:
    dt, batch = 0.2, 16
    random = np.random.default_rng(7)
    heat, feed = random.uniform(-0.03, 0.03, (2, batch))
    swing = np.sin(2.0 * np.pi * np.arange(18_000)[:, np.newaxis] * dt / random.uniform(20.0, 600.0, batch))
    model = drum()
    state, flows = rest(model, batch)
    mass, energy = model.contents(state)
    first_mass, first_energy = mass.copy(), energy.copy()

    def leaving(p: Floats) -> Floats:
        s = model.water.at(p)
        return flows.steam * s.h_s + flows.blowdown * s.h_w

    for share in swing:
        now = flows._replace(heat=flows.heat * (1.0 + heat * share), feedwater=flows.feedwater * (1.0 + feed * share))
        start = state[1].copy()
        model.step(state, model.inside(state), now, dt)
        mass += dt * (now.feedwater - now.steam - now.blowdown)
        energy += dt * (now.heat + now.feedwater * now.feedwater_j_kg - 0.5 * (leaving(start) + leaving(state[1])))
    held_mass, held_energy = model.contents(state)
    assert np.abs(held_mass - mass).max() < CONSERVED_RTOL * first_mass.min()
    assert np.abs(held_energy - energy).max() < CONSERVED_RTOL * np.abs(first_energy).min()
    assert np.ptp(model.level(state, model.inside(state))) > 1e-3  # the swings did move the plants apart


def test_more_steam_swells_first_and_falls_later() -> None:
    model = drum()
    state, flows = rest(model, 1)
    level = model.level(state, model.inside(state)).item()
    flows = flows._replace(steam=flows.steam * 1.1)
    levels = []
    for _ in range(3000):
        model.step(state, model.inside(state), flows, 0.1)
        levels.append(model.level(state, model.inside(state)).item() - level)
    assert max(levels) > 0.01
    assert int(np.argmax(levels)) in range(100, 350)
    assert levels[-1] < -0.02


def test_every_column_of_a_batch_is_that_plant_alone_bit_for_bit() -> None:
    batch = 64
    model = drum(lines=3)
    state, flows = rest(model, batch, lines=3)
    factor = 1.0 + 0.001 * np.arange(batch)
    for _ in range(50):
        model.step(state, model.inside(state), flows._replace(heat=flows.heat * factor), 0.1)
    for column in (0, 1, 17, 63):
        alone, single = rest(model, 1, lines=3)
        for _ in range(50):
            model.step(alone, model.inside(alone), single._replace(heat=single.heat * factor[column]), 0.1)
        assert alone[..., 0].tobytes() == np.ascontiguousarray(state[..., column]).tobytes()
