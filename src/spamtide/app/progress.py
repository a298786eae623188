"""Progress on long work: a bar with rate and time left on a terminal, silence elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Tick(Protocol):
    """Called with how much is done and, where known, how much there is; ``note`` stands beside the rate."""

    def __call__(self, done: float, total: float | None = None, note: str = "") -> None: ...


@contextmanager
def progress_bar(what: str, unit: str = "messages", *, drawn: bool = True) -> Iterator[Tick]:
    """A bar on stderr when that is a terminal and it is to be drawn. Draws no spinner for work under 200 ms."""
    if not (drawn and sys.stderr.isatty()):
        yield lambda done, total=None, note="": None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} {task.fields[unit]}, {task.fields[rate]}/s{task.fields[note]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = bar.add_task(what, total=None, unit=unit, rate="-", note="")

    def tick(done: float, total: float | None = None, note: str = "") -> None:
        speed = bar.tasks[0].speed
        bar.update(task, completed=done, total=total, rate=f"{speed:,.0f}" if speed else "-", note=note and f"; {note}")

    with bar:
        yield tick
