"""Paths answer as Jayway's library does; jsonpath-ng is the witness where both follow the same rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonpath_ng.parser import parse as parse_ng

from stepsim.asl.errors import RESULT_PATH_MATCH_FAILURE, PathNotFound, StatesError
from stepsim.asl.expression import Scope
from stepsim.asl.jsonpath import compile_path, compile_reference_path
from stepsim.asl.payload import JSON

SHIP = {
    "name": "Ida",
    "decks": [{"no": 1, "cabins": [11, 12]}, {"no": 2, "cabins": []}, {"no": 3}],
    "crew": {"captain": {"name": "Ada", "age": 51}, "mate": {"name": "Bo", "age": 34}},
    "first-mate": "Bo",
    "größe": 7,
    "log": [0, 10, 20, 30, 40],
    "none": None,
}


def scope(context: JSON = None, variables: dict[str, JSON] | None = None) -> Scope:
    return Scope(lambda: context or {}, variables or {})


def read(path: str, document: JSON = SHIP) -> JSON:
    return compile_path(path)(document, scope())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", SHIP),
        ("$.name", "Ida"),
        ("$['crew']['mate'].age", 34),
        ('$["name"]', "Ida"),
        ("$.decks[0].cabins[-1]", 12),
        ("$.decks.[1].no", 2),
        ("$.first-mate", "Bo"),
        ("$.größe", 7),
        ("$.none", None),
        ("$.crew.mate['name','age']", {"name": "Bo", "age": 34}),
        ("$.crew.mate['name','rank']", {"name": "Bo"}),
        ("$.name ", "Ida"),
        ("$.log[", SHIP["log"]),
    ],
)
def test_a_definite_path_gives_one_value(path: str, value: JSON) -> None:
    """A path that can lead to one place only gives the value there, not a list."""
    assert compile_path(path).definite
    assert read(path) == value


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("$.decks[*].no", [1, 2, 3]),
        ("$.decks[*].cabins[*]", [11, 12]),
        ("$.decks[*].rooms", []),
        ("$.crew.*.name", ["Ada", "Bo"]),
        ("$.log[1:3]", [10, 20]),
        ("$.log[-2:]", [30, 40]),
        ("$.log[:-3]", [0, 10]),
        ("$.log[0:5:2]", [0, 10, 20, 30, 40]),
        ("$.log[3:1]", []),
        ("$.log[-2:2]", [30, 40, 0, 10]),
        ("$.log[1:-1]", []),
        ("$.log[4,0,9]", [40, 0]),
        ("$..age", [51, 34]),
        ("$.crew..name", ["Ada", "Bo"]),
        ("$..cabins[0]", [11]),
        ("$..nothing", []),
        ("$.crew[*]['name','age']", [{"name": "Ada", "age": 51}, {"name": "Bo", "age": 34}]),
        ("$.decks[*]['no','cabins'][0]", [11]),
    ],
)
def test_an_indefinite_path_gives_a_list(path: str, values: JSON) -> None:
    """A path that could lead to many places gives the list of what it found, also of one or none."""
    assert not compile_path(path).definite
    assert read(path) == values


def test_a_deep_scan_visits_parents_before_children() -> None:
    """What stands higher in the document comes first, branch by branch."""
    assert read("$..*", {"a": {"b": 1}, "c": [2]}) == [{"b": 1}, [2], 1, 2]
    assert read("$..x", {"x": {"x": 1}, "y": [{"x": 2}]}) == [{"x": 1}, 1, 2]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("$.speed", "No results for path: $['speed']"),
        ("$.log[9]", "No results for path: $['log'][9]"),
        ("$.log[-9].x", "No results for path: $['log'][-9]['x']"),
        ("$.speed.max", "Missing property in path $['speed']"),
        ("$.speed[*]", "Missing property in path $['speed']"),
        ("$.none[0]", "The path $['none'] is null"),
        ("$.größe[0]", "Filter: [0] can only be applied to arrays. Current context is: 7"),
        ("$.crew.mate[0]", "Filter: [0] can only be applied to arrays. Current context is: {name=Bo, age=34}"),
        (
            "$.name.x",
            "Expected to find an object with property ['x'] in path $['name'] but found 'java.lang.String'. "
            "This is not a json object according to the JsonProvider: "
            "'com.jayway.jsonpath.spi.json.JsonSmartJsonProvider'.",
        ),
        ("$.name[?(@.x)]", "Filter: [?] can not be applied to primitives. Current context is: Ida"),
    ],
)
def test_a_definite_head_that_leads_nowhere_is_explained(path: str, text: str) -> None:
    """The error of a missing value is the library's own text, which AWS lets through into causes."""
    with pytest.raises(PathNotFound) as failure:
        read(path)
    assert failure.value.args[0] == text


