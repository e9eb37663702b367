from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ParamValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from stepsim.runtime.cloud.call import CallSite
from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.cloud.latency import Latency
from stepsim.runtime.dice import Dice

SITE = CallSite("run", "State", "function")
_numbers = count()


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud(latency=Latency(Dice(0), off=True)) as made:
        made.gate.current_site = lambda: SITE
        yield made


@pytest.fixture(scope="module")
def gated(cloud: Cloud) -> Any:
    return boto3.client("s3")


@pytest.fixture(scope="module")
def plain(cloud: Cloud) -> Any:
    return cloud.client("s3")


def bucket(cloud: Cloud) -> str:
    name = f"bucket-{next(_numbers)}"
    cloud.s3.create_bucket(name)
    return name


def outcome(client: Any, operation: str, **params: Any) -> Any:
    """What a call returns or raises, without what names a place or a moment."""
    try:
        response = getattr(client, operation)(**params)
    except ClientError as error:
        metadata = error.response["ResponseMetadata"]
        return type(error).__name__, error.response["Error"], metadata["HTTPStatusCode"], metadata["RetryAttempts"]
    metadata = response.pop("ResponseMetadata")
    if "Body" in response:
        response["Body"] = response["Body"].read()
    for described in (response, *response.get("Contents", ())):
        if "LastModified" in described:
            assert abs((described.pop("LastModified") - datetime.now(UTC)).total_seconds()) < 60
    response.pop("Name", None)
    return response, metadata["HTTPStatusCode"], metadata["RetryAttempts"]


TAGS = {"TagSet": [{"Key": "a", "Value": "b"}]}

keys = st.sampled_from(["a", "a/b", "a/c/d", "b.csv", "ü €"])
steps = st.one_of(
    st.tuples(
        st.just("put_object"),
        st.fixed_dictionaries(
            {"Key": keys},
            optional={
                "Body": st.binary(max_size=20),
                "ContentType": st.just("text/csv"),
                "Metadata": st.just({"Batch": "7"}),
            },
        ),
    ),
    st.tuples(
        st.sampled_from(["get_object", "head_object", "delete_object", "get_object_tagging"]),
        st.fixed_dictionaries({"Key": keys}),
    ),
    st.tuples(
        st.just("put_object_tagging"),
        st.fixed_dictionaries({"Key": keys, "Tagging": st.just(TAGS)}),
    ),
    st.tuples(st.just("get_object"), st.fixed_dictionaries({"Key": keys, "Range": st.just("bytes=0-1")})),
    st.tuples(
        st.just("delete_objects"),
        st.fixed_dictionaries(
            {
                "Delete": st.fixed_dictionaries(
                    {
                        "Objects": st.lists(keys, min_size=1, max_size=3).map(
                            lambda found: [{"Key": key} for key in found]
                        )
                    }
                )
            }
        ),
    ),
    st.tuples(
        st.just("list_objects_v2"),
        st.fixed_dictionaries(
            {},
            optional={
                "Prefix": st.sampled_from(["", "a", "a/"]),
                "Delimiter": st.just("/"),
                "MaxKeys": st.integers(1, 3),
                "StartAfter": keys,
            },
        ),
    ),
)


@settings(max_examples=15, deadline=None)
@given(script=st.lists(st.tuples(steps, st.booleans()), min_size=3, max_size=12))
def test_handlers_and_plain_clients_see_the_same(
    script: list[tuple[tuple[str, dict[str, Any]], bool]], cloud: Cloud, gated: Any, plain: Any
) -> None:
    """Any sequence of calls gets the same answers with the gate, without it, and with both in turn on one bucket."""
    slow, fast, mixed = bucket(cloud), bucket(cloud), bucket(cloud)
    for (operation, params), turn in script:
        expected = outcome(plain, operation, Bucket=slow, **params)
        assert outcome(gated, operation, Bucket=fast, **params) == expected
        assert outcome(gated if turn else plain, operation, Bucket=mixed, **params) == expected


def test_missing_buckets_and_wrong_parameters_fail_as_ever(cloud: Cloud, gated: Any, plain: Any) -> None:
    """What no fast path covers is botocore's and moto's to refuse."""
    for client in (gated, plain):
        assert outcome(client, "get_object", Bucket="missing", Key="k")[0] == "NoSuchBucket"
        for wrong in ({"Bucket": "missing"}, {"Bucket": "missing", "Key": 3}, {"Bucket": "missing", "Key": ""}):
            with pytest.raises(ParamValidationError):
                client.get_object(**wrong)


def test_a_key_has_at_most_1024_bytes(cloud: Cloud, gated: Any) -> None:
    """However few characters those are; one of as many is a key as any."""
    name = bucket(cloud)
    longest = "ä" * 512
    gated.put_object(Bucket=name, Key=longest, Body=b"x")
    assert gated.get_object(Bucket=name, Key=longest)["Body"].read() == b"x"
    for operation, further in (("put_object", {"Body": b"x"}), ("get_object", {}), ("delete_object", {})):
        with pytest.raises(ClientError) as refused:
            getattr(gated, operation)(Bucket=name, Key=longest + "a", **further)
        assert refused.value.response["Error"] == {
            "Code": "KeyTooLongError",
            "Message": "Your key is too long",
            "Size": "1025",
            "MaxSizeAllowed": "1024",
        }


