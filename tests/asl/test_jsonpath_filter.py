"""Filters compare as Jayway's library does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepsim.asl.errors import StatesError
from stepsim.asl.expression import Scope
from stepsim.asl.jsonpath import compile_path
from stepsim.asl.payload import JSON

SHOP = {
    "limit": 10,
    "goods": [
        {"id": "p", "price": 5, "tags": ["red", "big"], "stock": {"here": 1}},
        {"id": "q", "price": 12.5, "tags": [], "sold": True},
        {"id": "R", "price": None, "tags": ["red"]},
        {"id": "s"},
    ],
    "single": {"id": "one", "price": 3},
    "numbers": [1, 2, 3, "2", None, True],
    "lists": [[1, 2], [1.0, 2], {"a": 1}],
}


def ids(criteria: str) -> JSON:
    return compile_path(f"$.goods[?({criteria})].id")(SHOP, Scope(dict, {}))


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ("@.price", "pqR"),
        ("!@.price", "s"),
        ("@.price > 5", "q"),
        ("@.price >= 5", "pq"),
        ("@.price < 12.5", "p"),
        ("@.price <= $.limit", "p"),
        ("@.price > '1'", ""),
        ("@.price == '5'", "p"),
        ("@.price == null", "R"),
        ("@.price != null", "pqs"),
        ("@.price === 5", "p"),
        ("@.price === '5'", ""),
        ("@.price !== '5'", "pqRs"),
        ("@.sold == true", "q"),
        ("@.sold == 'true'", ""),
        ("@['id'] == \"p\"", "p"),
        ("'p' == @.id", "p"),
        ("@.id =~ /[a-q]/", "pq"),
        ("@.id =~ /r/i", "R"),
        ("@.id =~ /x?/", ""),
        ("@.tags =~ /b.*/", "p"),
        ("@.id in ['p', 's']", "ps"),
        ('@.id IN ["p"]', "p"),
        ("@.id nin ['p', 's']", "qR"),
        ("'big' in @.tags", "p"),
        ("@.tags size 1", "R"),
        ("@.id size 1", "pqRs"),
        ("@.tags empty true", "q"),
        ("@.tags empty false", "pR"),
        ("@.tags contains 'red'", "pR"),
        ("@.id contains 'q'", "q"),
        ("@.tags subsetof ['red', 'blue']", "qR"),
        ("@.tags anyof ['big', 'blue']", "p"),
        ("@.tags noneof ['big']", "qR"),
        ("@.tags all ['red']", ""),
        ("['p', 's'] contains @.id", "ps"),
        ("@.price > 4 && @.price < 6", "p"),
        ("@.price > 6 || @.id == 's'", "qs"),
        ("@.id == 's' || @.price && @.tags[0] == 'red'", "pRs"),
        ("!(@.price > 6)", "pRs"),
        ("(@.price > 6) || (!@.price)", "qs"),
        ("@.stock.here == 1", "p"),
        ("@.stock.there", ""),
        ("@.tags.length() == 2", "p"),
        ("@.price==5", "p"),
        ("@.tags == ['red']", "R"),
        ("@.stock == {'here': 1}", "p"),
    ],
)
def test_a_filter_keeps_the_elements_that_pass(criteria: str, expected: str) -> None:
    """What cannot be compared does not pass; a number and its text are equal, but have no order."""
    assert ids(criteria) == list(expected)


def read(path: str) -> JSON:
    return compile_path(path)(SHOP, Scope(dict, {}))


def test_a_filter_on_an_object_tests_the_object_itself() -> None:
    """It is kept or not as a whole; its members are not looked through."""
    assert read("$.single[?(@.price == 3)]") == [SHOP["single"]]
    assert read("$.single[?(@ == 3)]") == []


def test_the_element_itself_can_be_compared() -> None:
    """@ alone is the element; booleans and null are no numbers."""
    assert read("$.numbers[?(@ > 1)]") == [2, 3]
    assert read("$.numbers[?(@ == 2)]") == [2, "2"]
    assert read("$.numbers[?(@ == true)]") == [True]


def test_arrays_are_equal_as_in_java() -> None:
    """1 and 1.0 differ inside an array, and a literal on the left is equal to nothing."""
    assert read("$.lists[?(@ == [1, 2])]") == [[1, 2]]
    assert read("$.lists[?([1, 2] == @)]") == []


def test_a_scan_tests_every_object() -> None:
    """Below .. the filter is tried on objects at every depth, never on the arrays that hold them."""
    assert read("$..[?(@.here)]") == [{"here": 1}]
    assert read("$..[?(@.price < 10)].id") == ["p", "one"]


SCALARS = st.sampled_from(
    [None, True, False, 0, 1, 1.0, 1.5, 10**20, "", "1", "1.0", "1.5", "01", "1e0", "true", "null"]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=40)
@given(st.lists(VALUES, min_size=9, max_size=20), st.lists(VALUES, min_size=1, max_size=20))
def test_membership_in_a_long_array_is_equality_with_one_of_its_elements(
    allowed: list[JSON], tested: list[JSON]
) -> None:
    """However often an array is asked, it holds what == finds equal, also beside literals, and nothing else."""
    document = {"allowed": allowed, "tested": tested, "none": None}

    def found(path: str, subject: JSON) -> JSON:
        return compile_path(path)(subject, Scope(dict, {}))

    def equal(left: JSON, right: JSON) -> bool:
        return bool(found("$.left[?(@ == $.right)]", {"left": [left], "right": right}))

    expected = [item for item in tested if any(equal(item, other) for other in allowed)]
    assert found("$.tested[?(@ in $.allowed)]", document) == expected
    assert found("$.tested[?($.allowed contains @)]", document) == expected
    assert found("$.tested[?(!(@ nin $.allowed))]", document) == expected
    assert found("$[?(@.tested anyof @.allowed)]", [document] * 3) == [document] * (3 if expected else 0)


def over(count: int, criteria: str, **others: JSON) -> JSON:
    items = [{"k": number, "s": "a" * 28} for number in range(count)]
    return compile_path(f"$.items[?({criteria})].k")({"items": items, **others}, Scope(dict, {}))


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|aa)*(a|aa)*b", "(?=a)(a+)+b", r"(a*)*\1b"])
def test_a_pattern_that_backtracks_comes_to_an_end(pattern: str) -> None:
    """Nothing matches, and that is found out for thousands of items, with lookahead and back references too."""
    assert over(5_500, f"@.s =~ /{pattern}/") == []


def test_a_pattern_that_cannot_be_matched_in_time_is_refused() -> None:
    """What is left to backtracking ends the execution when it takes long."""
    with pytest.raises(StatesError, match="takes too long") as failure:
        compile_path("$[?(@ =~ /(?!x)(a|b|ab)*(b|a|ba)*\\1{3}c|(?!y)((a?b?)+)+d[ab]*c/)]")(
            ["abbabaab" * 500 + "d" + "abb" * 9_000], Scope(dict, {})
        )
    assert failure.value.error == "States.Runtime"


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        (r"\d+", "12", True),
        (r"\d+", "٣", False),
        (r"\w+", "é", False),
        (r"(?<n>a)\k<n>", "aa", True),
        (r"a++b", "aab", True),
        (r"\p{Alpha}+", "ab", True),
        (r"(?!no).*", "nothing", False),
        (r"\u00e9", "é", True),
        (r".", "\ud800", True),
        (r"a{1,2000}", "a" * 1500, True),
    ],
)
def test_patterns_are_java_s(pattern: str, text: str, matches: bool) -> None:
    """Digits and letters are ASCII; lookaround, back references and possessive quantifiers are known."""
    assert compile_path(f"$[?(@ =~ /{pattern}/)]")([text], Scope(dict, {})) == ([text] if matches else [])


def test_flags_change_what_a_pattern_matches() -> None:
    """i ignores case, s lets a dot match a line's end, x ignores blanks, U makes classes Unicode."""
    for pattern, text in (("/AB/i", "ab"), ("/a.b/s", "a\nb"), ("/a b/x", "ab"), (r"/\w/U", "é"), ("/A.B|c/is", "C")):
        assert compile_path(f"$[?(@ =~ {pattern})]")([text], Scope(dict, {})) == [text]


