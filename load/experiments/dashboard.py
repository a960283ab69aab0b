"""
Draws Grafana's dashboard without Grafana: each panel's queries, asked of a Prometheus, as plots.

    python -m load.experiments.dashboard http://localhost:9090 out.png [minutes]

Every panel of config/grafana/weir.json is a plot; a query without an answer is written in it.
"""

import json
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

DASHBOARD = Path(__file__).resolve().parents[2] / "config/grafana/weir.json"
COLUMNS = 3
POINTS = 120

# What Grafana fills in.
VARIABLES = {"$job": ".*", "$instance": ".*", "$__rate_interval": "30s"}


def main() -> None:
    """Ask and draw."""
    url, out, *more = sys.argv[1:]
    minutes = float(more[0]) if more else 5.0
    panels = [panel for panel in panels_of(DASHBOARD) if panel["type"] != "row"]
    rows = -(-len(panels) // COLUMNS)
    figure = Figure(figsize=(18, 3.2 * rows), layout="constrained")
    axes = figure.subplots(rows, COLUMNS).ravel()
    for panel, each in zip(panels, axes, strict=False):
        draw(each, panel, url, minutes)
    for unused in axes[len(panels) :]:
        unused.axis("off")
    figure.savefig(out, dpi=70)
    print(f"{len(panels)} panels in {out}")


def panels_of(dashboard: Path) -> list[dict[str, Any]]:
    """The panels of a dashboard."""
    panels: list[dict[str, Any]] = json.loads(dashboard.read_text())["panels"]
    return panels


def draw(axes: Axes, panel: dict[str, Any], url: str, minutes: float) -> None:
    """Plot what the panel's queries give over the last *minutes*."""
    axes.set_title(f"{panel['title']} ({panel['fieldConfig']['defaults']['unit']})", fontsize=9)
    for target in panel["targets"]:
        series = asked(url, filled(target["expr"]), minutes)
        if not series:
            axes.text(0.02, 0.5, "no answer: " + target["expr"][:60], transform=axes.transAxes)
        for one in series:
            now = time.time()
            times = [(float(at) - now) / 60 for at, _ in one["values"]]
            values = [float(value) for _, value in one["values"]]
            axes.plot(times, values, label=legend(target["legendFormat"], one["metric"]))
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=6, loc="upper left")
    axes.tick_params(labelsize=7)


def filled(query: str) -> str:
    """A query with Grafana's variables filled in."""
    for name, value in VARIABLES.items():
        query = query.replace(name, value)
    return query


def legend(form: str, labels: dict[str, str]) -> str:
    """What a series is called."""
    for name, value in labels.items():
        form = form.replace("{{" + name + "}}", value)
    return form


def asked(url: str, query: str, minutes: float) -> list[dict[str, Any]]:
    """The series that Prometheus gives for *query*."""
    end = time.time()
    step = max(1.0, minutes * 60 / POINTS)
    asking = {"query": query, "start": end - minutes * 60, "end": end, "step": step}
    address = f"{url}/api/v1/query_range?{urllib.parse.urlencode(asking)}"
    with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310  # as the user names it
        series: list[dict[str, Any]] = json.load(answer)["data"]["result"]
    return series


if __name__ == "__main__":
    main()