@pytest.mark.parametrize(
    "path",
    [
        *(
            "$.",
            "$..",
            "$.a..",
            "$. a",
            "$.a b",
            "$.a[]",
            "$.a[x]",
            "$.a[:]",
            "$.a[1:2",
            "$.a['b",
            "$.a['b',]",
            "$.a[?]",
        ),
        *("$.a[(@.length-1)]", "$.a[?(@.b ==)]", "$.a[?(@.b =~ /(/)]", "$.a.nofunction()", "$.a[99999999999]"),
        *("$.a[- 1]", "$.a[?(@.b == 'c)]", "$.a[?(@.b == c)]", "$.a[?(1)]", "$...a", "$.a[*"),
    ],
)
def test_what_is_no_path_is_refused_when_it_is_compiled(path: str) -> None:
    """Bad syntax is a ValueError at once, never a surprise in a run."""
    with pytest.raises(ValueError, match=r"."):
        compile_path(path)


def test_paths_start_at_the_input_the_context_or_a_variable() -> None:
    """One dollar is the input, two are the context object, a dollar and a name is a variable."""
    here = scope({"Execution": {"Name": "run-1"}}, {"limit": {"max": 3}, "größe": 1})
    assert compile_path("$$.Execution.Name")(SHIP, here) == "run-1"
    assert compile_path("$limit.max")(SHIP, here) == 3
    assert compile_path("$limit")(SHIP, here) == {"max": 3}
    assert compile_path("$größe")(SHIP, here) == 1
    assert compile_path("$limit.max").variable == "limit"
    assert compile_path("$$").is_context


def test_an_unknown_variable_ends_the_execution() -> None:
    """A variable that nothing assigned is a States.Runtime failure that names it."""
    with pytest.raises(StatesError) as failure:
        compile_path("$limit.max")(SHIP, scope())
    assert failure.value.terminal
    assert "$limit" in str(failure.value.cause)


def test_an_escaped_double_quote_in_single_quotes_keeps_its_backslash() -> None:
    """['a\\"b'] names a member with a backslash and a quote, ['a\\'b'] one with a quote alone."""
    assert read(r"""$['a\"b']""", {r"a\"b": 1}) == 1
    assert read(r"""$['a\'b']""", {"a'b": 2}) == 2
    assert read(r"""$['a\\b']""", {r"a\b": 3}) == 3


NAMES = st.sampled_from(["a", "b", "c"])
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
PLAIN_STEPS = st.lists(
    NAMES.map(lambda name: f".{name}") | st.integers(0, 2).map(lambda index: f"[{index}]"), max_size=4
)


@given(document=DOCUMENTS, steps=PLAIN_STEPS)
def test_definite_paths_agree_with_jsonpath_ng(document: JSON, steps: list[str]) -> None:
    """Where jsonpath-ng finds a value, we find the same one; where it finds none, we say so."""
    text = "$" + "".join(steps)
    # The witness takes an index of an object for one of its values' list; Jayway has no such thing.
    found = [match.value for match in parse_ng(text).find(document)] if _fits(document, steps) else []
    try:
        assert [compile_path(text)(document, scope())] == found
    except PathNotFound:
        assert found == []


def _fits(document: JSON, steps: list[str]) -> bool:
    value = document
    for step in steps:
        if step.startswith("["):
            index = int(step[1:-1])
            if not isinstance(value, list) or index >= len(value):
                return False
            value = value[index]
        elif isinstance(value, dict) and step[1:] in value:
            value = value[step[1:]]
        else:
            return False
    return True


@given(rows=st.lists(st.dictionaries(NAMES, DOCUMENTS, max_size=3), max_size=4), name=NAMES)
def test_columns_of_a_table_agree_with_jsonpath_ng(rows: list[JSON], name: str) -> None:
    """The members of all elements of an array come in the array's order, missing ones left out."""
    text = f"$.rows[*].{name}"
    document = {"rows": rows}
    assert read(text, document) == [match.value for match in parse_ng(text).find(document)]