def test_a_pattern_must_be_one() -> None:
    """What no engine reads is refused with the definition."""
    with pytest.raises(ValueError, match="Pattern"):
        compile_path("$[?(@ =~ /a)(b/)]")


def test_paths_of_the_document_are_read_once() -> None:
    """Filters in filters that start at $ take no longer than the sum of them."""
    criteria = "@.k in $.items[?(@.k in $.items[?(@.k > 3 && @.k in $.items[*].k)].k)].k"
    assert over(5_500, criteria) == list(range(4, 5_500))


@pytest.mark.parametrize(
    "criteria",
    [
        " || ".join(["@.k == -1"] * 500),
        " || ".join(["$.n[0] == -1"] * 1_000),
        "@.k.sum($.n) == 1",
        "@.concat($.n) == 1",
        "$.text contains @.s",
    ],
)
def test_a_filter_that_takes_too_many_steps_is_refused(criteria: str) -> None:
    """Steps are counted, so that the same filter is refused everywhere."""
    with pytest.raises(StatesError, match="The path takes more than 2097152 steps") as failure:
        over(5_500, criteria, n=list(range(20_000)), text="b" * 100_000)
    assert failure.value.error == "States.Runtime"


def test_filters_of_whole_payloads_are_answered() -> None:
    """As many elements as a payload can have pass through five comparisons, or a regular expression."""
    digits = [number % 10 for number in range(131_072)]
    expected = [digit for digit in digits if digit in (1, 2, 4)]
    assert compile_path("$[?(@ > 0 && @ < 5 && @ != 3 && @ != 8 && @ < 9)]")(digits, Scope(dict, {})) == expected
    assert compile_path("$[?(@ =~ /[124]/)]")(digits, Scope(dict, {})) == expected


def test_a_slice_may_begin_far_before_the_array() -> None:
    """Indexes that no array has are not looked for."""
    assert compile_path("$[-2000000000:1]")([1, 2], Scope(dict, {})) == [1, 2, 1]
