"""
`python -m config COMMAND…`: runs a command once every setting can be used.

Gunicorn reads `WEB_CONCURRENCY` and `FORWARDED_ALLOW_IPS` itself, and ends in a traceback, or in
half a service, on what it does not expect there. So the Procfile's line begins with this: it says
what cannot be used and ends, or leaves Gunicorn the values as Weir has read them.
"""

import os
import signal
import sys

# What Gunicorn would read beside gunicorn.conf.py: Heroku's Python buildpack adds an access log by
# the first, and the other is of no use to a service without files.
GUNICORNS_OWN = ("GUNICORN_CMD_ARGS", "SENDFILE")


def main() -> None:
    """Become the command, or end with what is wrong."""
    # A Ctrl-C while modules are imported would end in a traceback; it waits for gunicorn.conf.py.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    from config import standard_streams  # noqa: PLC0415  # not before that
    from config.command import become, usable_settings  # noqa: PLC0415

    standard_streams.open_missing()
    command = sys.argv[1:]
    if not command:
        sys.stderr.write("usage: python -m config COMMAND…, as in the Procfile\n")
        sys.exit(2)
    settings = usable_settings()
    left = {name: value for name, value in os.environ.items() if name not in GUNICORNS_OWN}
    become(command, left | settings.for_gunicorn())


if __name__ == "__main__":
    main()
