"""Why a value is not valid, or what must be said about a valid one: 16 bits that travel with every mean."""

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from controller.core.quality import (
    BAD,
    BAD_CONFIGURATION_ERROR,
    BAD_DEVICE_FAILURE,
    BAD_OUT_OF_SERVICE,
    BAD_SENSOR_FAILURE,
    BAD_WAITING_FOR_INITIAL_DATA,
    UNCERTAIN_EU_EXCEEDED,
    UNCERTAIN_SENSOR_NOT_ACCURATE,
    UNCERTAIN_SUB_NORMAL,
    Codes,
)
from controller.core.tags import Floats

Bits = npt.NDArray[np.uint8]  # (2, n, batch): reasons, remarks


class Why:
    """Numbers of the bits. Up to ``O2_HIGH`` a sample is not valid; the others are said beside the value."""

    SIGNAL: Final = 0  # no signal, or BAD
    FAULT: Final = 1  # monitoring says fault, or nothing
    MAINTENANCE: Final = 2
    CALIBRATION: Final = 3  # zero and span cycle
    IMPLAUSIBLE: Final = 4  # below the range by more than 5 % of it
    FROZEN: Final = 5  # the reading does not move
    REFERENCE: Final = 6  # O2, H2O, temperature or pressure that it needs is not valid
    O2_HIGH: Final = 7
    OVER_RANGE: Final = 8  # the true value is at least this
    OUTSIDE_CALIBRATION: Final = 9  # above the valid calibration range
    CALIBRATION_EXPIRED: Final = 10
    QAL3_OUT: Final = 11
    STANDBY: Final = 12  # the standby unit measures
    TOO_FEW: Final = 13  # samples of a minute, minutes of a mean
    GAP: Final = 14  # nobody calculated for a part of the period
    NO_WASTE: Final = 15  # too little waste time: not counted


_NUMBERS: Final[dict[str, int]] = {name: number for name, number in vars(Why).items() if name.isupper()}
COUNT: Final = len(_NUMBERS)
WORDS: Final = {number: name.lower().replace("_", " ") for name, number in _NUMBERS.items()}
REMARK: Final = {number: np.uint8(1 << (number - 8)) for number in WORDS if number >= Why.OVER_RANGE}

_BAD_CODES: Final = (  # the first that applies
    (Why.MAINTENANCE, BAD_OUT_OF_SERVICE),
    (Why.CALIBRATION, BAD_OUT_OF_SERVICE),
    (Why.FAULT, BAD_DEVICE_FAILURE),
    (Why.REFERENCE, BAD_CONFIGURATION_ERROR),
)
_REMARK_CODES: Final = (
    (Why.OVER_RANGE, UNCERTAIN_EU_EXCEEDED),
    (Why.OUTSIDE_CALIBRATION, UNCERTAIN_EU_EXCEEDED),
    (Why.CALIBRATION_EXPIRED, UNCERTAIN_SENSOR_NOT_ACCURATE),
    (Why.QAL3_OUT, UNCERTAIN_SENSOR_NOT_ACCURATE),
    (Why.GAP, UNCERTAIN_SUB_NORMAL),
)


def _table(codes: tuple[tuple[int, int], ...], first: int, otherwise: int) -> Codes:
    """Return the status code for each of the 256 combinations of one byte."""
    table = np.zeros(256, dtype=np.uint32)
    for byte in range(1, 256):
        found = (code for why, code in codes if byte >> (why - first) & 1)
        table[byte] = next(found, otherwise)
    return table


_BAD: Final = _table(_BAD_CODES, 0, BAD_SENSOR_FAILURE)
_REMARK: Final = _table(_REMARK_CODES, 8, 0)
_NOT_YET: Final = np.uint32(BAD_WAITING_FOR_INITIAL_DATA)


def quality_of(value: Floats, bits: Bits) -> Codes:
    """Return the status codes of values (n, batch) with these bits; NaN is BAD for the reason given."""
    bad = np.maximum(_BAD.take(bits[0]), np.uint32(BAD))
    return np.where(np.isnan(value), bad, _REMARK.take(bits[1]))


def plain_quality(value: Floats) -> Codes:
    """Return Good for numbers, and that there is none yet for NaN."""
    return np.where(np.isnan(value), _NOT_YET, np.uint32(0))


@cache
def words(low: int, high: int) -> str:
    """Return the reasons in two bytes as words for the record."""
    bits = low | high << 8
    return ", ".join(word for number, word in WORDS.items() if bits >> number & 1)
