from __future__ import annotations

import io
import json
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepsim.asl.errors import StatesError
from stepsim.runtime import items_json
from stepsim.runtime.items_config import ReaderConfig
from stepsim.runtime.items_json import NO_MATCH, NOT_ITERABLE, Pair, read_json, read_jsonl

NESTED = {"a": [1, {"skip": ']}"\\'}], "data": {"items": [{"x": 1}, 2], "m~/n": {"k": []}}, "n": -1.5, "s": '\\"'}

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=10,
)


class Trickle(io.BytesIO):
    """A stream that gives three bytes at a time, so that every value lies across the window's edge."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(3)


def items(body: bytes, pointer: str = "") -> list[object]:
    return list(read_json(io.BytesIO(body), ReaderConfig("JSON", items_pointer=pointer)))


def cause(stream: BinaryIO, pointer: str = "") -> str:
    with pytest.raises(StatesError) as failure:
        list(read_json(stream, ReaderConfig("JSON", items_pointer=pointer)))
    assert failure.value.error == "States.ItemReaderFailed"
    return str(failure.value.cause)


def test_an_array_gives_its_elements() -> None:
    """The elements of a JSON array are the items, integers exact."""
    assert items(b' [1, "two", [3], {"four": 4}, 12345678901234567890, null ] \n') == [
        1,
        "two",
        [3],
        {"four": 4},
        12345678901234567890,
        None,
    ]
    assert items(b"[]") == []


def test_an_object_gives_its_members() -> None:
    """The members of a JSON object are the items; before 2025 an object could not be mapped over (recorded)."""
    assert items(b'{"b": 1, "a": [2]}') == [Pair("b", 1), Pair("a", [2])]
    with pytest.raises(StatesError, match=r"Attempting to map over non-iterable node\."):
        list(read_json(io.BytesIO(b'{"Hello": "world"}'), ReaderConfig("JSON"), pairs=False))


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        ("/data/items", [{"x": 1}, 2]),
        ("/a", [1, {"skip": ']}"\\'}]),
        ("/a/1", [Pair("skip", ']}"\\')]),
        ("/data/m~0~1n", [Pair("k", [])]),
        ("/data/m~0~1n/k", []),
    ],
)
def test_a_pointer_leads_into_the_document(pointer: str, found: list[object]) -> None:
    """ItemsPointer is a JSON Pointer through objects and arrays."""
    assert items(json.dumps(NESTED).encode(), pointer) == found
    assert list(read_json(Trickle(json.dumps(NESTED).encode()), ReaderConfig("JSON", items_pointer=pointer))) == found


@pytest.mark.parametrize("pointer", ["/no", "/data/no", "/a/2", "/a/x", "/n/0", "/a/1/skip/0", "data", "/data/"])
def test_a_pointer_that_leads_nowhere_fails(pointer: str) -> None:
    """A pointer without a match fails with AWS's text."""
    assert cause(io.BytesIO(json.dumps(NESTED).encode()), pointer) == NO_MATCH


@pytest.mark.parametrize(("body", "pointer"), [(b'"text"', ""), (b"12", ""), (b"null", ""), (b'{"a": 1}', "/a")])
def test_a_scalar_cannot_be_mapped_over(body: bytes, pointer: str) -> None:
    """What is neither array nor object fails with AWS's text (recorded)."""
    assert cause(io.BytesIO(body), pointer) == NOT_ITERABLE


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"[1, 2",
        b"[1 2]",
        b"[1,]",
        b"[NaN]",
        b"[1] 2",
        b"hello",
        b'{"a" 1}',
        b'{"a": 1, b}',
        b'["unterminated',
        b"[tru",
        b'[{"a": }]' + b" " * 100,
        b'["\xff"]',
    ],
)
@pytest.mark.parametrize("stream", [io.BytesIO, Trickle])
def test_what_is_not_json_fails(body: bytes, stream: type[io.BytesIO]) -> None:
    """A broken document fails the reader, wherever it breaks."""
    assert cause(stream(body)).startswith("The JSON file is not")


@pytest.mark.parametrize("body", [b'{"a": "unterminated', b'{"a": [1, 2', b'{"a": "x\\', b'{"a": 1'])
def test_a_document_that_ends_while_it_is_skipped_fails(body: bytes) -> None:
    """The end of the text inside of what is passed by is an error, not a missing path."""
    assert "ends inside a value" in cause(io.BytesIO(body), "/b")


def test_an_error_says_where() -> None:
    """A broken element is found where it is, not at the end of the file."""
    assert cause(io.BytesIO(b"[1, {2}, 3]" + b" " * 100)).endswith("(character 5).")


def test_an_item_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """An item beyond the limit fails the reader instead of filling the memory."""
    monkeypatch.setattr(items_json, "MAX_ITEM_BYTES", 64)
    assert "larger than 8 MB" in cause(Trickle(b'["' + b"x" * 1000 + b'"]'))
    with pytest.raises(StatesError, match=r"Line 2 .* larger than 8 MB"):
        list(read_jsonl(Trickle(b"1\n" + b"9" * 1000), ReaderConfig("JSONL")))


def test_deep_nesting_fails() -> None:
    """An item nested beyond all bounds fails the reader."""
    assert "nested too deeply" in cause(io.BytesIO(b"[" * 100_000))


@given(JSON_VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_reading_is_decoding(value: object, ascii_only: bool, indent: int | None) -> None:
    """However the bytes arrive, the items are those of the decoded document, and a pointer passes the rest by."""
    text = json.dumps([value, value], ensure_ascii=ascii_only, indent=indent).encode()
    assert list(read_json(Trickle(text), ReaderConfig("JSON"))) == [value, value]
    wrapped = json.dumps({"skipped": value, "here": [value]}, ensure_ascii=ascii_only, indent=indent).encode()
    assert list(read_json(Trickle(wrapped), ReaderConfig("JSON", items_pointer="/here"))) == [value]


def test_json_lines() -> None:
    """Each line is an item; a last line needs no newline, and blank ones are passed over."""
    body = b'{"a": 1}\r\n\n[2]\n  \n"\xc3\xbc"\n"\\ud800"\nnull'
    expected = [{"a": 1}, [2], "ü", "\ud800", None]
    assert list(read_jsonl(io.BytesIO(body), ReaderConfig("JSONL"))) == expected
    assert list(read_jsonl(Trickle(body), ReaderConfig("JSONL"))) == expected


@pytest.mark.parametrize("body", [b'1\n{"a"\n', b'1\n{"a"', b"1\n1 2\n", b"1\nNaN\n"])
def test_a_line_that_is_not_json_fails(body: bytes) -> None:
    """A broken line is named by its number."""
    with pytest.raises(StatesError, match="Line 2 of the JSONL file is not valid JSON"):
        list(read_jsonl(io.BytesIO(body), ReaderConfig("JSONL")))
