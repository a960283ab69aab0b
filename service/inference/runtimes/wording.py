"""What a framework raised, as far as a sentence goes."""

import re

WORDS_CHARS = 200

# What C++ calls a function in an error: its types, its name, its parameters.
CPP_FUNCTION = r"\b[\w:<>*&, ()]*::[^)\n]*\)\s*(?:const\s*)?(?:\[with[^\]]*\]\s*)?"


def words_of(error: BaseException) -> str:
    """What a framework raised, as far as a sentence goes: without its codes, places and paths."""
    text = re.sub(r"\[ONNXRuntimeError\] : \d+ : \w+ : ", "", str(error))
    text = re.sub(
        r"Non-zero status code returned while running (\w+) node\. Name:'[^']*' ", r"\1: ", text
    )
    text = re.sub(r"Status Message: |\S+\.(?:cc|h|cpp)(?::\d+)? |/\S+/", "", text)
    text = re.sub(CPP_FUNCTION, "", text)
    return first_line(text, WORDS_CHARS) or type(error).__name__


def first_line(text: str, most_chars: int) -> str:
    """The first line of *text* that says anything, as far as *most_chars*; empty if none does."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= most_chars else line[:most_chars] + "…"
