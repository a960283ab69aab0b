"""What ONNX Runtime says of a file that it cannot open, as one sentence with what to do."""

import re
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from service.inference.runtimes.wording import WORDS_CHARS, first_line

Fault = Callable[[re.Match[str]], str]

VERSION = version("onnxruntime")

# Its own words (onnxruntime/core), and what they mean to whoever saved the file.
KNOWN: tuple[tuple[str, Fault], ...] = (
    (
        r"Opset (\d+) is under development.*?till opset (\d+)",
        lambda m: (
            f"uses opset {m[1]}, and ONNX Runtime {VERSION} reads up to {m[2]}; export it "
            f"with opset_version={m[2]}"
        ),
    ),
    (
        r"Unsupported model IR version: (\d+), max supported IR version: (\d+)",
        lambda m: (
            f"is of IR version {m[1]}, and ONNX Runtime {VERSION} reads up to {m[2]}; set "
            f"model.ir_version = {m[2]} and save it again"
        ),
    ),
    (
        r'External data path does not exist: "[^"]*?([^"/]+)"',
        lambda m: (
            f"keeps its weights in {m[1]}, which is not beside it; add that file, too: "
            f"add MODEL.onnx {m[1]}"
        ),
    ),
    (
        r"No Op registered for (\S+) with domain_version of (\d+)",
        lambda m: (
            f"has an operator {m[1]} (version {m[2]}) that ONNX Runtime {VERSION} does not "
            "have; export it with another opset_version"
        ),
    ),
    (
        r"Fatal error: (\S+?)\(?-?\d*\)? is not a registered function/op",
        lambda m: (
            f"has an operator {m[1]} of its own, which ONNX Runtime does not have; export it "
            "without custom operators"
        ),
    ),
    (
        r"Could not find an implementation for (\S+?)(?: node|\s)",
        lambda m: (
            f"has an operator {m[1]} for types that ONNX Runtime {VERSION} has no CPU code "
            "for; export it in float32"
        ),
    ),
    (
        r"Failed to construct locale with name:([\w.-]+)",
        lambda m: (
            f"compares words by the rules of {m[1]}, which this machine does not have; type: "
            "apt-get install locales && localedef -i en_US -f UTF-8 en_US.UTF-8"
        ),
    ),
    (
        r"(?:Protobuf parsing failed|ModelProto does not have a graph)",
        lambda _: "is no ONNX model, or not all of one; save or copy it again",
    ),
)


def opening_fault(artefact: Path, error: Exception) -> str:
    """Say in a sentence why *artefact* cannot be opened."""
    text = str(error)
    for pattern, fault in KNOWN:
        found = re.search(pattern, text, re.DOTALL)
        if found:
            return f"{artefact.name} {fault(found)}"
    return f"{artefact.name} cannot be opened by ONNX Runtime {VERSION}: {first_words(text)}"


def first_words(text: str) -> str:
    """The sentence in ONNX Runtime's words, without its codes, places in C++ and paths."""
    plain = re.sub(r"\[ONNXRuntimeError\] : \d+ : \w+ : ", "", text.strip())
    plain = re.sub(r"(?:Load model from \S+ failed:|Exception during [\w ]+:)\s*", "", plain)
    plain = re.sub(r"/\S+?\.(?:cc|h|cpp)(?::\d+)?\s*|\S+::\S+\([^)]*\)\s*", "", plain)
    return first_line(plain, WORDS_CHARS) or "no reason was given"
