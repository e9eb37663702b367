from __future__ import annotations

from pathlib import Path

import pytest

from stepsim.runtime.generators import GeneratorError, body_maker

DATA = """
from sizes import SIZE

def rows(n, random):
    return f"{n},{random.randrange(SIZE)}".encode()

def text(n, random):
    return "text"

def same_rows(n, random):
    return rows(n, random)

def broken(n, random):
    raise KeyError(n)


def pieces(n, random):
    yield str(n).encode()
    if n == 4:
        raise KeyError(n)
    yield str(n) if n == 3 else str(n).encode()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data.py").write_text(DATA)
    (tmp_path / "sizes.py").write_text("SIZE = 10**12")
    return tmp_path


def test_a_body_depends_on_seed_module_and_n_alone(folder: Path) -> None:
    """A body is the same whenever it is read, and another for another seed or n."""
    make = body_maker("data:rows", 1, "b", folder)
    again = body_maker("data:rows", 1, "b", folder)
    assert make(7) == again(7) == make(7)
    assert bytes(make(7))[:2] == b"7,"  # type: ignore[arg-type]  # it is whole
    other_seed = body_maker("data:rows", 2, "b", folder)
    assert len({make(7), other_seed(7), make(8)}) == 3


def test_a_body_may_come_in_pieces(folder: Path) -> None:
    """A generator that yields makes its object piece by piece; a piece that is no bytes, or a failure, is named."""
    make = body_maker("data:pieces", 1, "b", folder)
    assert list(make(2)) == [b"2", b"2"]
    with pytest.raises(GeneratorError, match=r"data:pieces of bucket b yielded str for n = 3, not bytes"):
        list(make(3))
    with pytest.raises(GeneratorError, match=r"data:pieces of bucket b failed for n = 4: KeyError: 4"):
        list(make(4))


def test_generators_of_a_module_share_their_chance(folder: Path) -> None:
    """Two buckets' objects of the same n can tell of the same things: their functions get the same stream."""
    make, same = body_maker("data:rows", 1, "b", folder), body_maker("data:same_rows", 1, "c", folder)
    assert make(7) == same(7)


def test_two_scenarios_may_each_have_a_data_module(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Another scenario's data.py is another module."""
    other = tmp_path_factory.mktemp("other")
    (other / "data.py").write_text("def rows(n, random): return b'other'")
    assert body_maker("data:rows", 1, "b", folder)(0) != b"other"
    assert body_maker("data:rows", 1, "b", other)(0) == b"other"


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("data:text", "Generator data:text of bucket b returned str for n = 3, not bytes"),
        ("data:broken", "Generator data:broken of bucket b failed for n = 3: KeyError: 3"),
    ],
)
def test_a_failing_generator_is_named_with_its_n(folder: Path, reference: str, message: str) -> None:
    """A generator's failure names the generator, the bucket and n."""
    with pytest.raises(GeneratorError) as failure:
        body_maker(reference, 1, "b", folder)(3)
    assert str(failure.value) == message


@pytest.mark.parametrize("reference", ["data:missing", "nowhere/data:rows", "data", "no_such_module_here:rows"])
def test_a_missing_generator_is_named(folder: Path, reference: str) -> None:
    """A reference that leads nowhere fails when the maker is made."""
    with pytest.raises(GeneratorError, match=f"Generator of bucket b: .*{reference}"):
        body_maker(reference, 1, "b", folder)
