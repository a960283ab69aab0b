"""What a model is called in the document, and how its words are shown there."""

import re

import pytest

from service.openapi.names import Slugs, shown


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Which iris is it? Four numbers, in cm.", "Which iris is it? Four numbers, in cm."),
        ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;"),
        ("**x** _y_ `z` ~~u~~", r"\*\*x\*\* \_y\_ \`z\` \~\~u\~\~"),
        ("[here](http://x.example)", r"\[here\](http\://x.example)"),
        ("www.x.example a@x.example", r"www\.x.example a\@x.example"),
        ("&lt;b&gt; A&B", "&amp;lt;b&amp;gt; A&amp;B"),
        (r"a \< b", r"a \\&lt; b"),
        ("# no heading", r"\# no heading"),
        ("- no list", r"\- no list"),
        ("+ no list", r"\+ no list"),
        ("1. no list", r"1\. no list"),
        ("23) no list", r"23\) no list"),
        ("2 of 3", "2 of 3"),
        ("one\n\n# paragraph\n\n    of several", r"one \# paragraph of several"),
        ("", ""),
    ],
)
def test_a_models_words_are_shown_as_they_are(text, told):
    assert shown(text) == told


def test_a_name_is_told_in_words_that_code_may_have():
    slugs = Slugs(["iris", "cat-or-dog", "3d", "Größe 2"])

    assert slugs["iris"] == "iris"
    assert slugs["cat-or-dog"] == "cat_or_dog"
    assert slugs.component("cat-or-dog") == "CatOrDog"
    assert slugs.component("3d") == "Model3d"


def test_names_that_would_be_alike_are_told_apart():
    names = ["a-b", "a_b", "AB", "a b", "日本", "中国", "-", "iris", "iris version 2"]
    names.append("iris\0version 2")
    slugs = Slugs(names)

    told = [slugs[name] for name in names]
    assert len({each.replace("_", "").lower() for each in told}) == len(names)
    assert len({slugs.component(name).lower() for name in names}) == len(names)
    assert all(re.fullmatch("[a-z0-9]+(_[a-z0-9]+)*", each) for each in told)
    assert slugs["iris"] == "iris"


def test_a_name_is_told_alike_whatever_stands_beside_it_that_is_not():
    assert Slugs(["a-b", "a_b"])["a-b"] == Slugs(["x", "a_b", "a-b"])["a-b"]
