import multiprocessing
from itertools import pairwise

import pytest

from config.rates import Rate
from service.access.rates import SETS, WAYS, SharedCounts

TEN = Rate(10, 60)


class Clock:
    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def counts(clock):
    return SharedCounts(clock=clock)


def admitted(counts, times, who="shop", rate=TEN):
    return sum(counts.hit(who, rate).is_admitted for _ in range(times))


def test_so_many_may_come_and_no_more(counts):
    assert [counts.hit("shop", TEN).left for _ in range(11)] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0]
    assert not counts.hit("shop", TEN).is_admitted


def test_whoever_else_asks_has_a_count_of_their_own(counts):
    admitted(counts, 20)

    assert admitted(counts, 20, who="another") == 10


def test_another_rate_begins_anew(counts):
    admitted(counts, 20)

    assert admitted(counts, 20, rate=Rate(12, 60)) == 12


def test_a_window_later_the_rate_comes_back_little_by_little(counts, clock):
    admitted(counts, 20)
    came = []
    for _ in range(13):
        came.append(admitted(counts, 20))
        clock.now_s += 6

    assert came == [0] * 10 + [1, 1, 1]


def test_two_windows_without_a_request_forget_all(counts, clock):
    admitted(counts, 20)
    clock.now_s += 120

    assert admitted(counts, 20) == 10


@pytest.mark.parametrize("asked", [11, 25, 40])
@pytest.mark.parametrize("age_s", [0, 17, 59, 61, 100])
def test_when_it_says_one_may_come_one_does_and_not_sooner(counts, clock, asked, age_s):
    admitted(counts, asked)
    clock.now_s += age_s
    admitted(counts, 20)
    wait_s = counts.hit("shop", TEN).reset_s

    clock.now_s += wait_s - 0.01
    assert not counts.hit("shop", TEN).is_admitted
    clock.now_s += 0.02
    assert counts.hit("shop", TEN).is_admitted


@pytest.mark.parametrize("requests", [1, 3, 10, 100, 1000])
@pytest.mark.parametrize("times", [1.01, 2, 10])
def test_whoever_asks_more_often_is_admitted_at_the_rate(counts, clock, requests, times):
    rate, came = Rate(requests, 1), 0
    ends_s = clock.now_s + 60
    while clock.now_s < ends_s:
        came += counts.hit("shop", rate).is_admitted
        clock.now_s += 1 / (times * requests)

    assert came == pytest.approx(60 * requests, rel=0.02)


def test_one_in_an_hour_is_one_in_an_hour(counts, clock):
    rate, times_s = Rate(1, 3600), []
    for _ in range(5 * 60):
        if counts.hit("shop", rate).is_admitted:
            times_s.append(clock.now_s)
        clock.now_s += 60

    assert len(times_s) > 1
    assert all(later - sooner >= 3600 for sooner, later in pairwise(times_s))


def test_of_more_than_it_knows_the_oldest_is_forgotten(counts, clock):
    for number in range(4 * SETS * WAYS):
        clock.now_s += 1e-4
        counts.hit(f"address {number}", TEN)

    assert admitted(counts, 20, who=f"address {4 * SETS * WAYS - 1}") == 9
    assert admitted(counts, 20, who="address 0") == 10


def _ask(path, worker, times, results):
    counts = SharedCounts(path, worker=worker, workers=4)
    results.put(sum(counts.hit("shop", Rate(5000, 3600)).is_admitted for _ in range(times)))


def test_four_processes_admit_what_one_would(tmp_path):
    fork = multiprocessing.get_context("fork")
    results = fork.Queue()
    workers = [
        fork.Process(target=_ask, args=(tmp_path / "rates", worker, 2500, results))
        for worker in range(4)
    ]
    for worker in workers:
        worker.start()
    came = sum(results.get(timeout=60) for _ in workers)
    for worker in workers:
        worker.join()

    # Two that add up at the same moment both find room for the last.
    assert 5000 <= came <= 5010


def test_what_a_worker_counted_stays_when_another_takes_its_slot(tmp_path):
    first = SharedCounts(tmp_path / "rates", worker=1, workers=2)
    admitted(first, 7)
    second = SharedCounts(tmp_path / "rates", worker=1, workers=2)
    beside = SharedCounts(tmp_path / "rates", worker=0, workers=2)

    assert admitted(second, 2) == 2
    assert admitted(beside, 20) == 1
    assert admitted(second, 20) == 0


def test_workers_beyond_those_wanted_are_counted_as_well(tmp_path):
    counts = [SharedCounts(tmp_path / "rates", worker=slot, workers=2) for slot in range(6)]

    assert sum(admitted(each, 3) for each in counts) == 10
