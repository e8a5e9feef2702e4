"""Loops: modes, set-points, cascades and the laws of each, on arrays (loops, batch).

Masters stand before their slaves, and calculated tags that need a loop between them. A master none of whose slaves
follows it (not in CAS, forced, bad) is in IMAN: its output follows the slaves' set-points, so closing the cascade makes
no bump. A loop whose final elements somebody else owns (protection, interlock) is in LO: its output follows what is
really sent. A bad PV sheds a loop to MAN with the output held, or holds it until the PV is back.
"""

from controller.core.plan import Plan
from controller.core.state import State
from controller.logic.loops import memory
from controller.logic.loops.commands import write
from controller.logic.loops.ends import Routes, follow, take_over, wish
from controller.logic.loops.laws import control
from controller.logic.loops.memory import Work
from controller.logic.loops.modes import find_modes, to_manual
from controller.logic.loops.publish import publish
from controller.logic.loops.starting import start, start_cold

__all__ = [
    "add_state",
    "control",
    "find_modes",
    "follow",
    "publish",
    "start",
    "start_cold",
    "take_over",
    "to_manual",
    "wish",
    "write",
]


def add_state(plan: Plan, state: State) -> None:
    """Add what the loops remember, and the arrays they work with."""
    memory.add_state(plan, state)
    state.scratch["loops"] = Work(plan, state)
    state.scratch["loops.routes"] = Routes(plan)
