"""Words and numbers of the pages: keys without their instance, what a calculated tag does, tuning and limits."""

from controller.core import models
from controller.core.config import Config

WORDS = {
    "expression": "{0.formula}",
    "lag": "lag {0.tau_s:g} s",
    "lead_lag": "{0.gain:g}·(1+{0.lead_s:g}s)/(1+{0.lag_s:g}s)",
    "dead_time": "{0.delay_s:g} s ago",
    "on_delay": "for {0.delay_s:g} s",
    "off_delay": "and {0.delay_s:g} s longer",
    "above": "≥ {0.limit:g}",
    "below": "≤ {0.limit:g}",
    "ramp": "ramp +{0.up_per_s:g} −{0.down_per_s:g} /s",
    "slope": "rate of change, {0.tau_s:g} s",
    "rolling_mean": "mean of {0.window_s:g} s",
    "product": "× {0.gain:g}",
    "median": "median of {count}",
    "average": "mean of {count}",
    "highest": "highest of {count}",
    "lowest": "lowest of {count}",
    "spread": "spread of {count}",
    "any": "or",
    "all": "and",
    "equals": "= {0.value}",
}


def short(key: str, home: str = "") -> str:
    """Return a key without the instance; with it when it lies in another instance than ``home``."""
    instance, _, rest = key.partition("-")
    if not rest or (home and instance != home):
        return key
    return rest


def number(value: float) -> str:
    """Return a number as people write it."""
    return f"{value:.4g}"


def formula(derived: models.Derived, home: str) -> str:
    """Return what a calculated tag does, in a few letters."""
    if isinstance(derived, models.Sum):
        return "Σ" if all(gain == 1.0 for gain in derived.gains) else _weighted(derived)
    if isinstance(derived, models.Choice):
        return f"{short(derived.of, home)} ? yes : no"
    of = getattr(derived, "of", "")
    count = 1 if isinstance(of, str) else len(of)
    return WORDS.get(derived.kind, derived.kind.replace("_", " ")).format(derived, count=count)


def _weighted(derived: models.Sum) -> str:
    gains = " ".join(f"{gain:+g}" for gain in derived.gains)
    return f"Σ {gains}" + (f" {derived.bias:+g}" if derived.bias else "")


def unit_of(config: Config, key: str) -> str:
    """Return the unit of a tag; empty for one that does not exist."""
    tag = config.tags.get(key)
    return "" if tag is None else tag.spec.unit


def model_words(process: models.ProcessModel) -> str:
    """Return the declared process model."""
    if process.integrates is not None:
        text = f"integrates {number(process.integrates)} %/s per %"
    else:
        text = f"gain {number(process.gain or 0.0)} %/%"
    lag = f", lag {number(process.lag_s)} s" if process.lag_s else ""
    return text + lag + (f", dead time {number(process.dead_time_s)} s" if process.dead_time_s else "")


def tuning_words(tuning: models.Tuning) -> str:
    """Return the tuning in the ISA form."""
    parts = [f"Kp {number(tuning.kp)}", f"Ti {number(tuning.ti_s)} s" if tuning.ti_s else "no integral"]
    if tuning.td_s:
        parts.append(f"Td {number(tuning.td_s)} s (N {number(tuning.n)})")
    if tuning.b != 1.0:
        parts.append(f"b {number(tuning.b)}")
    if tuning.c != 0.0:
        parts.append(f"c {number(tuning.c)}")
    return ", ".join(parts)
