"""`add`: a model's folder, made from its file and proven by its example."""

import json
import re
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
from PIL import Image

from config.settings import IMAGE_LIMIT_PIXELS
from service.errors import InvalidModel, WrongUsage
from service.inference.manifest.reading import MODEL_TOML, read_manifest
from service.inference.runtimes import Runtime, open_runtime
from service.inference.signature.signature import Signature, build_signature
from service.log_text import harmless_lines
from service.models import draft
from service.models.command_line import uninterrupted
from service.models.progress import step

PLATFORMS = {
    ".onnx": "onnx",
    ".skops": "sklearn",
    ".joblib": "sklearn",
    ".pkl": "sklearn",
    ".keras": "keras",
    ".py": "python",
}
PASTED_BYTES = 400
EXAMPLE = "example.json"


@dataclass(frozen=True)
class Example:
    """A golden request, as a file."""

    file: str
    content: bytes


def run(
    repository: Path,
    files: Sequence[Path],
    *,
    name: str | None,
    version: str | None,
    example: str | None,
    trust: bool,
) -> None:
    """Add the model whose artefact is the first of *files*. Raises InvalidModel."""
    platform = _platform(files)
    name = name or _slug(files[0].stem)
    target = _target(repository, name, version)
    given = _given(example)
    with TemporaryDirectory() as scratch:
        folder = _copied(files, Path(scratch, name))
        artefact = folder / files[0].name
        options = _options(artefact, trust=trust)
        with step(f"opening {artefact.name}"):
            runtime = _open(platform, artefact, options)
        entries = {"platform": platform, "version": version or "1", "file": artefact.name}
        entries |= {"description": "", **options}
        signature = _described(folder, entries, runtime, given)
        with step("asking its example"):
            answers = signature.answers(runtime.predict(signature.golden().inputs))
        target.parent.mkdir(exist_ok=True)
        shutil.copytree(folder, target, ignore=shutil.ignore_patterns("__pycache__"))
    _tell(target, name, signature, answers)


def _copied(files: Sequence[Path], folder: Path) -> Path:
    folder.mkdir()
    for file in files:
        shutil.copy2(file, folder / file.name)
    return folder


def _described(
    folder: Path, entries: Mapping[str, Any], runtime: Runtime, given: Example | None
) -> Signature:
    """Write model.toml and the example into *folder*, and read it as the service does."""
    if (folder / MODEL_TOML).exists():
        _check_given(folder, entries, given)
        return _settle(folder, runtime, given)
    if given is None and (folder / EXAMPLE).exists():
        given = Example(EXAMPLE, (folder / EXAMPLE).read_bytes())
    row = _row(given) if given else getattr(runtime, "example", None)
    if not runtime.inputs and not row:
        raise InvalidModel(
            f"{entries['file']} does not say what it takes; show it by --example "
            '\'{"age": 41, "city": "Oslo"}\', or by an attribute `example` of the class'
        )
    (folder / MODEL_TOML).write_text(draft.write(entries, runtime, row), "utf-8")
    return _settle(folder, runtime, given or _of_row(row))


def _check_given(folder: Path, entries: Mapping[str, Any], example: Example | None) -> None:
    """Raise WrongUsage where the model.toml that was given says something else."""
    manifest = read_manifest(folder)
    for what, said in (("platform", manifest.platform), ("file", manifest.artefact.name)):
        if said != entries[what]:
            raise WrongUsage(f"the given {MODEL_TOML} has {what} {said}, not {entries[what]}")
    if example and manifest.example:
        raise WrongUsage(f"the given {MODEL_TOML} names its example; leave --example out")


def _platform(files: Sequence[Path]) -> str:
    for file in files:
        if not file.is_file():
            raise WrongUsage(f"there is no file {file}")
    names = [file.name for file in files]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise WrongUsage(f"two of the files are called {twice[0]}; call one of them otherwise")
    platform = PLATFORMS.get(files[0].suffix)
    if platform is None:
        raise WrongUsage(
            f"{files[0].name} is of no known kind; add a file that ends with one of "
            + ", ".join(PLATFORMS)
        )
    return platform


