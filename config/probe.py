"""
`python -m config.probe [PATH]`: asks the service on this machine, for an image that has no curl.

It ends with 0 if the answer is 200, else with 1 and what came instead. Without a PATH it asks
`/healthz`: who heeds a container's health check ends what fails it.
"""

import os
import sys
from http.client import HTTPConnection, HTTPException

PATH = "/healthz"
TIMEOUT_S = 4


def main() -> None:
    """Ask, and end with the verdict."""
    said = asked(sys.argv[1] if len(sys.argv) > 1 else PATH)
    if said:
        sys.exit(f"weir: {said}")


def asked(path: str) -> str:
    """What is wrong with the answer to *path*; empty if it is 200."""
    # Not by config.settings, whose imports would take most of the time of a check.
    port = os.environ.get("WEIR_ADMIN_PORT") or os.environ.get("PORT") or "8000"
    host = os.environ.get("WEIR_HOST", "").strip("[] ") or "127.0.0.1"
    try:
        connection = HTTPConnection(host, int(port), timeout=TIMEOUT_S)
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read(1000).decode(errors="replace")
    except (OSError, ValueError, HTTPException) as error:
        return f"{host}:{port}{path} does not answer: {error}"
    return "" if answer.status == 200 else f"{host}:{port}{path} answers {answer.status}: {text}"


if __name__ == "__main__":
    main()
