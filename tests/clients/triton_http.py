"""`tritonclient.http`: every call that it has. Usage: triton_http.py HOST:PORT TOKEN PICTURE."""

import sys
from pathlib import Path

import numpy as np
import tritonclient.http as triton
from calls import refused, run

ADDRESS, TOKEN, PICTURE = sys.argv[1:4]
ADMIN = {"Authorization": f"Bearer {TOKEN}"}
FLOWER = np.array([[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]], np.float32)
ERROR = triton.InferenceServerException
client = triton.InferenceServerClient(ADDRESS)


def flowers(*, binary=True):
    tensor = triton.InferInput("measurements", FLOWER.shape, "FP32")
    tensor.set_data_from_numpy(FLOWER, binary_data=binary)
    return [tensor]


def scores(answer):
    array = answer.as_numpy("probabilities")
    assert array.shape == (2, 3), array
    assert array.argmax(axis=1).tolist() == [0, 2], array
    return array


def server_and_model_health():
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("iris")
    assert client.is_model_ready("iris", "1")
    assert not client.is_model_ready("nobody")
    assert not client.is_model_ready("iris", "9")


def server_metadata():
    told = client.get_server_metadata()
    assert {"binary_tensor_data", "classification", "statistics"} <= {*told["extensions"]}


def model_metadata():
    told = client.get_model_metadata("iris", "1")
    assert told["inputs"] == [{"name": "measurements", "datatype": "FP32", "shape": [-1, 4]}]
    refused(lambda: client.get_model_metadata("nobody"), ERROR, "no model named 'nobody'")


def model_config():
    told = client.get_model_config("cat-or-dog")
    assert told["max_batch_size"] > 0
    assert told["input"][0]["format"] == "FORMAT_NHWC"
    assert told["input"][0]["dims"] == [224, 224, 3]


def infer_in_binary():
    first = scores(client.infer("iris", flowers()))
    second = scores(client.infer("iris", flowers(), model_version="1", request_id="mine"))
    assert (first == second).all()
    assert client.infer("iris", flowers(), request_id="mine").get_response()["id"] == "mine"


def infer_in_json():
    wanted = [triton.InferRequestedOutput("probabilities", binary_data=False)]
    json = scores(client.infer("iris", flowers(binary=False), outputs=wanted))
    assert np.allclose(json, scores(client.infer("iris", flowers())), rtol=1e-6)


def infer_in_json_and_binary_mixed():
    binary = [triton.InferRequestedOutput("probabilities", binary_data=True)]
    scores(client.infer("iris", flowers(binary=False), outputs=binary))
    plain = [triton.InferRequestedOutput("probabilities", binary_data=False)]
    scores(client.infer("iris", flowers(), outputs=plain))


def every_compression_both_ways():
    for sent in (None, "gzip", "deflate"):
        for wanted in (None, "gzip", "deflate"):
            answer = client.infer(
                "iris",
                flowers(),
                request_compression_algorithm=sent,
                response_compression_algorithm=wanted,
            )
            scores(answer)


def every_datatype():
    rng = np.random.default_rng(0)
    arrays = {
        "BOOL": rng.random((2, 3)) < 0.5,
        "FP16": rng.random((2, 3)).astype(np.float16),
        "FP32": rng.random((2, 3)).astype(np.float32),
        "FP64": rng.random((2, 3)),
    }
    for kind in ("int", "uint"):
        for bits in (8, 16, 32, 64):
            limits = np.iinfo(f"{kind}{bits}")
            values = [limits.min, limits.max, 0, 1, 2, 3]
            arrays[f"{kind.upper()}{bits}"] = np.array(values, limits.dtype).reshape(2, 3)
    inputs = []
    for name, array in arrays.items():
        tensor = triton.InferInput(name.lower(), array.shape, name)
        tensor.set_data_from_numpy(array)
        inputs.append(tensor)
    answer = client.infer("datatypes", inputs)
    for name, array in arrays.items():
        answered = answer.as_numpy(name.lower())
        assert answered.dtype == array.dtype, name
        assert (answered == array).all(), name


def words_both_ways():
    words = np.array([["Žluťoučký".encode()], [b""], ["狗".encode()]], object)
    for binary in (True, False):
        tensor = triton.InferInput("text", words.shape, "BYTES")
        tensor.set_data_from_numpy(words, binary_data=binary)
        wanted = [triton.InferRequestedOutput("same", binary_data=binary)]
        answer = client.infer("words", [tensor], outputs=wanted).as_numpy("same")
        texts = [each if isinstance(each, str) else each.decode() for each in answer.ravel()]
        assert texts == ["Žluťoučký", "", "狗"], texts


