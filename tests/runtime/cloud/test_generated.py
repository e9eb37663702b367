from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepsim.runtime.cloud.generated import Generated

MOMENT = datetime(2026, 1, 5, tzinfo=UTC)


def made(pattern: str, count: int, size: int | None = None) -> Generated:
    return Generated(pattern, count, lambda n: b"%03d" % n, MOMENT, size=size)


patterns = st.sampled_from(["f/{n:06d}.csv", "f/{n}.csv", "{n}", "a{n:3}b", "x{n:04x}", "{n:02d}/{n}.txt", "p{{{n}}}"])


@given(patterns, st.integers(0, 1200))
def test_a_key_leads_back_to_its_number(pattern: str, count: int) -> None:
    """find() inverts the pattern for each object, and knows no other key."""
    objects = made(pattern, count)
    assert [objects.find(pattern.format(n=n)) for n in range(count)] == list(range(count))
    assert objects.find(pattern.format(n=count)) is None
    assert objects.find("something else") is None


@given(patterns, st.integers(0, 1200), st.text("f/0123456789x", max_size=4), st.text("f/0123456789x", max_size=4))
def test_listing_is_sorted_filtered_and_complete(pattern: str, count: int, prefix: str, after: str) -> None:
    """summaries() is what sorting and filtering all keys would give."""
    listed = [summary.key for summary in made(pattern, count, 3).summaries(prefix, after)]
    keys = sorted(pattern.format(n=n) for n in range(count))
    assert listed == [key for key in keys if key.startswith(prefix) and key > after]


def test_a_single_object_may_have_a_key_without_a_number() -> None:
    """It is found and listed by it; several objects of one key are refused."""
    objects = made("orders.csv", 1, 3)
    assert (objects.find("orders.csv"), objects.find("orders.csv0")) == (0, None)
    assert [summary.key for summary in objects.summaries("", "")] == ["orders.csv"]
    with pytest.raises(ValueError, match="A key pattern needs"):
        made("orders.csv", 2)


def test_listing_object_and_body_agree() -> None:
    """The listing's size and ETag are those of the object, whose body is made anew on each read."""
    objects = Generated("{n}", 12, lambda n: b"x" * n, MOMENT)
    for summary in objects.summaries("", ""):
        stored = objects.stored(int(summary.key))
        assert (len(stored.body), stored.etag, stored.modified) == (summary.size, summary.etag, summary.last_modified)
    assert len({summary.etag for summary in objects.summaries("", "")}) == 12


def test_a_body_is_made_once_for_its_size() -> None:
    """A second listing makes no bodies, and with a size given no listing makes any."""
    made_for: list[int] = []

    def body(n: int) -> bytes:
        made_for.append(n)
        return b"abc"

    measured = Generated("{n}", 3, body, MOMENT)
    assert [summary.size for _ in range(2) for summary in measured.summaries("", "")] == [3] * 6
    assert made_for == [0, 1, 2]
    told = Generated("{n}", 3, body, MOMENT, size=lambda n: n + 1)
    assert [summary.size for summary in told.summaries("", "")] == [1, 2, 3]
    assert made_for == [0, 1, 2]


def test_a_body_must_keep_its_promises() -> None:
    """A body of another size, or one that isn't bytes, is an error that names the object."""
    with pytest.raises(ValueError, match=r"f1 was said to have 4 bytes, and has 3\."):
        Generated("f{n}", 2, lambda n: b"abc", MOMENT, size=4).stored(1)
    with pytest.raises(TypeError, match="f0 is made as str"):
        Generated("f{n}", 2, lambda n: "abc", MOMENT).stored(0)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize("pattern", ["plain", "{m}", "{n!r}", "{n:<6}", "{n:+d}"])
def test_other_patterns_are_refused(pattern: str) -> None:
    """A pattern without {n}, or one that doesn't keep numbers apart, is an error."""
    with pytest.raises(ValueError, match="key pattern"):
        made(pattern, 3)


@pytest.mark.parametrize(
    "pattern",
    ["{n}", "{n:d}", "{n:4}", "{n:06}/x", "100%/{n:06d}", "%s{{a}}{n:x}", "{n:04X}-{n}", "{n:0}", "{n:3d}%d.json"],
)
def test_keys_are_written_as_format_writes_them(pattern: str) -> None:
    """Whatever else stands in a pattern, {n} is what Python's format makes of it."""
    assert [summary.key for summary in made(pattern, 12).summaries("", "")] == sorted(
        pattern.format(n=n) for n in range(12)
    )
