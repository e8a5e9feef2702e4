"""The errors we raise on purpose.

A plant fact is data (quality, an UNKNOWN vote, an alarm) and a refusal is a value (``Rejected``); neither is an
exception. What is left:

PlantError
├── ConfigError     mistakes in files: all of them at once, each with file and line
├── StateError      a retained or snapshot file that cannot be used, with the reason
└── FieldError      inside controller/modbus only; turned into quality before any decision sees it. Itself: an answer
    │               that does not fit its question
    ├── NoReply     time-out or connection lost: "it" failed
    └── Refused     Modbus exception code: "they" said no
"""

from collections.abc import Sequence
from dataclasses import dataclass


class PlantError(Exception):
    """Base of every error this project raises on purpose."""


@dataclass(frozen=True, slots=True, order=True)
class Issue:
    """One mistake in the configuration, in the words of the person who edits the file."""

    file: str
    line: int
    where: str  # "LT-1401A.range.hi": the path inside the file, or the tag
    text: str  # what is wrong, what was expected, and what to do when that is not obvious

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.where}: {self.text}"


class ConfigError(PlantError):
    """Every mistake found in the configuration; ``str()`` prints one per line."""

    def __init__(self, issues: Sequence[Issue]) -> None:
        self.issues = tuple(sorted(set(issues)))
        super().__init__("\n".join(str(issue) for issue in self.issues))


class StateError(PlantError):
    """A retained state or snapshot that does not fit or is damaged."""


class FieldError(PlantError):
    """A device did not give what it was asked for."""


class NoReply(FieldError):  # noqa: N818  the glossary's word; it is always raised as a FieldError
    """Time-out or connection lost."""


class Refused(FieldError):  # noqa: N818  see NoReply
    """The device answered with a Modbus exception code."""
