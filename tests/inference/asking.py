"""A model asked as a request asks it."""

from time import monotonic

from service.inference.account import unlimited
from service.inference.payload import Payload


def answer_to(model, read, within_s=20, *, is_heavy=False):
    payload = Payload(read, unlimited(), is_heavy=is_heavy)
    return model.answer(payload, deadline_s=monotonic() + within_s, gone=lambda: False)
