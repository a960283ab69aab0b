"""The PROXY protocol's header: who it tells of, and what is none."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.wire.proxy_header import V2_BYTES, V2_START, Unreadable, parse

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


V4 = b"\xc6\x33\x64\x07\x0a\x00\x00\x01\x12\x67\x1f\x90"


def v2(command=0x21, family=0x11, body=V4, length=None):
    return V2_START + struct.pack("!BBH", command, family, length or len(body)) + body


V6 = bytes.fromhex("20010db8000000000000000000000007") * 2 + b"\x12\x67\x1f\x90"
MAPPED = bytes.fromhex("00000000000000000000ffffc6336407") * 2 + b"\x12\x67\x1f\x90"
TLV = b"\x04\x00\x0512345" + b"\x20\x00\x05\x07\x00\x00\x00\x00"

READABLE = {
    b"PROXY TCP4 198.51.100.7 10.0.0.1 4711 8080\r\n": ("198.51.100.7", 4711),
    b"PROXY TCP6 2001:DB8::7 2001:db8::1 4711 8080\r\n": ("2001:db8::7", 4711),
    b"PROXY TCP6 ::ffff:198.51.100.7 ::1 4711 8080\r\n": ("198.51.100.7", 4711),
    b"PROXY UNKNOWN\r\n": None,
    b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n": None,
    v2(): ("198.51.100.7", 4711),
    v2(body=V4 + TLV): ("198.51.100.7", 4711),
    v2(family=0x21, body=V6): ("2001:db8::7", 4711),
    v2(family=0x21, body=V6 + TLV): ("2001:db8::7", 4711),
    v2(family=0x21, body=MAPPED): ("198.51.100.7", 4711),
    v2(family=0x31, body=b"/run/a".ljust(108, b"\0") * 2): None,
    v2(family=0x00, body=b""): None,
    v2(family=0x00, body=TLV): None,
    v2(command=0x20, family=0x00, body=b""): None,
    v2(command=0x20): None,
    v2(command=0x20, family=0x77, body=b"anything"): None,
}  # fmt: skip

UNREADABLE = [
    REQUEST,
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"PROXY\r\n" + REQUEST,
    b"proxy TCP4 198.51.100.7 10.0.0.1 4711 8080\r\n",
    b"PROXY \r\n",
    b"PROXY TCP4\r\n",
    b"PROXY TCP5 198.51.100.7 10.0.0.1 4711 8080\r\n",
    b"PROXY TCP4  198.51.100.7 10.0.0.1 4711 8080\r\n",
    b"PROXY TCP4 198.51.100.7 10.0.0.1 4711 8080 \r\n",
    b"PROXY TCP4 198.51.100.7 10.0.0.1 4711\r\n",
    b"PROXY TCP4 198.51.100.7 10.0.0.1 04711 8080\r\n",
    b"PROXY TCP4 198.51.100.7 10.0.0.1 4711 65536\r\n",
    b"PROXY TCP4 198.51.100.7 10.0.0.1 +711 8080\r\n",
    b"PROXY TCP4 198.51.100.256 10.0.0.1 4711 8080\r\n",
    b"PROXY TCP4 198.51.100.07 10.0.0.1 4711 8080\r\n",
    b"PROXY TCP4 2001:db8::7 2001:db8::1 4711 8080\r\n",
    b"PROXY TCP6 198.51.100.7 10.0.0.1 4711 8080\r\n",
    b"PROXY TCP6 fe80::1%eth0 ::1 4711 8080\r\n",
    b"PROXY TCP4 198.51.100.7 10.0.0.1 4711 8080\n" + REQUEST,
    b"PROXY UNKNOWN " + b"x" * 100 + b"\r\n",
    b"PROXY TCP4 " + b"1" * 97,
    v2(command=0x22),
    v2(command=0x11),
    v2(family=0x12),
    v2(family=0x13),
    v2(family=0x41),
    v2(body=b"\xc6\x33\x64\x07"),
    v2(family=0x21),
    v2(family=0x31, body=b"/run/a"),
    v2(length=V2_BYTES - 15),
    v2(length=0xFFFF),
    v2(command=0x20, length=0xFFFF),
]


@pytest.mark.parametrize("header", READABLE)
def test_a_header_tells_the_client_and_ends_where_it_ends(header):
    assert parse(header + REQUEST) == (len(header), READABLE[header])


@pytest.mark.parametrize("header", READABLE)
def test_a_header_may_come_byte_by_byte(header):
    assert {parse(header[:size]) for size in range(len(header))} == {None}


@pytest.mark.parametrize("received", UNREADABLE)
def test_what_is_no_header_is_told_from_one_that_is_to_come(received):
    with pytest.raises(Unreadable):
        parse(received)


@given(st.binary(max_size=300), st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", V2_START]))
def test_whatever_comes_is_a_header_or_the_beginning_of_one_or_neither(received, start):
    try:
        header = parse(start + received)
    except Unreadable:
        return
    assert header is None or header.size_bytes <= len(start + received)
