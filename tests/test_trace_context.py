import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.trace_context import Parent, parent_of, state_of

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("sent", "is_sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-02", False),
        (f"00-{TRACE}-{SPAN}-03", True),
        (f" 00-{TRACE}-{SPAN}-01\t", True),
        (f"01-{TRACE}-{SPAN}-01", True),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like", True),
    ],
)
def test_a_parent_that_is_well_formed_is_continued(sent, is_sampled):
    assert parent_of(sent) == Parent(TRACE, SPAN, is_sampled, "")


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "00",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01-",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01.",
        f"ff-{TRACE}-{SPAN}-01",
        f"0-{TRACE}-{SPAN}-01",
        f"000-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN.upper()}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}x-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-0g",
        f"00_{TRACE}_{SPAN}_01",
        f"cc-{TRACE}-{SPAN}-01.what",
        f"00-{TRACE}-{SPAN}-01,00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-٠١",
        f"00-{TRACE}-{SPAN}-01\n",
    ],
)
def test_any_other_is_as_if_it_had_not_been_sent(sent):
    assert parent_of(sent) is None


@given(st.text(), st.text())
def test_no_text_is_too_much_for_it(traceparent, tracestate):
    parent_of(traceparent, tracestate)
    assert state_of(tracestate).isascii()


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("congo=t61rcWkgMzE,rojo=00f067aa0ba902b7", "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"),
        ("congo=1 , \t rojo=2", "congo=1,rojo=2"),
        ("foo@bar=1,,", "foo@bar=1"),
        ("0tenant@sys=a b", "0tenant@sys=a b"),
        ("a=1,a=2", ""),
        ("A=1", ""),
        ("0=1", ""),
        ("a", ""),
        ("a=", ""),
        ("a=1=2", ""),
        ("a=ü", ""),
        (f"{'k' * 257}=1", ""),
        (f"a={'v' * 257}", ""),
        (",".join(f"k{n}=1" for n in range(33)), ""),
        (",".join(f"k{n}=1" for n in range(32)), ",".join(f"k{n}=1" for n in range(32))),
    ],
)
def test_a_state_is_passed_on_whole_or_not_at_all(sent, kept):
    assert state_of(sent) == kept
    assert parent_of(f"00-{TRACE}-{SPAN}-01", sent).state == kept
