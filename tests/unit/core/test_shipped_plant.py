"""The shipped plant as configuration: nothing of it is missing, and operators can read it in both languages."""

import pytest

from controller.core.config import Config, load
from wte.folders import shipped_plant


@pytest.fixture(scope="module")
def almaty() -> Config:
    return load(shipped_plant())


def test_all_five_plcs_have_their_measurements_and_final_elements(almaty: Config) -> None:
    inputs = {tag.spec.input.device for tag in almaty.tags.values() if tag.spec.input is not None}
    assert inputs == set(almaty.plant.devices) == {"L1", "L2", "C0", "CEMS-1", "CEMS-2"}


def test_every_operator_text_is_in_both_languages(almaty: Config) -> None:
    same = [
        key for key, tag in almaty.tags.items()
        if tag.spec.title.en == tag.spec.title.ru and any(c.islower() for c in tag.spec.title.en)
    ]  # fmt: skip
    assert not same
