"""
`python -m load report RESULTS [--out DIR]`.

Writes report.md, report.html (one file, nothing to fetch) and the plots as PNG. Exit codes: 0
written; 2 a wrong argument; 4 written, but not one window is valid.
"""

import argparse
import base64
import re
import sys
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape
from rich.console import Console

from load.arguments import Exit
from load.campaign import Campaign, Point, UnreadableResults, Verdict, Window, read
from load.grouping import by_point
from load.plan.words import commands_for
from load.report import prose
from load.report.advice import RUNNING, advice
from load.report.chapters import Chapter, chapters
from load.report.evidence import Group, groups, scalings

TEMPLATES = Path(__file__).parent


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `report`."""
    parser.add_argument("results", type=Path, help="the results.json that a sweep wrote")
    parser.add_argument("--out", type=Path, help="the folder to write to (that of RESULTS)")


def run(args: argparse.Namespace) -> int:
    """Write the report; return the exit code."""
    try:
        campaign = read(args.results)
    except UnreadableResults as error:
        return _fail(str(error))
    folder = args.out or args.results.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with Console(stderr=True).status("Fitting, simulating and drawing …"):
            page = write(campaign, folder, args.results.name)
    except OSError as error:
        return _fail(f"--out {folder}: {error.strerror}")
    sys.stdout.write(f"{page}\n")
    return (
        Exit.OK
        if any(window.verdict == Verdict.VALID for window in campaign.windows)
        else Exit.UNKNOWN
    )


def write(campaign: Campaign, folder: Path, results: str) -> Path:
    """Write the report on *campaign* into *folder*; return the page's path."""
    found = groups(campaign)
    written = chapters(campaign, found, scalings(found))
    for picture in _pictures(written):
        if picture.png:
            (folder / f"{picture.name}.png").write_bytes(picture.png)
    content = _content(campaign, found, written, results)
    templates = _templates()
    for name, template in (("report.md", "page.md.jinja"), ("report.html", "page.html.jinja")):
        text = templates.get_template(template).render(content)
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "report.html"


def _content(
    campaign: Campaign, found: list[Group], written: list[Chapter], results: str
) -> dict[str, Any]:
    advised = advice(campaign)
    best = advised.best
    return {
        "campaign": campaign,
        "is_advised": bool(best),
        "commands": commands_for(best.dyno, best.workers.count, RUNNING) if best else (),
        "prose": prose.of_campaign(campaign, advised, results),
        "texts": prose,
        "chapters": written,
        "points": [(group, _rows(group)) for group in found],
        "unused": [window for window in campaign.windows if window.verdict != Verdict.VALID],
        "point": describe,
    }


def _rows(group: Group) -> list[tuple[Point, list[Window], int]]:
    """Each point with its valid windows and the number of all."""
    every = by_point(group.windows)
    return [
        (point, [window for window in windows if window.verdict == Verdict.VALID], len(windows))
        for point, windows in every.items()
    ]


def describe(point: Point) -> str:
    """A point's load in words."""
    workers = f"{point.workers} worker" + ("s" if point.workers > 1 else "")
    if point.offered_rps:
        return f"{workers}, {point.offered_rps:g} requests a second"
    return f"{workers}, {point.connections} clients"


def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html.jinja"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["data_url"] = _data_url
    made.filters["median"] = _median
    made.filters["marked"] = _marked
    return made


def _data_url(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def _marked(text: str) -> Markup:
    """The `code` and **what matters** of a text as HTML; all else is escaped."""
    safe = str(escape(text))
    safe = re.sub(r"`([^`]+)`", r"<code>\1</code>", safe)
    return Markup(re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", safe))  # noqa: S704  # escaped above


def _median(windows: list[Window], field: str) -> str:
    """The median of a window's property, to three digits."""
    values = sorted(getattr(window, field) for window in windows)
    if not values:
        return "–"
    middle = values[len(values) // 2]
    return f"{middle:,.0f}" if middle >= 100 else f"{middle:.3g}"


def _pictures(written: list[Chapter]) -> list[Any]:
    return [picture for chapter in written for picture in chapter.pictures]


def _fail(message: str) -> int:
    sys.stderr.write(f"report: {message}\n")
    return Exit.USAGE
