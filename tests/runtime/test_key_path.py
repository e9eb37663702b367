from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepsim.runtime.key_path import format_key_path, parse_key_path


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("seed", ("seed",)),
        ("cloud.buckets.bank-statements.generate.count", ("cloud", "buckets", "bank-statements", "generate", "count")),
        ('functions."My Fn".errors."A.B"', ("functions", "My Fn", "errors", "A.B")),
        ("faults[0].probability", ("faults", "0", "probability")),
        ("faults.0.probability", ("faults", "0", "probability")),
        ("arn:aws:x", ("arn:aws:x",)),
    ],
)
def test_a_path_is_its_segments(text: str, segments: tuple[str, ...]) -> None:
    """Segments are separated by dots, quoted where they hold one, and indexes stand in brackets or alone."""
    assert parse_key_path(text) == segments


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", "a b", "a[x]", "[0]", 'a."b', "a=b"])
def test_other_texts_are_no_paths(text: str) -> None:
    """A text that is no path is refused with an example of one."""
    with pytest.raises(ValueError, match="is not a path such as"):
        parse_key_path(text)


@given(st.lists(st.text(st.characters(exclude_characters='"'), min_size=1), min_size=1))
def test_a_written_path_reads_back(names: list[str]) -> None:
    """What is formatted parses to the same segments, whatever the names hold."""
    assert parse_key_path(format_key_path(tuple(names))) == tuple(names)


def test_an_index_is_written_in_brackets() -> None:
    """Indexes and names are told apart."""
    assert format_key_path(("faults", 2, "error", "A.B")) == 'faults[2].error."A.B"'
