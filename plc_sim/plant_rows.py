"""Names of all inputs and signals of the plant, and the order of their blocks.

A block holds one piece's names; the numbers below say which of a board's blocks is whose.
"""

from typing import NamedTuple

from controller.core.state import State
from plc_sim.process import combustion_signals, convection_signals, reagents, services
from plc_sim.process.board import Block, Board
from plc_sim.process.flue_gas_cleaning import FlueGasCleaning
from plc_sim.process.island_rows import input_names, signal_names
from plc_sim.process.plant_parameters import CommonParameters

BOILER, FIRE, GAS, CLEANING, COMMON, ISLAND, SERVICES, REAGENTS, BUTTONS = range(9)  # blocks; inputs have no last one
LINE_SIGNALS = (
    "drum.level",
    "drum.pressure",
    "drum.metal_top",
    "drum.metal_bottom",
    "drum.conductivity",
    "drum.steam_conductivity",
    "blowdown.flow",
    "steam.flow",
    "steam.pressure",
    "feedwater.flow",
    "feedwater.pressure",
    "feedwater.valve_dp",
    "feedwater.temperature",
    "heat.power",
)
LINE_INPUTS = (
    "feedwater.valve",
    "feedwater.startup_valve",
    "blowdown.valve",
    "steam.stop_valve",
    "steam.vent",
    "firing.release",
)
COMMON_SIGNALS = ("feedwater_header.pressure", "feedwater_total.flow", "steam_header.pressure")
COMMON_INPUTS = ("pumps.speed",)


class Names(NamedTuple):
    """What the names depend on."""

    pumps: tuple[str, ...]
    cleaning: FlueGasCleaning
    common: CommonParameters


def input_board(state: State, names: Names, lines: tuple[str, ...], common: str) -> Board:
    """Return what final elements do to the process."""
    pumps = tuple(f"{pump}.{what}" for what in ("command", "min_flow_valve") for pump in names.pumps)
    return Board(
        state,
        "process.inputs",
        [
            Block(LINE_INPUTS, lines),
            Block(combustion_signals.LINE_INPUTS, lines),
            Block(convection_signals.LINE_INPUTS, lines),
            Block(tuple(names.cleaning.inputs), lines),
            Block((*pumps, *COMMON_INPUTS), (common,)),
            Block(input_names(names.common.island), (common,)),
            Block(services.input_names(names.common.services), (common,)),
            Block(reagents.INPUTS, (common,)),
        ],
    )


def signal_board(state: State, names: Names, lines: tuple[str, ...], common: str) -> Board:
    """Return what instruments can see."""
    running = tuple(f"{pump}.running" for pump in names.pumps)
    return Board(
        state,
        "process.signals",
        [
            Block(LINE_SIGNALS, lines),
            Block(combustion_signals.LINE_SIGNALS, lines),
            Block(convection_signals.LINE_SIGNALS, lines),
            Block(tuple(names.cleaning.signals), lines),
            Block((*COMMON_SIGNALS, *running), (common,)),
            Block(signal_names(names.common.island), (common,)),
            Block(services.signal_names(names.common.services), (common,)),
            Block(reagents.SIGNALS, (common,)),
            Block(services.LINE_SIGNALS, lines),
        ],
    )
