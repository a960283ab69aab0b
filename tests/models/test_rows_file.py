"""`--data`: rows as they will be sent, and what they tell of columns."""

import json

import pytest

from service.errors import InvalidModel, WrongUsage
from service.models.rows_file import read
from tests.conftest import framework

pd = framework("pandas", "make install-sklearn")

CSV = "age,city,member,joined,note\n22,Oslo,true,2026-01-31,a\n,Rome,false,2026-02-01,\n"


def test_a_csv_tells_types_ranges_and_what_is_missing(tmp_path):
    (tmp_path / "rows.csv").write_text(CSV)

    told = read(tmp_path / "rows.csv")

    dtypes = {name: column.dtype for name, column in told.columns.items()}
    assert dtypes == {
        "age": "float64", "city": "string", "member": "bool", "joined": "", "note": "string",
    }  # fmt: skip
    assert [name for name, column in told.columns.items() if column.has_missing] == ["age", "note"]
    assert told.columns["city"].seen == "Oslo, Rome"
    assert told.example == {
        "age": 22.0, "city": "Oslo", "member": True, "joined": "2026-01-31", "note": "a",
    }  # fmt: skip
    assert told.rows[1]["age"] is None


def test_a_parquet_keeps_its_own_types(tmp_path):
    framework("pyarrow", "make install-corpus")
    frame = pd.DataFrame(
        {
            "city": pd.Categorical(["Oslo", None], categories=["Rome", "Oslo"]),
            "at": pd.to_datetime(["2026-01-31T10:00+01:00"] * 2).tz_convert("Europe/Oslo"),
            "day": pd.to_datetime(["2026-01-31"] * 2),
            "n": pd.array([1, None], dtype="Int64"),
            "ok": pd.array([True, None], dtype="boolean"),
        }
    )
    frame.to_parquet(tmp_path / "rows.parquet")

    told = read(tmp_path / "rows.parquet").columns

    assert {name: column.dtype for name, column in told.items()} == {
        "city": "category", "at": "datetime[Europe/Oslo]", "day": "datetime", "n": "float64",
        "ok": "bool",
    }  # fmt: skip
    assert told["city"].categories == ("Rome", "Oslo")
    assert all(told[name].has_missing for name in ("city", "n", "ok"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.json", json.dumps([{"a": 1}, {"a": 2}])),
        ("rows.json", json.dumps({"rows": [{"a": 1}, {"a": 2}]})),
        ("rows.jsonl", '{"a": 1}\n{"a": 2}\n'),
        ("rows.tsv", "a\n1\n2\n"),
    ],
)
def test_rows_may_be_written_in_any_way_that_people_have(tmp_path, name, content):
    (tmp_path / name).write_text(content)

    assert read(tmp_path / name).rows == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("rows.csv", "", "cannot be read as rows"),
        ("rows.csv", "a,b\n", "has no rows"),
        ("rows.json", "{", "cannot be read as rows"),
        ("rows.xlsx", "PK", "show rows as"),
    ],
)
def test_what_is_no_rows_is_refused(tmp_path, name, content, said):
    (tmp_path / name).write_text(content)

    with pytest.raises((InvalidModel, WrongUsage), match=said):
        read(tmp_path / name)
