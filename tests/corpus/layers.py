"""Keras models of the layers that people use, with the inputs and outputs that they have."""

import os

os.environ["KERAS_BACKEND"] = "openvino"

import keras
import numpy as np
from keras import Input, Model, Sequential, layers

from tests.corpus.case import Made, case

RANDOM = np.random.default_rng(5)


def floats(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


def ids(*shape):
    return RANDOM.integers(0, 20, shape).astype(np.int32)


def made(folder, model, feeds, file="model.keras"):
    """*feeds* by the inputs' names; the answers are those of Keras itself."""
    model.save(folder / file)
    outputs = model(list(feeds.values()) if len(feeds) > 1 else next(iter(feeds.values())))
    found = {
        name: np.asarray(keras.ops.convert_to_numpy(value))
        for name, value in zip(names_of(model), keras.tree.flatten(outputs), strict=True)
    }
    rows = len(next(iter(feeds.values())))
    answers = [worded({name: value[row] for name, value in found.items()}) for row in range(rows)]
    return Made([folder / file], {k: v.tolist() for k, v in feeds.items()}, answers)


def names_of(model):
    return getattr(model, "output_names", None) or [model.layers[-1].name]


def worded(values):
    if len(values) == 1 and next(iter(values.values())).size == 1:
        return {"value": float(next(iter(values.values())).ravel()[0])}
    return {
        name: float(value.ravel()[0]) if value.size == 1 else value.tolist()
        for name, value in values.items()
    }


def sequential(*inner, shape, dtype="float32"):
    return Sequential([Input(shape, name="x", dtype=dtype), *inner])


PLAIN = {
    "dense": ((4,), [layers.Dense(8, "relu"), layers.Dense(3, "softmax")]),
    "sigmoid": ((4,), [layers.Dense(1, "sigmoid")]),
    "regression": ((4,), [layers.Dense(8, "tanh"), layers.Dense(2)]),
    "normalized": ((4,), [layers.BatchNormalization(), layers.LayerNormalization()]),
    "dropout": ((4,), [layers.Dropout(0.5), layers.GaussianNoise(0.3), layers.Dense(2)]),
    "convnet": (
        (12, 12, 3),
        [layers.Rescaling(1 / 255), layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(),
         layers.Flatten(), layers.Dense(3, "softmax")],
    ),
    "separable": (
        (12, 12, 3),
        [layers.SeparableConv2D(4, 3), layers.GlobalAveragePooling2D(), layers.Dense(2)],
    ),
    "depthwise": ((8, 8, 2), [layers.DepthwiseConv2D(3, padding="same"), layers.ReLU(6.0)]),
    "transposed": ((6, 6, 2), [layers.Conv2DTranspose(3, 3, strides=2)]),
    "upsampled": ((4, 4, 2), [layers.UpSampling2D(2), layers.ZeroPadding2D(1)]),
    "convolution-1d": ((16, 2), [layers.Conv1D(3, 3), layers.GlobalMaxPooling1D()]),
    "lstm": ((6, 2), [layers.LSTM(4), layers.Dense(1)]),
    "gru": ((6, 2), [layers.GRU(4, return_sequences=True)]),
    "simple-rnn": ((6, 2), [layers.SimpleRNN(4)]),
    "bidirectional": ((6, 2), [layers.Bidirectional(layers.LSTM(3))]),
    "distributed": ((5, 3), [layers.TimeDistributed(layers.Dense(2))]),
    "reshaped": ((12,), [layers.Reshape((3, 4)), layers.Permute((2, 1)), layers.Flatten()]),
    "repeated": ((3,), [layers.RepeatVector(4), layers.Cropping1D(1)]),
}  # fmt: skip
for _name, (_shape, _inner) in PLAIN.items():
    case("Keras layers", name=f"keras-{_name}")(
        lambda folder, shape=_shape, inner=_inner: made(
            folder, sequential(*inner, shape=shape), {"x": floats(3, *shape)}
        )
    )


@case("Keras layers")
def keras_embedding(folder):
    model = sequential(
        layers.Embedding(20, 4), layers.GlobalAveragePooling1D(), shape=(7,), dtype="int32"
    )
    return made(folder, model, {"x": ids(3, 7)})


@case("Keras layers")
def keras_attention(folder):
    x = Input((5, 8), name="x")
    y = layers.MultiHeadAttention(2, 4)(x, x)
    return made(folder, Model(x, layers.Add(name="y")([x, y])), {"x": floats(2, 5, 8)})


@case("Keras layers")
def keras_two_inputs_two_outputs(folder):
    a, b = Input((3,), name="a"), Input((2,), name="b")
    joined = layers.Concatenate()([a, b])
    first, second = layers.Dense(2, name="first")(joined), layers.Dense(1, name="second")(joined)
    return made(folder, Model([a, b], [first, second]), {"a": floats(3, 3), "b": floats(3, 2)})


@case("Keras layers")
def keras_residual(folder):
    x = Input((8, 8, 4), name="x")
    y = layers.Conv2D(4, 3, padding="same")(x)
    return made(
        folder, Model(x, layers.Activation("relu", name="y")(x + y)), {"x": floats(2, 8, 8, 4)}
    )


@case("Keras layers")
def keras_free_length(folder):
    model = sequential(layers.LSTM(3), layers.Dense(2), shape=(None, 2))
    return made(folder, model, {"x": floats(2, 6, 2)})


@case("Keras layers")
def keras_fixed_batch(folder):
    x = Input(batch_shape=(4, 3), name="x")
    model = Model(x, layers.Dense(2, name="y")(x))
    padded = np.concatenate([(sent := floats(3, 3)), np.zeros([1, 3], np.float32)])
    found = made(folder, model, {"x": padded})
    return Made(found.files, {"x": sent.tolist()}, found.answers[:3])


@case("Keras layers")
def keras_normalization_adapted(folder):
    layer = layers.Normalization(mean=[1.0, 2.0], variance=[4.0, 9.0])
    return made(folder, sequential(layer, layers.Dense(1), shape=(2,)), {"x": floats(3, 2)})


@case("Keras layers")
def keras_augmented(folder):
    """Random layers do nothing when they are not trained."""
    model = sequential(layers.RandomFlip(), layers.GlobalAveragePooling2D(), shape=(6, 6, 3))
    return made(folder, model, {"x": floats(2, 6, 6, 3)})


class Twice(Model):
    """A model of a class of one's own."""


@case("Keras refusals", "--trust", refused="convert it: keras.saving.load_model")
def keras_h5(folder):
    path = folder / "model.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64))
    return Made([path], {}, [])


@case("Keras refusals", refused="--trust")
def keras_lambda_untrusted(folder):
    model = sequential(layers.Lambda(lambda x: x * 2), shape=(3,))
    model.save(folder / "model.keras")
    return Made([folder / "model.keras"], {}, [])


@case("Keras layers", "--trust")
def keras_lambda(folder):
    model = sequential(layers.Lambda(lambda x: x * 2, name="y"), shape=(3,))
    return made(folder, model, {"x": floats(2, 3)})


@case("Keras refusals", refused="a file beside")
def keras_own_layer_left_behind(folder):
    @keras.saving.register_keras_serializable("left-behind")
    class Doubled(layers.Layer):
        def call(self, x):
            return x * 2

    sequential(Doubled(), shape=(3,)).save(folder / "model.keras")
    keras.saving.get_custom_objects().pop("left-behind>Doubled")
    return Made([folder / "model.keras"], {}, [])
