"""ONNX graphs as exporters write them, made with onnx.helper and answered by onnx.reference."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from tests.corpus.case import Made, case

RANDOM = np.random.default_rng(0)
FLOAT, INT, TEXT = TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING


def weights(name, *shape):
    array = (RANDOM.normal(size=shape) * 0.3).astype(np.float32)
    return numpy_helper.from_array(array, name)


def constant(name, values, dtype=np.int64):
    return numpy_helper.from_array(np.array(values, dtype), name)


def node(kind, inputs, outputs, **attributes):
    return helper.make_node(kind, inputs.split(), outputs.split(), **attributes)


def tensor(name, shape, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def model_of(nodes, inputs, outputs, held=(), opset=17, ir=8):
    graph = helper.make_graph(nodes, "main_graph", inputs, outputs, list(held))
    return helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=ir,
        producer_name="pytorch",
    )


def made(folder, model, feeds, *, name="model.onnx", one_by_one=False, request=None):
    """*feeds* are asked as JSON lists; the answers are onnx.reference's, by the outputs' names."""
    onnx.save(model, folder / name)
    names = [output.name for output in model.graph.output]
    rows = len(next(iter(feeds.values())))
    evaluator = ReferenceEvaluator(model)
    parts = [feeds]
    if one_by_one:
        parts = [{key: value[at : at + 1] for key, value in feeds.items()} for at in range(rows)]
    answers = []
    for part in parts:
        outputs = evaluator.run(None, part)
        for row in range(len(next(iter(part.values())))):
            answers.append(worded(names, [np.asarray(output)[row] for output in outputs]))
    sent = request or {key: value.tolist() for key, value in feeds.items()}
    return Made([folder / name], sent, answers)


def worded(names, values):
    """One number a row is the value; anything else bears its output's name."""
    if len(names) == 1 and values[0].size == 1:
        return {"value": values[0].ravel()[0].item()}
    plain = [value.ravel() if value.size == 1 else value for value in values]
    return {
        name: value[0].item() if value.size == 1 else value.tolist()
        for name, value in zip(names, plain, strict=True)
    }


