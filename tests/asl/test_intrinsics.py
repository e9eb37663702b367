"""Intrinsic function calls: what is read, and how it fails."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepsim.asl.errors import INTRINSIC_FAILURE, RUNTIME, StatesError
from stepsim.asl.expression import Scope
from stepsim.asl.intrinsics import compile_intrinsic
from stepsim.asl.payload import JSON, encode

INPUT = {"name": "Ada", "n": 3, "half": 2.5, "list": [5, 6, 7], "o": {"k": [1]}, "t": "{}-\\{{}", "none": None}


def evaluate(text: str, subject: JSON = INPUT, scope: Scope | None = None) -> JSON:
    return compile_intrinsic(text)(subject, scope or Scope(lambda: {"Execution": {"Name": "run"}}, {"v": "var"}))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("States.Format('Hi {}, {} of {}', $.name, $.n, $.half)", "Hi Ada, 3 of 2.5"),
        ("States.Format('{}', $.o)", "{k=[1]}"),
        ("States.Format('{}', null)", "null"),
        ("States.Format('{}', true)", "true"),
        (r"States.Format('\{{}\} it\'s \\{}', 'a', $v)", r"{a} it's \var"),
        ("States.Format($.t, 'x', 'y')", "x-{y"),
        ("States.Format($$.Execution.Name)", "run"),
        ("States.StringToJson('')", None),
        ("States.StringToJson('  ')", None),
        ("States.StringToJson('-0')", 0),
        ("States.StringToJson('{\"a\": [1]}')", {"a": [1]}),
        ("States.JsonToString($.o)", '{"k":[1]}'),
        ("States.Array()", []),
        ("States.Array(1, 'a', null, $.o)", [1, "a", None, {"k": [1]}]),
        ("States.ArrayPartition($.list, 2)", [[5, 6], [7]]),
        ("States.ArrayPartition(States.Array(), 2)", []),
        ("States.ArrayPartition($.list, $.half)", [[5, 6, 7]]),
        ("States.ArrayContains($.list, 6)", True),
        ("States.ArrayContains(States.Array($.o), $.o)", True),
        ("States.ArrayContains($.list, '6')", False),
        ("States.ArrayRange(1, 9, 4)", [1, 5, 9]),
        ("States.ArrayRange(3, 1, -1)", [3, 2, 1]),
        ("States.ArrayGetItem($.list, 2)", 7),
        ("States.ArrayLength($.list)", 3),
        ("States.ArrayUnique(States.Array(1, 1.0, 1, '1', 'a', 'a'))", [1, 1.0, "1", "a"]),
        ("States.Base64Encode('häuser')", "aMOkdXNlcg=="),
        ("States.Base64Decode('aMOkdXNlcg==')", "häuser"),
        ("States.Hash('x', 'MD5')", "9dd4e461268c8034f5c8564e155c67a6"),
        ("States.Hash('x', 'SHA-1')", "11f6ad8ec52a2984abaafd7c3b516503785c2072"),
        ('States.JsonMerge(States.StringToJson(\'{"k":{"a":1},"z":1}\'), $.o, false)', {"k": [1], "z": 1}),
        ("States.MathAdd($.half, -2.5)", 1),
        ("States.MathAdd(  1 , 1.5e0 )", 3),
        ("States.MathRandom(0, 1000, 42)", 727),
        ("States.StringSplit('a.b+c, ,d', '.+,')", ["a", "b", "c", " ", "d"]),
        ("States.StringSplit(',,', ',')", []),
        ("States.ArrayLength($..[?(@.k == 'a,)')])", 0),
        ("States.Format('{}', $['a,)'])", "odd"),
    ],
)
def test_a_call_gives_a_value(text: str, value: JSON) -> None:
    """Each function does what AWS documents or was seen to do."""
    assert evaluate(text, {**INPUT, "a,)": "odd"}) == value


@pytest.mark.parametrize(
    "text",
    [
        "States.Format('{} {}', $.name)",
        "States.Format(3)",
        "States.StringToJson('{')",
        "States.ArrayPartition($.list, 0)",
        "States.ArrayRange(1, 2, 0)",
        "States.ArrayRange(1, 2000, 1)",
        "States.ArrayGetItem($.list, 3)",
        "States.ArrayGetItem($.list, -1)",
        "States.ArrayLength($.o)",
        "States.Base64Decode('###')",
        "States.Hash('x', 'md5')",
        "States.JsonMerge($.o, $.o, true)",
        "States.JsonMerge($.o, $.list, false)",
        "States.MathAdd($.name, 1)",
        "States.MathAdd(1, true)",
        "States.MathRandom(2, 2)",
        "States.StringSplit($.list, ',')",
        "States.ArrayLength($.list, 2)",
    ],
)
def test_a_function_that_cannot_fails_with_its_own_error(text: str) -> None:
    """States.IntrinsicFailure can be caught; its cause names the whole call."""
    with pytest.raises(StatesError) as failure:
        evaluate(text)
    assert failure.value.error == INTRINSIC_FAILURE
    assert failure.value.by_interpreter
    assert str(failure.value.cause).startswith(f"The function '{text}' had the following error: ")


@pytest.mark.parametrize(("text", "field"), [("$.nope", "$.nope"), ("$$.nope", "$.nope"), ("$.list[9]", "$.list[9]")])
def test_a_missing_argument_ends_the_execution(text: str, field: str) -> None:
    """The cause names the outermost call, also where the argument is one of a nested call."""
    call = f"States.Format('{{}}', States.Array({text}))"
    with pytest.raises(StatesError) as failure:
        evaluate(call, {"list": []})
    assert failure.value.error == RUNTIME
    assert failure.value.cause == (
        f"The function '{call}' had the following error: The JsonPath argument for the field '{field}' "
        "could not be found in the input '{\"list\":[]}'"
    )


@pytest.mark.parametrize(
    "text",
    [
        "States.Nope()",
        "Format('a')",
        "States.Format",
        "States.Format('a'",
        "States.Format('a',)",
        "States.Format('a') b",
        "States.Format('a)",
        'States.Format("a")',
        r"States.Format('a\"b')",
        r"States.Format('a\')",
        "States.Format('a' 'b')",
        "States.Array(01)",
        "States.Array($.a[)",
        "States.Array(" * 11 + ")" * 11,
    ],
)
def test_what_is_no_call_is_refused(text: str) -> None:
    """Unknown functions, open quotes, unknown escapes and calls nested too deeply are errors of the definition."""
    with pytest.raises(ValueError, match=r"."):
        compile_intrinsic(text)


def test_long_texts_are_refused() -> None:
    """Base64 and Hash take 10,000 characters and not one more."""
    assert evaluate("States.Base64Encode($)", "x" * 10_000)
    with pytest.raises(StatesError, match="more than 10000 characters"):
        evaluate("States.Hash($, 'MD5')", "x" * 10_001)


def test_chance_comes_from_the_scope() -> None:
    """Each draw of a visit has a purpose of its own, so two calls differ and a seed repeats them."""
    purposes: list[str] = []

    def dice(purpose: str) -> float:
        purposes.append(purpose)
        return 0.25

    scope = Scope(dict, {}, dice)
    assert evaluate("States.MathRandom(10, 20)", scope=scope) == 12
    made = uuid.UUID(evaluate("States.UUID()", scope=scope))
    assert made.version == 4
    assert len(set(purposes)) == len(purposes)


@given(st.text(max_size=30))
def test_base64_comes_back(text: str) -> None:
    """Decoding what was encoded gives the text again."""
    assert evaluate("States.Base64Decode(States.Base64Encode($))", text) == text


@given(items=st.lists(st.integers(), max_size=12), size=st.integers(1, 5))
def test_a_partition_loses_nothing(items: list[int], size: int) -> None:
    """The chunks put together are the array, and all but the last are full."""
    chunks = evaluate("States.ArrayPartition($.items, $.size)", {"items": items, "size": size})
    assert [item for chunk in chunks for item in chunk] == items
    assert all(len(chunk) == size for chunk in chunks[:-1])


def test_a_format_does_not_grow_beyond_all_use() -> None:
    """A text that is put in again and again is refused before it is made."""
    many = 40
    call = f"States.Format('{'{}' * many}'{', $.text' * many})"
    with pytest.raises(StatesError, match="more than 4194304 characters") as caught:
        evaluate(call, {"text": "x" * 200_000})
    assert caught.value.error == INTRINSIC_FAILURE


@pytest.mark.parametrize(
    "call",
    [
        f"States.JsonToString(States.Array({', '.join(['$.text'] * 40)}))",
        f"States.JsonToString(States.Array({', '.join(['$'] * 40)}))",
        f"States.Array({', '.join(['States.ArrayRange(0, 999, 1)'] * 2_000)})",
        f"{'States.JsonToString(' * 9}$.quotes{')' * 9}",
        "States.JsonToString($..*)",
        "States.ArrayUnique($..*)",
        "States.Hash($..*, 'MD5')",
    ],
)
def test_what_a_call_makes_of_a_payload_has_an_end(call: str) -> None:
    """Arrays of the same value, matches that hold each other and escapes of escapes are refused unmade."""
    nested: JSON = {}
    for _ in range(150):
        nested = {"a": nested, "b": "x" * 1_000}
    with pytest.raises(StatesError, match="would have more than 4194304 characters") as caught:
        evaluate(call, {"text": "x" * 110_000, "quotes": '"' * 20_000, "nested": nested})
    assert caught.value.error == INTRINSIC_FAILURE


def test_many_paths_in_one_call_are_no_harm() -> None:
    """Their number does not count, only what they hold; a long array is written as a short one is."""
    assert evaluate(f"States.Array({', '.join(['$.n'] * 300)})") == [3] * 300
    assert evaluate("States.JsonToString($.l)", {"l": [*range(33), {"a": []}]}) == encode([*range(33), {"a": []}])
