"""What a worker does besides serving; what its clients see of it is in live/."""

from types import SimpleNamespace

import pytest

from service import watch as module
from service.watch import Watch


@pytest.mark.parametrize(("held_bytes", "limit_bytes"), [(0, 1234), (1, 99)])
def test_the_account_is_fitted_while_no_request_holds_anything(
    monkeypatch, held_bytes, limit_bytes
):
    account = SimpleNamespace(held_bytes=held_bytes, limit_bytes=99)
    app = SimpleNamespace(account=account)
    doors, share = SimpleNamespace(), SimpleNamespace(worker=0)
    watch = Watch(app, doors, share, notify=lambda: None, workers=2)
    monkeypatch.setattr(module.machine, "request_memory_bytes", lambda _workers: 1234)

    watch._fit_account()

    assert account.limit_bytes == limit_bytes
