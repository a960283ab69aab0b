"""An artefact opened for the first time, whatever its framework says of it in one sentence."""

import json
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from traceback import format_exception
from typing import Any

from service.errors import InvalidModel
from service.inference.manifest.file_kinds import PICKLES, suffix_of
from service.inference.runtimes import INSTALLS, Runtime, open_runtime
from service.inference.runtimes.own_code import of_script
from service.inference.runtimes.wording import first_line
from service.models.command_line import uninterrupted

# Modules and what installs them, where the name is another.
PACKAGES = {"sklearn": "scikit-learn", "cv2": "opencv-python-headless", "PIL": "pillow"}
SHORT_CHARS = 240


# What scikit-learn calls its warning of a pickle that another release wrote.
OTHER_RELEASE = "InconsistentVersionWarning"
AGAIN = "train or save it again with the one that is installed, or install that one"


def options_for(artefact: Path, platform: str, *, trust: bool) -> dict[str, Any]:
    """What model.toml says of *artefact* where its user says that its code is trusted."""
    if not trust:
        return {}
    if platform == "keras":
        return {"allow_lambda": True}
    if suffix_of(artefact) in PICKLES:
        return {"allow_pickle": True}
    if artefact.suffix != ".skops":
        return {}
    try:
        from service.inference.runtimes import sklearn  # noqa: PLC0415  # an optional framework
    except ModuleNotFoundError as error:
        raise InvalidModel(_not_installed(artefact, error, platform)) from None
    unknown = sklearn.unknown_types(artefact)
    return {"trusted": unknown} if unknown else {}


def opened(
    platform: str,
    artefact: Path,
    options: Mapping[str, Any],
    notes: list[str],
    *,
    verbose: bool = False,
) -> Runtime:
    """
    Open *artefact*. What is worth knowing of it is added to *notes*.

    Raises InvalidModel; all that was raised goes to stderr if *verbose*.
    """
    try:
        with uninterrupted(), _warnings_noted() as warned:
            runtime = open_runtime(platform, artefact, options)
    except Exception as error:
        if verbose:
            sys.stderr.write("\n" + "".join(format_exception(error)))
        if isinstance(error, InvalidModel):
            raise
        raise InvalidModel(sentence(platform, artefact, error)) from error
    if OTHER_RELEASE in warned:
        saved = _saved_with(artefact) or "another release of scikit-learn"
        notes.append(f"it was saved with {saved}: its answers may differ; {AGAIN}")
    return runtime


@contextmanager
def _warnings_noted() -> Iterator[set[str]]:
    """Collect the kinds of what is warned of, and leave the filters as the runtime sets them."""
    kinds: set[str] = set()
    before = warnings.showwarning
    warnings.showwarning = lambda _message, category, *_, **__: kinds.add(category.__name__)
    try:
        yield kinds
    finally:
        warnings.showwarning = before


def sentence(platform: str, artefact: Path, error: BaseException) -> str:
    """Why *artefact* cannot be opened, and what to do."""
    if isinstance(error, ModuleNotFoundError):
        return _not_installed(artefact, error, platform)
    text = str(error)
    own = re.search(r"Can't get attribute '(\w+)' on <module |has no attribute '(\w+)'", text)
    if own and of_script(error):
        return (
            f"{artefact.name} was saved by a script that defines {own[1] or own[2]} itself; put it "
            f"into a file of its own and add it beside: add {artefact.name} FILE.py --trust"
        )
    moved = re.search(r"Can't get attribute '(\w+)' on <module '([\w.]+)'", text)
    if moved:
        return (
            f"{artefact.name} wants {moved[2]}.{moved[1]}, which the installed {_release(moved[2])}"
            f" does not have; save it again with that release, or install the one it was saved with"
        )
    return _of_framework(artefact, platform, error)


def _of_framework(artefact: Path, platform: str, error: BaseException) -> str:
    text, name = str(error), artefact.name
    if platform == "keras":
        return _of_keras(name, text)
    saved = _saved_with(artefact)
    if saved:
        return f"{name} was saved with {saved}; {AGAIN} ({_short(text)})"
    return f"{name} cannot be opened: {type(error).__name__}: {_short(text)}"


def _of_keras(name: str, text: str) -> str:
    custom = re.search(r"Could not locate class '(\w+)'|Unknown layer: '?(\w+)'?", text)
    if custom:
        layer = custom[1] or custom[2]
        return (
            f"{name} has a layer {layer} of your own; decorate it with "
            f"@keras.saving.register_keras_serializable() in a file beside: add {name} FILE.py"
        )
    if "lambda" in text.lower() and ("safe" in text.lower() or "unsafe" in text.lower()):
        return (
            f"{name} has a Lambda layer, which is code that runs when it is opened; if you trust "
            f"it: add {name} --trust"
        )
    if "tensorflow" in text.lower() or "string" in text.lower():
        return (
            f"{name} has layers that run on TensorFlow alone (of strings, or of tf.data); leave "
            "them out of the model, and send what they would answer"
        )
    return f"{name} cannot be opened by Keras: {_short(text)}"


def _not_installed(artefact: Path, error: ModuleNotFoundError, platform: str) -> str:
    module = (error.name or "").split(".")[0]
    if module in INSTALLS:
        return f"{artefact.name} needs {module}, which is not installed; type: {INSTALLS[module]}"
    if module in {"sklearn", "skops", "pandas", "joblib"} or (
        platform == "sklearn" and module == "scipy"
    ):
        return f"{artefact.name} needs {module}, which is not installed; type: make install-sklearn"
    if not module or (artefact.parent / module).exists():
        return f"{artefact.name} cannot be opened: {_short(str(error))}"
    package = PACKAGES.get(module, module)
    return (
        f"{artefact.name} needs the module {module}, which is not here; if it is your own, add its "
        f"file beside: add {artefact.name} {module}.py; else type: "
        f".venv/bin/python -m pip install {package}"
    )


def _release(module: str) -> str:
    top = module.split(".", maxsplit=1)[0]
    try:
        packages = packages_distributions().get(top, [top])
        return f"{packages[0]} {version(packages[0])}"
    except PackageNotFoundError:
        return top


def _saved_with(artefact: Path) -> str:
    """The release of scikit-learn that a pickle or a skops file was saved with, if another."""
    try:
        here = version("scikit-learn")
        if artefact.suffix == ".skops":
            from zipfile import ZipFile  # noqa: PLC0415  # after a failure alone

            schema = json.loads(ZipFile(artefact).read("schema.json"))
            found = schema.get("__sklearn_version__") or schema.get("_skops_version", "")
        else:
            head = artefact.read_bytes()
            match = re.search(rb"_sklearn_version\x94?.{1,8}?(\d+\.\d+(?:\.\d+)?)", head, re.DOTALL)
            found = match[1].decode() if match else ""
    except Exception:  # noqa: BLE001  # a hint, no more
        return ""
    return f"scikit-learn {found}, and {here} is installed" if found and found != here else ""


def _short(text: str) -> str:
    """The first line of what a framework says, as far as a sentence goes."""
    return first_line(text, SHORT_CHARS) or "no reason was given"
