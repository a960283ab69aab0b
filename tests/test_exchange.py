import pytest

from service.exchange import client_ip_behind


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "expected"),
    [
        (("*",), "10.1.2.3", "6.6.6.6, 198.51.100.7", "198.51.100.7"),
        (("10.0.0.0/8",), "10.1.2.3", "198.51.100.7", "198.51.100.7"),
        (("127.0.0.1", " ::1"), "::1", "2001:db8::7", "2001:db8::7"),
        (("127.0.0.1",), "203.0.113.9", "198.51.100.7", "203.0.113.9"),
        (("*",), "203.0.113.9", "", "203.0.113.9"),
        (("*",), "", "198.51.100.7", ""),
        (("*",), "203.0.113.9", "x" * 1000, "x" * 64),
    ],
)
def test_only_a_trusted_proxy_tells_the_client_s_address(proxies, peer, forwarded, expected):
    client_ip = client_ip_behind(proxies)

    assert client_ip({"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded}) == expected
