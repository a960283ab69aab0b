"""
`python -m config.agent COMMAND…`: runs the command, and beside it an agent that sends its metrics.

The agent is Prometheus in agent mode, one for each dyno: behind a router a scrape from outside
meets any of them. It is kept by a process of its own, which starts it again when it ends; the
command is this process, so that signals reach it as ever. config/prometheus/README.md has the
variables.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from string import Template
from time import monotonic, sleep

from config.command import become, usable_settings
from config.settings import Settings

TEMPLATE = Path(__file__).parent / "prometheus/agent.yml"

# Between two starts, doubling while it ends soon.
PAUSE_FIRST_S, PAUSE_MOST_S = 1.0, 60.0

# One that has run for so long was no failed start.
SOUND_S = 60.0

# Not another's: several instances on one machine have an agent each.
LISTENS_ON = "--web.listen-address=127.0.0.1:0"


def main() -> None:
    """Start the agent, if there is anywhere to send to, and become the command."""
    command = sys.argv[1:]
    if not command:
        sys.stderr.write(
            "usage: python -m config.agent COMMAND…, as in config/prometheus/README.md\n"
        )
        sys.exit(2)
    url = os.environ.get("REMOTE_WRITE_URL", "").strip()
    program = shutil.which(os.environ.get("PROMETHEUS", "prometheus"))
    if url and program is None:
        sys.exit("weir: REMOTE_WRITE_URL is set, but there is no prometheus; name it in PROMETHEUS")
    settings = usable_settings()
    if url and settings.proxied_only and not settings.admin_port:
        sys.exit("weir: the agent cannot scrape what is for proxies only; set WEIR_ADMIN_PORT")
    if url and program:
        folder = Path(tempfile.mkdtemp(prefix="weir-agent-"))
        agent = agent_command(program, write_configuration(folder, settings, url), folder)
        if not os.fork():
            keep(agent, folder)
    become(command, os.environ)


def keep(command: list[str], folder: Path) -> None:
    """Run the agent, which lives in *folder*, until this process is to end, or the service has."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's is the service's to answer
    service = os.getppid()
    pause_s = PAUSE_FIRST_S
    agent: subprocess.Popen[bytes] | None = None

    def end(*_: object) -> None:
        if agent is not None:
            agent.terminate()  # it sends what it has
            agent.wait()
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    while True:
        began_s = monotonic()
        agent = subprocess.Popen(command)  # noqa: S603  # as the operator names it
        while agent.poll() is None:
            if os.getppid() != service:
                end()
            sleep(PAUSE_FIRST_S)
        pause_s = PAUSE_FIRST_S if monotonic() - began_s > SOUND_S else pause_s
        sleep(pause_s)
        pause_s = min(2 * pause_s, PAUSE_MOST_S)


def agent_command(program: str, configuration: Path, folder: Path) -> list[str]:
    """How Prometheus is started as an agent."""
    return [
        program,
        "--enable-feature=agent",
        f"--config.file={configuration}",
        f"--storage.agent.path={folder / 'data'}",
        "--log.level=warn",
        "--log.format=json",
        LISTENS_ON,
    ]


def write_configuration(folder: Path, settings: Settings, url: str) -> Path:
    """Fill in the template; tokens stand in files that only this user can read."""
    environ = os.environ
    tokens = {
        "scrape_token_file": settings.metrics_token or "none",
        "remote_write_token_file": environ.get("REMOTE_WRITE_TOKEN", "").strip() or "none",
    }
    for name, token in tokens.items():
        (folder / name).write_text(token)
    dyno = settings.instance or socket.gethostname()
    values = {
        "app": environ.get("HEROKU_APP_NAME", "") or "weir",
        "dyno": dyno,
        "release": environ.get("HEROKU_RELEASE_VERSION", "") or settings.commit,
        "target": f"127.0.0.1:{settings.admin_port or settings.port}",
        "scrape_interval": environ.get("SCRAPE_INTERVAL", "") or "15s",
        "remote_write_url": url,
        **{name: str(folder / name) for name in tokens},
    }
    configuration = folder / "agent.yml"
    configuration.write_text(Template(TEMPLATE.read_text()).substitute(values))
    return configuration


if __name__ == "__main__":
    main()
