from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepsim.asl.errors import StatesError
from stepsim.asl.payload import encode
from stepsim.runtime import items_csv
from stepsim.runtime.items_config import ReaderConfig
from stepsim.runtime.items_csv import read_csv, read_csv_records

FIRST_ROW = ReaderConfig("CSV")


def rows(text: str, config: ReaderConfig = FIRST_ROW) -> list[object]:
    return list(read_csv(io.BytesIO(text.encode()), config))


def values(text: str, delimiter: str = ",") -> list[list[str]]:
    config = ReaderConfig("CSV", "GIVEN", tuple("abcdefgh"), delimiter)
    return [list(row.values()) for row in read_csv(io.BytesIO(text.encode()), config)]


def only(text: str, delimiter: str = ",") -> list[str]:
    [row] = values(text, delimiter)
    while row and not row[-1]:
        row.pop()
    return row


def test_recorded_rows() -> None:
    """Missing trailing fields are empty, extra ones dropped, blanks kept, values always strings (recorded)."""
    text = "Col1,Col2,Col3\nValue1,Value2,Value3\n,,,\ntrue,1,'HelloWorld'\nNull,None,\n   \n"
    assert rows(text) == [
        {"Col1": "Value1", "Col2": "Value2", "Col3": "Value3"},
        {"Col1": "", "Col2": "", "Col3": ""},
        {"Col1": "true", "Col2": "1", "Col3": "'HelloWorld'"},
        {"Col1": "Null", "Col2": "None", "Col3": ""},
        {"Col1": "   ", "Col2": "", "Col3": ""},
    ]


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("H1,\nValue4,Value5,Value6\n", {"H1": "Value4", "": "Value5"}),
        ("0,True,{}\nValue4,Value5,Value6\n", {"0": "Value4", "True": "Value5", "{}": "Value6"}),
        ("\ufeffid\n7\n", {"\ufeffid": "7"}),
    ],
)
def test_headers_are_verbatim(text: str, item: dict[str, str]) -> None:
    """A header may be empty, a number, braces (recorded) or start with a byte order mark."""
    assert rows(text) == [item]


def test_given_headers_leave_the_first_row_an_item() -> None:
    """With CSVHeaderLocation GIVEN every row is an item."""
    assert rows("1,2\n3,4", ReaderConfig("CSV", "GIVEN", ("x", "y"))) == [{"x": "1", "y": "2"}, {"x": "3", "y": "4"}]


@pytest.mark.parametrize("config", [ReaderConfig("CSV", "GIVEN", ("H1", "H1")), FIRST_ROW])
def test_duplicate_headers_fail(config: ReaderConfig) -> None:
    """Duplicate headers fail the reader, given or read (recorded)."""
    with pytest.raises(StatesError) as failure:
        rows("a,a\n1,2\n", config)
    assert failure.value.error == "States.ItemReaderFailed"
    assert failure.value.cause == "CSV headers cannot contain duplicates."


def test_a_blank_line_is_an_item_of_empty_strings() -> None:
    """A blank line in the middle is an item, and a last line needs no newline (recorded)."""
    assert rows("a,b\n1,2\n\n3,4") == [{"a": "1", "b": "2"}, {"a": "", "b": ""}, {"a": "3", "b": "4"}]


def test_an_empty_file_has_no_items() -> None:
    """A file without a first row has no items."""
    assert rows("") == []


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ('"a,b","c\nd"', ["a,b", "c\nd"]),
        ('"say ""hi""",x', ['say "hi"', "x"]),
        ('{""MyKey"":""MyValue""},"[1,2,3]"', ['{"MyKey":"MyValue"}', "[1,2,3]"]),
        ('"""",{""a"":1},"",""""""', ['"', '{"a":1}', "", '""']),
        ('a\\,b,c\\\\d,e\\"f,g\\h', ["a,b", "c\\d", 'e"f', "gh"]),
        ('"x\\"y""z"",",q""', ['x"y"z",', 'q"']),
        ("C:\\\\Program Files\\\\MyApp.exe,6534512", ["C:\\Program Files\\MyApp.exe", "6534512"]),
        ("a\\", ["a"]),
        ("a,b\r\n", ["a", "b"]),
        ("ünï,😀", ["ünï", "😀"]),
    ],
)
def test_the_grammar(text: str, fields: list[str]) -> None:
    """Quotes, doubled quotes and backslashes mean what the developer guide says they mean."""
    assert only(text) == fields


def test_a_backslash_before_a_newline_is_removed() -> None:
    """A backslash does not escape a newline; an escaped backslash before one stays."""
    assert [row[0] for row in values("a\\\nb\\\\\r\nc\\\r\n")] == ["a", "b\\", "c"]
    assert only('"a\\\nb"') == ["a\nb"]


@pytest.mark.parametrize("delimiter", list(",|; \t"))
def test_a_delimiter_separates_and_can_be_escaped(delimiter: str) -> None:
    """Each delimiter separates, is text inside quotes and can be escaped; the others are text."""
    others = "".join({",", "|", ";"} - {delimiter})
    text = delimiter.join(["a", f'"b{delimiter}"', f"c\\{delimiter}", others, '{""x""}'])
    assert only(text, delimiter) == ["a", f"b{delimiter}", f"c{delimiter}", others, '{"x"}']


