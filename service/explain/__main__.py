"""
Tell why a request was slow, refused or wrong, or what was under way at a time, from the log alone.

    python -m service.explain <request id> [log]     one request
    python -m service.explain slowest [log]          the slowest of the last lines
    python -m service.explain <time> [log]           the requests in flight then (ISO 8601)

Without a file the log is read from standard input:

    heroku logs -n 1500 | python -m service.explain slowest
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from service.explain.lines import Event, read, seconds
from service.explain.words import told_of_request, told_of_time

SLOWEST = "slowest"


class NotFound(Exception):
    """What was asked for is not in the log."""


def main() -> None:
    """Read the log and tell."""
    parser = argparse.ArgumentParser(
        prog="python -m service.explain",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", help="a request's id, a time, or the word slowest")
    parser.add_argument("log", nargs="?", type=Path, help="the log's file; else standard input")
    asked = parser.parse_args()
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # a terminal of any encoding
    try:
        events = read(_lines(asked.log))
        for line in answer(asked.what, events):
            sys.stdout.write(line + "\n")
    except (NotFound, OSError) as error:
        sys.exit(f"explain: {error}")


def _lines(path: Path | None) -> Iterator[str]:
    if path is None:
        yield from sys.stdin
    else:
        with path.open(encoding="utf-8", errors="replace") as log:
            yield from log


def answer(what: str, events: Sequence[Event]) -> Iterator[str]:
    """What is told of *what*. Raises NotFound."""
    requests = [event for event in events if event.is_request]
    if not requests:
        raise NotFound("no line of a request is in this log; send lines of WEIR_LOG_FORMAT=json")
    if what == SLOWEST:
        return told_of_request(max(requests, key=lambda event: event.total_ms), events)
    for event in reversed(requests):
        if what in (event.facts.get("request_id"), event.facts.get("trace_id")):
            return told_of_request(event, events)
    try:
        return told_of_time(seconds(what), events)
    except ValueError:
        raise NotFound(
            f"no request {what[:200]!r} in {len(requests)} lines of requests, and that is no time "
            "in ISO 8601"
        ) from None


if __name__ == "__main__":
    main()
