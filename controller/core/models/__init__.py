"""What people write in ``config/<plant>/``: pydantic models, one per file section.

Strict on purpose: unknown keys, NaN, strings for numbers are errors. Cross checks between items (unknown references,
units, overlapping registers, two owners of one output) are in ``controller.core.config``, because they need all files.

References between items are written without the instance prefix (``LT-1401A``) and mean the item of the same instance;
``line/FT-1501`` means that item of every instance of the template ``line``; ``C0/PT-3004`` the item of that instance.
"""

from controller.core.models.base import Key, Model, ModeName, Priority, Range, Rate, Ref, RoleName, Title, Vote
from controller.core.models.derived import (
    Above,
    AllOf,
    AnyOf,
    Average,
    Below,
    Derived,
    Highest,
    Lag,
    Lowest,
    Median,
    Negation,
    Spread,
    Sum,
)
from controller.core.models.loops import FeedForward, Loop, OpLimits, SetPoint, Tuning
from controller.core.models.patterns import Equipment, Parameter, Pattern, Table
from controller.core.models.plant import Device, Instance, Plant, Simulator, Site, Supervision
from controller.core.models.protection import ActionGroup, ProtectionRow, ResetWhen, VoteSpec
from controller.core.models.tags import (
    Actuator,
    Alarms,
    AlarmSpec,
    Fail,
    Figure,
    Form,
    Group,
    Input,
    Instrument,
    Output,
    System,
    Tag,
    TripLimits,
)

__all__ = [
    "Above",
    "ActionGroup",
    "Actuator",
    "AlarmSpec",
    "Alarms",
    "AllOf",
    "AnyOf",
    "Average",
    "Below",
    "Derived",
    "Device",
    "Equipment",
    "Fail",
    "FeedForward",
    "Figure",
    "Form",
    "Group",
    "Highest",
    "Input",
    "Instance",
    "Instrument",
    "Key",
    "Lag",
    "Loop",
    "Lowest",
    "Median",
    "ModeName",
    "Model",
    "Negation",
    "OpLimits",
    "Output",
    "Parameter",
    "Pattern",
    "Plant",
    "Priority",
    "ProtectionRow",
    "Range",
    "Rate",
    "Ref",
    "ResetWhen",
    "RoleName",
    "Section",
    "SetPoint",
    "Simulator",
    "Site",
    "Spread",
    "Sum",
    "Supervision",
    "System",
    "Table",
    "Tag",
    "Title",
    "TripLimits",
    "Tuning",
    "Vote",
    "VoteSpec",
]


class Section(Model):
    """One YAML file of a template folder; every part is optional, so engineers cut files by area as they like."""

    tags: dict[Key, Tag] = {}
    equipment: dict[Key, Equipment] = {}
    loops: dict[Key, Loop] = {}
    actions: dict[str, ActionGroup] = {}
    protection: dict[Key, ProtectionRow] = {}
    process: dict[str, dict[str, float]] = {}  # simulator parameters: area -> name -> value in SI; checked by plc_sim
