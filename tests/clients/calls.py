"""What a client's program tells of each of its calls: a line of JSON with what came of it."""

import json
import sys
import traceback


def run(calls):
    """Make every call; one that raises has failed, and the others are made all the same."""
    failed = 0
    for call in calls:
        told = {"call": call.__name__.replace("_", " "), "outcome": "ok"}
        try:
            call()
        except Exception as error:
            told["outcome"] = f"{type(error).__name__}: {error}"
            traceback.print_exc()
            failed += 1
        print(json.dumps(told), flush=True)
    sys.exit(bool(failed))


def refused(call, kind, *words):
    """Call what must be refused with a *kind* of exception that says all *words*."""
    try:
        call()
    except kind as error:
        for word in words:
            assert word in str(error), f"{word!r} is not in {error}"
        return error
    raise AssertionError(f"{call} was not refused")
