"""Show a run while it goes on: a live view on a terminal, else one line per finished job."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from mgscreen.execution.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console, RenderableType

    from mgscreen.execution.summary import Event, Progress

REFRESH_S = 0.5
_SHOWN = 12
"""Running jobs that the live view lists."""


def duration(seconds: float) -> str:
    """Write a duration for people: ``4.2 s``, ``3 min 20 s``, ``2 h 05 min``."""
    minute, hour = 60, 3600
    if seconds < 10:  # noqa: PLR2004 - below, tenths say something
        return f"{seconds:.1f} s"
    if seconds < minute:
        return f"{seconds:.0f} s"
    if seconds < hour:
        return f"{seconds // minute:.0f} min {seconds % minute:02.0f} s"
    return f"{seconds // hour:.0f} h {seconds % hour // minute:02.0f} min"


@contextmanager
def show(console: Console) -> Iterator[Callable[[Event], None]]:
    """Show events on a console while the block runs.

    Parameters
    ----------
    console
        Where to; a terminal gets a view that is drawn anew, anything else plain lines.

    Yields
    ------
    callable
        What ``run_flow`` takes as ``on_event``.
    """
    if not console.is_terminal:
        yield Lines(console)
        return
    from rich.live import Live

    shown = LiveView(console)
    with Live(shown, console=console, refresh_per_second=1 / REFRESH_S, transient=True):
        yield shown


class Lines:
    """One line for each job that has finished.

    Parameters
    ----------
    console
        Where to.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, event: Event) -> None:
        """Print what happened, if it is of interest."""
        line = line_of(event)
        if line:
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def line_of(event: Event) -> str:
    """Return the line of an event; empty for one that is of no interest."""
    progress = event.progress
    place = f"[{progress.done}/{progress.total}]"
    if event.job is None:
        if event.kind == "interrupted":
            return f"{place} stopped: the same command goes on from here"
        return ""
    words = {
        "finished": "done",
        "cached": "already computed" if not event.reason else "already computed, failed",
        "failed": "failed",
        "lost": "worker lost",
    }
    if event.kind not in words:
        return ""
    text = f"{place} {event.job.name}: {words[event.kind]}"
    if event.reason:
        text += f": {event.reason}"
    elif event.wall_s is not None:
        text += f" in {duration(event.wall_s)}"
    if progress.left_s is not None and progress.done < progress.total:
        text += f" (about {duration(progress.left_s)} left)"
    return text


class LiveView:
    """A view of what runs and what is left, with the failures above it.

    ``rich.live.Live`` draws it anew at its own pace, from the last event.

    Parameters
    ----------
    console
        Receives lines that stay (failures).
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: Progress | None = None

    def __call__(self, event: Event) -> None:
        """Take in where the run stands."""
        self._progress = event.progress
        if event.kind in {"failed", "lost", "interrupted"}:
            self._console.print(line_of(event), style="yellow", markup=False, highlight=False)

    def __rich__(self) -> RenderableType:
        """Return the picture."""
        return "" if self._progress is None else view(self._progress)


def view(progress: Progress) -> RenderableType:
    """Return the picture of where a run stands."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    head = Table.grid(padding=(0, 1))
    head.add_row(
        Text("jobs"),
        ProgressBar(total=max(progress.total, 1), completed=progress.done, width=40),
        Text(f"{progress.done}/{progress.total}"),
        Text(_left(progress)),
    )
    counts = ", ".join(
        f"{word} {n}"
        for word, n in (
            ("computed", progress.computed),
            ("already there", progress.cached),
            ("failed", progress.counts.get(State.FAILED, 0)),
            ("running", len(progress.running)),
            ("ready", progress.counts.get(State.READY, 0)),
            ("waiting", progress.counts.get(State.WAITING, 0)),
        )
        if n
    )
    table = Table(box=None, padding=(0, 1), show_header=bool(progress.running))
    table.add_column("running")
    table.add_column("for", justify="right")
    table.add_column("of about", justify="right")
    for job in progress.running[:_SHOWN]:
        table.add_row(
            Text(job.name, overflow="ellipsis", no_wrap=True),
            duration(job.elapsed_s),
            duration(job.estimate_s),
        )
    rest = len(progress.running) - _SHOWN
    if rest > 0:
        table.add_row(f"and {rest} more", "", "")
    return Group(head, Text(counts), table)


def _left(progress: Progress) -> str:
    text = duration(progress.elapsed_s)
    if progress.left_s is not None and progress.done < progress.total:
        text += f", about {duration(progress.left_s)} left"
    return text
