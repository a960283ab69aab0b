"""
The fields that keep a browser from doing harm with an answer: lines that are made once.

Chosen from OWASP's REST Security Cheat Sheet and its Secure Headers Project; why each is there, and
why others are not, stands in the README.
"""

from collections.abc import Mapping

# Everything that a page loads is this host's own; nothing stands in the markup that could run or
# style.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

# What no page here asks a browser for; pictures are taken by the field of a file.
UNUSED = ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")

OF_ALL = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
OF_DATA = OF_ALL | {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}
OF_PAGES = OF_ALL | {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{name}=()" for name in UNUSED),
    "Cache-Control": "no-cache",
}


def _lines(fields: Mapping[str, str]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items())


# An answer is the first of these unless its route says otherwise; the second tells by a field of
# its own for how long it may be kept.
DATA = _lines(OF_DATA | {"Cache-Control": "no-store"})
KEPT_DATA = _lines(OF_DATA)
PAGE = _lines(OF_PAGES)
