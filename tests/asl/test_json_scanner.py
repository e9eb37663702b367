from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepsim.asl.json_scanner import JsonSyntaxError, Place, line_and_column, scan

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(_VALUES, st.sampled_from([None, 1]))
def test_reads_what_the_standard_library_reads(value: object, indent: int | None) -> None:
    """Any JSON text has the value that the standard library gives it."""
    text = json.dumps(value, indent=indent)

    assert scan(text).value == json.loads(text)


@given(_VALUES)
def test_never_fails_but_with_a_syntax_error(value: object) -> None:
    """A text cut short anywhere either is JSON still or is refused with a place inside it."""
    text = json.dumps([value])
    for end in range(1, len(text)):
        with pytest.raises(JsonSyntaxError) as raised:
            scan(text[:end])
        assert 0 <= raised.value.offset <= end


def test_knows_where_members_and_elements_stand() -> None:
    """A member's place is its name, an element's is its first character."""
    layout = scan('{"a": [1, {"b": 2}]}').layout

    assert isinstance(layout, dict)
    place = layout["a"]
    assert place.offset == 1
    assert place.inside == [Place(7, None), Place(10, {"b": Place(11, None)})]


def test_big_integers_stay_exact() -> None:
    """An integer beyond 64 bits keeps every digit."""
    assert scan("123456789012345678901234567890").value == 123456789012345678901234567890


def test_deep_nesting_is_refused_without_recursion() -> None:
    """A hundred thousand brackets are a message, not a crash."""
    with pytest.raises(JsonSyntaxError, match="nesting depth"):
        scan("[" * 100_000)


def test_a_placeholder_may_stand_for_a_value() -> None:
    """Outside strings a ``${…}`` is a hole, braces inside it included."""
    assert scan('{"T": ${t}, "R": [${f({a = 1})}]}').value == {"T": "${t}", "R": ["${f({a = 1})}"]}


def test_every_repeated_name_is_found_and_the_last_one_counts() -> None:
    """A name that stands twice is reported with the path and the place of its second."""
    found = scan('{"a": 1, "b": [{"c": 1, "c": 2}]}')

    assert found.value == {"a": 1, "b": [{"c": 2}]}
    assert [(duplicate.path, duplicate.offset) for duplicate in found.duplicates] == [(("b", 0, "c"), 24)]


@pytest.mark.parametrize(
    ("text", "message", "offset"),
    [
        ("not a definition", "Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token", 0),
        ("{'a': 1}", "Unexpected character (''' (code 39)): was expecting double-quote to start field name", 1),
        ('{"a": 1,}', "Unexpected character ('}' (code 125)): was expecting double-quote to start field name", 8),
        ("[1,]", "Unexpected character (']' (code 93)): expected a valid value", 3),
        ('{"a" 1}', "Unexpected character ('1' (code 49)): was expecting a colon", 5),
        ('{"a": 1 "b": 2}', "Unexpected character ('\"' (code 34)): was expecting comma to separate Object entries", 8),
        ("[1 2]", "Unexpected character ('2' (code 50)): was expecting comma to separate Array entries", 3),
        ("{} // end", "Unexpected character ('/' (code 47)): maybe a (non-standard) comment?", 3),
        ('{"a": NaN}', "Non-standard token 'NaN'", 6),
        ('{"a": -Infinity}', "Unexpected character ('I' (code 73)) in numeric value: expected digit", 7),
        ('{"a": 1.}', "Unexpected character ('}' (code 125)) in numeric value: Decimal point not followed by a", 8),
        ('{"a": 1e+}', "Unexpected character ('}' (code 125)) in numeric value: Exponent indicator not", 9),
        ('{"a": -', "Unexpected end-of-input in a Number value", 7),
        ('{"a": 1e999}', "Numeric value (1e999) out of range", 6),
        ('{"a": 01}', "Invalid numeric value: Leading zeroes not allowed", 6),
        ('{"a": "b\n"}', "Illegal unquoted character ((CTRL-CHAR, code 10))", 8),
        ('{"a": "\\x"}', "Unrecognized character escape 'x' (code 120)", 7),
        ('{"a": "b', "Unexpected end-of-input: was expecting closing quote for a string value", 6),
        ('{"a": 1', "Unexpected end-of-input: expected close marker for Object (start marker at [Source: (String)", 7),
        ('{"a": 1,', "Unexpected end-of-input within/between Object entries", 8),
        ('{"a":', "Unexpected end-of-input within/between Object entries", 5),
        ('{"a"', "Unexpected end-of-input within/between Object entries", 4),
        ("[1, ", "Unexpected end-of-input within/between Array entries", 4),
        ('{"a', "Unexpected end-of-input in field name", 1),
    ],
)
def test_mistakes_are_told_in_jacksons_words_at_their_place(text: str, message: str, offset: int) -> None:
    """What is wrong is said as AWS's parser says it, and the offset is where a person looks."""
    with pytest.raises(JsonSyntaxError) as raised:
        scan(text)

    assert str(raised.value).startswith(message)
    assert raised.value.offset == offset


def test_lines_and_columns_count_from_one() -> None:
    """The first character is line 1, column 1; a line break belongs to the line that it ends."""
    assert [line_and_column("a\nbc", offset) for offset in range(4)] == [(1, 1), (1, 2), (2, 1), (2, 2)]
