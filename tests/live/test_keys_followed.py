"""A file of keys that changes while it serves."""

import os
import secrets
import signal
import threading

import pytest
import requests

from config.api_keys import digest_of
from tests.conftest import eventually
from tests.live.keyed import KEYS, PREDICT, SHOP, bearer, give, write


def test_a_key_that_is_revoked_while_in_use_is_refused_and_a_new_one_taken(guarded, keys_file):
    new = f"weir_canary9_{secrets.token_hex(20)}"
    statuses = []
    done = threading.Event()

    def ask():
        with requests.Session() as session:
            while not done.is_set():
                answer = session.get(guarded.url + PREDICT, headers=bearer(SHOP), timeout=20)
                statuses.append(answer.status_code)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        eventually(lambda: statuses.count(200) > 20)
        write(keys_file, KEYS.replace(digest_of(SHOP).hex(), digest_of(new).hex()))
        eventually(lambda: statuses[-20:] == [401] * 20)
        eventually(lambda: requests.get(guarded.url + PREDICT, headers=bearer(new), timeout=20).ok)
    finally:
        done.set()
        asking.join()
        give(guarded, keys_file)

    assert requests.get(guarded.url + PREDICT, headers=bearer(SHOP), timeout=20).ok
    assert set(statuses) == {200, 401}
    assert new not in guarded.log.read_text()


@pytest.mark.parametrize("broken", ["shop=sesame\n", None], ids=["unreadable", "gone"])
def test_a_file_that_cannot_be_used_leaves_what_was_and_is_told(guarded, keys_file, broken):
    told = len(guarded.lines(event="api_keys_unusable"))
    if broken:
        write(keys_file, broken)
    else:
        keys_file.unlink()
    try:

        def is_told():
            assert requests.get(guarded.url + PREDICT, headers=bearer(SHOP), timeout=20).ok
            return len(guarded.lines(event="api_keys_unusable")) > told

        eventually(is_told)
    finally:
        give(guarded, keys_file)
    assert "sesame" not in guarded.log.read_text()


def test_a_worker_that_starts_while_the_file_is_broken_has_the_keys_of_the_others(
    guarded, keys_file
):
    give(guarded, keys_file)
    before = guarded.workers()
    write(keys_file, "shop=sesame\n")
    try:
        os.kill(before[0], signal.SIGKILL)
        ready = len(guarded.lines(event="model_ready"))
        eventually(lambda: len(guarded.lines(event="model_ready")) >= ready + 2)
        new = ({*guarded.workers()} - {*before}).pop()

        def is_served_by_the_new():
            assert requests.get(guarded.url + PREDICT, headers=bearer(SHOP), timeout=20).ok
            return guarded.lines(event="http_request", pid=new, status=200)

        eventually(is_served_by_the_new)
    finally:
        give(guarded, keys_file)
