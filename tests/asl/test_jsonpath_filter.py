"""Filters compare as Jayway's library does."""

from __future__ import annotations

import pytest

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
