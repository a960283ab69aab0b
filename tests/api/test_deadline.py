import pytest

from service.exchange import CLIENT_GONE
from service.inference.model import Model
from tests.conftest import assert_problem

URL = "/models/cat-or-dog/predict"
FIELD = "X-Request-Deadline-Ms"


def post(client, cat, **options):
    return client.post(URL, data=cat, content_type="image/jpeg", **options)


@pytest.mark.parametrize("sent", ["5000", "999999999", "0005000"])
def test_a_client_may_send_its_budget(client, cat, sent):
    assert post(client, cat, headers={FIELD: sent}).status_code == 200


@pytest.mark.parametrize("sent", ["", "0", "000", "-5", "+5", "1.5", "5s", " ", "٣", "9" * 5000])
def test_a_budget_that_is_no_number_of_milliseconds_is_refused(client, cat, sent):
    answer = post(client, cat, headers={FIELD: sent.encode().decode("latin-1")})

    assert_problem(answer, 400, FIELD, "send a whole number of milliseconds")


def test_a_budget_that_is_spent_is_504(client, cat):
    assert_problem(post(client, cat, headers={FIELD: "1"}), 504, "within the time")


@pytest.mark.parametrize(("sent", "most_s"), [("9999999", 10), ("5000", 5), (None, 10)])
def test_the_budget_is_capped_by_the_model_s(client, cat, monkeypatch, sent, most_s):
    from time import monotonic

    asked, answer = [], Model.answer

    def noting(model, payload, *, deadline_s, gone):
        asked.append(deadline_s - monotonic())
        return answer(model, payload, deadline_s=deadline_s, gone=gone)

    monkeypatch.setattr(Model, "answer", noting)
    post(client, cat, headers={FIELD: sent} if sent else {})

    assert most_s - 4 < asked[0] <= most_s


def test_a_client_that_has_left_is_not_answered_for(client, cat):
    answer = post(client, cat, environ_overrides={CLIENT_GONE: lambda: True})

    assert_problem(answer, 400, "client left")
