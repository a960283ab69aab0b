"""What serves is under licences that are told, and what asks more than a notice is explained."""

import os
import re

import pytest

from tests import licences

TEXT, _, TABLE = licences.TOLD.read_text("utf-8").partition(licences.HEAD)
ROWS = {re.match(r"\| `([^`]+)`", line)[1]: line for line in TABLE.splitlines()}


def test_the_licence_of_every_package_that_serves_is_told_as_it_is():
    found = licences.rows()
    wrong = {name: row for name, row in found.items() if row and row != ROWS.get(name)}

    assert found.keys() <= ROWS.keys(), "python -m tests.licences"
    assert not wrong, "python -m tests.licences"
    assert all(found[name] for name in licences.served(licences.PINS[0]))
    if os.environ.get("CI") == "true":
        assert all(found.values())


@pytest.mark.parametrize("name", ROWS)
def test_what_asks_more_than_a_notice_is_explained(name):
    _, licence, beside = ROWS[name].strip("|").split("|")
    demanding = beside.strip() or licences.DEMANDING.search(licence) or "not said" in licence

    assert not demanding or f"`{name}`" in TEXT


def test_a_wheel_is_looked_into():
    assert "GPLv2" in ROWS["pillow-heif"]
    assert "MPL-2.0" in ROWS["orjson"]
    assert "GPL" not in ROWS["flask"]
