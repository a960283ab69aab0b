import os
import signal
import threading
import time

import pytest
from hdrh.histogram import HdrHistogram

from load.campaign import Arrivals
from load.generator.traffic import WINDOW_AGENT, Generator, GeneratorFailed
from tests.load.conftest import served, traffic

pytestmark = pytest.mark.alone


def latencies_ms(histogram):
    """Each latency with its count."""
    return [
        (step.value_iterated_to / 1000, step.count_at_value_iterated_to)
        for step in HdrHistogram.decode(histogram).get_recorded_iterator()
    ]


def late(histogram, ms):
    """How many latencies were at least *ms*."""
    return sum(count for value_ms, count in latencies_ms(histogram) if value_ms >= ms)


def test_the_generator_and_the_server_count_the_same_answers(generator, four_workers):
    before = four_workers.log_position()
    sent = traffic(
        four_workers, "/wait", connections=32, workers=tuple(four_workers.workers), warm_requests=1
    )

    client = generator.run(sent)

    counted = four_workers.answered_by_worker(before, WINDOW_AGENT, client.answered)
    assert client.answered == client.sent == client.good > 100
    assert {str(pid): count for pid, count in counted.items()} == client.answered_by_worker
    assert client.errors == {}
    assert len(client.answered_by_worker) == 4, "connections were dealt to every worker"
    assert late(client.response_hdr, 0) == client.answered


def test_a_closed_client_has_one_request_under_way(generator, bench):
    client = generator.run(traffic(bench, "/wait", connections=8))

    assert client.mean_in_flight == pytest.approx(8, rel=0.05)
    assert client.mean_service_ms >= 2 * 100 * 0.95, "4 slots of 100 ms for 8 clients"


def test_open_arrivals_are_as_many_as_were_asked_for_and_far_from_regular(generator, bench):
    client = generator.run(
        traffic(bench, "/x", arrivals=Arrivals.OPEN, offered_rps=150, connections=64)
    )

    assert client.sent + client.dropped == 150


def test_a_stopped_server_shows_in_the_response_time_of_open_arrivals(generator):
    with served(1) as instance:
        sent = traffic(
            instance, "/x", arrivals=Arrivals.OPEN, offered_rps=100, connections=64, window_s=2.2
        )
        (worker,) = instance.workers
        stops = threading.Thread(target=stop_for_200_ms_twice, args=(worker,))
        client = generator.run(sent, at_start=stops.start)
        stops.join()

    # Of 20 requests that are due in 200 ms, those of the first half wait for 100 ms or more.
    assert late(client.response_hdr, 100) >= 10


def stop_for_200_ms_twice(pid):
    for _ in range(2):
        time.sleep(0.5)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.2)
        os.kill(pid, signal.SIGCONT)


def test_requests_that_find_no_connection_or_no_answer_are_told_apart(generator):
    with served(1) as instance:
        sent = traffic(
            instance,
            "/x",
            arrivals=Arrivals.OPEN,
            offered_rps=50,
            connections=3,
            window_s=0.5,
            drain_s=0.2,
        )
        (worker,) = instance.workers
        client = generator.run(sent, at_start=lambda: os.kill(worker, signal.SIGSTOP))

    assert client.sent + client.dropped == 25
    assert client.censored == client.sent - client.answered
    assert client.censored <= 3
    assert client.dropped >= 10
    assert late(client.response_hdr, 200) >= client.censored


def test_errors_are_counted_by_kind_and_are_not_good(generator, bench):
    nobody = traffic(bench, "/x", url="http://127.0.0.1:9", arrivals=Arrivals.OPEN, offered_rps=30)

    client = generator.run(nobody)

    assert client.errors == {"ConnectionRefusedError": 30}
    assert client.answered == client.good == 0


def test_a_generator_that_ends_says_what_it_said_last(bench):
    nobody = traffic(bench, "/x", workers=(4_000_000,))
    with (
        Generator(os.sched_getaffinity(0)) as broken,
        pytest.raises(GeneratorFailed, match="No such process"),
    ):
        broken.run(nobody)
