"""Where a function's code lies on this computer: beside the template, in a CDK asset, in the template itself."""

from __future__ import annotations

from pathlib import Path

from stepsim.asl.payload import JSON
from stepsim.runtime.projects.project import Code, InlineCode, NoCode
from stepsim.runtime.projects.resource import Resource

_BEFORE = "name the template as it was before it was packaged, or model the function: returns, echo"


def code_of(resource: Resource) -> Code:
    """The code of a Lambda function, of CloudFormation or SAM."""
    asset = asset_path(resource)
    if asset is not None:
        return local_code(resource, asset)
    if resource.text("PackageType") == "Image" or "ImageUri" in resource.properties:
        return NoCode("it is a container image; model it: returns, echo")
    inline = resource.text("InlineCode") or resource.text("Code", "ZipFile")
    if inline is not None:
        return InlineCode(inline)
    value = resource.value("CodeUri") if "CodeUri" in resource.properties else resource.value("Code")
    if isinstance(value, str):
        return local_code(resource, value)
    if isinstance(value, dict):
        return _stored(resource, value)
    if resource.type == "AWS::Serverless::Function":
        # SAM takes the template's own folder where CodeUri is not given.
        return local_code(resource, ".")
    return NoCode(f"it has no code; {_BEFORE}")


def asset_path(resource: Resource) -> str | None:
    """What the CDK says of its asset: ``aws:asset:path``."""
    path = resource.metadata.get("aws:asset:path")
    return path if isinstance(path, str) else None


def _stored(resource: Resource, value: dict[str, JSON]) -> Code:
    if "ImageUri" in value:
        return NoCode("it is a container image; model it: returns, echo")
    bucket, key = (str(value.get(f"S3{name}", value.get(name, ""))) for name in ("Bucket", "Key"))
    folder = _base(resource) / f"asset.{key.removesuffix('.zip')}"
    if folder.is_dir():
        return folder
    return NoCode(f"its code lies in S3: s3://{bucket}/{key}; {_BEFORE}")


def local_code(resource: Resource, written: str) -> Code:
    """The folder that a template names, relative to it."""
    if written.startswith(("s3:", "https:", "http:")):
        return NoCode(f"its code lies in S3: {written}; {_BEFORE}")
    return folder_of(_base(resource) / written)


def folder_of(place: Path) -> Code:
    """A folder with code, or why it is none."""
    if place.is_dir():
        return place
    if place.is_file():
        if place.suffix == ".py":
            return place.parent
        return NoCode(f"{place} is an archive; name the folder that it is made of, or model the function")
    return NoCode(f"there is no folder {place}; build it, or model the function: returns, echo")


def layer_folder(resource: Resource | None) -> Path | None:
    """What a layer adds to Python's path; None where it does not lie beside the template."""
    if resource is None:
        return None
    written = asset_path(resource) or resource.value("ContentUri") or resource.value("Content")
    if not isinstance(written, str):
        return None
    folder = _base(resource) / written
    if not folder.is_dir():
        return None
    python = folder / "python"
    return python if python.is_dir() else folder


def _base(resource: Resource) -> Path:
    return resource.resolver.host.path.parent
