from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from stepsim.asl.errors import StatesError
from stepsim.asl.machine import ItemReader
from stepsim.asl.resource import parse_resource
from stepsim.runtime.cloud.call import CallSite
from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.item_source import ItemSource, source_of_reader
from stepsim.runtime.items import Item

CSV = {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}
FLATTEN = {"Transformation": "LOAD_AND_FLATTEN"}
INVENTORY = {
    "destinationBucket": "arn:aws:s3:::data",
    "fileFormat": "CSV",
    "fileSchema": "Bucket, Key, Size",
    "files": [{"key": "inventory/1.csv.gz"}, {"key": "inventory/2.csv.gz"}],
}


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud() as cloud:
        cloud.s3.create_bucket("data")
        yield cloud


def source(
    cloud: Cloud,
    action: str,
    config: dict[str, Any],
    max_items: int = 0,
    site: CallSite | None = None,
    **arguments: Any,
) -> ItemSource:
    reader = ItemReader(parse_resource(f"arn:aws:states:::s3:{action}"), lambda subject, scope: subject, config, None)
    site = site or CallSite("run", "Map")
    return source_of_reader(reader, {"Bucket": "data", **arguments}, max_items, cloud.perform, site, lambda: 0)


def read(cloud: Cloud, action: str, config: dict[str, Any], max_items: int = 0, **arguments: Any) -> list[Item]:
    return list(source(cloud, action, config, max_items, **arguments).items)


def values(items: list[Item]) -> list[Any]:
    return [item.value for item in items]


def cause(cloud: Cloud, action: str, config: dict[str, Any], **arguments: Any) -> str:
    with pytest.raises(StatesError) as failure:
        read(cloud, action, config, **arguments)
    assert failure.value.error == "States.ItemReaderFailed"
    return str(failure.value.cause)


def parquet(numbers: list[int]) -> bytes:
    body = io.BytesIO()
    pq.write_table(pa.table({"n": numbers}), body)
    return body.getvalue()


@pytest.mark.parametrize(
    ("config", "bodies", "items"),
    [
        (CSV, [b"n\n1\n2\n", b"n\n3\n"], [{"n": "1"}, {"n": "2"}, {"n": "3"}]),
        ({"InputType": "JSON"}, [b"[1, 2]", b"[3]"], [1, 2, 3]),
        ({"InputType": "JSONL"}, [b"1\n2", b"3"], [1, 2, 3]),
        ({"InputType": "PARQUET"}, [parquet([1, 2]), parquet([3])], [{"n": 1}, {"n": 2}, {"n": 3}]),
    ],
)
def test_listed_objects_are_loaded_and_flattened(
    cloud: Cloud, config: dict[str, Any], bodies: list[bytes], items: list[Any]
) -> None:
    """Every object below the prefix is read in the order of the keys; folders made by the console hold nothing."""
    cloud.s3.put("data", "in/", b"")
    cloud.s3.put("data", "out/x", b"rubbish")
    for number, body in enumerate(bodies):
        cloud.s3.put("data", f"in/{number}", body)
    found = read(cloud, "listObjectsV2", {**FLATTEN, **config}, Prefix="in/")
    assert values(found) == items
    assert [item.index for item in found] == [0, 1, 2]
    assert [item.source for item in found] == ["s3://data/in/0", "s3://data/in/0", "s3://data/in/1"]
    assert cloud.gate.calls["s3.GetObject"].count == 2


def test_max_items_counts_what_is_flattened(cloud: Cloud) -> None:
    """MaxItems is of the items, not of the objects, and objects behind it are not asked for (recorded)."""
    cloud.s3.generate("data", 2_000, "in/{n:04d}", lambda n: b"%d\n%d\n" % (n, n), size=None)
    assert values(read(cloud, "listObjectsV2", {**FLATTEN, "InputType": "JSONL"}, 3)) == [0, 0, 1]
    assert cloud.gate.calls["s3.GetObject"].count == 2
    assert cloud.gate.calls["s3.ListObjectsV2"].count == 1


def test_all_pages_are_flattened(cloud: Cloud) -> None:
    """Objects of all pages of the listing are read."""
    cloud.s3.generate("data", 2_001, "in/{n:04d}", lambda n: b"%d\n" % n)
    found = read(cloud, "listObjectsV2", {**FLATTEN, "InputType": "JSONL"})
    assert values(found) == list(range(2_001))
    assert cloud.gate.calls["s3.ListObjectsV2"].count == 3


