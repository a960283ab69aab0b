"""More ONNX graphs: types, quantized and large ones, and what cannot be served."""

import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.corpus.case import Made, case
from tests.corpus.graphs import (
    FLOAT,
    INT,
    RANDOM,
    TEXT,
    constant,
    convnet,
    dense,
    floats,
    keras_like,
    made,
    model_of,
    node,
    tensor,
    weights,
)  # fmt: skip


def refused(folder, model, name="model.onnx", **saving):
    onnx.save(model, folder / name, **saving)
    return Made([folder / name], {}, [])


def unary(kind, dtype, array, name):
    @case("types", name=f"type-{name}")
    def _(folder):
        model = model_of([node(kind, "x", "y")], [tensor("x", ["N", 3], dtype)],
                         [tensor("y", ["N", 3], dtype)])  # fmt: skip
        return made(folder, model, {"x": array})


unary("Abs", TensorProto.INT32, np.array([[-1, 2, 3]], np.int32), "int32")
unary("Abs", TensorProto.DOUBLE, np.array([[-1.5, 2, 3]]), "float64")
unary("Abs", TensorProto.FLOAT16, np.array([[-1.5, 2, 3]], np.float16), "float16")
unary("Not", TensorProto.BOOL, np.array([[True, False, True]]), "bool")
unary("Identity", TEXT, np.array([["a", "ß", ""]], object), "string")


@case("types")
def columns_of_their_own(folder):
    """As skl2onnx and tf2onnx write a table: an input for each column."""
    model = model_of(
        [node("Mul", "age weight", "score")],
        [tensor("age", ["N", 1]), tensor("weight", ["N", 1])],
        [tensor("score", ["N", 1])],
    )
    rows = [{"age": 2.0, "weight": 3.0}, {"age": 1.5, "weight": 2.0}]
    feeds = {name: np.array([[row[name]] for row in rows], np.float32) for name in rows[0]}
    return made(folder, model, feeds, request={"rows": rows})


@case("quantized")
def qdq_weights(folder):
    model = model_of(
        [
            node("QuantizeLinear", "x scale zero", "q"),
            node("DequantizeLinear", "q scale zero", "d"),
            node("MatMul", "d W", "y"),
        ],
        [tensor("x", ["N", 4])],
        [tensor("y", ["N", 3])],
        [constant("scale", 0.05, np.float32), constant("zero", 3, np.int8), weights("W", 4, 3)],
        opset=19,
        ir=9,
    )
    return made(folder, model, {"x": floats(3, 4)})


@case("quantized")
def int8_matmul(folder):
    whole = constant("W", RANDOM.integers(-9, 9, (4, 3)), np.int8)
    model = model_of(
        [node("MatMulInteger", "x W", "y")],
        [tensor("x", ["N", 4], TensorProto.INT8)],
        [tensor("y", ["N", 3], TensorProto.INT32)],
        [whole],
    )
    return made(folder, model, {"x": RANDOM.integers(-9, 9, (3, 4)).astype(np.int8)})


@case("quantized")
def dynamically_quantized(folder):
    """Its scale is that of all rows together: a row's answer depends on its neighbours."""
    model = model_of(
        [
            node("DynamicQuantizeLinear", "x", "q s z"),
            node("DequantizeLinear", "q s z", "y"),
        ],
        [tensor("x", ["N", 4])],
        [tensor("y", ["N", 4])],
        opset=19,
        ir=9,
    )
    return made(folder, model, {"x": floats(3, 4)})


@case("external data")
def weights_beside(folder):
    model = dense("batch")
    answered = made(folder, dense_again(model), {"input": floats(3, 4)})
    onnx.save(model, folder / "model.onnx", save_as_external_data=True, size_threshold=0,
              location="model.onnx.data")  # fmt: skip
    return Made(
        [folder / "model.onnx", folder / "model.onnx.data"], answered.request, answered.answers
    )


def dense_again(model):
    return onnx.ModelProto.FromString(model.SerializeToString())


@case("external data", refused="weights.bin")
def weights_left_behind(folder):
    return refused(folder, dense("batch"), save_as_external_data=True, size_threshold=0,
                   location="weights.bin")  # fmt: skip


@case("refused", refused="opset")
def opset_of_tomorrow(folder):
    model = dense("batch")
    model.opset_import[0].version = 99
    return refused(folder, model)


@case("refused", refused="IR version")
def ir_of_tomorrow(folder):
    model = dense("batch")
    model.ir_version = 99
    return refused(folder, model)


@case("refused", refused="one value for the whole call")
def scalar_input(folder):
    model = model_of(
        [node("Mul", "x factor", "y")],
        [tensor("x", ["N", 4]), tensor("factor", [])],
        [tensor("y", ["N", 4])],
    )
    return refused(folder, model)


@case("refused", refused="operator")
def operator_of_its_own(folder):
    model = model_of([node("Identity", "x", "y")], [tensor("x", ["N"])], [tensor("y", ["N"])])
    model.graph.node[0].op_type, model.graph.node[0].domain = "Sparkle", "com.example"
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    return refused(folder, model)


@case("refused", refused="no ONNX model")
def half_a_file(folder):
    onnx.save(convnet("N"), folder / "model.onnx")
    whole = (folder / "model.onnx").read_bytes()
    (folder / "model.onnx").write_bytes(whole[: len(whole) // 2])
    return Made([folder / "model.onnx"], {}, [])


@case("refused", refused="Git LFS")
def pointer(folder):
    (folder / "model.onnx").write_text("version https://git-lfs.github.com/spec/v1\nsize 5\n")
    return Made([folder / "model.onnx"], {}, [])


@case("shapes")
def division_by_the_example(folder):
    """Integer division by the zeros of a made-up example."""
    model = model_of(
        [node("Div", "x divisor", "y")],
        [tensor("x", ["N", 2], INT), tensor("divisor", ["N", 2], INT)],
        [tensor("y", ["N", 2], INT)],
    )
    return made(folder, model, {"x": np.array([[7, -7]]), "divisor": np.array([[2, 3]])})


@case("shapes")
def mask_of_a_picture(folder):
    model = model_of(
        [node("Conv", "x W", "mask", kernel_shape=[1, 1])],
        [tensor("x", ["N", 3, 64, 64])],
        [tensor("mask", ["N", 2, 64, 64])],
        [weights("W", 2, 3, 1, 1)],
    )
    return made(folder, model, {"x": floats(1, 3, 64, 64)})


@case("shapes")
def a_series(folder):
    model = model_of(
        [node("ReduceMax", "x", "y", axes=[1], keepdims=1)],
        [tensor("x", ["N", "time"], FLOAT)],
        [tensor("y", ["N", 1])],
    )
    return made(folder, model, {"x": floats(2, 9)})


@case("tf-like")
def tf_bytes(folder):
    name = "serving_default_x:0"
    nodes = [
        helper.make_node("Cast", [name], ["f"], to=FLOAT),
        helper.make_node("ReduceMean", ["f"], ["StatefulPartitionedCall:0"], axes=[1], keepdims=0),
    ]
    model = keras_like([6], nodes, [], [], kind=TensorProto.UINT8)
    return made(folder, model, {name: RANDOM.integers(0, 255, (3, 6)).astype(np.uint8)})