@given(items=st.lists(st.integers(), max_size=6), start=st.integers(0, 7), stop=st.integers(0, 7))
def test_slices_from_the_front_agree_with_jsonpath_ng(items: list[int], start: int, stop: int) -> None:
    """Bounds that count from the front mean the same everywhere."""
    text = f"$[{start}:{stop}]"
    assert read(text, items) == [match.value for match in parse_ng(text).find(items)]


@given(document=DOCUMENTS)
def test_a_deep_scan_finds_every_member_of_a_name(document: JSON) -> None:
    """Nothing at any depth is left out or found twice."""
    found = read("$..a", document)
    assert len(found) == _count(document, "a")


def _count(value: JSON, name: str) -> int:
    if isinstance(value, dict):
        return (name in value) + sum(_count(inner, name) for inner in value.values())
    return sum(_count(inner, name) for inner in value) if isinstance(value, list) else 0


@pytest.mark.parametrize(
    ("path", "document", "expected"),
    [
        ("$", {"a": 1}, "new"),
        ("$.b", {"a": 1}, {"a": 1, "b": "new"}),
        ("$.a", {"a": 1}, {"a": "new"}),
        ("$.b.c.d", {"a": 1}, {"a": 1, "b": {"c": {"d": "new"}}}),
        ("$.a[1].b", {"a": [0, {"c": 1}]}, {"a": [0, {"c": 1, "b": "new"}]}),
        ("$['a b'][0]", {"a b": [1]}, {"a b": ["new"]}),
    ],
)
def test_put_makes_what_is_missing(path: str, document: JSON, expected: JSON) -> None:
    """ResultPath makes the objects that its way lacks."""
    assert compile_reference_path(path).put(document, "new") == expected


def test_put_copies_only_what_lies_on_the_way() -> None:
    """The document stays as it was, and what the way does not touch is shared."""
    document = {"kept": {"big": 1}, "changed": {"x": 1}}
    result = compile_reference_path("$.changed.y").put(document, 2)
    assert document == {"kept": {"big": 1}, "changed": {"x": 1}}
    assert result == {"kept": {"big": 1}, "changed": {"x": 1, "y": 2}}
    assert result["kept"] is document["kept"]


@pytest.mark.parametrize(("path", "document"), [("$.a", 5), ("$.a", None), ("$.a.b", {"a": 1}), ("$.a[3]", {"a": [1]})])
def test_put_fails_where_there_is_no_such_place(path: str, document: JSON) -> None:
    """What is neither an object nor an array long enough cannot take a value."""
    with pytest.raises(StatesError) as failure:
        compile_reference_path(path).put(document, 1)
    assert failure.value.error == RESULT_PATH_MATCH_FAILURE


@pytest.mark.parametrize(
    "path", ["a", "$$.a", "$v.a", "$.a[*]", "$..a", "$.a[-1]", "$.a[0,1]", "$.a[?(@.b)]", "$.a[1:]"]
)
def test_a_reference_path_names_one_place(path: str) -> None:
    """Whatever could match several places, or lies outside the input, is refused."""
    with pytest.raises(ValueError, match="reference path"):
        compile_reference_path(path)


@given(document=st.dictionaries(NAMES, DOCUMENTS, max_size=3), steps=st.lists(NAMES, min_size=1, max_size=3))
def test_what_was_put_can_be_read(document: JSON, steps: list[str]) -> None:
    """A value put in a place is found there."""
    path = compile_reference_path("$." + ".".join(steps))
    try:
        result = path.put(document, 42)
    except StatesError:
        return
    assert path.get(result, scope()) == 42


def test_scans_inside_scans_come_to_an_end() -> None:
    """A path that finds things again and again is told how many it may find."""
    nested: JSON = {}
    for _ in range(200):
        nested = {"a": nested}
    with pytest.raises(StatesError, match="matches more than 524288 times") as caught:
        read("$..*..*..*..*", nested)
    assert caught.value.error == "States.Runtime"


def test_large_inputs_are_scanned_whole() -> None:
    """What fits into a payload is found, all of it."""
    assert read("$..n", [{"n": n} for n in range(30_000)]) == list(range(30_000))
