"""The default intervals stand in an order on which promises rest (R4.3, R4.5); tests of processes shorten them all."""

from __future__ import annotations

import pytest

from runpod_trainer_worker.base.timings import Timings

DEFAULT = Timings()


def test_a_client_has_time_to_take_its_lease_before_the_pod_ends() -> None:
    # It sees the end within a poll of the journal's copy and one look of its own, and then says so over a link that may
    # have to be made again.
    assert DEFAULT.end_after >= DEFAULT.sync + DEFAULT.api_retry + 10


def test_a_pod_without_a_client_does_not_wait_longer_than_a_lease() -> None:
    assert DEFAULT.end_after <= DEFAULT.lease


def test_a_lease_outlives_a_look_of_the_watchdog() -> None:
    assert DEFAULT.lease > 3 * DEFAULT.watch_poll and DEFAULT.end_after > 3 * DEFAULT.watch_poll


def test_a_cancelled_step_is_asked_before_it_is_killed_and_the_cap_leaves_time_for_both() -> None:
    assert 0 < DEFAULT.terminate_after < DEFAULT.kill_after < DEFAULT.cap_grace


def test_a_heartbeat_is_missed_more_than_once_before_a_worker_counts_as_dead() -> None:
    assert DEFAULT.stale > 3 * DEFAULT.heartbeat


def test_a_volume_that_is_slow_is_not_one_that_is_stuck() -> None:
    assert DEFAULT.sync < DEFAULT.sync_wait < DEFAULT.stuck


@pytest.mark.parametrize("value", [0, -1, True, "1", None])
def test_an_interval_is_a_positive_number(value: object) -> None:
    with pytest.raises(ValueError, match="end_after"):
        Timings(end_after=value)  # type: ignore[arg-type]
