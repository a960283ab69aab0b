"""What schemathesis has to know besides the document: budgets that suffice, and real pictures."""

import schemathesis
from hypothesis import strategies as st

DEADLINE = "X-Request-Deadline-Ms"
ENOUGH_MS = 10_000

# A GIF and a PNG of one pixel.
GIF = bytes.fromhex("474946383761010001008000000000000000002c000000000100010000080400010404003b")
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c636000000002000148afa4710000000049454e44ae426082"
)


@schemathesis.hook
def before_call(_context, case, _kwargs):
    """A budget of some milliseconds is a wish to be refused with 504, which is no fault."""
    sent = (case.headers or {}).get(DEADLINE, "")
    if str(sent).isascii() and str(sent).isdigit() and 0 < int(sent) < ENOUGH_MS:
        case.headers[DEADLINE] = str(ENOUGH_MS)


schemathesis.openapi.media_type("image/*", st.sampled_from([GIF, PNG]) | st.binary(max_size=100))
