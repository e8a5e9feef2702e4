"""What the simulator needs of each tag."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from controller.core.config import Config
from controller.core.errors import ConfigError
from plc_sim.points import read_points
from plc_sim.simulator import Simulator


def without(config: Config, key: str, part: str) -> Config:
    tag = config.tags[key]
    changed = replace(tag, spec=tag.spec.model_copy(update={part: None}))
    return replace(config, tags={**config.tags, key: changed})


def test_every_tag_without_instrument_or_actuator_is_named_with_its_file(config: Config) -> None:
    config = without(without(config, "L1-TT-1604", "instrument"), "C0-SC-3010", "actuator")
    with pytest.raises(ConfigError) as caught:
        read_points(config)
    lines = str(caught.value).splitlines()
    assert lines == [
        "line/drum.yaml:1: C0-SC-3010.actuator: missing: the simulator must know what this output moves",
        "line/drum.yaml:1: L1-TT-1604.instrument: missing: the simulator must know what this input measures",
    ]


def test_an_actuator_of_an_unknown_input_is_named_with_those_that_exist(make_config: Callable[..., Config]) -> None:
    tag = {
        "unit": "%",
        "range": {"lo": 0.0, "hi": 100.0},
        "output": {"device": "plc", "address": 150, "safe": "hold", "fail": {"position": 0.0}},
        "actuator": {"drives": "steam.drain"},
    }
    with pytest.raises(ConfigError, match=r"no input 'steam.drain'; L1 has ash.boiler_conveyor, "):
        Simulator(make_config("L1", **{"FV-1499.OP": tag}))
