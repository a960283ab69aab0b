"""The commands and their arguments."""

import sys
from argparse import Namespace, RawDescriptionHelpFormatter
from pathlib import Path

from service.log_text import harmless_lines
from service.models.command_line import INTERRUPTED, WRONG_USAGE, CommandLine, uninterrupted


def main() -> None:
    """Run the command; a fault of the user's is a sentence, not a traceback."""
    try:
        sys.exit(_run())
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        sys.exit(INTERRUPTED)


def _run() -> int:
    asked = _parser().parse_args()
    # Imported once it is known that there is something to do.
    with uninterrupted():
        from config.settings import InvalidSettings, from_environ  # noqa: PLC0415
        from service.errors import ServiceError, UnknownModel, WrongUsage  # noqa: PLC0415

    try:
        repository = asked.models or from_environ().models
        if repository.is_dir():
            return int(asked.run(repository, asked))
        code, said = WRONG_USAGE, f"{repository} is no folder"
    except (WrongUsage, UnknownModel, InvalidSettings) as error:
        code, said = WRONG_USAGE, str(error)
    except ServiceError as error:
        code, said = 1, str(error)
    sys.stderr.write(harmless_lines(f"weir: {said}\n"))
    return code


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

    adding = commands.add_parser("add", help="make a model's folder from its file")
    adding.add_argument(
        "file", type=Path, help="a .onnx, .skops, .joblib, .pkl, .keras or .py file"
    )
    adding.add_argument(
        "beside", type=Path, nargs="*", help="further files that it needs beside it"
    )
    adding.add_argument("--name", help="what to call it (default: the file's name)")
    adding.add_argument("--version", help="add it as this version, beside others of its name")
    adding.add_argument("--example", help="a request: JSON, or a file with JSON or a picture")
    adding.add_argument(
        "--trust",
        action="store_true",
        help="trust the types that a .skops file names; let a .joblib or .pkl run code",
    )
    adding.set_defaults(run=_add)

    checking = commands.add_parser("check", help="load, ask and measure models")
    checking.add_argument("name", nargs="?", help="one of them (default: all)")
    checking.set_defaults(run=_check)

    listed = commands.add_parser("list", help="list what is in the repository")
    listed.set_defaults(run=_list)
    return parser


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
