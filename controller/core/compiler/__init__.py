"""From the checked configuration to the plan."""

from controller.core.compiler.build import compile_plan

__all__ = ["compile_plan"]
