"""What is asked again and again beside a test."""

import threading
import time

import requests


class Beside:
    """Does `once` after each pause, in a thread, as long as the block runs."""

    def __init__(self, instance, pause_s=0.05):
        self._url, self._pause_s = instance.url, pause_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    def _run(self):
        while not self._ended.wait(self._pause_s):
            self.once()


class Probes(Beside):
    """Ask /readyz again and again, each time on a connection of its own."""

    def __init__(self, instance):
        super().__init__(instance)
        self.statuses, self.longest_s = set(), 0.0

    def once(self):
        began = time.monotonic()
        self.statuses.add(requests.get(self._url + "/readyz", timeout=30).status_code)
        self.longest_s = max(self.longest_s, time.monotonic() - began)
