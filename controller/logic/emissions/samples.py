"""One sample: reading and status -> plausibility -> calibration function -> reference state -> sums of the minute.

Each sample is brought to the reference state with the oxygen, water, temperature and pressure of the same instant;
means are made afterwards. A mean of concentrations referred to a mean oxygen is a different, wrong number.
"""

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from controller.core.emission_plan import H2O, O2, PRESSURE, TEMPERATURE, Calibration
from controller.core.quality import BAD, Codes
from controller.core.tags import Floats
from controller.logic.emissions import normalise
from controller.logic.emissions.figures import C
from controller.logic.emissions.reasons import Why, quality_of
from controller.logic.emissions.work import Work

_INVALID = slice(Why.SIGNAL, Why.O2_HIGH + 1)
_OWN = slice(Why.SIGNAL, Why.FROZEN + 1)  # reasons that a signal has by itself
_STATUS = slice(Why.FAULT, Why.CALIBRATION + 1)


def take(w: Work, value: Floats, quality: Codes, utc: int) -> None:
    """Judge one sample of all signals and add the valid ones to the running minute."""
    p, mask = w.plan, w.mask
    raw = value.take(p.source, axis=0)
    _judge(w, raw, quality.take(p.source, axis=0), value)
    calibration = calibrate(w, utc)
    y = calibration.a + calibration.b * raw
    _refer(w, y)
    np.greater(y[: w.c], calibration.valid_to[: w.c], out=mask[Why.OUTSIDE_CALIBRATION, : w.c])
    is_valid = ~np.logical_or.reduce(mask[_INVALID], axis=0)
    bits = np.packbits(mask, axis=0, bitorder="little")
    np.add(w.minute[0], is_valid, out=w.minute[0])
    np.add(w.minute[1], y, out=w.minute[1], where=is_valid)
    np.bitwise_or(w.minute_why, bits, out=w.minute_why)
    now = w.shown[C.VALUE]
    np.copyto(now, y[: w.c])
    np.copyto(now, np.nan, where=~is_valid[: w.c])
    w.code[C.VALUE] = quality_of(now, bits[:, : w.c])


def calibrate(w: Work, utc: int) -> Calibration:
    """Return the calibration functions that hold at ``utc``; keep what they say about themselves in the mask."""
    functions = w.plan.calibrations
    number = 0 if len(functions) == 1 else max(bisect_right(functions, utc, key=_since) - 1, 0)
    if number != w.calibration:
        w.calibration = number
        w.mask[Why.CALIBRATION_EXPIRED] = functions[number].is_expired
    return functions[number]


def _since(calibration: Calibration) -> int:
    return calibration.since_ns


def _judge(w: Work, raw: Floats, code: Codes, value: Floats) -> None:
    """Set what each signal says about itself: signal, status, plausibility, whether it moves."""
    p, mask = w.plan, w.mask
    np.logical_or(code >= BAD, np.isnan(raw), out=mask[Why.SIGNAL])
    if not w.has_all:
        mask[Why.SIGNAL] |= ~p.is_there
    status = value.take(p.status_row, axis=0)
    says = status == w.codes  # fault, maintenance, calibration, standby
    says[0] |= np.isnan(status)
    of_signal = says.take(p.monitor, axis=1)
    np.logical_and(of_signal, p.has_status, out=of_signal)
    mask[_STATUS] = of_signal[:3]
    mask[Why.STANDBY] = of_signal[3]
    np.less(raw, w.low, out=mask[Why.IMPLAUSIBLE])
    np.greater_equal(raw, p.hi, out=mask[Why.OVER_RANGE])
    np.add(w.still, 1.0, out=w.still)
    np.multiply(w.still, raw == w.last, out=w.still)
    np.copyto(w.last, raw)
    np.greater_equal(w.still, p.frozen_samples, out=mask[Why.FROZEN])
    np.logical_and(mask[Why.FROZEN], raw > p.lo, out=mask[Why.FROZEN])  # nothing to measure is no fault
    np.logical_and(value.take(p.qal_row, axis=0) >= 2.0, p.has_qal, out=mask[Why.QAL3_OUT, : w.c])


def _refer(w: Work, y: Floats) -> None:
    """Bring the channels in ``y`` to the reference state; mark those whose reference signals are not valid."""
    p, mask, c = w.plan, w.mask, w.c
    h2o = y[w.refs[H2O]] * 0.01
    o2 = y[w.refs[O2]]
    if p.is_o2_wet.any():
        o2 = np.where(p.is_o2_wet, normalise.dry_oxygen(o2, h2o), o2)
        y[w.refs[O2]] = o2
    factors = factors_of(w, (y[w.refs[TEMPERATURE]], y[w.refs[PRESSURE]], h2o, o2)).take(w.of, axis=1)
    np.copyto(factors, 1.0, where=~p.factor)
    y[:c] *= factors[0] * factors[1] * factors[2] * factors[3]
    is_out = np.logical_or.reduce(mask[_OWN], axis=0)
    lacks = is_out.take(p.reference, axis=0) & p.needs
    np.logical_or.reduce(lacks, axis=0, out=mask[Why.REFERENCE, :c])
    is_high = (o2 >= p.o2_high).take(w.of, axis=0)
    np.logical_and(is_high, p.factor[O2], out=mask[Why.O2_HIGH, :c])


def factors_of(w: Work, references: Sequence[Floats]) -> Floats:
    """Return the factors (4, monitors, batch) of temperature (°C), pressure (kPa), water (fraction), oxygen (%)."""
    p = w.plan
    celsius, kpa, h2o, o2 = references
    used = np.where(p.upwards_only, np.maximum(o2, p.o2_reference), o2)
    return np.stack(
        [
            normalise.temperature_factor(celsius, p.k),
            normalise.pressure_factor(kpa, p.kpa),
            normalise.humidity_factor(h2o),
            normalise.oxygen_factor(used, p.o2_reference, p.air_o2),
        ]
    )
