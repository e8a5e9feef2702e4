"""Quality of a value: OPC UA status codes (Part 4 section 7.39, Part 8 annex A) in a uint32.

The two top bits are the severity, so for plain codes a larger number is a worse quality: ``np.maximum`` of two
qualities is the worse one, and that is how quality propagates through every block. A BAD value has no number (NaN).
"""

from typing import Final

import numpy as np
import numpy.typing as npt

GOOD: Final = 0x0000_0000
GOOD_LOCAL_OVERRIDE: Final = 0x0096_0000
UNCERTAIN: Final = 0x4000_0000
UNCERTAIN_LAST_USABLE: Final = 0x4090_0000
UNCERTAIN_SENSOR_NOT_ACCURATE: Final = 0x4093_0000
UNCERTAIN_EU_EXCEEDED: Final = 0x4094_0000
UNCERTAIN_SUB_NORMAL: Final = 0x4095_0000
BAD: Final = 0x8000_0000
BAD_NO_COMMUNICATION: Final = 0x8031_0000
BAD_WAITING_FOR_INITIAL_DATA: Final = 0x8032_0000
BAD_OUT_OF_RANGE: Final = 0x803C_0000
BAD_CONFIGURATION_ERROR: Final = 0x8089_0000
BAD_DEVICE_FAILURE: Final = 0x808B_0000
BAD_SENSOR_FAILURE: Final = 0x808C_0000
BAD_OUT_OF_SERVICE: Final = 0x808D_0000

LIMIT_LOW: Final = 0x0000_0500  # InfoType DataValue + limit bits "low": the value is clamped at the range's low end
LIMIT_HIGH: Final = 0x0000_0600  # the same at the high end

Codes = npt.NDArray[np.uint32]
Mask = npt.NDArray[np.bool_]


def is_bad(quality: Codes) -> Mask:
    """Return where the value must not be used."""
    return quality >= BAD


def is_good(quality: Codes) -> Mask:
    """Return where the value is Good (local override included)."""
    return quality < UNCERTAIN


NAMES: Final = {
    GOOD: "Good",
    GOOD_LOCAL_OVERRIDE: "Good, local override",
    UNCERTAIN: "Uncertain",
    UNCERTAIN_LAST_USABLE: "Uncertain, last usable value",
    UNCERTAIN_SENSOR_NOT_ACCURATE: "Uncertain, sensor not accurate",
    UNCERTAIN_EU_EXCEEDED: "Uncertain, range exceeded",
    UNCERTAIN_SUB_NORMAL: "Uncertain, fewer sources than normal",
    BAD: "Bad",
    BAD_NO_COMMUNICATION: "Bad, no communication",
    BAD_WAITING_FOR_INITIAL_DATA: "Bad, waiting for first value",
    BAD_OUT_OF_RANGE: "Bad, out of range",
    BAD_CONFIGURATION_ERROR: "Bad, configuration error",
    BAD_DEVICE_FAILURE: "Bad, device failure",
    BAD_SENSOR_FAILURE: "Bad, sensor failure",
    BAD_OUT_OF_SERVICE: "Bad, out of service",
}


def name(code: int) -> str:
    """Return the words for one code; limit bits are left out."""
    return NAMES.get(code & 0xFFFF_0000, f"0x{code:08X}")
