from contextlib import nullcontext
from io import BytesIO

import pytest
from PIL import Image

from service.inference.pictures.decoding import ImageRecipe, decode
from service.models.largest import picture_bytes

SAVED = {
    "JPEG": ("RGB", {"format": "JPEG"}),
    "progressive JPEG": ("RGB", {"format": "JPEG", "progressive": True}),
    "PNG": ("RGBA", {"format": "PNG"}),
    "WebP": ("RGBA", {"format": "WEBP"}),
}


@pytest.mark.parametrize("kind", SAVED)
@pytest.mark.parametrize("side", [100, 1000, 2000])
@pytest.mark.parametrize("size", [(224, 224), (32, 64)])
def test_the_estimate_is_the_one_that_lets_a_picture_in(kind, side, size):
    mode, options = SAVED[kind]
    saved, held = BytesIO(), []
    Image.new(mode, (side, side), 7).save(saved, **options)

    def reserve(size_bytes):
        held.append(size_bytes)
        return nullcontext()

    recipe = ImageRecipe(size=size, crop=0.875)
    decode(saved.getvalue(), recipe, side * side, reserve)

    assert [picture_bytes(kind, side * side, recipe)] == held
