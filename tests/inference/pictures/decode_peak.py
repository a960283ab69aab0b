"""What decoding a picture asks for, and what this process then takes at its peak, in bytes."""

import sys
from contextlib import contextmanager
from pathlib import Path

import pillow_heif
from PIL import Image

from service.inference.allocator import keep_heap_small
from service.inference.pictures.decoding import ImageRecipe, decode
from tests.conftest import encoded

RECIPE = ImageRecipe(size=(224, 224), crop=0.875)


def held(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) << 10


def main(side, form, mode, **options):
    pillow_heif.register_heif_opener()
    keep_heap_small()
    decode(encoded(Image.new("RGB", (300, 300)), "PNG"), RECIPE, 1 << 30)  # imports, first of all
    data = encoded(Image.new(mode, (side, side)), form, **options)
    asked = []

    @contextmanager
    def reserve(size_bytes):
        asked.append(size_bytes)
        yield

    Path("/proc/self/clear_refs").write_text("5")  # proc(5): the peak begins anew
    before = held("VmRSS")
    decode(data, RECIPE, 1 << 30, reserve)
    print(*asked, held("VmHWM") - before)


if __name__ == "__main__":
    side, form, mode, *names = sys.argv[1:]
    main(int(side), form, mode, **dict.fromkeys(names, 1))
