"""The numbers that a model gets, beside those of the frameworks' own recipes."""

import numpy as np
import pytest
from PIL import Image

from service.inference.pictures.decoding import decode
from service.inference.pictures.recipe import ImageRecipe, as_the_artefact, numbers
from service.models.presets import PRESETS
from tests.conftest import COFFEE

LIMIT = 1 << 25
FLOAT = np.dtype("float32")
PIXELS = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3) * 14


def row(datatype=FLOAT, **said):
    recipe = ImageRecipe(size=(2, 3), **said)
    return numbers(PIXELS, as_the_artefact(recipe, (-1, *recipe.shape)), datatype)


def test_bytes_stay_as_they_are():
    assert np.array_equal(row(np.dtype("uint8")), PIXELS[None])


def test_torch_has_the_channels_first_and_imagenet_s_statistics():
    preset = {name: PRESETS["imagenet"][name] for name in ("scale", "mean", "std")}

    found = row(layout="nchw", **{k: v if k == "scale" else tuple(v) for k, v in preset.items()})

    mean, std = np.array(preset["mean"]), np.array(preset["std"])
    expected = ((PIXELS / 255 - mean) / std).transpose(2, 0, 1)[None]
    assert found.shape == (1, 3, 2, 3)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_tf_counts_from_minus_one_to_one():
    found = row(scale=1 / 127.5, mean=(1.0,))

    np.testing.assert_allclose(found, PIXELS[None] / 127.5 - 1, atol=1e-6)


def test_caffe_has_blue_first_and_subtracts_a_mean():
    found = row(order="bgr", mean=(103.939, 116.779, 123.68))

    expected = PIXELS[None, ..., ::-1] - np.array([103.939, 116.779, 123.68])
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("shape", "layout", "order"),
    [
        ((-1, 224, 224, 3), "nhwc", "rgb"),
        ((-1, 3, 224, 224), "nchw", "rgb"),
        ((-1, 1, 28, 28), "nchw", "grey"),
        ((-1, 28, 28, 1), "nhwc", "grey"),
        ((-1, -1, -1, 3), "nhwc", "rgb"),
    ],
)
def test_what_the_artefact_says_need_not_be_said(shape, layout, order):
    found = as_the_artefact(ImageRecipe(size=(224, 224)), shape)

    assert (found.layout, found.order) == (layout, order)


def test_torchvision_s_resize_and_centre_crop_is_the_same_picture():
    """Resize(256) of the shorter side, bilinear, then CenterCrop(224)."""
    image = Image.open(COFFEE).convert("RGB")
    scale = 256 / min(image.size)
    resized = image.resize([round(side * scale) for side in image.size], Image.Resampling.BILINEAR)
    left, top = (resized.width - 224) // 2, (resized.height - 224) // 2
    expected = np.asarray(resized.crop((left, top, left + 224, top + 224)), int)

    recipe = ImageRecipe(size=(224, 224), crop=0.875, interpolation="bilinear")
    found = decode(COFFEE.read_bytes(), recipe, LIMIT).astype(int)

    assert np.abs(found - expected).mean() < 3


def test_a_stretched_picture_is_all_there():
    image = Image.new("RGB", (100, 50), "red")
    image.paste("blue", (0, 0, 10, 50))
    recipe = ImageRecipe(size=(20, 20), resize="stretch", interpolation="nearest")

    found = decode(_png(image), recipe, LIMIT)

    assert found[:, 0].tolist() == [[0, 0, 255]] * 20
    assert found[:, -1].tolist() == [[255, 0, 0]] * 20


def test_a_letterbox_frames_the_whole_picture():
    recipe = ImageRecipe(size=(40, 40), resize="letterbox", pad=7)

    found = decode(_png(Image.new("RGB", (100, 50), "red")), recipe, LIMIT)

    assert found[0, 0].tolist() == [7, 7, 7]
    assert found[20].tolist() == [[255, 0, 0]] * 40
    assert (found[:, 0, 0] == 255).sum() == 20


def _png(image):
    from tests.conftest import encoded

    return encoded(image, "PNG")