def floats(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


def dense(first):
    return model_of(
        [node("Gemm", "input W b", "output", transB=1)],
        [tensor("input", [first, 4])],
        [tensor("output", [first, 3])],
        [weights("W", 3, 4), weights("b", 3)],
    )


for _name, _first in {"free": "batch", "one": 1, "eight": 8, "three": 3}.items():
    case("torch-like", name=f"torch-rows-{_name}")(
        lambda folder, first=_first: (
            made(folder, dense(first), {"input": floats(5, 4)}, one_by_one=first == 1)
            if first not in {3, 8}
            else padded(folder, first)
        )
    )


def padded(folder, first):
    model = dense("batch")
    answered = made(folder, model, {"input": floats(5, 4)})
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = first
    onnx.save(model, folder / "model.onnx")
    return answered


def convnet(batch, *, grey=False):
    channels = 1 if grey else 3
    return model_of(
        [
            node("Conv", "image W b", "c", kernel_shape=[3, 3], strides=[2, 2]),
            node("Relu", "c", "r"),
            node("GlobalAveragePool", "r", "p"),
            node("Flatten", "p", "f"),
            node("Gemm", "f V", "logits", transB=1),
        ],
        [tensor("image", [batch, channels, 16, 16])],
        [tensor("logits", [batch, 5])],
        [weights("W", 4, channels, 3, 3), weights("b", 4), weights("V", 5, 4)],
    )


@case("torch-like")
def torch_classifier_nchw(folder):
    return made(folder, convnet("batch"), {"image": floats(2, 3, 16, 16)})


@case("torch-like")
def torch_classifier_of_one(folder):
    return made(folder, convnet(1), {"image": floats(3, 3, 16, 16)}, one_by_one=True)


@case("torch-like")
def torch_grey_digits(folder):
    return made(folder, convnet("N", grey=True), {"image": floats(2, 1, 16, 16)})


@case("torch-like")
def torch_free_height_and_width(folder):
    model = model_of(
        [
            node("Conv", "images W", "c", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
            node("GlobalMaxPool", "c", "p"),
            node("Flatten", "p", "boxes"),
        ],
        [tensor("images", ["batch", 3, "height", "width"])],
        [tensor("boxes", ["batch", 2])],
        [weights("W", 2, 3, 3, 3)],
    )
    return made(folder, model, {"images": floats(2, 3, 8, 12)})


@case("torch-like")
def torch_two_heads(folder):
    model = model_of(
        [node("MatMul", "x W", "a"), node("Sigmoid", "a", "b")],
        [tensor("x", ["batch", 4])],
        [tensor("a", ["batch", 3]), tensor("b", ["batch", 3])],
        [weights("W", 4, 3)],
    )
    return made(folder, model, {"x": floats(3, 4)})


def embedding():
    """As a text encoder: token ids, and a mask that shares their length."""
    nodes = [node("Gather", "table input_ids", "e"), node("Cast", "attention_mask", "m", to=FLOAT)]
    nodes += [node("Unsqueeze", "m last", "mm"), node("Mul", "e mm", "z")]
    nodes += [node("ReduceSum", "z middle", "sum", keepdims=0)]
    return model_of(
        nodes,
        [tensor(name, ["batch", "sequence"], INT) for name in ("input_ids", "attention_mask")],
        [tensor("sum", ["batch", 6])],
        [weights("table", 30, 6), constant("last", [2]), constant("middle", [1])],
    )


@case("torch-like")
def torch_text_encoder(folder):
    ids = RANDOM.integers(0, 30, (2, 7))
    return made(folder, embedding(), {"input_ids": ids, "attention_mask": np.ones_like(ids)})


def lstm(layout_of_rows):
    """torch's nn.LSTM is sequence-first unless it is told otherwise."""
    nodes = [node("LSTM", "x W R", "y h", hidden_size=3), node("Squeeze", "y one", "out")]
    held = [weights("W", 1, 12, 2), weights("R", 1, 12, 3), constant("one", [1])]
    shape = ["sequence", 1, 2]
    if layout_of_rows:
        nodes.insert(0, node("Transpose", "rows", "x", perm=[1, 0, 2]))
        nodes[-1] = node("Squeeze", "y one", "seq")
        nodes.append(node("Transpose", "seq", "out", perm=[1, 0, 2]))
        return model_of(
            nodes, [tensor("rows", ["batch", 5, 2])], [tensor("out", ["batch", 5, 3])], held
        )
    return model_of(nodes, [tensor("x", shape)], [tensor("out", ["sequence", 1, 3])], held)


@case("torch-like")
def torch_lstm_batch_first(folder):
    return made(folder, lstm(layout_of_rows=True), {"rows": floats(3, 5, 2)})


@case("torch-like")
def torch_lstm_sequence_first(folder):
    return made(folder, lstm(layout_of_rows=False), {"x": floats(5, 1, 2)})


@case("torch-like")
def torch_batch_of_a_constant_reshape(folder):
    """What a traced view(1, -1) leaves: it answers one row whatever is sent."""
    model = model_of(
        [node("Reshape", "x one", "flat"), node("MatMul", "flat W", "y")],
        [tensor("x", ["batch", 2, 2])],
        [tensor("y", ["batch", 3])],
        [constant("one", [1, -1]), weights("W", 4, 3)],
    )
    return made(folder, model, {"x": floats(3, 2, 2)}, one_by_one=True)


def keras_like(shape, nodes, out, held, kind=FLOAT, name="serving_default_x:0"):
    """tf2onnx's names, and `unk__` for what is free."""
    return model_of(
        nodes, [tensor(name, ["unk__10", *shape], kind)],
        [tensor("StatefulPartitionedCall:0", ["unk__11", *out])], held, opset=13, ir=7,
    )  # fmt: skip


@case("tf-like")
def tf_dense(folder):
    first = helper.make_node("MatMul", ["serving_default_x:0", "W"], ["h"])
    last = helper.make_node("Softmax", ["h"], ["StatefulPartitionedCall:0"], axis=-1)
    model = keras_like([4], [first, last], [3], [weights("W", 4, 3)])
    return made(folder, model, {"serving_default_x:0": floats(3, 4)})


@case("tf-like")
def tf_pictures_nhwc(folder):
    name = "serving_default_x:0"
    nodes = [
        helper.make_node("Transpose", [name], ["nchw"], perm=[0, 3, 1, 2]),
        helper.make_node("GlobalAveragePool", ["nchw"], ["p"]),
        helper.make_node("Flatten", ["p"], ["StatefulPartitionedCall:0"]),
    ]
    model = keras_like([8, 8, 3], nodes, [3], [])
    return made(folder, model, {name: floats(2, 8, 8, 3)})
