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
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    line = line or type(error).__name__
    return line if len(line) <= WORDS_CHARS else line[:WORDS_CHARS] + "…"
