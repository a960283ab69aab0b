"""At its limits a worker refuses at once, says when to come back, and still answers probes."""

import shutil
from collections import Counter
from contextlib import ExitStack

from tests.conftest import CAT, PROJECT, eventually
from tests.live.instance import Instance
from tests.live.wire import Wire

PICTURE = CAT.read_bytes()
PREDICT = (
    "POST /models/cat-or-dog/predict HTTP/1.1\r\nHost: localhost\r\n"
    f"Content-Type: image/jpeg\r\nContent-Length: {len(PICTURE)}\r\n\r\n"
).encode() + PICTURE
PROBES = ("/healthz", "/readyz", "/metrics")


def test_connections_beyond_the_limit_may_only_probe(tmp_path):
    part = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
    with Instance(tmp_path, WEIR_CONNECTION_LIMIT="20") as instance, ExitStack() as stack:
        held = [stack.enter_context(Wire(instance.port)) for _ in range(20)]
        for wire in held:
            assert wire.get().answer().status == 200
            wire.send(part)  # under way, so that it makes no room

        with Wire(instance.port) as wire:
            refused = eventually(lambda: wire.get("/?msg=1").answer())
            assert wire.rest() == b""
        for probe in PROBES:
            with Wire(instance.port) as wire:
                assert wire.get(probe).answer().status == 200, probe
                assert wire.rest() == b""

        assert refused.status == 503
        assert refused.fields["retry-after"] == "1"
        assert "connections are open" in refused.json["detail"]
        for wire in held:
            wire.send(b"msg=1")
        assert [wire.answer().status for wire in held] == [415] * 20
        assert shed(held[0], "connections") == 1
        held[1].socket.close()
        eventually(lambda: served(instance))


def served(instance):
    with Wire(instance.port) as wire:
        return wire.get("/?msg=1").answer().status == 200


def shed(wire, reason):
    text = wire.get("/metrics").answer().body.decode()
    series = f'\nhttp_requests_shed_total{{reason="{reason}"}} '
    return float(text.partition(series)[2].split()[0])


def test_requests_beyond_the_limit_are_refused_and_probes_are_not(tmp_path):
    variables = {"WEIR_IN_FLIGHT_LIMIT": "5", "WEIR_INFERENCE_THREADS": "1"}
    with Instance(tmp_path, **variables) as instance, ExitStack() as stack:
        wires = [stack.enter_context(Wire(instance.port)) for _ in range(60)]
        probes = [stack.enter_context(Wire(instance.port)) for _ in PROBES]
        for wire in wires:
            wire.send(PREDICT)
        probed = [wire.get(path).answer() for wire, path in zip(probes, PROBES, strict=True)]
        answers = [wire.answer() for wire in wires]
        statuses = Counter(answer.status for answer in answers)

        assert set(statuses) == {200, 503}
        assert statuses[200] >= 5
        assert probed[0].status == probed[2].status == 200
        assert probed[1].status in {200, 503}  # ready, or overloaded and saying so
        refused = next(answer for answer in answers if answer.status == 503)
        assert refused.fields["retry-after"] == "1"
        assert "requests are under way" in refused.json["detail"]
        assert shed(probes[0], "in_flight") == statuses[503]
        assert served(instance)


def test_a_full_queue_refuses_and_what_it_accepted_is_answered(tmp_path):
    # With time enough for all: what the queue has no room for is refused, and not what is late.
    models = shutil.copytree(PROJECT / "config/models", tmp_path / "models")
    toml = models / "cat-or-dog/model.toml"
    toml.write_text(toml.read_text().replace("[serve]", "[serve]\ndeadline_ms = 120000"))
    variables = {"WEIR_MODELS": str(models), "WEIR_HANDLING_TIMEOUT_S": "120"}
    with (
        Instance(tmp_path, WEIR_INFERENCE_THREADS="1", **variables) as instance,
        ExitStack() as stack,
    ):
        wires = [stack.enter_context(Wire(instance.port)).send(PREDICT) for _ in range(120)]
        statuses = Counter(wire.answer().status for wire in wires)

        assert set(statuses) == {200, 503}
        assert statuses[200] >= 64
        assert shed(wires[0], "queue_full") == statuses[503]
        assert instance.metric("model_predictions_total", outcome="answered") == statuses[200]
