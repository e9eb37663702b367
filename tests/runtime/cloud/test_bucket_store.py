from __future__ import annotations

from datetime import UTC, datetime
from hashlib import md5
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepsim.runtime.cloud.bucket_store import BucketStore
from stepsim.runtime.cloud.generated import Generated
from stepsim.runtime.cloud.stored import Stored

MOMENT = datetime(2026, 1, 5, tzinfo=UTC)


class Shown:
    def __init__(self, stored: Stored) -> None:
        self.stored = stored


def stored(body: bytes) -> Stored:
    return Stored(body, md5(body).digest(), MOMENT, None, None, True)


def store(generated: int = 0) -> BucketStore:
    made = BucketStore(lambda _key, each, _store: Shown(each), lambda _versions, _store: None)
    if generated:
        made.generate(Generated("{n}", generated, lambda n: b"%d" % n, MOMENT))
    return made


keys = st.text("0123ab/", min_size=1, max_size=4)
changes = st.lists(st.tuples(st.sampled_from(["put", "delete"]), keys), max_size=40)


def changed(count: int, steps: list[tuple[str, str]]) -> tuple[BucketStore, dict[str, bytes]]:
    """A store after the steps, and a plain dict after the same."""
    made, model = store(count), {str(n): b"%d" % n for n in range(count)}
    for number, (step, key) in enumerate(steps):
        if step == "put":
            made.put(key, stored(b"new%d" % number))
            model[key] = b"new%d" % number
        else:
            assert made.delete(key) == (model.pop(key, None) is not None)
    return made, model


@given(st.integers(0, 130), changes)
def test_it_behaves_like_a_dict(count: int, steps: list[tuple[str, str]]) -> None:
    """Whatever was put and deleted, over generated objects too, it holds what a dict would."""
    made, model = changed(count, steps)
    assert len(made) == len(model)
    assert [summary.key for summary in made.summaries()] == sorted(model)
    for key in {key for _, key in steps} | set(model):
        entry = made.read(key)
        assert (entry.body if isinstance(entry, Stored) else None) == model.get(key)
        assert (key in made) == (key in model)
        shown: Any = made.get(key)
        assert (shown.stored.body if shown else None) == model.get(key)


def expected_page(keys: list[str], prefix: str, delimiter: str, after: str, limit: int) -> tuple[list[str], bool]:
    """A page, by the book: roll up, sort, drop what is not after the marker, cut."""
    names = set()
    for key in keys:
        if key.startswith(prefix):
            end = key.find(delimiter, len(prefix)) if delimiter else -1
            names.add(key if end < 0 else key[: end + len(delimiter)])
    rest = sorted(name for name in names if name > after)
    return rest[:limit], len(rest) > limit


@given(st.integers(0, 130), changes, st.sampled_from(["", "1", "a/"]), st.sampled_from(["", "/", "1"]), keys)
def test_pages_follow_the_book(
    count: int, steps: list[tuple[str, str]], prefix: str, delimiter: str, after: str
) -> None:
    """Pages of any size, with prefixes rolled up or not, are those of a sorted list."""
    made, model = changed(count, steps)
    for limit in (1, 3, 1000):
        objects, folders, last = made.page(prefix, delimiter, after, limit)
        names = sorted([*(summary.key for summary in objects), *folders])
        assert (names, last is not None) == expected_page(list(model), prefix, delimiter, after, limit)
        assert last is None or last == names[-1]


def test_a_long_walk_survives_changes() -> None:
    """Reading on while objects come and go misses none that stayed."""
    made = store(2500)
    walk = made.iter_summaries()
    seen = [next(walk).key for _ in range(10)]
    made.put("zz", stored(b""))
    made.delete("2")
    seen.extend(summary.key for summary in walk)
    assert len(seen) == len(set(seen))
    assert {"zz", *(str(n) for n in range(2500) if n != 2)} <= {*seen, "2"}


def test_generated_ranges_must_not_meet() -> None:
    """A key that two ranges would make is an error."""
    made = store(10)
    with pytest.raises(ValueError, match="key in common"):
        made.generate(Generated("{n:1d}", 3, lambda n: b"", MOMENT))


def test_generated_objects_replace_stored_ones() -> None:
    """What stood under a generated key is gone."""
    made = store()
    made.put("1", stored(b"old"))
    made.put("x", stored(b"kept"))
    made.generate(Generated("{n}", 3, lambda n: b"new", MOMENT))
    assert [(summary.key, summary.size) for summary in made.summaries()] == [("0", 3), ("1", 3), ("2", 3), ("x", 4)]
