"""What models are called where only some characters may stand, and how their words are shown."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from hashlib import blake2b

# What Markdown (CommonMark, GitHub's) makes something of within a line, and where one begins.
MARKS = re.compile(r"[\\`*_\[\]|~#@:!$^{}]")
AT_START = re.compile(r"^([-+=]|[0-9]+(?=[.)]))")
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
WORDS = re.compile(r"[A-Za-z0-9]+")


def shown(text: str) -> str:
    """Write *text* so that Markdown and HTML show it as it is, in one paragraph."""
    line = " ".join(text.split())
    escaped = MARKS.sub(r"\\\g<0>", line)
    for mark, entity in ENTITIES.items():
        escaped = escaped.replace(mark, entity)
    started = AT_START.match(escaped)
    if started:
        end = started.end()
        escaped = f"\\{escaped}" if end == 1 and not escaped[0].isdigit() else _split(escaped, end)
    return escaped.replace("www.", r"www\.")  # no link of what looks like one


def _split(text: str, end: int) -> str:
    return f"{text[:end]}\\{text[end:]}"


class Slugs:
    """Words of lower-case letters and digits, joined by `_`: one for each of *names*."""

    def __init__(self, names: Iterable[str]) -> None:
        """Those that would be told apart by case or by marks alone end in a digest of the name."""
        alike: Mapping[str, list[str]] = defaultdict(list)
        for name in dict.fromkeys(names):
            alike["".join(WORDS.findall(name)).lower()].append(name)
        self._slugs = {
            name: _slug(name, digest=not letters or len(same) > 1)
            for letters, same in alike.items()
            for name in same
        }

    def __getitem__(self, name: str) -> str:
        """The slug of *name*, which is part of other words: `predict_cat_or_dog`."""
        return self._slugs[name]

    def component(self, name: str) -> str:
        """The same as a component's name begins: `CatOrDog`."""
        joined = "".join(word[:1].upper() + word[1:] for word in self[name].split("_"))
        return joined if joined[:1].isalpha() else f"Model{joined}"


def _slug(name: str, *, digest: bool) -> str:
    words = [word.lower() for word in WORDS.findall(name)]
    if digest:
        words.append("x" + blake2b(name.encode("utf-8", "replace"), digest_size=4).hexdigest())
    return "_".join(words)
