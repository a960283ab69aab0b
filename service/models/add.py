"""`add`: a model's folder, made from its file and proven by its example."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from config.settings import IMAGE_LIMIT_PIXELS
from service.errors import InvalidModel, WrongUsage
from service.inference.manifest.file_kinds import platform_of, suffix_of
from service.inference.manifest.reading import MODEL_TOML, read_manifest
from service.inference.manifest.schema import TABULAR
from service.inference.runtimes import ROWS_PER_CALL, Runtime
from service.inference.runtimes.fixed_rows import FixedRows
from service.inference.signature.signature import Signature, build_signature
from service.models import (
    draft,
    from_torch,
    given_example,
    opening,
    shown_data,
    telling,
    trials,
)
from service.models.given_example import EXAMPLE, Example
from service.models.progress import step
from service.models.rows_file import Rows, read
from service.models.target import put, slug, target

# Sizes that a free dimension may have in a made-up example, the first that the model answers.
SIZES = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """
    What `add` was asked for.

    *image* is a preset of pictures, *size* their height and width; *data* a file of rows.
    """

    name: str | None = None
    version: str | None = None
    example: str | None = None
    trust: bool = False
    data: Path | None = None
    image: str | None = None
    size: tuple[int, int] | None = None
    rows_per_call: int | None = None
    verbose: bool = False


def run(repository: Path, files: Sequence[Path], **asked: Any) -> None:
    """Add the model whose artefact is the first of *files*. Raises InvalidModel."""
    _add(repository, files, Asked(**asked))


def _add(repository: Path, files: Sequence[Path], asked: Asked) -> None:
    from_pytorch = from_torch.is_torch(files[0])
    platform = "onnx" if from_pytorch else platform_of(files)
    name = asked.name or slug(files[0].name.removesuffix(suffix_of(files[0])))
    wanted = target(repository, name, asked.version)
    example = given_example.given(asked.example)
    rows = read(asked.data) if asked.data else None
    with TemporaryDirectory() as scratch:
        folder = _copied(files[1:] if from_pytorch else files, Path(scratch, name))
        artefact = folder / files[0].name
        if from_pytorch:
            with step(f"exporting {files[0].name} to ONNX"):
                row = given_example.row_of(example)
                artefact = from_torch.converted(files[0], folder, row, trust=asked.trust)
        options = opening.options_for(artefact, platform, trust=asked.trust)
        shown = shown_data.options(platform, rows, given_example.row_of(example))
        if asked.rows_per_call:
            shown[ROWS_PER_CALL] = asked.rows_per_call
        with step(f"opening {artefact.name}"):
            notes: list[str] = []
            runtime = opening.opened(
                platform, artefact, options | shown, notes, verbose=asked.verbose
            )
        entries = {"platform": platform, "version": asked.version or "1", "file": artefact.name}
        entries |= {"description": "", **options}
        ignored = getattr(runtime, "ignored", None)
        if ignored:
            entries["ignored"] = ignored
        added = _Adding(folder, entries, runtime, asked, rows)
        added.decisions += notes
        signature = added.describe(example)
        with step("asking its example"):
            answers = signature.answers(added.runtime.predict(signature.golden().inputs))
        put(folder, wanted)
    telling.tell(wanted, name, signature, answers, added.decisions)


def _copied(files: Sequence[Path], folder: Path) -> Path:
    folder.mkdir()
    for file in files:
        shutil.copy2(file, folder / file.name)
    return folder


class _Adding:
    """One model on its way into the repository; *decisions* are told when it is there."""

    def __init__(
        self,
        folder: Path,
        entries: Mapping[str, Any],
        runtime: Runtime,
        asked: Asked,
        rows: Rows | None,
    ) -> None:
        self.folder = folder
        self.entries = entries
        self.runtime = runtime
        self.asked = asked
        self.rows = rows
        self.decisions: list[str] = []

    def describe(self, example: Example | None) -> Signature:
        """Write model.toml and the example, try the model, and write what that has shown."""
        if (self.folder / MODEL_TOML).exists():
            _check_given(self.folder, self.entries, example)
            signature = self._settle(example)
            with step("trying it in batches"):
                trials.find(signature, self.runtime, batch_rows=2)
            return signature
        if example is None and (self.folder / EXAMPLE).exists():
            example = Example(EXAMPLE, (self.folder / EXAMPLE).read_bytes())
        known, example = self._known(example)
        signature = self._written(known, example)
        with step("trying it in batches"):
            known = self._tried(signature, known)
        signature = self._written(known, example)
        if self.rows:
            shown_data.check(signature, self.runtime, self.rows)
        return signature

    def _known(self, example: Example | None) -> tuple[draft.Known, Example | None]:
        if self.asked.image:
            _check_pictures(self.runtime)
        row = given_example.row_of(example) or getattr(self.runtime, "example", None)
        if self.rows:
            row = shown_data.example_row(self.runtime, self.rows)
        if not self.runtime.inputs and not row:
            raise InvalidModel(
                f"{self.entries['file']} does not say what it takes; show it by --example "
                '\'{"age": 41, "city": "Oslo"}\', or by an attribute `example` of the class'
            )
        known = draft.Known(row=row, image=self.asked.image, size=self.asked.size)
        known = replace(known, columns=shown_data.decided(self.runtime))
        if self.rows:
            known = shown_data.added_to(known, self.runtime, self.rows)
        telling.decide_inputs(self.decisions, self.runtime, known, has_data=bool(self.rows))
        return known, example or given_example.of_row(row)

    def _written(self, known: draft.Known, example: Example | None) -> Signature:
        toml = self.folder / MODEL_TOML
        toml.write_text(draft.write(self.entries, self.runtime, known), "utf-8")
        return self._settle(example, pictures=bool(known.image))

    def _settle(self, example: Example | None, *, pictures: bool = False) -> Signature:
        """Read the folder as the service does; write the example, made up if there is none."""
        has_own = read_manifest(self.folder).example is not None  # of a model.toml that was given
        pictures = pictures or draft.is_of_pictures(self.runtime)
        if example is None and not has_own and pictures:
            example = given_example.grey()
        if example:
            _keep(self.folder, example)
        signature = self._signature()
        if read_manifest(self.folder).example is None:
            _keep(self.folder, self._made_up(signature))
            signature = self._signature()
        return signature

    def _signature(self) -> Signature:
        manifest = read_manifest(self.folder)
        runtime = self.runtime
        return build_signature(manifest, runtime.inputs, runtime.outputs, IMAGE_LIMIT_PIXELS)

    def _made_up(self, signature: Signature) -> Example:
        """An example of the sizes that the model answers, if any of those that are tried."""
        words = getattr(self.runtime, "words", [])
        for made in signature.made_up(SIZES, words):
            try:
                inputs = signature.read(given_example.loads(made)).inputs
                if trials.is_finite(self.runtime.predict(inputs)):
                    return Example(EXAMPLE, made + b"\n")
            except Exception:  # noqa: BLE001, S112  # another one, then
                continue
        return Example(EXAMPLE, signature.example + b"\n")

    def _tried(self, signature: Signature, known: draft.Known) -> draft.Known:
        manifest = read_manifest(self.folder)
        most = manifest.serve.batch_rows
        others = shown_data.others(signature, self.rows)
        if isinstance(self.runtime, FixedRows):
            found = trials.find(signature, self.runtime, self.runtime.rows, others)
        else:
            found = trials.find(signature, self.runtime, most, others)
        serve = telling.decide_serve(
            self.decisions, self.runtime, found, most, self.asked.rows_per_call
        )
        if found.rows_per_call:
            self.runtime = FixedRows(self.runtime, found.rows_per_call)
        columns = {name: dict(said) for name, said in known.columns.items()}
        if self.entries["platform"] in TABULAR and signature.rows:
            names = [name for name in self.runtime.inputs if name in signature.inputs]
            for name in trials.missing_columns(signature, self.runtime, names):
                columns.setdefault(name, {})["optional"] = True
            telling.decide_missing(self.decisions, columns)
            if self.rows:
                shown_data.check_missing(self.rows, names, columns)
        return replace(known, serve=serve, columns=columns)


def _check_pictures(runtime: Runtime) -> None:
    """Raise WrongUsage where no picture could be the one input."""
    specs = list(runtime.inputs.values())
    if len(specs) != 1 or not draft.has_pixels(specs[0]):
        listed = ", ".join(f"{spec.name} {list(spec.shape)}" for spec in specs) or "none"
        raise WrongUsage(
            "--image wants a model of one input, [n, height, width, 3 or 1] or [n, 3 or 1, height, "
            f"width]; it takes {listed}"
        )


def _check_given(folder: Path, entries: Mapping[str, Any], example: Example | None) -> None:
    """Raise WrongUsage where the model.toml that was given says something else."""
    manifest = read_manifest(folder)
    for what, said in (("platform", manifest.platform), ("file", manifest.artefact.name)):
        if said != entries[what]:
            raise WrongUsage(f"the given {MODEL_TOML} has {what} {said}, not {entries[what]}")
    if example and manifest.example:
        raise WrongUsage(f"the given {MODEL_TOML} names its example; leave --example out")


def _keep(folder: Path, example: Example) -> None:
    (folder / example.file).write_bytes(example.content)
    with (folder / MODEL_TOML).open("a", encoding="utf-8") as toml:
        toml.write(draft.example(example.file))
