"""Lock-out policy."""

import pytest

from grainseal.server.attempts import (
    POLICY,
    Attempts,
    after_acceptance,
    after_failure,
    is_disabled,
    seconds_locked,
)


def failures(count, now=1000.0, before=None):
    attempts = before or Attempts()
    for _ in range(count):
        attempts = after_failure(attempts, now)
    return attempts


def test_four_failures_do_not_lock():
    assert seconds_locked(failures(4), 1000.0) == 0


@pytest.mark.parametrize(
    ("count", "seconds"), [(5, 30), (6, 60), (7, 120), (11, 1920), (12, 3600), (49, 3600)]
)
def test_each_further_failure_doubles_the_lock_up_to_an_hour(count, seconds):
    assert seconds_locked(failures(count), 1000.0) == seconds


def test_lock_ends():
    locked = failures(5)
    assert seconds_locked(locked, 1029.5) == 0.5
    assert seconds_locked(locked, 1030.0) == 0
    assert seconds_locked(locked, 2000.0) == 0


def test_acceptance_ends_the_row_but_not_the_total():
    attempts = after_acceptance(failures(4))
    assert attempts == Attempts(in_row=0, total=4)
    assert seconds_locked(failures(4, before=attempts), 1000.0) == 0


def test_fifty_failures_in_all_disable():
    attempts = Attempts()
    for _ in range(12):
        attempts = after_acceptance(failures(4, before=attempts))
    assert not is_disabled(failures(1, before=attempts))
    assert is_disabled(failures(2, before=attempts))
    assert POLICY.failures_in_all == 50
