"""What every plot has in common: size, type, colours, and the way to bytes."""

import io
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

WIDTH_IN = 6.4  # narrow, so that its letters can still be read on a telephone
HEIGHT_IN = 4.2
DPI = 160
BLUE, ORANGE, GREEN, RED, PURPLE, GREY = (
    "#2166ac", "#d9690c", "#2a8a4a", "#b2182b", "#7b4ea3", "#7a7a7a",
)  # fmt: skip
SERIES = (BLUE, ORANGE, GREEN, PURPLE, RED, GREY)
STYLE: dict[Any, Any] = {
    "font.size": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "legend.frameon": False,
    "figure.constrained_layout.w_pad": 0.09,
    "figure.constrained_layout.h_pad": 0.07,
    "legend.fontsize": 10.5,
}


class NothingToShow(Exception):
    """A plot has no data; the message says what is missing."""


@contextmanager
def drawing() -> Iterator[None]:
    """The style, for as long as plots are made."""
    with rc_context(STYLE):
        yield


def single(title: str, x: str, y: str) -> tuple[Figure, Axes]:
    """A figure with one set of axes."""
    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), layout="constrained", dpi=DPI)
    axes = figure.add_subplot()
    labelled(axes, title, x, y, alone=True)
    return figure, axes


def several(count: int, *, height_in: float = 2.9) -> tuple[Figure, list[Axes]]:
    """A figure with *count* axes, two in a row."""
    rows = -(-count // 2)
    columns = min(count, 2)
    size = (WIDTH_IN, HEIGHT_IN if rows == columns == 1 else rows * height_in)
    figure = Figure(figsize=size, layout="constrained", dpi=DPI)
    return figure, [figure.add_subplot(rows, columns, place + 1) for place in range(count)]


def labelled(axes: Axes, title: str, x: str, y: str, *, alone: bool = False) -> None:
    """Title and labels, each with its unit."""
    axes.set_title(textwrap.fill(title, 46 if alone else 27), fontsize=13 if alone else 11)
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def whole_numbers(axes: Axes) -> None:
    """Of workers there are whole ones only."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))


def legend_below(figure: Figure, axes: Axes, columns: int = 2) -> None:
    """A legend under the plot, where it covers nothing."""
    handles, labels = axes.get_legend_handles_labels()
    made = figure.legend(handles, labels, loc="outside lower center", ncols=columns)
    for handle in made.legend_handles:
        if isinstance(handle, Line2D):
            handle.set_markersize(max(5.0, handle.get_markersize()))
            handle.set_alpha(1.0)


def png(figure: Figure) -> bytes:
    """The figure as a PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