def test_versions_multipart_and_presigned_urls_stay_consistent(cloud: Cloud, gated: Any, plain: Any) -> None:
    """What moto does with an object, handlers see, and the other way round."""
    name = bucket(cloud)
    gated.put_object(Bucket=name, Key="k", Body=b"first")
    gated.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    version = gated.put_object(Bucket=name, Key="k", Body=b"second")["VersionId"]
    assert gated.get_object(Bucket=name, Key="k")["VersionId"] == version
    assert plain.get_object(Bucket=name, Key="k", VersionId="null")["Body"].read() == b"first"
    gated.delete_object(Bucket=name, Key="k")
    assert outcome(gated, "get_object", Bucket=name, Key="k")[0] == "NoSuchKey"
    assert "Contents" not in gated.list_objects_v2(Bucket=name)
    listed = plain.list_object_versions(Bucket=name)
    assert ([v["IsLatest"] for v in listed["Versions"]], len(listed["DeleteMarkers"])) == ([False, False], 1)

    other = bucket(cloud)
    upload = gated.create_multipart_upload(Bucket=other, Key="big")["UploadId"]
    part = gated.upload_part(Bucket=other, Key="big", UploadId=upload, PartNumber=1, Body=b"part")
    parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    gated.complete_multipart_upload(Bucket=other, Key="big", UploadId=upload, MultipartUpload=parts)
    assert gated.get_object(Bucket=other, Key="big")["Body"].read() == b"part"
    assert gated.list_objects_v2(Bucket=other)["Contents"][0]["ETag"].endswith('-1"')
    gated.copy_object(Bucket=other, Key="copy", CopySource={"Bucket": other, "Key": "big"})
    assert gated.get_object(Bucket=other, Key="copy")["Body"].read() == b"part"


def test_changes_by_moto_to_a_compact_object_stay(cloud: Cloud, gated: Any, plain: Any) -> None:
    """Tags and access lists given to an object outlast the moment, until it is written anew."""
    name = bucket(cloud)
    gated.put_object(Bucket=name, Key="k", Body=b"x")
    plain.put_object_tagging(Bucket=name, Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    plain.put_object_acl(Bucket=name, Key="k", ACL="public-read")
    assert gated.get_object(Bucket=name, Key="k")["TagCount"] == 1
    assert len(plain.get_object_acl(Bucket=name, Key="k")["Grants"]) == 2
    gated.put_object(Bucket=name, Key="k", Body=b"y")
    assert "TagCount" not in gated.get_object(Bucket=name, Key="k")
    assert len(plain.get_object_acl(Bucket=name, Key="k")["Grants"]) == 1


def test_pages_cover_a_large_bucket_for_every_client(cloud: Cloud, gated: Any, plain: Any) -> None:
    """Generated, overwritten and deleted objects come once each, in order, over as many pages as it takes."""
    name = bucket(cloud)
    cloud.s3.generate(name, 2500, "in/{n:04d}.csv", lambda n: b"%d" % n, size=lambda n: len(str(n)))
    gated.put_object(Bucket=name, Key="in/0007.csv", Body=b"overwritten")
    plain.delete_object(Bucket=name, Key="in/0008.csv")
    expected = [f"in/{n:04d}.csv" for n in range(2500) if n != 8]
    for client in (gated, plain):
        pages = list(client.get_paginator("list_objects_v2").paginate(Bucket=name, Prefix="in/"))
        assert [len(page["Contents"]) for page in pages] == [1000, 1000, 499]
        assert [each["Key"] for page in pages for each in page["Contents"]] == expected
        assert pages[0]["Contents"][7]["Size"] == len(b"overwritten")
        assert client.get_object(Bucket=name, Key="in/0042.csv")["Body"].read() == b"42"
        assert client.list_objects_v2(Bucket=name, Delimiter="/")["CommonPrefixes"] == [{"Prefix": "in/"}]
        versions = client.list_object_versions(Bucket=name, KeyMarker="in/0998.csv", MaxKeys=2)
        assert [each["Key"] for each in versions["Versions"]] == ["in/0999.csv", "in/1000.csv"]
        assert outcome(client, "list_objects_v2", Bucket=name, ContinuationToken="?")[1]["Code"] == "InvalidArgument"
    assert [summary.key for summary in cloud.s3.iter_keys(name)] == expected


def test_transfers_run_in_the_handlers_own_thread(cloud: Cloud, gated: Any, tmp_path: Path) -> None:
    """upload_file and download_file go through the gate call by call."""
    name = bucket(cloud)
    (tmp_path / "up").write_bytes(b"body")
    before = cloud.gate.calls["s3.PutObject"].count if "s3.PutObject" in cloud.gate.calls else 0
    gated.upload_file(str(tmp_path / "up"), name, "k")
    gated.download_file(name, "k", str(tmp_path / "down"))
    assert (tmp_path / "down").read_bytes() == b"body"
    assert cloud.gate.calls["s3.PutObject"].count == before + 1


def test_bodies_read_like_boto3s(cloud: Cloud, gated: Any) -> None:
    """A body can be read in part, by lines, and within a with statement."""
    name = bucket(cloud)
    gated.put_object(Bucket=name, Key="k", Body="one\ntwo\n")
    assert list(gated.get_object(Bucket=name, Key="k")["Body"].iter_lines()) == [b"one", b"two"]
    with gated.get_object(Bucket=name, Key="k")["Body"] as body:
        assert (body.read(2), body.read()) == (b"on", b"e\ntwo\n")


def test_a_folder_becomes_a_bucket(cloud: Cloud, tmp_path: Path) -> None:
    """Each file below a folder is an object under its relative path."""
    name = bucket(cloud)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.csv").write_bytes(b"1")
    (tmp_path / "b.txt").write_bytes(b"22")
    assert cloud.s3.from_folder(name, tmp_path, "in/") == 2
    assert [(each.key, each.size) for each in cloud.s3.iter_keys(name)] == [("in/b.txt", 2), ("in/sub/a.csv", 1)]
    assert cloud.s3.read(name, "in/b.txt") == b"22"
    assert cloud.s3.read(name, "in/c.txt") is None
