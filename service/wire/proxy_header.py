"""
The header by which a proxy says, before anything else on a connection, for whom it connects.

https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt: version 1 is a line of text, version 2
binary. Gunicorn's own parser of it belongs to the first request and answers what is wrong in HTTP;
here it is read once a connection, before there is a request.
"""

import re
from ipaddress import IPv4Address, IPv6Address
from struct import unpack_from
from typing import NamedTuple

# Section 2.1: the longest line there can be, and what it tells.
V1_BYTES = 107
V1_START = b"PROXY "
V1_WORDS = 6
FAMILIES: dict[str, type[IPv4Address | IPv6Address]] = {"TCP4": IPv4Address, "TCP6": IPv6Address}
PORT = re.compile(r"0|[1-9][0-9]{0,4}", re.ASCII)
LAST_PORT = 65_535

# Section 2.2: signature, version and command, family and transport, length of what follows.
V2_START = b"\r\n\r\n\0\r\nQUIT\n"
V2_FIXED_BYTES = 16
LOCAL, PROXY = 0x20, 0x21
UNSPEC, TCP4, TCP6, UNIX_STREAM = 0x00, 0x11, 0x21, 0x31
ADDRESS_BYTES = {UNSPEC: 0, TCP4: 12, TCP6: 36, UNIX_STREAM: 216}

# Addresses and whatever a proxy adds (certificates' names, identifiers); nginx reads as much.
V2_BYTES = 4096


class Unreadable(ValueError):
    """No such header, or not a well-formed one; the message is the log's word for it."""


class Header(NamedTuple):
    """Its size, and the client's address and port, unless the proxy knows or tells none."""

    size_bytes: int
    client: tuple[str, int] | None


def parse(received: bytes) -> Header | None:
    """Read the header that *received* begins with; None: more is to come. Raises Unreadable."""
    if received.startswith(V2_START[: len(received)]):
        return _parse_v2(received)
    if received.startswith(V1_START[: len(received)]):
        return _parse_v1(received)
    raise Unreadable("missing")


def _parse_v1(received: bytes) -> Header | None:
    line, end, _ = received[:V1_BYTES].partition(b"\r\n")
    if not end:
        if len(received) >= V1_BYTES:
            raise Unreadable("too_long")
        return None
    size_bytes = len(line + end)
    words = line.decode("latin-1").split(" ")
    if words[1] == "UNKNOWN":
        return Header(size_bytes, None)
    if len(words) != V1_WORDS or words[1] not in FAMILIES or "%" in words[2]:
        raise Unreadable("malformed")
    _, family, source, target, *ports = words
    if not all(PORT.fullmatch(port) and int(port) <= LAST_PORT for port in ports):
        raise Unreadable("malformed")
    try:
        FAMILIES[family](target)
        return Header(size_bytes, (_text(FAMILIES[family](source)), int(ports[0])))
    except ValueError:
        raise Unreadable("malformed") from None


def _parse_v2(received: bytes) -> Header | None:
    if len(received) < V2_FIXED_BYTES:
        return None
    command, family, length_bytes = unpack_from("!BBH", received, len(V2_START))
    size_bytes = V2_FIXED_BYTES + length_bytes
    if command not in {LOCAL, PROXY}:
        raise Unreadable("malformed")
    if command == PROXY and length_bytes < ADDRESS_BYTES.get(family, 1 << 16):
        raise Unreadable("malformed")
    if size_bytes > V2_BYTES:
        raise Unreadable("too_long")
    if len(received) < size_bytes:
        return None
    if command == LOCAL or family not in {TCP4, TCP6}:
        return Header(size_bytes, None)
    address, width_bytes = (IPv4Address, 4) if family == TCP4 else (IPv6Address, 16)
    layout = f"!{width_bytes}s{width_bytes}xH"
    source, port = unpack_from(layout, received, V2_FIXED_BYTES)
    return Header(size_bytes, (_text(address(source)), port))


def _text(address: IPv4Address | IPv6Address) -> str:
    """The address; one of IPv4 as itself, also mapped to IPv6 (RFC 4291 section 2.5.5.2)."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