def test_large_headers_fail() -> None:
    """Headers may hold 10 KiB and no more."""
    name = "h" * 10240
    assert rows(f"{name}\n1\n") == [{name: "1"}]
    with pytest.raises(StatesError, match="10 KiB"):
        rows(f"{name}h\n1\n")


def test_a_large_field_is_read() -> None:
    """A field may be larger than the standard library's own limit."""
    assert only("x" * 200_000) == ["x" * 200_000]


def test_text_that_is_not_utf8_fails() -> None:
    """Bytes that are not UTF-8 fail the reader."""
    with pytest.raises(StatesError, match="not UTF-8"):
        list(read_csv(io.BytesIO(b"a\n\xff\xfe\n"), FIRST_ROW))


def test_the_stream_stays_open() -> None:
    """The reader leaves its stream to the caller."""
    stream = io.BytesIO(b"a\n1\n2\n")
    assert len(list(read_csv(stream, FIRST_ROW))) == 2
    assert not stream.closed


@pytest.mark.parametrize("text", ['a,b\n1,"2\n3,4\n', 'a\n"', 'a\n"x""'])
def test_quotes_that_are_never_closed_fail(text: str) -> None:
    """They would hide all rows behind them in one field."""
    with pytest.raises(StatesError, match="ends inside quotes"):
        rows(text)


@pytest.mark.parametrize(
    "text",
    [
        '"a","b"\n"c","d"\n',
        '"a","b"\r\n"c","d"\r\n',
        '"a","x\ny"\n"","d"\n',
        '"a","\n","b"\n',
        '"a","\n"\n',
        '"a\r\n","b"\n',
        '"a"\n\n"b"\n',
        '"\n"\n',
        '"a,b","c"",""d"\n',
        '"a"",","b"\n',
        '"",""\n"a"\n',
        '"a" ,"b"\n',
    ],
)
def test_enclosed_fields_are_split_as_they_are_read(text: str) -> None:
    """Rows all of whose fields are enclosed are those that the standard library's reader finds."""
    read = [row[:4] + [""] * (4 - len(row)) for row in csv.reader(io.StringIO(text, newline=""))]
    config = ReaderConfig("CSV", "GIVEN", tuple("abcd"))
    assert [list(item.values()) for item in read_csv(io.BytesIO(text.encode()), config)] == read


class Trickle(io.BytesIO):
    """A stream that gives seven bytes at a time, so that each record lies across the edge of a piece."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(7)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_pieces_do_not_show(newline: str) -> None:
    """Rows are the same however the bytes arrive, whether a piece has quotes in it or none."""
    lines = [
        "name,text",
        "plain,1",
        '"quo,ted","two\nlines"',
        "",
        "ünï\\,x,y",
        '{""a"":1},z',
        "last one,of all,dropped",
    ]
    text = newline.join(lines * 3)
    whole = rows(text)
    assert list(read_csv(Trickle(text.encode()), FIRST_ROW)) == whole
    assert whole[:6] == [
        {"name": "plain", "text": "1"},
        {"name": "quo,ted", "text": "two\nlines"},
        {"name": "", "text": ""},
        {"name": "ünï,x", "text": "y"},
        {"name": '{"a":1}', "text": "z"},
        {"name": "last one", "text": "of all"},
    ]


def test_a_row_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file without newlines fails the reader instead of filling the memory."""
    monkeypatch.setattr(items_csv, "MAX_ITEM_BYTES", 64)
    monkeypatch.setattr(items_csv, "_PIECE", 16)
    with pytest.raises(StatesError, match="larger than 8 MB"):
        rows("x" * 1000)


FIELD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=8)


@given(st.lists(st.lists(FIELD, min_size=3, max_size=3), max_size=6), st.sampled_from(",|; \t"))
def test_what_was_quoted_comes_back(table: list[list[str]], delimiter: str) -> None:
    """Any text comes back from a file whose fields are all enclosed, quotes doubled and backslashes escaped."""
    text = "\n".join(
        delimiter.join('"' + f.replace("\\", "\\\\").replace('"', '""') + '"' for f in row) for row in table
    )
    config = ReaderConfig("CSV", "GIVEN", ("x", "y", "z"), delimiter)
    assert [list(item.values()) for item in read_csv(io.BytesIO(text.encode()), config)] == table


@given(
    text=st.text(alphabet='ab"\\,\n\r é\x01', max_size=60),
    headers=st.lists(st.text(alphabet='ab"\\é\x01$ ', max_size=3), min_size=1, max_size=4, unique=True),
)
def test_records_are_written_as_the_objects_are(text: str, headers: list[str]) -> None:
    """Whatever the headers are called, and however many fields a row has."""
    config = ReaderConfig("CSV", "GIVEN", tuple(headers))
    try:
        objects = list(read_csv(io.BytesIO(text.encode()), config))
    except StatesError:
        return
    records = list(read_csv_records(io.BytesIO(text.encode()), config))
    assert [encode(record) for record in records] == [encode(item) for item in objects]


def test_very_wide_rows_have_records_too() -> None:
    """They are the objects themselves."""
    text = ",".join(f"c{n}" for n in range(300)) + "\n1,2\n"
    [record] = read_csv_records(io.BytesIO(text.encode()), FIRST_ROW)
    assert record == rows(text)[0]
