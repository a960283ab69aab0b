"""
`python -m tests.licences`: writes the table of service/LICENCES.md from what is installed.

A licence is what a package's metadata say; what its wheel has of others beside it, under a licence
that asks more than a notice, is what the licences in it say.
"""

import re
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement

from tests.conftest import PROJECT

TOLD = PROJECT / "service/LICENCES.md"
PINS = [
    PROJECT / "requirements.txt",
    *sorted(PROJECT.glob("config/requirements-*.txt")),
    *sorted(PROJECT.glob("config/models/requirements-*.txt")),
]
HEAD = "| package | its licence | in its wheel also |\n|---|---|---|\n"

# What asks more than that its notice is kept.
DEMANDING = re.compile(r"GPL|MPL|EPL|CDDL|EUPL|CC-BY-NC|SSPL|BUSL|Proprietary", re.IGNORECASE)


def served(pins):
    """The packages of *pins* that are installed on a machine like this."""
    lines = [line.rstrip(" \\\n") for line in pins.read_text().splitlines()]
    asked = [Requirement(line) for line in lines if re.match(r"[a-z]", line)]
    return [each.name for each in asked if each.marker is None or each.marker.evaluate()]


def row(name):
    """A package's row, or None where it is not installed."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return None
    texts = [
        file.locate().read_text("utf-8", errors="replace")
        for file in found.files or []
        if re.search(r"\.dist-info/.*(licen[cs]e|copying)", str(file), re.IGNORECASE)
    ]
    others = {
        said for text in texts for said in re.findall(r"^License: *(.+)$", text, re.MULTILINE)
    }
    beside = ", ".join(sorted(said for said in others if DEMANDING.search(said)))
    return f"| `{name}` | {_licence(found.metadata, texts)} | {beside} |"


def _licence(metadata, texts):
    classifiers = [
        each.rpartition(" :: ")[2]
        for each in metadata.get_all("Classifier") or []
        if each.startswith("License :: OSI Approved ::")
    ]
    field = metadata.get("License") or ""
    first_lines = [text.strip().partition("\n")[0] for text in texts]
    found = [
        metadata.get("License-Expression"),
        "; ".join(classifiers),
        field if "\n" not in field else "",
        *first_lines,
    ]
    return next((said for said in found if said), "not said")


def rows():
    """Every row, each package once, in the order of the files that pin them."""
    names = dict.fromkeys(name for pins in PINS for name in served(pins))
    return {name: row(name) for name in names}


def main():
    """Write the table anew; raises SystemExit where a package is not installed."""
    made = rows()
    missing = [name for name, told in made.items() if told is None]
    if missing:
        raise SystemExit(f"first: make install-corpus install-otlp ({', '.join(missing)})")
    kept = TOLD.read_text("utf-8").partition(HEAD)[0]
    TOLD.write_text(kept + HEAD + "\n".join(made.values()) + "\n", "utf-8")


if __name__ == "__main__":
    main()