def test_a_listing_of_nothing_has_no_items(cloud: Cloud) -> None:
    """An empty listing is an empty data set, flattened or not."""
    assert read(cloud, "listObjectsV2", {}) == []
    assert read(cloud, "listObjectsV2", {**FLATTEN, **CSV}) == []


def test_an_object_that_cannot_be_read_fails_by_its_name(cloud: Cloud) -> None:
    """One broken object of many fails the reader, and is named."""
    cloud.s3.put("data", "1", b"1\n")
    cloud.s3.put("data", "2.gz", b"2\n")
    said = cause(cloud, "listObjectsV2", {**FLATTEN, "InputType": "JSONL"})
    assert said.startswith("s3://data/2.gz: The file cannot be unpacked")


@pytest.mark.parametrize("config", [{"InputType": "MANIFEST"}, {"ManifestType": "S3_INVENTORY"}])
def test_an_s3_inventory_lists_objects(cloud: Cloud, config: dict[str, Any]) -> None:
    """Its items are the rows of its data files, all of them text, named by its fileSchema."""
    cloud.s3.put("data", "inventory/manifest.json", json.dumps(INVENTORY).encode())
    cloud.s3.put("data", "inventory/1.csv.gz", gzip.compress(b'"src","a%20b","10"\n"src","c","0"\n'))
    cloud.s3.put("data", "inventory/2.csv.gz", gzip.compress(b'"src","d""e","5"\n'))
    found = read(cloud, "getObject", config, Key="inventory/manifest.json")
    assert values(found) == [
        {"Bucket": "src", "Key": "a%20b", "Size": "10"},
        {"Bucket": "src", "Key": "c", "Size": "0"},
        {"Bucket": "src", "Key": 'd"e', "Size": "5"},
    ]
    assert [item.source for item in found][1:] == ["s3://data/inventory/1.csv.gz", "s3://data/inventory/2.csv.gz"]
    assert len(read(cloud, "getObject", config, 1, Key="inventory/manifest.json")) == 1


