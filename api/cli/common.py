"""What several commands share: options, progress, JSON."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.prompt import Prompt

RigOption = Annotated[str, typer.Option("--rig", help="Name of a shipped rig, or path of a folder with rig.yaml.")]
DataDirOption = Annotated[
    Path, typer.Option("--data-dir", envvar="D3STATION_DATA_DIR", help="Folder for the database, models and the files kept with inspections.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
DATA_DIR = Path("var/d3station")

stderr = Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def ask(what: str) -> None:
    """Tell a person what to do, and wait until it is done."""
    Prompt.ask(f"{what}, then press Enter", default="", show_default=False, console=stderr)


@contextmanager
def progress_bar(title: str) -> Generator[Callable[[float, str], None]]:
    """A progress bar on standard error; yields a function that takes the share done and what is done now."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, disable=not stderr.is_terminal) as bar:
        task = bar.add_task(title, total=1.0)
        shown = -1

        def tell(share: float, message: str) -> None:
            nonlocal shown
            bar.update(task, completed=share, description=f"{title}: {message}")
            # A log file has no bar; a line every tenth is enough there.
            if not stderr.is_terminal and int(share * 10) > shown:
                shown = int(share * 10)
                stderr.print(f"{title}: {share:.0%} {message}")

        yield tell


@contextmanager
def cancellable() -> Generator[Callable[[], bool]]:
    """Ctrl-C and SIGTERM ask the work inside to stop cleanly, so that lights go dark; a second Ctrl-C stops at once."""
    asked = False

    def ask(number: int, frame: object) -> None:
        nonlocal asked
        del number, frame
        if asked:
            raise KeyboardInterrupt
        asked = True
        stderr.print("Stopping …")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
