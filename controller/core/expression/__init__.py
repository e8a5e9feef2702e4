"""Formulas of calculated tags: text -> tree -> checked for units -> a short list of array operations.

``"0.184 * steam + 2 [t/h]"`` over named tags. Numbers, ``+ - * /``, comparisons, ``and or not``, ``if(cond, a, b)`` and
the functions of ``controller.core.expression.kinds``. Nothing of Python is reachable from a formula.
"""

from controller.core.expression.parse import FormulaError, Node, names, parse, skeleton
from controller.core.expression.program import Program, Signal, compile_formula

__all__ = ["FormulaError", "Node", "Program", "Signal", "compile_formula", "names", "parse", "skeleton"]
