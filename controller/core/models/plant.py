"""``plant.yaml``: what the plant is made of."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from controller.core.models.base import Model, Title


class Device(Model):
    """One Modbus TCP server (a PLC). Registers of the supervision block are holding registers unless said otherwise."""

    title: Title
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)]
    unit_id: Annotated[int, Field(ge=0, le=247)] = 1
    byte_order: Literal["ABCD", "CDAB", "BADC", "DCBA"] = "ABCD"  # of 32-bit values; 16-bit: ABCD and CDAB are "AB"
    timeout_ms: Annotated[int, Field(ge=10, le=2000)] = 60
    stale_s: Annotated[float, Field(gt=0, le=10)] = 0.5  # older than this: BAD_NO_COMMUNICATION
    max_gap: Annotated[int, Field(ge=0, le=123)] = 32  # registers nobody wants that one request may run over
    supervision: "Supervision"


class Supervision(Model):
    """Registers by which controller and PLC watch each other (all uint16).

    The controller counts ``heartbeat`` every scan and sets ``planned_stop`` (1) before an ordered end; it verifies
    ``watchdog_ms`` at every connect. The PLC drives its outputs to the fail positions when the heartbeat stands still
    for ``watchdog_ms``, unless a planned stop is marked.
    """

    heartbeat: int  # holding, written by the controller
    planned_stop: int  # holding, written by the controller
    watchdog_ms: int  # holding, written and read back at connect
    plc_counter: int  # input register: counts each PLC cycle


class Simulator(Model):
    """Where the simulator's maintenance device listens: a Modbus TCP server beside those of the simulated PLCs."""

    name: ClassVar[str] = "SIM"  # beside the names of the devices

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)]
    unit_id: Annotated[int, Field(ge=0, le=247)] = 1


class Instance(Model):
    """One piece of plant made from a template folder; ``devices`` maps the template's device names to real ones."""

    template: str
    title: Title
    devices: dict[str, str]


class Site(Model):
    """What the surroundings fix."""

    barometric_pa: Annotated[float, Field(ge=80_000, le=110_000)]
    timezone: str


class Bypasses(Model):
    """How much of protection may be suspended for work."""

    limit: Annotated[int, Field(ge=0, le=20)] = 3  # at a time in the whole plant
    max_h: Annotated[float, Field(gt=0, le=24)] = 8.0


class Plant(Model):
    """``plant.yaml``: what the plant is made of."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    title: Title
    site: Site
    period_ms: Annotated[int, Field(ge=20, le=1000)] = 100
    watchdog_s: Annotated[float, Field(gt=0.5, le=10)] = 2.0
    bypasses: Bypasses = Bypasses()
    instances: dict[str, Instance]
    areas: dict[str, Title]  # "14": the number in a tag's name
    devices: dict[str, Device]
    simulator: Simulator | None = None  # without it the simulator has no maintenance device
