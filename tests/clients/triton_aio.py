"""`tritonclient.http.aio`: every call that it has. Usage: triton_aio.py HOST:PORT TOKEN PICTURE."""

import asyncio
import sys

import numpy as np
import tritonclient.http.aio as triton
from calls import run
from tritonclient.utils import InferenceServerException

ADDRESS, TOKEN, _ = sys.argv[1:4]
ADMIN = {"Authorization": f"Bearer {TOKEN}"}
FLOWER = np.array([[5.1, 3.5, 1.4, 0.2]], np.float32)


def with_client(make):
    """A call that makes a client of its own, as a coroutine does."""

    def call():
        async def asked():
            async with triton.InferenceServerClient(ADDRESS) as client:
                await make(client)

        asyncio.run(asked())

    call.__name__ = make.__name__
    return call


def flower(*, binary=True):
    tensor = triton.InferInput("measurements", FLOWER.shape, "FP32")
    tensor.set_data_from_numpy(FLOWER, binary_data=binary)
    return [tensor]


async def refused(awaitable, *words):
    try:
        await awaitable
    except InferenceServerException as error:
        assert all(word in str(error) for word in words), error
        return
    raise AssertionError("it was not refused")


async def health_and_metadata(client):
    assert await client.is_server_live()
    assert await client.is_server_ready()
    assert await client.is_model_ready("iris")
    assert not await client.is_model_ready("nobody")
    assert (await client.get_server_metadata())["name"]
    assert (await client.get_model_metadata("iris"))["name"] == "iris"
    assert (await client.get_model_config("iris"))["name"] == "iris"
    await refused(client.get_model_metadata("nobody"), "no model named")


async def infer_in_both_encodings(client):
    for binary in (True, False):
        wanted = [triton.InferRequestedOutput("probabilities", binary_data=binary)]
        answer = await client.infer("iris", flower(binary=binary), outputs=wanted)
        assert answer.as_numpy("probabilities").argmax() == 0


async def every_compression_both_ways(client):
    for sent in (None, "gzip", "deflate"):
        for wanted in (None, "gzip", "deflate"):
            answer = await client.infer(
                "iris",
                flower(),
                request_compression_algorithm=sent,
                response_compression_algorithm=wanted,
            )
            assert answer.as_numpy("probabilities").argmax() == 0


async def many_at_once(client):
    answers = await asyncio.gather(*(client.infer("iris", flower()) for _ in range(32)))
    assert all(answer.as_numpy("probabilities").argmax() == 0 for answer in answers)


async def statistics(client):
    told = await client.get_inference_statistics("iris")
    assert told["model_stats"][0]["inference_stats"]["success"]["count"] > 0


async def the_repository(client):
    index = await client.get_model_repository_index(headers=ADMIN)
    assert "iris" in {each["name"] for each in index}
    await client.unload_model("words", headers=ADMIN)
    assert not await client.is_model_ready("words")
    await client.load_model("words", headers=ADMIN)
    assert await client.is_model_ready("words")
    await refused(client.load_model("nobody", headers=ADMIN), "failed to load")


async def what_is_not_here_says_so(client):
    await refused(client.get_trace_settings(), "no extension")
    await refused(client.get_log_settings(), "no extension")
    await refused(client.get_system_shared_memory_status(), "no extension")


run(
    [
        with_client(each)
        for each in (
            health_and_metadata,
            infer_in_both_encodings,
            every_compression_both_ways,
            many_at_once,
            statistics,
            the_repository,
            what_is_not_here_says_so,
        )
    ]
)
