"""What all models share: strictness, titles, ranges, and how keys and references are written."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

RoleName = Literal["viewer", "operator", "shift_lead", "engineer", "admin"]
ModeName = Literal["OOS", "LO", "MAN", "AUTO", "CAS", "RCAS"]
Priority = Literal["high", "medium", "low"]
Rate = Literal[1, 2, 5, 10]  # scans between two evaluations
Vote = Annotated[str, Field(pattern=r"^[1-9]oo([1-9]|N)$")]  # "2oo3"; "1ooN": of as many as are listed
Key = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]*(-[A-Z0-9]+)+(\.[A-Z][A-Z0-9_]*)?$", max_length=40)]
Ref = Annotated[str, Field(pattern=r"^([A-Za-z0-9]+/)?[A-Z][A-Z0-9]*(-[A-Z0-9]+)*(\.[A-Z][A-Z0-9_]*)?$", max_length=60)]


class Model(BaseModel):
    """Base of all configuration models."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Title(Model):
    """Operator text in both languages."""

    en: Annotated[str, Field(min_length=1, max_length=200)]
    ru: Annotated[str, Field(min_length=1, max_length=200)]


class Range(Model):
    """Measuring or working range in the tag's unit."""

    lo: float
    hi: float
