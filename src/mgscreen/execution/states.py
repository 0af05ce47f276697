"""States of a job, and which may follow which."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a job stands; the same words as in the database."""

    WAITING = "WAITING"
    """for its parents"""
    READY = "READY"
    """for a worker"""
    SUBMITTED = "SUBMITTED"
    """handed to the executor"""
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    """with a reason: its own, or that of a parent"""
    LOST = "LOST"
    """the machine failed, not the job: it is tried again within a limit"""

    @property
    def final(self) -> bool:
        """Whether a run leaves the job there."""
        return self in {State.COMPLETED, State.FAILED}


TRANSITIONS: dict[State, frozenset[State]] = {
    State.WAITING: frozenset({State.READY, State.FAILED}),
    # a finished calculation of the database is taken over without running
    State.READY: frozenset({State.SUBMITTED, State.WAITING, State.COMPLETED, State.FAILED}),
    State.SUBMITTED: frozenset(
        {State.RUNNING, State.READY, State.COMPLETED, State.FAILED, State.LOST}
    ),
    State.RUNNING: frozenset({State.READY, State.COMPLETED, State.FAILED, State.LOST}),
    State.LOST: frozenset({State.READY, State.FAILED}),
    # a retry, which a person asks for
    State.FAILED: frozenset({State.WAITING}),
    State.COMPLETED: frozenset(),
}


def check_transition(old: State, new: State) -> None:
    """Refuse a change of state that cannot happen.

    Raises
    ------
    ValueError
        If ``new`` may not follow ``old``.
    """
    if new not in TRANSITIONS[old]:
        msg = f"a job cannot go from {old} to {new}"
        raise ValueError(msg)
