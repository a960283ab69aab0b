"""Probes of /readyz beside traffic."""

import threading
import time

import requests


class Probes:
    """Ask /readyz again and again, each time on a connection of its own."""

    def __init__(self, instance):
        self.statuses, self.longest_s = set(), 0.0
        self._url = instance.url + "/readyz"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    def _run(self):
        while not self._ended.wait(0.05):
            began = time.monotonic()
            self.statuses.add(requests.get(self._url, timeout=30).status_code)
            self.longest_s = max(self.longest_s, time.monotonic() - began)
