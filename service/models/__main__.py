"""The commands and their arguments."""

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from pathlib import Path

from config.settings import InvalidSettings, from_environ
from service.errors import ServiceError
from service.models import add, check, listing


def main() -> None:
    """Run the command; a fault of the user's is a sentence, not a traceback."""
    asked = _parser().parse_args()
    try:
        repository = asked.models or from_environ().models
        if not repository.is_dir():
            sys.exit(f"weir: {repository} is no folder")
        asked.run(repository, asked)
    except (ServiceError, InvalidSettings) as error:
        sys.exit(f"weir: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
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


def _add(repository: Path, asked: Namespace) -> None:
    add.run(
        repository,
        [asked.file, *asked.beside],
        name=asked.name,
        version=asked.version,
        example=asked.example,
        trust=asked.trust,
    )


def _check(repository: Path, asked: Namespace) -> None:
    if not check.run(repository, asked.name, from_environ()):
        sys.exit(1)


def _list(repository: Path, _asked: Namespace) -> None:
    listing.run(repository)


if __name__ == "__main__":
    main()
