"""Equipment: motors, valves, burners and other things the plant has many of, each written as one entry.

A file of ``patterns/`` lists the tags of one kind of equipment; an entry under ``equipment`` names the pattern and
gives what differs from device to device. What a pattern may say more than a tag written out:

- ``$name`` as a whole value is the parameter ``name``; the device's entry gives it under ``with``.
- ``$`` inside a text or reference is the device's key: ``$.RUN``, ``position.$.OP``.
- An address counts from the device's first register of its table; title and device come from the entry.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from controller.core.models.base import Model, Title

Suffix = Annotated[str, Field(pattern=r"^[A-Z0-9]*(\.[A-Z][A-Z0-9_]*)?$")]  # ".RUN", "I.OPN"; "" is the key itself
ParameterName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Table = Literal["input", "holding", "discrete", "coil"]


class Parameter(Model):
    """What a device's entry gives under ``with``; without a default it has to."""

    about: Annotated[str, Field(min_length=1)]
    default: Any = None  # counts when it is written, null included


class Pattern(Model):
    """One file of ``patterns/``. ``tags`` are by what is added to the device's key; titles are added to its title.

    ``extends`` names a pattern whose parameters and tags this one has as well.
    """

    extends: str | None = None
    parameters: dict[ParameterName, Parameter] = {}
    tags: dict[Suffix, dict[str, Any]]


class Equipment(Model):
    """One device made of a pattern. ``address`` is the first register of each table the pattern uses.

    A pattern of calculated values only has no registers, and its devices neither ``device`` nor ``address``.
    """

    pattern: str
    title: Title
    device: str | None = None
    address: dict[Table, Annotated[int, Field(ge=0, le=65535)]] = {}
    with_: Annotated[dict[str, Any], Field(alias="with")] = {}
    why: str | None = None