@pytest.mark.parametrize(
    ("config", "pack", "items"),
    [
        ({**CSV, "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["n"]}, b"1\n2\n", [{"n": "1"}, {"n": "2"}]),
        ({"InputType": "JSONL"}, b"1\n2\n", [1, 2]),
        ({"InputType": "PARQUET"}, parquet([1, 2]), [{"n": 1}, {"n": 2}]),
    ],
)
def test_what_athena_unloads_is_read(cloud: Cloud, config: dict[str, Any], pack: bytes, items: list[Any]) -> None:
    """The manifest names the data files; each is read by the ReaderConfig."""
    cloud.s3.put("data", "q-manifest.csv", b"s3://data/unload/1\ns3://data/unload/2.gz\n")
    cloud.s3.put("data", "unload/1", pack)
    cloud.s3.put("data", "unload/2.gz", gzip.compress(pack))
    found = read(cloud, "getObject", {"ManifestType": "ATHENA_DATA", **config}, Key="q-manifest.csv")
    assert values(found) == items * 2
    assert [item.index for item in found] == [0, 1, 2, 3]


def test_a_manifest_that_names_a_missing_file_fails(cloud: Cloud) -> None:
    """What is not there is told by its address, and no success hides it."""
    cloud.s3.put("data", "q-manifest.csv", b"s3://data/unload/1\ns3://data/unload/2\n")
    cloud.s3.put("data", "unload/1", b"1\n")
    said = cause(cloud, "getObject", {"ManifestType": "ATHENA_DATA", "InputType": "JSONL"}, Key="q-manifest.csv")
    assert said == (
        "s3://data/unload/2: The specified key does not exist. "
        "(Service: S3; Status Code: 404; Error Code: NoSuchKey)"
    )  # fmt: skip


@pytest.mark.parametrize(("key", "pack"), [("a.jsonl.gz", gzip.compress), ("a.jsonl.zst", zstandard.compress)])
def test_a_packed_object_is_one_call(cloud: Cloud, key: str, pack: Any) -> None:
    """However it is read, an object is asked for once, and takes one answer's time."""
    cloud.s3.put("data", key, pack(b"1\n2\n"))
    found = source(cloud, "getObject", {"InputType": "JSONL"}, Key=key)
    assert values(list(found.items)) == [1, 2]
    assert cloud.gate.calls["s3.GetObject"].count == 1
    assert 20 <= found.ready_ms <= 60


@pytest.mark.parametrize(
    ("action", "config", "arguments"),
    [("getObject", CSV, {"Key": "a.csv"}), ("listObjectsV2", {}, {}), ("listObjectsV2", {**FLATTEN, **CSV}, {})],
)
def test_a_bucket_of_somebody_else_is_refused(
    cloud: Cloud, action: str, config: dict[str, Any], arguments: dict[str, Any]
) -> None:
    """ExpectedBucketOwner has to be the owner: S3 denies the access to others."""
    cloud.s3.put("data", "a.csv", b"a\n1\n")
    assert len(read(cloud, action, config, ExpectedBucketOwner="123456789012", **arguments)) == 1
    said = cause(cloud, action, config, ExpectedBucketOwner="999999999999", **arguments)
    assert said == "Access Denied (Service: S3; Status Code: 403; Error Code: AccessDenied)"


@pytest.mark.parametrize(
    ("action", "config", "arguments"), [("getObject", CSV, {"Key": "k"}), ("listObjectsV2", {}, {})]
)
def test_a_bucket_of_another_region_is_refused(
    cloud: Cloud, action: str, config: dict[str, Any], arguments: dict[str, Any]
) -> None:
    """Step Functions reads in its own region only; S3 sends it elsewhere."""
    place = {"LocationConstraint": "eu-west-1"}
    cloud.client("s3", "eu-west-1").create_bucket(Bucket="far", CreateBucketConfiguration=place)
    said = cause(cloud, action, config, **{**arguments, "Bucket": "far"})
    assert "Status Code: 301; Error Code: PermanentRedirect" in said
    near = CallSite("run", "Map")
    near.region = "eu-west-1"
    assert list(source(cloud, "listObjectsV2", {}, site=near, Bucket="far").items) == []


def test_a_version_of_an_object_is_read(cloud: Cloud) -> None:
    """VersionId names an older body; a Parquet file is read without."""
    client = cloud.client("s3")
    client.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
    old = client.put_object(Bucket="data", Key="a", Body=b"1\n")["VersionId"]
    client.put_object(Bucket="data", Key="a", Body=b"2\n")
    jsonl = {"InputType": "JSONL"}
    assert values(read(cloud, "getObject", jsonl, Key="a", VersionId=old)) == [1]
    assert values(read(cloud, "getObject", jsonl, Key="a")) == [2]
    assert "NoSuchVersion" in cause(cloud, "getObject", jsonl, Key="a", VersionId="none")
    assert "VersionId" in cause(cloud, "getObject", {"InputType": "PARQUET"}, Key="a", VersionId=old)


@pytest.mark.parametrize(
    ("action", "arguments", "said"),
    [
        ("getObject", {"Key": "missing"}, "Error Code: NoSuchKey"),
        ("getObject", {"Key": "k", "Bucket": "missing"}, "Error Code: NoSuchBucket"),
        ("getObject", {}, "The ItemReader's Key is required and must be a string."),
        ("getObject", {"Key": "k", "Bucket": 1}, "The ItemReader's Bucket is required and must be a string."),
        ("getObject", {"Key": "k", "Colour": "red"}, "Colour"),
        ("listObjectsV2", {"Prefix": 1}, "Prefix"),
        ("listObjectsV2", {"Bucket": "missing"}, "Error Code: NoSuchBucket"),
    ],
)
def test_what_s3_refuses_fails_the_reader(cloud: Cloud, action: str, arguments: dict[str, Any], said: str) -> None:
    """Each refusal is States.ItemReaderFailed, and tells what S3 said."""
    config = CSV if action == "getObject" else {}
    assert said in cause(cloud, action, config, **arguments)


def test_a_large_file_is_read_in_pieces(cloud: Cloud) -> None:
    """A body that is made as it is read is never whole: an item is there when its piece is."""
    made = 0

    def body(n: int) -> Iterator[bytes]:
        nonlocal made
        yield b"a,b\n"
        for row in range(100_000):
            made += 1
            yield b"%d,x\n" % row

    size = sum(map(len, body(0)))
    made = 0
    cloud.s3.generate("data", 1, "big{n}.csv", body, size=size)
    items = source(cloud, "getObject", CSV, Key="big0.csv").items
    assert next(items).value == {"a": "0", "b": "x"}
    assert made < 100_000
    assert sum(1 for _ in items) == 99_999
    text = cloud.client("s3").get_object(Bucket="data", Key="big0.csv")["Body"].read().decode()
    assert len(list(csv.reader(io.StringIO(text)))) == 100_001
