"""The strict YAML loader: what is text stays text, and every node knows its line."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from controller.core import yaml as strict
from controller.core.yaml import MAX_DEPTH, Document, parse, read, show

DRUM = Path(__file__).parents[3] / "config" / "almaty" / "line" / "drum.yaml"


def parsed(text: str) -> Document:
    document = Document("x.yaml")
    parse(text, document)
    return document


@pytest.mark.parametrize("text", ["12:30", "010", "0x1F", "0o17", "1_000", "on", "off", "yes", "no", "Yes", "y", "NaN"])
def test_what_only_yaml_1_1_would_convert_stays_text(text: str) -> None:
    assert parsed(f"key: {text}").data == {"key": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("-350", -350),
        ("+3", 3),
        ("7.20", 7.2),
        ("1.0e+9", 1e9),
        ("5e-3", 5e-3),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
    ],
)
def test_plain_numbers_and_words_mean_what_they_say(text: str, value: Any) -> None:
    found = parsed(f"key: {text}").data["key"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["'7'", '"true"', "|\n  7"])
def test_quoted_scalars_are_text(text: str) -> None:
    assert isinstance(parsed(f"key: {text}").data["key"], str)


def test_what_is_not_finite_reaches_the_model_as_such() -> None:
    assert str(parsed("[.nan, .inf, -.Inf, 1.0e999]").data) == "[nan, inf, -inf, inf]"


def test_a_number_of_thousands_of_digits_is_text() -> None:
    assert parsed("key: " + "1" * 5000).data == {"key": "1" * 5000}


def test_every_node_keeps_line_and_column() -> None:
    document = parsed("tags:\n  LT-1401:\n    range: {lo: -350, hi: 350}\n    of: [A, B]\n")
    assert document.marks["tags", "LT-1401"] == (2, 3)
    assert document.marks["tags", "LT-1401", "range", "hi"] == (3, 23)
    assert document.marks["tags", "LT-1401", "of", 1] == (4, 13)


def test_the_line_of_a_missing_node_is_that_of_the_nearest_around_it() -> None:
    assert parsed("a:\n  b:\n    c: 1\n").line(("a", "b", "gone", 3)) == 2


def test_both_lines_of_a_duplicate_key_are_named() -> None:
    document = parsed("a: 1\nb: 2\na: 3\n")
    assert [(issue.line, issue.text) for issue in document.issues] == [(3, "duplicate key, the first stands in line 1")]
    assert document.data == {"a": 1, "b": 2}


def test_keys_that_mean_the_same_number_are_duplicates() -> None:
    assert parsed("{1: a, +1: b}").issues


def test_all_mistakes_of_a_file_are_reported() -> None:
    document = parsed("a: &x 1\nb: *x\nc: !!str 1\n<<: {d: 1}\na: 2\n")
    assert [issue.line for issue in document.issues] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: [1,\n  2\nb: 3\n", 1),
        ("a: 1\n b: 2\n", 2),
        ('a: "open\n\n\n', 1),
        ("a: 1\n? [b]\n: 2\n", 2),
        ("a: \x07", 1),
    ],
)
def test_a_syntax_error_is_one_issue_where_it_begins(text: str, line: int) -> None:
    document = parsed(text)
    assert document.data is None
    assert [issue.line for issue in document.issues] == [line]


def test_a_second_document_is_refused() -> None:
    assert [issue.line for issue in parsed("a: 1\n---\nb: 2\n").issues] == [2]


def test_bottomless_nesting_is_refused() -> None:
    assert "nested deeper" in parsed("[" * (MAX_DEPTH + 9) + "]" * (MAX_DEPTH + 9)).issues[0].text


def test_an_unreadable_file_is_an_issue(tmp_path: Path) -> None:
    document = read(tmp_path / "gone.yaml", "line/gone.yaml")
    assert str(document.issues[0]).startswith("line/gone.yaml:1: file: cannot be read: No such file")


def test_paths_are_shown_as_people_write_them() -> None:
    assert show(("UZ-03", "votes", "a", "of", 1)) == "UZ-03.votes.a.of[2]"


@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Z", "Cc")), max_size=60))
def test_no_text_raises(text: str) -> None:
    document = parsed(text)
    assert all(issue.line >= 1 for issue in document.issues)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.integers(-(10**6), 10**6) | st.booleans()))
def test_plain_mappings_come_back_as_they_were(data: dict[str, Any]) -> None:
    text = "".join(
        f"{key}: {str(value).lower()}\n" for key, value in data.items() if key not in {"true", "false", "null"}
    )
    expected = {key: value for key, value in data.items() if key not in {"true", "false", "null"}}
    assert (parsed(text).data or {}) == expected


def test_without_libyaml_the_same_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = read(DRUM, "drum.yaml")
    monkeypatch.setattr(strict, "_Loader", yaml.BaseLoader)
    slow = read(DRUM, "drum.yaml")
    assert slow.data == fast.data
    assert {where: mark.line for where, mark in slow.marks.items()} == {
        where: mark.line for where, mark in fast.marks.items()
    }
