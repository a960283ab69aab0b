"""A model that is replaced again and again under load: all workers or none, and nothing lost."""

import os
import random
import signal

import pytest

from tests.conftest import eventually
from tests.live.changing import Client, broken, iris, memory_kb, post, serving, versions


@pytest.mark.alone
def test_twenty_replacements_under_load_lose_no_request(tmp_path, iris_alone):
    with serving(tmp_path, iris_alone, "4") as instance:
        clients = [Client(instance.port) for _ in range(16)]
        for client in clients:
            client.start()
        memory = []
        for version in range(2, 22):
            if version == 8:
                broken(iris_alone)
                refused = post(instance, "models/iris/load")
                assert refused.status_code == 400
                assert "failed to load 'iris': version 7: model.onnx is no ONNX" in refused.text
                assert versions(instance, tries=4) == {"7"}
            iris(iris_alone, version)
            if version == 15:
                os.kill(random.choice(instance.workers()), signal.SIGKILL)
            told = post(instance, "models/iris/load")
            assert told.json() == {"name": "iris", "changed": True}, told.text
            assert versions(instance, tries=4) == {str(version)}
            memory.append(memory_kb(instance))
        eventually(lambda: len(instance.workers()) == 4)
        for client in clients:
            client.stopped = True
        for client in clients:
            client.join(30)

        assert [client.failed[:1] for client in clients if client.failed] == []
        assert [client.backwards for client in clients if client.backwards] == []
        assert sum(client.answers for client in clients) > 1000
        # A killed worker takes the requests that it had with it, and no other is lost.
        assert sum(client.broken for client in clients) <= 16
        assert versions(instance) == {"21"}
        # By the second, all that is made once has been.
        assert memory[-1] < memory[1] * 1.25, memory
