"""What the simulation of many films promises, with the rule of retries that the state machine has."""

from __future__ import annotations

import random

import pytest
from benchmarks.many import Account, Job, Rule, crowd, film, rule_of_the_stack, storm

RULE = rule_of_the_stack()


def test_a_quota_of_1000_and_fifty_films() -> None:
    cloud, jobs = crowd(1000, RULE)
    assert cloud.retry_cost < 0.05 * cloud.lambda_cost
    assert jobs[-1].done - jobs[-1].arrives < 180
    assert cloud.invocations == sum(len(job.tasks) for job in jobs)  # nothing is lost
    assert max(job.done for job in jobs) < 1.15 * cloud.seconds / 900


def test_a_quota_of_10_and_one_film() -> None:
    cloud, jobs = crowd(10, RULE, films=1)
    assert cloud.retry_cost < 0.05 * cloud.lambda_cost
    assert all(job.done for job in jobs)


def test_a_thousand_uploads_in_a_minute() -> None:
    cloud, jobs = storm(1000, RULE, 1000)
    assert cloud.retry_cost < 0.05 * cloud.lambda_cost
    assert cloud.invocations == sum(len(job.tasks) for job in jobs)
    assert all(job.done for job in jobs)
    assert max(job.done for job in jobs) < 3 * cloud.seconds / 900  # the tail of each job leaves workers idle


def test_without_shares_retries_cost_more_than_that() -> None:
    cloud, _ = crowd(10, RULE, sharing=False, films=1)
    assert cloud.retry_cost > 0.2 * cloud.lambda_cost


def test_throttled_tasks_wait_for_minutes() -> None:
    draw = random.Random(1)
    waits = [RULE.wait(number, draw) for number in range(6, 300)]
    assert 240 < sum(waits) / len(waits) < 360  # half of ten minutes, as waits are drawn evenly from nothing to that
    assert sum(waits) > 20 * 3600


def test_lambda_starts_a_thousand_workers_and_then_a_hundred_a_second() -> None:
    account = Account(quota=3000)
    assert [account.take(0.0) for _ in range(1001)][-2:] == [0.7, None]
    assert account.take(1.0) == pytest.approx(0.7)
    account.running -= 1
    assert account.take(1.0) == 0  # one that is there


def test_a_film_of_a_minute_is_a_job_of_41_tasks() -> None:
    assert len(film(60)) == 41
    assert Job(0, 0, film(60)).tasks[0] < film(60)[1]
    assert Rule(2, 2, 60, 9, jitter=False).wait(9, random.Random(1)) == 60
