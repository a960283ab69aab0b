"""A scrape's text is what prometheus-client would write, read from all workers' files."""

import os

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from config.metric_files import Files, FileValue
from service.exposition import ENCODERS, OPENMETRICS, TEXT, Exposition
from service.instruments import DURATION_NAME, DURATIONS_S

HOSTILE = 'a "path" \\ \n \u2028 \x85 # {} 1'


@pytest.fixture
def worker(tmp_path, monkeypatch):
    """The metrics of a worker in a slot, in files of the folder."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    opened = []

    class Worker:
        def __init__(self, slot):
            opened.append(Files(slot))
            own = type("Own", (FileValue,), {"files": opened[-1]})
            monkeypatch.setattr(values, "ValueClass", own)
            kept = {"registry": CollectorRegistry()}
            self.requests = Counter("asked_total", "Asked: \\ and \n.", ["path"], **kept)
            self.held = Gauge("held", "Held.", ["worker"], multiprocess_mode="livesum", **kept)
            self.load = Gauge("load", "The largest.", multiprocess_mode="livemax", **kept)
            self.took = Histogram(
                DURATION_NAME, "Took.", ["method", "route"], buckets=DURATIONS_S, **kept
            )

    yield Worker
    for files in opened:
        files.close()


def written_by_the_library(folder, media_type):
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)
    return sorted(ENCODERS[media_type](registry).split(b"\n"))


def agrees(exposition, folder):
    for media_type in (TEXT, OPENMETRICS):
        ours = exposition.text(media_type)
        assert sorted(ours.split(b"\n")) == written_by_the_library(folder, media_type)
    assert ours.endswith(b"\n# EOF\n")


def test_it_is_what_the_library_writes_whatever_comes_and_goes(worker, tmp_path):
    exposition = Exposition(tmp_path)
    first = worker(0)
    first.requests.labels(HOSTILE).inc(3)
    first.load.set(0.25)
    agrees(exposition, tmp_path)
    second = worker(1)
    for seconds in (0.0001, 0.2, 0.3, 100):
        second.took.labels("GET", "/").observe(seconds)
        first.took.labels("POST", "/").observe(seconds)
    second.load.set(7.5)
    first.held.labels("0").set(1e15)
    second.held.labels("1").set(2)
    agrees(exposition, tmp_path)
    first.requests.labels(HOSTILE).inc()
    second.took.labels("GET", "/").observe(3)
    agrees(exposition, tmp_path)
    mark_process_dead(1)
    agrees(exposition, tmp_path)
    for number in range(2000):  # its file grows
        first.requests.labels(f"/{number}").inc(number)
    agrees(exposition, tmp_path)


def test_a_file_that_cannot_be_read_costs_its_own_figures(worker, tmp_path):
    exposition = Exposition(tmp_path)
    worker(0).requests.labels("/").inc(3)
    whole = exposition.text(TEXT)

    (tmp_path / "counter_9.db").write_bytes(os.urandom(4096))
    (tmp_path / "counter_8.db").write_bytes(b"")

    assert exposition.text(TEXT) == whole


def test_exemplars_stand_behind_their_buckets(worker, tmp_path):
    worker(0).took.labels("GET", "/").observe(0.15)
    (tmp_path / "exemplars_0.json").write_text(
        f'[["GET", "/", {DURATIONS_S.index(0.2)}, 0.15, 4e9, "{"a" * 32}"]]'
    )
    exposition = Exposition(tmp_path)

    lines = exposition.text(OPENMETRICS).decode().splitlines()
    assert [line.partition("} ")[2] for line in lines if "#" in line[1:]] == [
        f'1.0 # {{trace_id="{"a" * 32}"}} 0.15 {4e9}'
    ]
    assert "trace_id" not in exposition.text(TEXT).decode()


def test_every_series_bears_the_instance(worker, tmp_path):
    worker(0).requests.labels("/").inc()
    lines = Exposition(tmp_path, instance="web.1").text(TEXT).decode().splitlines()

    assert 'asked_total{instance="web.1",path="/"} 1.0' in lines
