from concurrent.futures import ThreadPoolExecutor

import pytest

from service.inference.resources import ModelResources


@pytest.fixture
def resources(tmp_path):
    """What a model lives in, with threads that end with the test."""
    pools = []

    def native_threads(count):
        pools.append(ThreadPoolExecutor(count))
        return pools[-1]

    meeting = tmp_path / "meeting"
    meeting.mkdir()
    yield ModelResources(
        native_threads=native_threads,
        threads=1,
        limit_pixels=25_000_000,
        socket_directory=lambda: meeting,
        memory_limit_bytes=1 << 30,
        variables={"OMP_NUM_THREADS": "1"},
        json_lines=True,
        load_limit_s=60.0,
        ran=lambda *_: None,
        died=lambda *_: None,
    )
    for pool in pools:
        pool.shutdown()
