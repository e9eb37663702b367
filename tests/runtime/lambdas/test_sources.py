"""runtime/lambdas/sources.py: code comes from an archive, S3, a text, or a folder that was allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stepsim.runtime.cloud.call import ApiError

pytestmark = pytest.mark.anyio

HANDLER = "def handler(event, context):\n    return {value}\n"


def folder_of(stand: Any, name: str, text: str) -> Path:
    """A folder with a module, below the one that is allowed."""
    folder: Path = stand.code_folder / name
    folder.mkdir()
    (folder / "app.py").write_text(text)
    return folder


async def test_a_text_is_the_module_index(stand: Any) -> None:
    """As CloudFormation's inline code."""
    stand.create("inline", "", Code={"ZipFile": HANDLER.format(value="'inline'").encode()})
    assert await stand.value("inline") == "inline"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"not a zip", "it has an error in line 1"),
        (b"def handler(:\n", "it has an error in line 1"),
        (b"zip", "it defines no function"),
        (b"\xff\xfe\x00", "neither a zip archive nor the text"),
    ],
)
async def test_what_is_neither_archive_nor_module_is_refused(stand: Any, data: bytes, reason: str) -> None:
    """In Lambda's words, and why."""
    with pytest.raises(ApiError) as refused:
        stand.create("never", "", Code={"ZipFile": data})
    assert refused.value.code == "InvalidParameterValueException"
    assert refused.value.message.startswith("Could not unzip uploaded file.")
    assert reason in refused.value.message


async def test_code_is_read_from_s3(stand: Any) -> None:
    """The object's bytes are the package; a version of it may be named."""
    s3 = stand.cloud.client("s3")
    s3.create_bucket(Bucket="code")
    s3.put_bucket_versioning(Bucket="code", VersioningConfiguration={"Status": "Enabled"})
    versions = []
    for value in (1, 2):
        package = stand.zipped({"index.py": HANDLER.format(value=value)})
        versions.append(s3.put_object(Bucket="code", Key="f.zip", Body=package)["VersionId"])
    stand.create("stored", "", Code={"S3Bucket": "code", "S3Key": "f.zip"})
    assert await stand.value("stored") == 2
    stand.call("UpdateFunctionCode", FunctionName="stored", S3Bucket="code", S3Key="f.zip", S3ObjectVersion=versions[0])
    assert await stand.value("stored") == 1


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ({"S3Bucket": "nowhere", "S3Key": "f.zip"}, "S3 Error Code: NoSuchBucket."),
        ({"S3Bucket": "plain", "S3Key": "none"}, "S3 Error Code: NoSuchKey. S3 Error Message: The specified key"),
        ({"S3Bucket": "plain", "S3Key": "text"}, "Could not unzip uploaded file."),
    ],
)
async def test_objects_that_are_no_packages_are_refused(stand: Any, code: dict[str, str], reason: str) -> None:
    """Lambda tells what S3 told it."""
    if "plain" not in stand.cloud.s3:
        stand.cloud.s3.create_bucket("plain")
        stand.cloud.s3.put("plain", "text", b"text")
    with pytest.raises(ApiError) as refused:
        stand.create("never", "", Code=code)
    assert refused.value.code == "InvalidParameterValueException"
    assert reason in refused.value.message


async def test_a_folder_is_read_again_when_it_changes(stand: Any) -> None:
    """Any file of it, however soon, and however alike in size."""
    folder = folder_of(stand, "hot", "import other\n" + HANDLER.format(value="[1, other.VALUE]"))
    (folder / "other.py").write_text("VALUE = 1\n")
    stand.create("hot", "", Handler="app.handler", Code={"S3Bucket": "hot-reload", "S3Key": str(folder)})
    assert await stand.value("hot") == [1, 1]
    (folder / "other.py").write_text("VALUE = 2\n")
    assert await stand.value("hot") == [1, 2]
    (folder / "app.py").write_text("import other\n" + HANDLER.format(value="[2, other.VALUE]"))
    assert await stand.value("hot") == [2, 2]
    assert not (folder / "__pycache__").exists()


async def test_an_unchanged_folder_keeps_its_environments(stand: Any) -> None:
    """They stay warm."""
    folder = folder_of(stand, "warm", "import os\n" + HANDLER.format(value="os.getpid()"))
    stand.create("warm", "", Handler="app.handler", Code={"S3Bucket": "hot-reload", "S3Key": str(folder)})
    assert await stand.value("warm") == await stand.value("warm")


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("/", "Name this folder, or one above it, as a code folder"),
        ("{allowed}/../elsewhere", "Name this folder, or one above it, as a code folder"),
        ("{allowed}/link", "Name this folder, or one above it, as a code folder"),
        ("{allowed}/none", "There is no folder"),
        ("relative", "is a folder's absolute path"),
    ],
)
async def test_only_allowed_folders_are_read(stand: Any, key: str, reason: str) -> None:
    """Wherever links lead."""
    link = stand.code_folder / "link"
    if not link.is_symlink():
        link.symlink_to("/usr")
    with pytest.raises(ApiError) as refused:
        stand.create("never", "", Code={"S3Bucket": "hot-reload", "S3Key": key.format(allowed=stand.code_folder)})
    assert refused.value.code == "InvalidParameterValueException"
    assert reason in refused.value.message


@pytest.mark.parametrize(
    ("operation", "params", "named"),
    [
        ("CreateFunction", {"FunctionName": "f", "Code": {}}, "Runtime and Handler are mandatory"),
        (
            "UpdateFunctionConfiguration",
            {"FunctionName": "f", "LoggingConfig": {"LogFormat": "JSON"}},
            "LogFormat JSON",
        ),
        ("CreateEventSourceMapping", {"FunctionName": "f", "FilterCriteria": {"Filters": []}}, "FilterCriteria"),
    ],
)
async def test_what_is_not_supported_is_named(stand: Any, operation: str, params: dict[str, Any], named: str) -> None:
    """Nothing is accepted and ignored."""
    with pytest.raises(ApiError, match=named):
        stand.lambdas.before(operation, params)
