"""Lock-out policy: how failed authentications slow an enrolment down and at last disable it.

Accept or reject is one bit about the template, so the number of answers is capped. Only attempts
with a true device signature count, or anyone could lock anyone out.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class AttemptPolicy:
    """Durations in seconds."""

    # Five blurred bursts are bad luck, not an attack.
    free_failures: int = 5
    first_lock: int = 30
    # Long enough to stop a search, short enough that an owner need not ask anyone for help.
    longest_lock: int = 3600
    # Far below the thousands of answers from which a template could be rebuilt.
    failures_in_all: int = 50


@dataclass(frozen=True)
class Attempts:
    """Counters of one enrolment; `locked_until` in Unix seconds, 0 if it never was locked."""

    in_row: int = 0
    total: int = 0
    locked_until: float = 0.0


POLICY = AttemptPolicy()


def after_failure(attempts: Attempts, now: float, policy: AttemptPolicy = POLICY) -> Attempts:
    """Counters after one more failure."""
    in_row = attempts.in_row + 1
    excess = in_row - policy.free_failures
    locked_until = attempts.locked_until
    if excess >= 0:
        # 2**excess is bounded: an enrolment is disabled long before the shift grows large.
        locked_until = now + min(policy.first_lock << excess, policy.longest_lock)
    return Attempts(in_row, attempts.total + 1, locked_until)


def after_acceptance(attempts: Attempts) -> Attempts:
    """Counters after an acceptance: it ends the row, not the total."""
    return replace(attempts, in_row=0, locked_until=0.0)


def seconds_locked(attempts: Attempts, now: float) -> float:
    """Seconds until the next attempt is heard; 0 when it is now."""
    return max(0.0, attempts.locked_until - now)


def is_disabled(attempts: Attempts, policy: AttemptPolicy = POLICY) -> bool:
    """Whether the enrolment has used up its failures."""
    return attempts.total >= policy.failures_in_all
