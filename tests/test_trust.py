import pytest

from service.trust import trust_in


@pytest.mark.parametrize(
    ("proxies", "peer", "trusted"),
    [
        (("*",), "203.0.113.9", True),
        (("10.0.0.0/8", "::1"), "10.1.2.3", True),
        (("10.0.0.0/8", " ::1"), "::1", True),
        (("10.0.0.0/8",), "11.1.2.3", False),
        (("127.0.0.1",), "::1", False),
        (("10.1.2.3/8",), "10.9.9.9", True),
    ],
)
def test_a_peer_is_trusted_by_its_address(proxies, peer, trusted):
    assert trust_in(proxies)(peer) is trusted


def test_nobody_is_trusted_by_nobody():
    assert not trust_in(())("127.0.0.1")