def a_picture_as_one_element():
    element = np.array([Path(PICTURE).read_bytes()], object)
    tensor = triton.InferInput("image", [1], "BYTES")
    tensor.set_data_from_numpy(element)
    answer = client.infer("cat-or-dog", [tensor])
    assert answer.as_numpy("species").argmax() == 0


def classification():
    for binary in (True, False):
        wanted = [triton.InferRequestedOutput("probabilities", class_count=2, binary_data=binary)]
        answer = client.infer("iris", flowers(), outputs=wanted).as_numpy("probabilities")
        best = answer[0][0].decode() if binary else answer[0][0]
        assert answer.shape == (2, 2)
        assert str(best).split(":")[1:] == ["0", "setosa"], answer


def a_raw_body():
    made = triton.InferenceServerClient.generate_request_body(flowers())
    assert made[1] is not None
    tensor = triton.InferInput("measurements", [1, 4], "FP32")
    body = FLOWER[:1].tobytes()
    answer = client._post(
        "v2/models/iris/infer", body, {"Inference-Header-Content-Length": "0"}, None
    )
    told = triton.InferResult(answer, verbose=False)
    assert told.as_numpy("probabilities").argmax() == 0, tensor


def asynchronous_infer():
    pending = [client.async_infer("iris", flowers()) for _ in range(4)]
    for each in pending:
        scores(each.get_result())


def a_timeout_and_parameters():
    scores(client.infer("iris", flowers(), timeout=5_000_000, parameters={"who": "me", "n": 1}))
    scores(client.infer("iris", flowers(), priority=1))
    refused(lambda: client.infer("iris", flowers(), sequence_id=7), ERROR, "no sequences")


def statistics():
    before = client.get_inference_statistics("iris")["model_stats"][0]
    client.infer("iris", flowers())
    after = client.get_inference_statistics("iris", "1")["model_stats"][0]
    assert after["inference_count"] == before["inference_count"] + 2
    assert after["inference_stats"]["success"]["count"] == (
        before["inference_stats"]["success"]["count"] + 1
    )
    assert len(client.get_inference_statistics()["model_stats"]) >= 4


def wrong_requests_are_refused():
    short = triton.InferInput("measurements", [1, 3], "FP32")
    short.set_data_from_numpy(FLOWER[:1, :3])
    refused(lambda: client.infer("iris", [short]), ERROR, "measurements", "[rows, 4]")
    other = triton.InferInput("measurements", [1, 4], "FP64")
    other.set_data_from_numpy(FLOWER[:1].astype(np.float64))
    refused(lambda: client.infer("iris", [other]), ERROR, "measurements", "FP32 is wanted")
    wanted = [triton.InferRequestedOutput("nothing")]
    refused(lambda: client.infer("iris", flowers(), outputs=wanted), ERROR, "nothing")
    refused(lambda: client.infer("nobody", flowers()), ERROR, "no model named 'nobody'")


def the_repository():
    index = client.get_model_repository_index(headers=ADMIN)
    assert {"name": "iris", "version": "1", "state": "READY", "reason": ""} in index
    client.unload_model("iris", headers=ADMIN)
    assert not client.is_model_ready("iris")
    states = {each["name"]: each["state"] for each in client.get_model_repository_index(ADMIN)}
    assert states["iris"] == "UNAVAILABLE"
    client.load_model("iris", headers=ADMIN)
    assert client.is_model_ready("iris")
    scores(client.infer("iris", flowers()))
    refused(lambda: client.load_model("nobody", headers=ADMIN), ERROR, "failed to load")
    refused(
        lambda: client.load_model("iris", headers=ADMIN, config="{}"), ERROR, "change its files"
    )
    refused(lambda: client.unload_model("iris"), ERROR, "admin")


def what_is_not_here_says_so():
    for call in (
        client.get_trace_settings,
        client.get_log_settings,
        lambda: client.update_log_settings({"log_info": False}),
        lambda: client.update_trace_settings("iris", {"trace_level": ["TIMESTAMPS"]}),
        client.get_system_shared_memory_status,
        client.get_cuda_shared_memory_status,
    ):
        refused(call, ERROR, "no extension")


run(
    [
        server_and_model_health,
        server_metadata,
        model_metadata,
        model_config,
        infer_in_binary,
        infer_in_json,
        infer_in_json_and_binary_mixed,
        every_compression_both_ways,
        every_datatype,
        words_both_ways,
        a_picture_as_one_element,
        classification,
        a_raw_body,
        asynchronous_infer,
        a_timeout_and_parameters,
        statistics,
        wrong_requests_are_refused,
        the_repository,
        what_is_not_here_says_so,
    ]
)
