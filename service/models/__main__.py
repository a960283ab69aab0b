"""The commands and their arguments."""

import logging
import sys
import warnings
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from service.log_text import harmless_lines
from service.models import remote
from service.models.command_line import INTERRUPTED, WRONG_USAGE, CommandLine, uninterrupted
from service.models.presets import PRESETS


def main() -> None:
    """Run the command; a fault of the user's is a sentence, not a traceback."""
    try:
        sys.exit(_run())
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        sys.exit(INTERRUPTED)


def _run() -> int:
    asked = _parser().parse_args()
    logging.getLogger("service").setLevel(logging.ERROR)  # what is allowed was typed just now
    if not getattr(asked, "verbose", False):  # what frameworks warn of is no news to their user
        warnings.showwarning = lambda *_, **__: None
    # Imported once it is known that there is something to do.
    with uninterrupted():
        from config.settings import InvalidSettings, from_environ  # noqa: PLC0415
        from service.errors import ServiceError, UnknownModel, WrongUsage  # noqa: PLC0415
        from service.inference.single import is_single, presented  # noqa: PLC0415

    try:
        if hasattr(asked, "changes"):  # there it is, and not here
            return int(asked.run(Path(), asked))
        settings = from_environ()
        path = asked.models or settings.models
        with TemporaryDirectory(prefix="weir-") as scratch:
            if asked.run is not _add and path.exists() and is_single(path, settings.model_name):
                path = presented(path, settings.model_name, Path(scratch))
            if path.is_dir():
                return int(asked.run(path, asked))
        code, said = WRONG_USAGE, f"{path} is no folder"
    except (WrongUsage, UnknownModel, InvalidSettings) as error:
        code, said = WRONG_USAGE, str(error)
    except ServiceError as error:
        code, said = 1, str(error)
    except Exception as error:
        if asked.run is not _add or asked.verbose:
            raise
        code, said = 1, _unforeseen(error)
    sys.stderr.write(harmless_lines(f"weir: {said}\n"))
    return code


def _unforeseen(error: Exception) -> str:
    """A framework's failure that nobody here has met before, in a sentence."""
    from service.inference.runtimes.wording import words_of  # noqa: PLC0415  # as above

    return (
        f"the model's framework failed: {type(error).__name__}: {words_of(error)}; "
        "add --verbose shows all that it says"
    )


def _parser() -> CommandLine:
    parser = CommandLine(
        prog="python -m service.models",
        description="Put models into the repository, and see what they take.",
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--models", type=Path, metavar="FOLDER", help="the repository (default: WEIR_MODELS)"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    _adding(commands.add_parser("add", help="make a model's folder from its file"))
    checking = commands.add_parser("check", help="load, ask and measure models")
    checking.add_argument("name", nargs="?", help="one of them (default: all)")
    checking.set_defaults(run=_check)

    listed = commands.add_parser("list", help="list what is in the repository")
    listed.set_defaults(run=_list)
    _changing(commands)
    return parser


def _changing(commands: Any) -> None:
    """Give the commands that change a service which runs."""
    for run, told in (
        (remote.load, "have a service that runs serve a model as it stands now"),
        (remote.unload, "have a service that runs serve a model no more"),
        (remote.reload, "have a service that runs serve the repository as it stands now"),
    ):
        parser = commands.add_parser(run.__name__, help=told)
        remote.adding(parser, names=run is not remote.reload)
        parser.set_defaults(run=run, changes=True)


def _adding(adding: ArgumentParser) -> None:
    """Give `add` its arguments."""
    adding.add_argument("file", type=Path, help="the model as it was saved")
    adding.add_argument(
        "beside", type=Path, nargs="*", help="further files that it needs beside it"
    )
    adding.add_argument("--name", help="what to call it (default: the file's name)")
    adding.add_argument("--version", help="add it as this version, beside others of its name")
    adding.add_argument("--example", help="a request: JSON, or a file with JSON or a picture")
    adding.add_argument(
        "--data", type=Path, help="rows as they will be sent: .csv, .tsv, .parquet, .json or .jsonl"
    )
    adding.add_argument(
        "--image",
        choices=PRESETS,
        metavar="PRESET",
        help=f"it takes pictures: {', '.join(PRESETS)}",
    )
    adding.add_argument(
        "--size", type=_size, metavar="HxW", help="height and width of its pictures, if any fit"
    )
    adding.add_argument(
        "--rows-per-call", type=_rows, metavar="N", help="it answers exactly N rows a call"
    )
    adding.add_argument(
        "--trust",
        action="store_true",
        help="let it run code: types that a .skops file names, a pickle, a Lambda layer",
    )
    adding.add_argument(
        "--verbose", action="store_true", help="show what the framework says of a failure"
    )
    adding.set_defaults(run=_add)


def _rows(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is no number of rows; 1 or more is wanted")
    return int(text)


def _size(text: str) -> tuple[int, int]:
    """Height and width: 640x480, or 640 for both."""
    height, _, width = text.partition("x")
    if not height.isdecimal() or not (width or height).isdecimal() or int(height) < 1:
        raise ArgumentTypeError(f"{text!r} is no size; HEIGHTxWIDTH is wanted, such as 224x224")
    return int(height), int(width or height)


def _add(repository: Path, asked: Namespace) -> bool:
    with uninterrupted():
        from service.models import add  # noqa: PLC0415  # as above

    add.run(
        repository,
        [asked.file, *asked.beside],
        name=asked.name,
        version=asked.version,
        example=asked.example,
        trust=asked.trust,
        data=asked.data,
        image=asked.image,
        size=asked.size,
        rows_per_call=asked.rows_per_call,
        verbose=asked.verbose,
    )
    return False


def _check(repository: Path, asked: Namespace) -> bool:
    with uninterrupted():
        from config.settings import from_environ  # noqa: PLC0415  # as above
        from service.models import check  # noqa: PLC0415

    return not check.run(repository, asked.name, from_environ())


def _list(repository: Path, _asked: Namespace) -> bool:
    with uninterrupted():
        from service.models import listing  # noqa: PLC0415  # as above

    listing.run(repository)
    return False


if __name__ == "__main__":
    main()
