"""What requests hold of a worker's memory: bounded, waited for, given back."""

import gc
import threading
import time
import weakref

import pytest

from service.errors import NoRoom, TooLarge
from service.inference.account import Account, Hold, wait_for_room

MB = 1 << 20


@pytest.fixture
def account():
    return Account(100 * MB, threading.Lock)


def test_what_is_held_is_counted_until_it_is_released(account):
    hold = Hold(account)
    hold.grow(10 * MB)
    hold.grow(5 * MB)
    assert account.held_bytes == 15 * MB

    hold.release()
    hold.release()
    assert account.held_bytes == 0


def test_what_never_fits_is_told_so_with_both_numbers(account):
    with pytest.raises(TooLarge, match=f"takes {90 * MB} bytes .* more than the {75 * MB}"):
        Hold(account).grow(90 * MB)


def test_what_does_not_fit_now_is_told_to_come_back(account):
    Hold(account).grow(70 * MB)

    with pytest.raises(NoRoom) as refused:
        Hold(account).grow(10 * MB)

    assert refused.value.needed_bytes == 10 * MB
    assert account.held_bytes == 70 * MB


def test_large_requests_leave_room_for_small_ones(account):
    Hold(account).grow(75 * MB)

    Hold(account).grow(6 * MB)
    with pytest.raises(NoRoom):
        Hold(account).grow(7 * MB)


def test_what_will_be_large_is_large_from_its_beginning(account):
    Hold(account).grow(75 * MB)
    hold = Hold(account)
    hold.expected_bytes = 10 * MB

    with pytest.raises(NoRoom):
        hold.grow(1)


def test_a_small_account_holds_half_a_megabyte_to_be_small():
    account = Account(2 * MB, threading.Lock)
    Hold(account).grow(int(1.5 * MB))

    Hold(account).grow(MB // 2)

    assert account.held_bytes == 2 * MB


def test_room_that_becomes_free_is_found_by_who_waits(account):
    first, second = Hold(account), Hold(account)
    first.grow(70 * MB)
    releaser = threading.Timer(0.1, first.release)
    releaser.start()

    second.grow(70 * MB, until_s=time.monotonic() + 20)

    releaser.join()
    assert account.held_bytes == second.held_bytes == 70 * MB


def test_a_wait_for_room_ends_with_its_time_or_with_room(account):
    hold = Hold(account)
    hold.grow(70 * MB)
    with pytest.raises(NoRoom):
        wait_for_room(account, 10 * MB, time.monotonic() + 0.05)
    with pytest.raises(TooLarge):
        wait_for_room(account, 80 * MB, time.monotonic() + 20)

    hold.release()
    wait_for_room(account, 10 * MB, time.monotonic())


def test_a_reservation_ends_with_its_block(account):
    with account.reserve(50 * MB):
        assert account.held_bytes == 50 * MB
        with pytest.raises(NoRoom), account.reserve(50 * MB):
            pytest.fail("there was no room")

    assert account.held_bytes == 0


def test_threads_that_take_and_give_at_once_leave_nothing_over(account):
    def take_and_give():
        for _ in range(2000):
            if account.take(MB):
                account.give(MB)

    threads = [threading.Thread(target=take_and_give) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert account.held_bytes == 0


class Body:
    """Stands for what a request holds in a frame of its own."""


@pytest.mark.parametrize("size_bytes", [10 * MB, 200 * MB])
def test_a_refusal_keeps_nothing_of_the_request_it_refused(account, size_bytes):
    account.take(90 * MB)

    def refused():
        body = Body()
        with pytest.raises((NoRoom, TooLarge)):
            Hold(account).grow(size_bytes)
        with pytest.raises((NoRoom, TooLarge)):
            wait_for_room(account, size_bytes, time.monotonic())
        return weakref.ref(body)

    gc.disable()
    try:
        assert refused()() is None
    finally:
        gc.enable()
