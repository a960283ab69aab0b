"""Real proxies: HAProxy and nginx, each with a configuration and addresses of its own."""

import os
import re
import signal
import socket
import subprocess
from contextlib import suppress

from tests.conftest import PROJECT, eventually
from tests.live.instance import free_port
from tests.live.monitoring import tool

SHIPPED = PROJECT / "config/proxies"

# What the shipped files are included by: Debian's own keeps its files where only root may write.
NGINX = """
{user}
{modules}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log {level};
events {{ worker_connections 4096; }}
{context} {{
    {paths}
    include {folder}/included.conf;
}}
"""
KINDS_OF_FILES = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class Proxy:
    """Runs *command*; use as a context manager: it takes connections from then on."""

    def __init__(self, folder, port):
        self.folder = folder
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / f"proxy-{port}.log"

    def command(self):
        raise NotImplementedError

    def __enter__(self):
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(self.command(), stdout=log, stderr=log)
        eventually(self._takes_connections)
        return self

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(20)

    def _takes_connections(self):
        assert self._process.poll() is None, self.log.read_text()
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5):
            return True
        return False


class HAProxy(Proxy):
    """Listens where *config* has PORT."""

    def __init__(self, folder, config):
        super().__init__(folder, free_port())
        self._config = folder / f"haproxy-{self.port}.cfg"
        self._config.write_text(config.replace("PORT", str(self.port)))

    def command(self):
        return [tool("haproxy", "haproxy"), "-f", str(self._config)]


class Nginx(Proxy):
    """Listens where *config*, which is for *context*, has PORT."""

    def __init__(self, folder, config, context="http"):
        super().__init__(folder, free_port())
        place = folder / f"nginx-{self.port}"
        place.mkdir()
        (place / "included.conf").write_text(config.replace("PORT", str(self.port)))
        paths = [f"{kind}_temp_path {place}/{kind};" for kind in KINDS_OF_FILES]
        modules = "load_module /usr/lib/nginx/modules/ngx_stream_module.so;"
        self._config = place / "nginx.conf"
        self._config.write_text(
            NGINX.format(
                folder=place,
                context=context,
                user="" if os.geteuid() else "user root;",  # who else may read pytest's folders
                level="notice",
                modules=modules if context == "stream" else "",
                paths="access_log off;" + "\n    ".join(paths) if context == "http" else "",
            )
        )

    def command(self):
        return [tool("nginx", "nginx"), "-c", str(self._config)]


def shipped(name, addresses):
    """The configuration *name* of config/proxies with nothing but its addresses changed."""
    text = (SHIPPED / name).read_text()
    for number, address in enumerate(addresses, start=1):
        text, count = re.subn(rf"127\.0\.0\.1:800{number}\b", address, text)
        assert count == 1, f"{name} has one address of instance {number}"
    text, count = re.subn(r"(bind :|listen )8080\b", r"\1PORT", text)
    assert count == 1, f"{name} has one address of its own"
    return text


def behind(kind, folder, addresses):
    """The proxy *kind*, haproxy or nginx, with the shipped configuration before *addresses*."""
    if kind == "haproxy":
        return HAProxy(folder, shipped("haproxy.cfg", addresses))
    return Nginx(folder, shipped("nginx.conf", addresses))
