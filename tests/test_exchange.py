import pytest

from service.exchange import Recorder, client_ip
from service.trust import trust_in


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "expected"),
    [
        (("*",), "10.1.2.3", "6.6.6.6, 198.51.100.7", "198.51.100.7"),
        (("10.0.0.0/8",), "10.1.2.3", "198.51.100.7", "198.51.100.7"),
        (("127.0.0.1", " ::1"), "::1", "2001:db8::7", "2001:db8::7"),
        (("127.0.0.1",), "203.0.113.9", "198.51.100.7", "203.0.113.9"),
        (("*",), "203.0.113.9", "", "203.0.113.9"),
        (("*",), "", "198.51.100.7", ""),
        (("*",), "203.0.113.9", "x" * 1000, "203.0.113.9"),
        (("*",), "203.0.113.9", "198.51.100.7:4711", "198.51.100.7"),
        (("*",), "203.0.113.9", "[2001:db8::7]:4711", "2001:db8::7"),
        (("*",), "203.0.113.9", '6.6.6.6, "[2001:db8::7]"', "2001:db8::7"),
        (("*",), "203.0.113.9", "2001:DB8::7", "2001:db8::7"),
        (("*",), "203.0.113.9", "198.51.100.7, ", "198.51.100.7"),
        (("*",), "203.0.113.9", " , ", "203.0.113.9"),
        (("*",), "203.0.113.9", "unknown", "203.0.113.9"),
        (("*",), "203.0.113.9", "198.51.100.7:port", "203.0.113.9"),
    ],
)
def test_only_a_trusted_proxy_tells_the_client_s_address(proxies, peer, forwarded, expected):
    environ = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded}

    assert client_ip(environ, trust_in(proxies)) == expected


def test_no_observer_reaches_the_request_that_it_observes():
    def breaks(_exchange):
        raise OSError("no space left on device")

    seen, faults = [], []
    recorder = Recorder(
        lambda _environ, start: start("200 OK", []) or [b"answered"],
        trust_in(()),
        closed=(breaks, seen.append),
        faulted=lambda observer, error: faults.append((observer, str(error))),
    )

    answer = recorder({"REQUEST_METHOD": "GET"}, lambda *_: None)
    assert list(answer) == [b"answered"]
    answer.close()

    assert len(seen) == 1
    assert faults == [("test_exchange", "no space left on device")]


def test_a_fault_that_cannot_be_told_reaches_nobody_either():
    broken = []

    def breaks(*_):
        broken.append(1)
        raise OSError

    recorder = Recorder(lambda *_: [b"answered"], trust_in(()), closed=[breaks], faulted=breaks)

    answer = recorder({}, lambda *_: None)
    assert list(answer) == [b"answered"]
    answer.close()

    assert len(broken) == 2  # the observer, and the one that is told of it
