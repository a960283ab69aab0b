"""What is let in at the limits, and what is refused by its head alone."""

import pytest

from service.wire.admission import Admission, ProbesOnly, check_head
from service.wire.refusals import Refused

PROBES = ["/healthz", "/readyz", "/metrics"]
HEAD = {"SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost"}


def asked(path):
    return {"PATH_INFO": path}


def test_up_to_the_limit_everything_is_let_in():
    Admission(limit=2, in_flight=1).admit(asked("/models/cat-or-dog/predict"))

    assert not Admission(limit=2, in_flight=1).is_full
    assert Admission(limit=2, in_flight=2).is_full


@pytest.mark.parametrize("in_flight", [2, 3])
def test_at_the_limit_only_probes_are(in_flight):
    admission = Admission(limit=2, in_flight=in_flight)

    for path in PROBES:
        admission.admit(asked(path))
    with pytest.raises(Refused, match="requests are under way") as refused:
        admission.admit(asked("/"))
    assert (refused.value.status, refused.value.reason) == (503, "in_flight")


@pytest.mark.parametrize("path", ["/healthz/", "/Healthz", "/metricsx", "/readyz/../"])
def test_what_looks_like_a_probe_is_none(path):
    with pytest.raises(Refused):
        Admission(limit=0).admit(asked(path))


def test_a_connection_beyond_the_limit_may_stay_where_a_place_is_found():
    admission = Admission(limit=2)

    admission.admit(asked("/"), claim_place=lambda: True)
    with pytest.raises(Refused, match="connections are open") as refused:
        admission.admit(asked("/"), claim_place=lambda: False)
    assert (refused.value.status, refused.value.reason) == (503, "connections")


def test_a_probe_takes_nobody_s_place():
    claims = []

    for path in PROBES:
        Admission(limit=2).admit(asked(path), claim_place=lambda: claims.append(1))

    assert claims == []


def test_the_admin_port_answers_probes_past_every_limit_and_nothing_else():
    admission = ProbesOnly(limit=0, in_flight=10)

    for path in PROBES:
        admission.admit(asked(path))
    with pytest.raises(Refused, match="this port answers") as refused:
        admission.admit(asked("/"))
    assert refused.value.status == 404


@pytest.mark.parametrize(
    ("head", "status", "said"),
    [
        ({"SERVER_PROTOCOL": "HTTP/1.1"}, 400, "Host"),
        (HEAD | {"HTTP_TRANSFER_ENCODING": "gzip, chunked"}, 501, "chunked"),
        (HEAD | {"CONTENT_LENGTH": "101"}, 413, "limit of 100 bytes"),
    ],
)
def test_a_head_that_cannot_be_served_is_refused_before_its_body(head, status, said):
    with pytest.raises(Refused, match=said) as refused:
        check_head(head, 100)

    assert refused.value.status == status


@pytest.mark.parametrize(
    "head",
    [
        HEAD,
        {"SERVER_PROTOCOL": "HTTP/1.0"},
        HEAD | {"CONTENT_LENGTH": "100"},
        HEAD | {"HTTP_TRANSFER_ENCODING": "Chunked"},
    ],
)
def test_a_sound_head_passes(head):
    assert check_head(head, 100) is None


def test_preflights_are_let_in_like_probes():
    told = {"HTTP_ORIGIN": "https://shop.example", "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "POST"}
    preflight = {**asked("/models/cat-or-dog/predict"), **told, "REQUEST_METHOD": "OPTIONS"}

    Admission(limit=2, in_flight=2).admit(preflight)
    Admission(limit=2).admit(preflight, lambda: False)
    with pytest.raises(Refused):
        Admission(limit=2, in_flight=2).admit(preflight | {"REQUEST_METHOD": "POST"})
