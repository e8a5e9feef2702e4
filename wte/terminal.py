"""What every command does with the terminal: messages instead of tracebacks, and a bar for what takes long."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from controller.core.errors import ConfigError, PlantError

FAILED = 1
BAD_CONFIGURATION = 2
PATIENCE_S = 2.0  # what ends sooner needs no bar
REDRAW_S = 0.1


@contextmanager
def plain_errors(errors: Console) -> Generator[None]:
    """End with a message instead of a traceback for everything that a person can put right."""
    try:
        yield
    except ConfigError as exc:
        for issue in exc.issues:
            errors.print(str(issue), markup=False, soft_wrap=True)
        count = len(exc.issues)
        errors.print(f"{count} mistake{'' if count == 1 else 's'}")
        raise typer.Exit(BAD_CONFIGURATION) from exc
    except PlantError as exc:
        errors.print(f"wte: {exc}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(FAILED) from exc


@contextmanager
def progress_bar(console: Console, title: str, total: float) -> Generator[Callable[[float], None]]:
    """Yield a function that takes how much of ``total`` is done; the bar appears when it takes over two seconds."""
    progress = Progress(
        TextColumn(title, markup=False), BarColumn(), TextColumn("{task.percentage:3.0f} %"), TimeRemainingColumn(),
        console=console, transient=True, auto_refresh=False,
    )  # fmt: skip
    task = progress.add_task(title, total=total)
    began = drawn = time.monotonic()

    def update(done: float) -> None:
        nonlocal drawn
        now = time.monotonic()
        if console.is_terminal and now - began > PATIENCE_S and now - drawn > REDRAW_S:
            drawn = now
            progress.start()
            progress.update(task, completed=done, refresh=True)

    try:
        yield update
    finally:
        progress.stop()