def _slug(stem: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", stem.lower()).strip("-.") or "model"


def _target(repository: Path, name: str, version: str | None) -> Path:
    """Where the folder will be. Raises InvalidModel if something is there."""
    if _slug(name) != name or (version and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*", version)):
        raise WrongUsage("name and version are made of letters, digits, dots and hyphens")
    single = repository / name
    if version and (single / MODEL_TOML).exists():
        raise WrongUsage(
            f"{single} holds a model of one version; move its files to {single}/1 first"
        )
    target = single / version if version else single
    if target.exists():
        raise WrongUsage(
            f"{target} is there already; give another --name, or a --version to add it beside"
        )
    return target


def _options(artefact: Path, *, trust: bool) -> dict[str, Any]:
    if not trust:
        return {}
    if artefact.suffix != ".skops":
        return {"allow_pickle": True} if artefact.suffix in {".joblib", ".pkl"} else {}
    from service.inference.runtimes import sklearn  # noqa: PLC0415  # an optional framework

    unknown = sklearn.unknown_types(artefact)
    return {"trusted": unknown} if unknown else {}


def _open(platform: str, artefact: Path, options: Mapping[str, Any]) -> Runtime:
    try:
        with uninterrupted():
            return open_runtime(platform, artefact, options)
    except InvalidModel:
        raise
    except Exception as error:  # a framework may raise anything
        raise InvalidModel(
            f"{artefact.name} cannot be opened: {type(error).__name__}: {error}"
        ) from error


def _given(example: str | None) -> Example | None:
    """The example of the command line: JSON as it is, or a file."""
    if example is None:
        return None
    if example.lstrip().startswith("{"):
        return _json(example)
    path = Path(example)
    if not path.is_file():
        raise WrongUsage(f"the example {example!r} is neither a JSON object nor a file")
    return Example(f"example{path.suffix}", path.read_bytes())


def _row(given: Example) -> dict[str, Any] | None:
    if not given.file.endswith(".json"):
        return None
    try:
        sent = orjson.loads(given.content)
    except orjson.JSONDecodeError as error:
        raise InvalidModel(f"the example is not valid JSON: {error}") from None
    rows = sent.get("rows") if isinstance(sent, dict) else None
    row = rows[0] if isinstance(rows, list) and rows else sent
    return row if isinstance(row, dict) else None


def _of_row(row: Mapping[str, Any] | None) -> Example | None:
    return _json(json.dumps(row, ensure_ascii=False)) if row else None


def _json(text: str) -> Example:
    return Example(EXAMPLE, text.strip().encode() + b"\n")


def _settle(folder: Path, runtime: Runtime, example: Example | None) -> Signature:
    """Read the folder as the service does; write the example, made up if there is none."""
    has_own = read_manifest(folder).example is not None  # of a model.toml that was given
    if example is None and not has_own and draft.is_of_pictures(runtime):
        example = _grey()
    if example:
        _keep(folder, example)
    manifest = read_manifest(folder)
    signature = build_signature(manifest, runtime.inputs, runtime.outputs, IMAGE_LIMIT_PIXELS)
    if manifest.example is None:
        _keep(folder, _json(signature.example.decode()))
    return signature


def _grey() -> Example:
    content = BytesIO()
    Image.new("RGB", (256, 256), "grey").save(content, "PNG")
    return Example("example.png", content.getvalue())


def _keep(folder: Path, example: Example) -> None:
    (folder / example.file).write_bytes(example.content)
    with (folder / MODEL_TOML).open("a", encoding="utf-8") as toml:
        toml.write(draft.example(example.file))


def _tell(target: Path, name: str, signature: Signature, answers: list[Any]) -> None:
    url = f"http://localhost:8000/models/{name}"
    command = f"curl {url}    # its card, with a command to try it"
    if signature.kind != "image" and len(signature.example) <= PASTED_BYTES:
        sent = shlex.quote(signature.example.decode())
        command = f"curl -d {sent} -H 'Content-Type: application/json' {url}/predict"
    toml = (target / MODEL_TOML).read_text("utf-8")
    sys.stdout.write(
        harmless_lines(
            f"\nAdded {target}. Its model.toml, which is yours to edit:\n\n"
            + "".join(f"    {line}\n" if line else "\n" for line in toml.splitlines())
            + f"\nIt answers its example with {orjson.dumps(answers[0]).decode()}\n\n"
            f"Next: python -m service.models check {name}; then restart the service, and\n\n"
            f"    {command}\n\n"
        )
    )
