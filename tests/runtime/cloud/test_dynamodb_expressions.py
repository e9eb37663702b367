from __future__ import annotations

from typing import Any

import pytest

from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.cloud.dynamodb_conditions import compile_condition, compile_projection
from stepsim.runtime.cloud.dynamodb_updates import compile_update
from stepsim.runtime.cloud.dynamodb_values import item_size

ITEM: dict[str, Any] = {
    "n": {"N": "10"},
    "s": {"S": "abc"},
    "l": {"L": [{"S": "zero"}, {"M": {"deep": {"N": "1"}}}, {"S": "two"}]},
    "m": {"M": {"k": {"S": "v"}, "j": {"N": "3"}}},
    "tags": {"SS": ["x", "y"]},
    "nothing": {"NULL": True},
}
VALUES: dict[str, Any] = {
    ":n": {"N": "10.0"},
    ":big": {"N": "9"},
    ":s": {"S": "ab"},
    ":x": {"S": "x"},
    ":set": {"SS": ["y", "x"]},
    ":three": {"N": "3"},
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("n = :n", True),
        ("n > :big", True),
        ("n = :s", False),
        ("n <> :s", True),
        ("absent = :s", False),
        ("absent <> :s", True),
        ("absent < :n", False),
        ("tags = :set", True),
        ("contains(tags, :x) AND contains(s, :s)", True),
        ("begins_with(s, :s) AND NOT begins_with(n, :s)", True),
        ("size(s) = :three AND size(l) = :three", True),
        ("size(absent) = :three", False),
        ("l[1].deep < m.j", True),
        ("attribute_exists(l[2]) AND attribute_not_exists(l[3])", True),
        ("attribute_exists(nothing)", True),
        ("n BETWEEN :big AND :n", True),
        ("m.j IN (:n, :three)", True),
        ("n = :s OR n = :n AND s = :s", False),
        ("(n = :s OR n = :n) AND not s = :s", True),
    ],
)
def test_a_condition_holds_as_dynamodb_has_it(text: str, holds: bool) -> None:
    """Numbers compare by value, sets in any order; types never mix, and what isn't there is only unequal."""
    assert compile_condition(text, (), "ConditionExpression").test(ITEM, VALUES) is holds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Invalid ConditionExpression: The expression can not be empty;"),
        ("n =", 'Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "="'),
        ("n = :n AND", 'Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "AND"'),
        ("((n = :n))", "Invalid ConditionExpression: The expression has redundant parentheses;"),
        ("grows(n, :n)", "Invalid ConditionExpression: Invalid function name; function: grows"),
        (
            "status = :n",
            "Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: status",
        ),
        (
            "#q = :n",
            "Invalid ConditionExpression: An expression attribute name used in the document path is not defined; "
            "attribute name: #q",
        ),
        (
            "n = :unknown",
            "Invalid ConditionExpression: An expression attribute value used in expression is not defined; "
            "attribute value: :unknown",
        ),
        (
            "begins_with(s, :n)",
            "Invalid ConditionExpression: Incorrect operand type for operator or function; "
            "operator or function: begins_with, operand type: N",
        ),
        (
            "size(n)",
            'Invalid ConditionExpression: Syntax error; token: "<EOF>", near: ")"',
        ),
        (
            "attribute_exists(n, s)",
            "Invalid ConditionExpression: Incorrect number of operands for operator or function; "
            "operator or function: attribute_exists, number of operands: 2",
        ),
    ],
)
def test_a_wrong_condition_is_refused_with_its_place(text: str, message: str) -> None:
    """A ValidationException names the expression and what is wrong with it."""
    with pytest.raises(ApiError) as raised:
        compile_condition(text, (), "ConditionExpression").test(ITEM, VALUES)
    assert (raised.value.code, raised.value.message) == ("ValidationException", message)


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("SET n = n - :three", {"n": {"N": "7"}}),
        ("SET a = n, n = :three", {"a": {"N": "10"}, "n": {"N": "3"}}),
        ("SET m.k = :x, m.fresh = :n", {"m": {"M": {"k": {"S": "x"}, "j": {"N": "3"}, "fresh": {"N": "10.0"}}}}),
        ("SET l[7] = :x", {"l": {"L": [*ITEM["l"]["L"], {"S": "x"}]}}),
        ("REMOVE l[0], l[1]", {"l": {"L": [{"S": "two"}]}}),
        ("ADD m.j :three", {"m": {"M": {"k": {"S": "v"}, "j": {"N": "6"}}}}),
        ("ADD fresh :three", {"fresh": {"N": "3"}}),
        ("DELETE tags :set", {"tags": None}),
        ("DELETE absent :set", {}),
    ],
)
def test_an_update_changes_what_it_names(text: str, changed: dict[str, Any]) -> None:
    """Operands are read from the item as it was; the item given stays as it is."""
    before = repr(ITEM)
    after = compile_update(text, ()).apply(ITEM, VALUES)
    expected = {**ITEM, **changed}
    assert after == {name: value for name, value in expected.items() if value is not None}
    assert repr(ITEM) == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SET a = :x SET b = :x", 'Invalid UpdateExpression: The "SET" section can only be used once in an update '),
        ("SET m.k = :x REMOVE m", "Invalid UpdateExpression: Two document paths overlap with each other; must remove "),
        ("SET absent.k = :x", "The document path provided in the update expression is invalid for update"),
        ("SET n = n + :x", "Invalid UpdateExpression: Incorrect operand type for operator or function; operator or "),
        ("SET s = s + :n", "An operand in the update expression has an incorrect data type"),
        ("ADD n :x", "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, "),
        ("SET n = size(l)", "Invalid UpdateExpression: The function is not allowed in this kind of expression; "),
    ],
)
def test_a_wrong_update_is_refused(text: str, message: str) -> None:
    """A ValidationException says what is wrong, and nothing is changed."""
    with pytest.raises(ApiError) as raised:
        compile_update(text, ()).apply(ITEM, VALUES)
    assert raised.value.message.startswith(message)


def test_a_projection_keeps_the_shape_of_what_it_shows() -> None:
    """Nested paths keep their maps; a list keeps only the chosen members, in order."""
    show = compile_projection("l[2], #m.j, l[0], absent.x", (("#m", "m"),)).project
    assert show(ITEM) == {"l": {"L": [{"S": "zero"}, {"S": "two"}]}, "m": {"M": {"j": {"N": "3"}}}}


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ({}, 0),
        ({"ab": {"S": "é"}}, 4),
        ({"n": {"N": "-1200"}}, 4),
        ({"n": {"N": "0"}}, 2),
        ({"b": {"BOOL": True}, "x": {"NULL": True}}, 4),
        ({"l": {"L": [{"S": "a"}, {"S": "b"}]}}, 8),
        ({"m": {"M": {"k": {"B": b"123"}}}}, 9),
        ({"s": {"SS": ["a", "bc"]}}, 4),
    ],
)
def test_an_item_is_as_large_as_dynamodb_counts_it(attributes: dict[str, Any], size: int) -> None:
    """Names and texts count in UTF-8, numbers by their digits, documents three bytes and one for each member."""
    assert item_size(attributes) == size
