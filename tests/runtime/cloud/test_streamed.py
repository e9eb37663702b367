from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import md5
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from stepsim.runtime.cloud.call import CallSite
from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.cloud.generated import Generated
from stepsim.runtime.cloud.s3_store import HELD
from stepsim.runtime.cloud.streamed import FileBody, PieceStream, of_file

MOMENT = datetime(2026, 1, 5, tzinfo=UTC)


def in_pieces(n: int) -> Iterator[bytes]:
    """An object of 3 n bytes."""
    for _ in range(n):
        yield b"abc"


def test_pieces_are_a_stream() -> None:
    """However much is asked for, the bytes come in their order, and nothing after the last."""
    stream = PieceStream([b"abc", b"", b"defgh"])
    assert [stream.read(2), stream.read(2), stream.read(0), stream.read(9), stream.read(9)] == [
        b"ab", b"c", b"", b"defgh", b"",
    ]  # fmt: skip
    assert PieceStream([b"abc", b"d"]).read() == b"abcd"
    assert io.BufferedReader(PieceStream([b"a\nb", b"c\n"])).readlines() == [b"a\n", b"bc\n"]


@pytest.mark.parametrize("size", [None, lambda n: 3 * n])
def test_an_object_may_come_in_pieces(size: object) -> None:
    """Its size is counted where it isn't told; its body can be read whole, and more than once."""
    objects = Generated("{n}", 3, in_pieces, MOMENT, size=size)  # type: ignore[arg-type]  # both kinds of size
    assert [summary.size for summary in objects.summaries("", "")] == [0, 3, 6]
    stored = objects.stored(2)
    assert (stored.size, stored.body, stored.open().read(4), stored.open().read()) == (6, b"abcabc", b"abca", b"abcabc")


def test_pieces_must_have_the_size_that_was_told() -> None:
    """A body that is longer or shorter fails where it ends."""
    stored = Generated("{n}", 1, lambda n: iter([b"abc"]), MOMENT, size=2).stored(0)
    with pytest.raises(ValueError, match="was said to have 2 bytes, and has 3"):
        stored.open().read()


def test_a_file_is_read_where_it_lies(tmp_path: Path) -> None:
    """A file is an object with the MD5 of its bytes as ETag."""
    path = tmp_path / "x.bin"
    path.write_bytes(b"abc")
    stored = of_file(path, MOMENT, "text/csv")
    assert (stored.size, stored.body, stored.content_type) == (3, b"abc", "text/csv")
    assert stored.etag == f'"{md5(b"abc").hexdigest()}"'


def test_large_files_of_a_folder_stay_there(tmp_path: Path) -> None:
    """boto3 sees them as any other object: listed, described, read in parts, copied."""
    body = b"0123456789abcdef" * (HELD // 16 + 1)
    (tmp_path / "large.csv").write_bytes(body)
    with Cloud() as cloud:
        cloud.s3.create_bucket("files")
        cloud.s3.from_folder("files", tmp_path)
        client = cloud.client("s3")
        etag = f'"{md5(body).hexdigest()}"'
        [listed] = client.list_objects_v2(Bucket="files")["Contents"]
        assert (listed["Size"], listed["ETag"]) == (len(body), etag)
        assert client.head_object(Bucket="files", Key="large.csv")["ContentLength"] == len(body)
        assert client.get_object(Bucket="files", Key="large.csv", Range="bytes=-4")["Body"].read() == b"cdef"
        assert cloud.s3.read("files", "large.csv") == body
        client.copy_object(Bucket="files", Key="copy", CopySource={"Bucket": "files", "Key": "large.csv"})
        assert client.head_object(Bucket="files", Key="copy")["ContentLength"] == len(body)


def file_body(data: bytes) -> FileBody:
    file = TemporaryFile()  # noqa: SIM115 - the body's own
    file.write(data)
    return FileBody(file, len(data))


def test_a_file_body_is_read_at_several_places() -> None:
    """Its streams don't disturb each other."""
    first = file_body(b"0123456789")
    second = first.again()
    assert [first.read(3), second.read(4), first.read(2), second.read()] == [b"012", b"0123", b"34", b"456789"]
    assert (first.seek(-2, io.SEEK_END), first.tell(), first.read(), first.read()) == (8, 8, b"89", b"")
    buffer = bytearray(4)
    second.seek(7)
    assert (second.readinto(buffer), bytes(buffer)) == (3, b"789\0")


@pytest.mark.parametrize("versioned", [False, True])
def test_a_file_body_is_an_object_as_any(versioned: bool) -> None:
    """It is listed with the MD5 of its bytes, read whole and in parts, whoever keeps it."""
    body = b"0123456789abcdef" * 1000
    with Cloud() as cloud:
        cloud.s3.create_bucket("files")
        client = cloud.client("s3")
        if versioned:
            client.put_bucket_versioning(Bucket="files", VersioningConfiguration={"Status": "Enabled"})
        parameters = {"Bucket": "files", "Key": "x.json", "Body": file_body(body)}
        assert cloud.perform("s3", "PutObject", parameters, site=CallSite("", "", "")).error is None
        [listed] = client.list_objects_v2(Bucket="files")["Contents"]
        assert (listed["Size"], listed["ETag"]) == (len(body), f'"{md5(body).hexdigest()}"')
        assert client.get_object(Bucket="files", Key="x.json")["Body"].read() == body
        assert client.get_object(Bucket="files", Key="x.json", Range="bytes=-4")["Body"].read() == b"cdef"
