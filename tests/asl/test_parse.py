from __future__ import annotations

import json

import pytest

from stepsim.asl.errors import DefinitionError, Problem
from stepsim.asl.parse import MAX_CHARACTERS, Document, is_hole, parse, placeholders, substitute


def _problem(text: str, source: str = "machine.json") -> Problem:
    with pytest.raises(DefinitionError) as raised:
        parse(text, source)
    (problem,) = raised.value.problems
    return problem


def test_positions_are_those_of_names_and_elements() -> None:
    """A path gives line and column, from 1, of a member's name or of an element; ``()`` the first character."""
    document = parse('\n{\n  "States": {"A": {"Retry": [\n    {}]}}\n}', "machine.json")

    assert document.position(()) == (2, 1)
    assert document.position(("States",)) == (3, 3)
    assert document.position(("States", "A", "Retry", 0)) == (4, 5)


def test_the_position_of_what_is_missing_is_that_of_its_owner() -> None:
    """A path that leads nowhere gives the last step that there is."""
    document = parse('{"A": {"B": 1}}', "machine.json")

    assert document.position(("A", "C", 0)) == document.position(("A",)) == (1, 2)


def test_yaml_has_the_positions_of_its_own_lines() -> None:
    """A YAML definition points into the YAML text."""
    document = parse("States:\n  A:\n    Retry:\n      - ErrorEquals: [States.ALL]\n", "machine.yaml")

    assert document.position(("States", "A", "Retry", 0, "ErrorEquals")) == (4, 9)


def test_yaml_words_and_dates_are_strings() -> None:
    """YAML 1.2: ``No`` is a word; a date is a string; true, null and numbers are themselves."""
    items = ("No", "on", "true", "null", "2016-03-14T01:59:00Z", "0x10", "1.5", "${Hole}")
    document = parse("\n".join(f"- {item}" for item in items), form="yaml")

    assert document.value == ["No", "on", True, None, "2016-03-14T01:59:00Z", 16, 1.5, "${Hole}"]


def test_yaml_aliases_and_merges_share_what_they_name() -> None:
    """An alias is the value it names; a merge gives members that the mapping lacks."""
    document = parse("a: &x {p: 1, q: 2}\nb: *x\nc: {<<: *x, q: 3}\n", form="yaml")

    assert document.value == {"a": {"p": 1, "q": 2}, "b": {"p": 1, "q": 2}, "c": {"p": 1, "q": 3}}


@pytest.mark.parametrize("text", ["a: [", "a: !Sub x", "a: .nan", "a: &x [*x]", "? [1]\n: 2", "\t- a"])
def test_yaml_that_json_cannot_say_is_refused_with_its_place(text: str) -> None:
    """Bad YAML, tags, infinities and cycles are one problem with a line."""
    problem = _problem(text, "machine.yml")

    assert problem.code == "INVALID_JSON_DESCRIPTION"
    assert problem.line == 1


def test_text_that_is_not_json_gets_awss_words_and_place() -> None:
    """The recorded answer: Jackson's sentence, and as location where Jackson had read to."""
    problem = _problem("not a definition")

    assert problem.message == (
        "Unrecognized token 'not': was expecting "
        "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
    )
    assert problem.path == '[Source: (String)"not a definition"; line: 1, column: 4]'
    assert (problem.line, problem.column) == (1, 1)


def test_a_long_text_is_quoted_in_part() -> None:
    """Jackson shows the first 500 characters and counts the others."""
    assert "[truncated 103 chars]" in _problem("x" * 603).path


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_text_gets_awss_own_answer(text: str) -> None:
    """The recorded text, without a location."""
    problem = _problem(text)

    assert (problem.code, problem.message, problem.path) == (
        "SCHEMA_VALIDATION_FAILED",
        "Definition must be a valid JSON object",
        "",
    )


def test_names_that_stand_twice_are_problems_of_a_readable_document() -> None:
    """A document with a duplicate can be read on, so that everything else in it can be told too."""
    document = parse('{"A": 1,\n "A": 2}', "machine.json")

    assert document.value == {"A": 2}
    assert [(problem.message, problem.line) for problem in document.problems] == [("Duplicate field 'A'", 2)]


def test_a_text_beyond_awss_limit_is_a_problem() -> None:
    """1,048,576 characters are allowed, one more is told."""
    text = json.dumps({"Comment": "x" * (MAX_CHARACTERS - len('{"Comment": ""}'))})

    assert len(text) == MAX_CHARACTERS
    assert not parse(text).problems
    assert [problem.code for problem in parse(text + " ").problems] == ["DEFINITION_TOO_LONG"]


def test_a_value_that_was_never_text_has_positions_in_its_compact_text() -> None:
    """A definition that came as an object can be validated like one that came as text."""
    assert Document.of_value({"A": [1, 2]}).position(("A", 1)) == (1, 9)


def test_substitution_is_textual() -> None:
    """A string goes in as it is, another value as JSON; an unknown name stays."""
    text = '{"a": "${Name}-${Other}", "b": ${Count}, "c": ${List}}'

    assert substitute(text, {"Name": "x", "Count": 3, "List": [1]}) == '{"a": "x-${Other}", "b": 3, "c": [1]}'


def test_placeholders_that_are_left_are_listed_once_in_order() -> None:
    """Names in members' names count too."""
    value = {"${A}": ["${B} and ${A}", {"x": "${C}"}], "plain": "$.b {x}"}

    assert placeholders(value) == ["A", "B", "C"]


@pytest.mark.parametrize(
    ("value", "hole"), [("${A}", True), ("x${A}y", True), ("$.a", False), ("${", False), (3, False)]
)
def test_a_hole_is_a_string_with_a_placeholder(value: object, hole: bool) -> None:
    """Only a complete ``${…}`` in a string is a hole."""
    assert is_hole(value) is hole
