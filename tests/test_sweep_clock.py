"""A study's time left, by simulated clocks."""

import heapq
from typing import NamedTuple

import pytest

from gan_jax.sweep.clock import Clock, Measured, seconds_left
from gan_jax.sweep.folder import JobFolder, JobProgress
from gan_jax.sweep.progress import progress_text


class Job(NamedTuple):
    """A job as it will go.

    Attributes:
        work: Of any unit.
        compiling: Seconds before its first step.
        speed: Work a second.
        kind: Others of its kind are about as fast.
        before: The share of it that was trained before the study was started.
    """

    work: float
    compiling: float
    speed: float
    kind: str = "points"
    before: float = 0.0

    @property
    def seconds(self) -> float:
        return self.compiling + self.work * (1 - self.before) / self.speed

    def measured(self, seconds: float, interval: float) -> Measured:
        """What is known of it so long after it began, if it speaks at such intervals."""
        if seconds <= 0:
            return Measured(self.kind, self.work, JobProgress(self.before))
        training = seconds - self.compiling
        if training < 0:
            return Measured(self.kind, self.work, JobProgress(self.before, self.before), seconds)
        if seconds >= self.seconds:
            told = JobProgress(1.0, self.before, self.seconds - self.compiling, self.compiling)
            return Measured(self.kind, self.work, told)
        waited = training % interval
        share = self.before + (training - waited) * self.speed / self.work
        told = JobProgress(share, self.before, training - waited, self.compiling)
        return Measured(self.kind, self.work, told, waited)


def begins(jobs: list[Job], parallel: int) -> tuple[list[float], float]:
    """When each job begins, and when all have ended."""
    free, found, end = [0.0] * parallel, [], 0.0
    for job in jobs:
        found.append(heapq.heappop(free))
        end = max(end, found[-1] + job.seconds)
        heapq.heappush(free, found[-1] + job.seconds)
    return found, end


STUDIES = {
    "one job": ([Job(1000, 40, 10)], 1),
    "one job that goes on at nine tenths": ([Job(1000, 40, 10, before=0.9)], 1),
    "equal jobs, one at a time": ([Job(1000, 20, 50)] * 5, 1),
    "equal jobs, side by side": ([Job(1000, 20, 50)] * 7, 2),
    "short trials and long ones": (
        [Job(work, 10, 25) for work in (200, 400, 800, 1600, 3200)],
        1,
    ),
    "more compiling than training": ([Job(100, 30, 10)] * 6, 1),
    "some done before": ([*[Job(1000, 20, 50)] * 2, *[Job(1000, 20, 50, before=0.5)] * 3], 1),
    "speeds that differ by a fifth": (
        [Job(2000, 15, 40 * speed) for speed in (1.0, 1.2, 0.9, 1.1, 0.8)],
        2,
    ),
}


@pytest.mark.parametrize("case", STUDIES)
def test_time_left_is_within_a_third_from_the_second_tenth_on(case):
    jobs, parallel = STUDIES[case]
    at, end = begins(jobs, parallel)
    total = sum(job.work * (1 - job.before) for job in jobs)
    checked = 0
    for now in (end * moment / 200 for moment in range(1, 200)):
        measured = [job.measured(now - begin, 1.0) for job, begin in zip(jobs, at, strict=True)]
        done = total - sum(one.left for one in measured)
        if done >= 0.1 * total and end - now > 3:
            checked += 1
            left = seconds_left(measured, parallel)
            assert abs(left - (end - now)) <= (end - now) / 3, (now, end)
    assert checked > 20


def test_nothing_is_promised_before_anything_has_played():
    assert seconds_left([Measured("a", 10, JobProgress(0.0, 0.0))], 1) is None
    assert seconds_left([Measured("a", 10, JobProgress(0.5))], 1) is None


def test_what_is_done_takes_no_time():
    assert seconds_left([Measured("a", 10, JobProgress(1.0, 0.1, 9.0, 3.0))], 1) == 0


def test_jobs_of_another_kind_go_at_the_speed_of_theirs():
    jobs = [
        Measured("points", 1000, JobProgress(1.0, 0.0, 1.0, 0.0)),
        Measured("images", 10, JobProgress(1.0, 0.0, 10.0, 0.0)),
        Measured("images", 20, JobProgress(0.0)),
        Measured("points", 2000, JobProgress(0.0)),
    ]
    assert seconds_left(jobs, 1) == pytest.approx(22)
    assert seconds_left(jobs, 2) == pytest.approx(20)


def test_compiling_is_said():
    compiling = Measured("a", 10, JobProgress(0.25, 0.25))
    assert progress_text([compiling], [4], None) == "trials 1 of 4, jobs begun 1 of 1, compiling"
    training = Measured("a", 10, JobProgress(0.5, 0.25, 30.0, 60.0))
    assert progress_text([training], [4], None) == (
        "trials 2 of 4, jobs begun 1 of 1, about 0:01:00 left"
    )
    both = progress_text([training, compiling], [4, 4], 2)
    assert "jobs begun 2 of 2, 1 compiling, about " in both


def test_a_clock_leaves_compiling_out(tmp_path):
    time = [100.0]
    place = JobFolder(tmp_path)
    clock = Clock(place.progress, 0.2, started=95.0, now=lambda: time[0])
    assert place.job_progress() == JobProgress(0.2, 0.2)
    assert clock.is_due()
    time[0] = 125.0  # the first step has been compiled
    clock.note(0.25)
    assert place.job_progress() == JobProgress(0.25, 0.25, 0.0, 30.0)
    assert not clock.is_due()
    for seconds in (20.0, 3.0):  # the first evaluation has, in which nothing is trained
        with clock.compiling_once():
            time[0] += seconds
    time[0] += 4.0
    assert clock.is_due()
    clock.note(0.5)
    assert place.job_progress() == JobProgress(0.5, 0.25, 7.0, 30.0)
