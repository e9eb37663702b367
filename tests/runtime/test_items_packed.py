from __future__ import annotations

import gzip
import io
from collections.abc import Callable

import pytest
import zstandard

from stepsim.asl.errors import StatesError
from stepsim.runtime.items_packed import unpacked

PACKERS: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "zst": zstandard.compress}
BODY = b"".join(b"%d\n" % number for number in range(400_000))
"""More than is unpacked at once."""


def read(packed: bytes, key: str) -> bytes:
    return unpacked(io.BytesIO(packed), key).read()


def cause(packed: bytes, key: str) -> str:
    with pytest.raises(StatesError) as failure:
        read(packed, key)
    assert failure.value.error == "States.ItemReaderFailed"
    return str(failure.value.cause)


@pytest.mark.parametrize(("key", "kind"), [("a.csv.gz", "gz"), ("a.csv.zst", "zst"), ("a.zstd", "zst")])
def test_a_name_tells_how_a_file_is_packed(key: str, kind: str) -> None:
    """GZIP by .gz, ZSTD by .zst and .zstd; several members or frames are read one after the other."""
    pack = PACKERS[kind]
    assert read(pack(BODY), key) == BODY
    assert read(pack(b"one,") + pack(b"") + pack(b"two"), key) == b"one,two"


@pytest.mark.parametrize("key", ["a.csv", "gz", "a.gz.csv", "zst"])
def test_other_names_are_read_as_they_are(key: str) -> None:
    """Only the end of a name, behind a dot, tells of packing."""
    assert read(b"plain", key) == b"plain"


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("missing", [1, 5, 1000])
def test_a_file_that_ends_too_early_fails(kind: str, missing: int) -> None:
    """However much is missing, the reader fails rather than giving what it has for all."""
    assert "it ends before its data does" in cause(PACKERS[kind](BODY)[:-missing], f"a.{kind}")


@pytest.mark.parametrize("kind", PACKERS)
def test_what_is_not_packed_fails(kind: str) -> None:
    """Neither plain text nor nothing at all is a packed file."""
    assert "cannot be unpacked" in cause(b"a,b\n1,2\n", f"a.{kind}")
    assert "it ends before its data does" in cause(b"", f"a.{kind}")
    assert "cannot be unpacked" in cause(PACKERS[kind](b"x") + b"rubbish", f"a.{kind}")


def test_zeros_may_fill_up_a_gzip_file() -> None:
    """As tapes have it."""
    assert read(gzip.compress(b"one") + b"\0" * 100, "a.gz") == b"one"


@pytest.mark.parametrize("kind", PACKERS)
def test_pieces_stay_small(kind: str) -> None:
    """A file that unpacks to much more than it has is unpacked little by little."""
    stream = unpacked(io.BytesIO(PACKERS[kind](bytes(20_000_000))), f"a.{kind}")
    sizes = []
    while piece := stream.read(1 << 20):
        sizes.append(len(piece))
    assert sum(sizes) == 20_000_000
    assert max(sizes) <= 1 << 20
