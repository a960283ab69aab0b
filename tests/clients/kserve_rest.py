"""`kserve.InferenceRESTClient`, protocol v2. Usage: kserve_rest.py HOST:PORT TOKEN PICTURE."""

import asyncio
import sys

import numpy as np
from calls import run
from httpx import HTTPStatusError
from kserve import InferenceRESTClient, InferInput, InferRequest
from kserve.inference_client import RESTConfig
from kserve.protocol.infer_type import RequestedOutput

URL = f"http://{sys.argv[1]}"
FLOWER = np.array([[5.1, 3.5, 1.4, 0.2]], np.float32)


def with_client(make):
    """A call that makes a client of its own, as a coroutine does."""

    def call():
        async def asked():
            client = InferenceRESTClient(RESTConfig(protocol="v2", retries=1))
            try:
                await make(client)
            finally:
                await client.close()

        asyncio.run(asked())

    call.__name__ = make.__name__
    return call


def flower(*, binary):
    tensor = InferInput("measurements", [1, 4], "FP32")
    tensor.set_data_from_numpy(FLOWER, binary_data=binary)
    return tensor


async def health(client):
    assert await client.is_server_live(URL)
    assert await client.is_server_ready(URL)
    assert await client.is_model_ready(URL, "iris")
    assert not await client.is_model_ready(URL, "nobody")


async def infer_in_json(client):
    asked = InferRequest("iris", [flower(binary=False)])
    answer = await client.infer(URL, asked, model_name="iris")
    assert np.argmax(answer.outputs[0].as_numpy()) == 0
    assert answer.model_name == "iris"


async def infer_in_binary(client):
    asked = InferRequest(
        "iris",
        [flower(binary=True)],
        request_outputs=[RequestedOutput("probabilities", parameters={"binary_data": True})],
    )
    answer = await client.infer(URL, asked, model_name="iris")
    assert np.argmax(answer.outputs[0].as_numpy()) == 0


async def infer_in_binary_and_json_mixed(client):
    asked = InferRequest("iris", [flower(binary=True)])
    answer = await client.infer(URL, asked, model_name="iris")
    assert np.argmax(answer.outputs[0].as_numpy()) == 0


async def infer_of_a_plain_dictionary(client):
    tensor = {"name": "measurements", "shape": [1, 4], "datatype": "FP32"}
    asked = {"id": None, "parameters": None, "outputs": None}
    asked["inputs"] = [tensor | {"data": FLOWER.tolist(), "parameters": None}]
    answer = await client.infer(URL, asked, model_name="iris")
    outputs = answer.outputs if hasattr(answer, "outputs") else answer["outputs"]
    assert len(outputs) == 1


async def errors_are_told(client):
    tensor = InferInput("flower", [1, 4], "FP32")
    tensor.set_data_from_numpy(FLOWER, binary_data=False)
    try:
        await client.infer(URL, InferRequest("iris", [tensor]), model_name="iris")
    except HTTPStatusError as error:
        assert 'there is no input "flower"' in str(error), error
        return
    raise AssertionError("it was not refused")


run(
    [
        with_client(each)
        for each in (
            health,
            infer_in_json,
            infer_in_binary,
            infer_in_binary_and_json_mixed,
            infer_of_a_plain_dictionary,
            errors_are_told,
        )
    ]
)
