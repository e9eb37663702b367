"""What only a Map has: its processor's mode, reader, batcher, writer, label, and which of them go together."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from stepsim.asl.fields import DISTRIBUTED_ONLY, MAX_LABEL, NO_EFFECT_INLINE
from stepsim.asl.parse import Path, is_hole
from stepsim.asl.payload import JSON
from stepsim.asl.validate_fields import Where, unsupported
from stepsim.asl.validate_findings import Findings
from stepsim.asl.validate_resources import READERS, WRITER, check_s3_resource

_BAD_IN_LABEL = frozenset('?*<>{}[]:;,\\|^~$#%&`"')
_WITH_HEADERS = ("CSV",)
_FLATTENED = ("CSV", "JSON", "JSONL", "PARQUET")
_ATHENA = ("CSV", "JSONL", "PARQUET")


class Mode(NamedTuple):
    """How a Map runs its processor. None where a ``${Placeholder}`` will decide."""

    distributed: bool | None
    express: bool | None
    """True where its children are Express executions."""


def mode_of(state: dict[str, JSON]) -> Mode:
    """The mode that a Map's ProcessorConfig asks for; a legacy Iterator may have one too (recorded)."""
    processor = state.get("ItemProcessor", state.get("Iterator"))
    if is_hole(processor):
        return Mode(None, None)
    config = processor.get("ProcessorConfig") if type(processor) is dict else None
    if is_hole(config):
        return Mode(None, None)
    if type(config) is not dict:
        return Mode(False, False)
    mode, kind = config.get("Mode"), config.get("ExecutionType")
    distributed = None if is_hole(mode) else mode == "DISTRIBUTED"
    return Mode(distributed, None if is_hole(kind) else kind == "EXPRESS")


def check_map(state: dict[str, JSON], path: Path, where: Where, *, express: bool) -> None:
    """A Map's own rules; `express`: it stands in a machine that cannot start map runs."""
    mode = mode_of(state)
    _check_processor_config(state, path, where, express=express)
    if mode.distributed is False:
        for name in DISTRIBUTED_ONLY:
            if name in state:
                message = (
                    f"{name} fails the execution: an INLINE Map must not have it, although AWS takes the definition"
                )
                hint = (
                    'Write "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"} into ItemProcessor.'
                )
                where.findings.warning("FAILS_EXECUTION", message, (*path, name), hint)
        for name in NO_EFFECT_INLINE:
            if name in state:
                message = f"{name} has no effect: an INLINE Map has no map run, and fails with its first iteration"
                hint = 'Remove it, or write "Mode": "DISTRIBUTED" into ProcessorConfig.'
                where.findings.warning("UNUSED_FIELD", message, (*path, name), hint)
    _check_reader(state.get("ItemReader"), (*path, "ItemReader"), where)
    _check_batcher(state.get("ItemBatcher"), (*path, "ItemBatcher"), where)
    _check_writer(state.get("ResultWriter"), (*path, "ResultWriter"), where)
    _check_label(state.get("Label"), (*path, "Label"), where.findings)


def _check_processor_config(state: dict[str, JSON], path: Path, where: Where, *, express: bool) -> None:
    name = "ItemProcessor" if "ItemProcessor" in state else "Iterator"
    processor = state.get(name)
    config = processor.get("ProcessorConfig") if type(processor) is dict else None
    if type(config) is not dict:
        return
    at = (*path, name, "ProcessorConfig")
    mode = config.get("Mode", "INLINE")
    if mode == "DISTRIBUTED":
        if "ExecutionType" not in config:
            hint = 'Write "ExecutionType": "STANDARD", or "EXPRESS" for children of at most five minutes.'
            where.findings.error("The field 'ExecutionType' is required", at, hint)
        if express:
            message = "Express state machine does not support Distributed Map"
            hint = "Use a STANDARD machine, or Mode INLINE."
            where.findings.error(message, (*at, "Mode"), hint)
    elif mode == "INLINE" and "ExecutionType" in config:
        unsupported(where.findings, "ExecutionType", at, 'Only "Mode": "DISTRIBUTED" has it.')


def _check_reader(reader: JSON, path: Path, where: Where) -> None:
    if type(reader) is not dict:
        return
    resource = reader.get("Resource")
    if "Resource" in reader:
        check_s3_resource(resource, (*path, "Resource"), where.findings, READERS)
    action = resource.rpartition(":")[2] if type(resource) is str and not is_hole(resource) else None
    name = "Parameters" if where.language == "JSONPath" else "Arguments"
    if action in READERS:
        if name not in reader:
            needs = '{"Bucket": …, "Key": …}' if action == "getObject" else '{"Bucket": …, "Prefix": …}'
            message = f"These fields are required: [{name}]"
            where.findings.error(message, path, f'Write "{name}": {needs}.')
        _check_parameters(reader.get(name), action, (*path, name), where)
    config = reader.get("ReaderConfig", {})
    if type(config) is dict and config.get("InputType") == "PARQUET" and action == "getObject":
        _check_no_version(reader.get(name), (*path, name), where)
    if type(config) is dict and action in (*READERS, None):
        _check_reader_config(config, action, (*path, "ReaderConfig"), where, has_config="ReaderConfig" in reader)


_NEEDED = {"getObject": ("Bucket", "Key"), "listObjectsV2": ("Bucket",), "putObject": ("Bucket",)}
_SLIPS = {"BucketName": "Bucket", "S3Bucket": "Bucket", "KeyName": "Key", "ObjectKey": "Key", "KeyPrefix": "Prefix"}


def _check_parameters(value: JSON, action: str, path: Path, where: Where) -> None:
    """What the call of S3 needs. Its other parameters are S3's affair."""
    if type(value) is not dict:
        return
    names = {name.removesuffix(".$") for name in value}
    for needed in _NEEDED[action]:
        if needed not in names:
            slip = next((name for name in value if _SLIPS.get(name.removesuffix(".$")) == needed), None)
            hint = f"Write {needed} for {slip}." if slip else f'Write "{needed}": …, or "{needed}.$" with a path.'
            where.findings.error(f"The field '{needed}' is required but was missing", path, hint)


def _check_no_version(value: JSON, path: Path, where: Where) -> None:
    """AWS takes a version, and cannot read one of a Parquet file (recorded)."""
    for name in ("VersionId", "VersionId.$"):
        if type(value) is dict and name in value:
            message = f"{name} fails the execution: no version of a Parquet file can be chosen"
            hint = "Remove it: of a Parquet file the latest version is read."
            where.findings.warning("FAILS_EXECUTION", message, (*path, name), hint)


def _check_reader_config(
    config: dict[str, JSON], action: str | None, path: Path, where: Where, *, has_config: bool
) -> None:
    if any(is_hole(config.get(name)) for name in ("InputType", "ManifestType", "Transformation")):
        return
    findings = where.findings
    at = path if has_config else path[:-1]
    kind, manifest, transformation = (config.get(name) for name in ("InputType", "ManifestType", "Transformation"))
    flattens = transformation == "LOAD_AND_FLATTEN"
    if flattens and action == "getObject":
        hint = "Only listObjectsV2 loads what it lists; getObject reads one file."
        unsupported(findings, "Transformation", path, hint)
    elif flattens and kind is None:
        findings.error("The field 'InputType' is required", path, f"Write one of {', '.join(_FLATTENED)}.")
    elif flattens and kind == "MANIFEST":
        message = f"Value should be one of the following: [{', '.join(_FLATTENED)}]"
        findings.error(message, (*path, "InputType"), "A manifest is read with s3:getObject.")
    if action == "getObject" and kind is None and manifest != "S3_INVENTORY":
        hint = 'Write "ReaderConfig": {"InputType": one of CSV, JSON, JSONL, PARQUET, MANIFEST}.'
        findings.error("The field 'InputType' is required", at, hint)
    if action == "listObjectsV2" and kind is not None and not flattens:
        hint = 'A listing has no type: remove it, or write "Transformation": "LOAD_AND_FLATTEN" to read the objects.'
        unsupported(findings, "InputType", path, hint)
    _check_manifest(manifest, kind, action, path, findings)
    _check_csv(config, kind, path, findings)
    if "ItemsPointer" in config and kind not in (None, "JSON"):
        message = f"ItemsPointer is not used with InputType {kind}"
        findings.warning("UNUSED_FIELD", message, (*path, "ItemsPointer"), "Only InputType JSON has items to point at.")


def _check_manifest(manifest: JSON, kind: JSON, action: str | None, path: Path, findings: Findings) -> None:
    if manifest is None:
        return
    if action == "listObjectsV2":
        unsupported(findings, "ManifestType", path, "A manifest is read with arn:aws:states:::s3:getObject.")
    elif manifest == "ATHENA_DATA" and kind is not None and kind not in _ATHENA:
        unsupported(findings, "ManifestType", path, f"With ATHENA_DATA InputType is one of {', '.join(_ATHENA)}.")
    elif manifest == "S3_INVENTORY" and kind not in (None, "MANIFEST"):
        unsupported(findings, "InputType", path, "An S3 inventory says itself how it is written: remove InputType.")


def _check_csv(config: dict[str, JSON], kind: JSON, path: Path, findings: Findings) -> None:
    where_header = config.get("CSVHeaderLocation")
    if kind in _WITH_HEADERS:
        if where_header is None:
            hint = 'Write "FIRST_ROW", or "GIVEN" with the names in CSVHeaders.'
            findings.error("The field 'CSVHeaderLocation' is required", path, hint)
        elif where_header == "GIVEN" and "CSVHeaders" not in config:
            hint = 'Write "CSVHeaders": ["first", "second", …].'
            findings.error("These fields are required: [CSVHeaders]", path, hint)
        elif where_header == "FIRST_ROW" and "CSVHeaders" in config:
            hint = 'The names come from the first row: remove CSVHeaders, or write "CSVHeaderLocation": "GIVEN".'
            unsupported(findings, "CSVHeaders", path, hint)
    elif kind is not None:
        for name in ("CSVHeaderLocation", "CSVHeaders", "CSVDelimiter"):
            if name in config:
                unsupported(findings, name, path, f"Only InputType CSV has it, not {kind}.")


def _check_batcher(batcher: JSON, path: Path, where: Where) -> None:
    if type(batcher) is not dict:
        return
    limits = ("MaxItemsPerBatch", "MaxItemsPerBatchPath", "MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath")
    if not any(name in batcher for name in limits):
        # AWS documents that one is needed, yet definitions that are deployed have an empty ItemBatcher.
        message = "ItemBatcher sets no limit: a batch is as large as an input of 256 KiB may be"
        hint = 'Write "MaxItemsPerBatch": how many items a child gets at most.'
        where.findings.warning("NO_BATCH_SIZE", message, path, hint)


def _check_writer(writer: JSON, path: Path, where: Where) -> None:
    if type(writer) is not dict:
        return
    name = "Parameters" if where.language == "JSONPath" else "Arguments"
    if "Resource" in writer:
        check_s3_resource(writer["Resource"], (*path, "Resource"), where.findings, (WRITER,))
        if name not in writer:
            hint = f'Write "{name}": {{"Bucket": …, "Prefix": …}}.'
            where.findings.error(f"These fields are required: [{name}]", path, hint)
        _check_parameters(writer.get(name), "putObject", (*path, name), where)
    elif name in writer:
        hint = 'Write "Resource": "arn:aws:states:::s3:putObject".'
        where.findings.error("These fields are required: [Resource]", path, hint)
    elif "WriterConfig" not in writer:
        hint = "Write Resource and where to write, or WriterConfig, or both; or remove it."
        where.findings.error("Value cannot be empty", path, hint)
    config = writer.get("WriterConfig")
    if type(config) is dict and "OutputType" not in config:
        message = "These fields are required: [OutputType]"
        where.findings.error(message, (*path, "WriterConfig"), 'Write "OutputType": JSON or JSONL.')


def _check_label(label: JSON, path: Path, findings: Findings) -> None:
    if type(label) is not str or is_hole(label):
        return
    code = "INVALID_LABEL_NAME"
    if not label:
        findings.error("Label cannot be empty", path, "Remove it to get a made-up one.", code=code)
    elif len(label) > MAX_LABEL:
        findings.error(f"Label cannot exceed {MAX_LABEL} characters", path, f"It has {len(label)}.", code=code)
    else:
        bad = next((char for char in label if _is_bad(char)), None)
        if bad is not None:
            clean = "".join("-" if _is_bad(char) else char for char in label)
            findings.error(f"Label contains invalid character: {bad!r}", path, f"Write '{clean}'.", code=code)


def _is_bad(char: str) -> bool:
    return char in _BAD_IN_LABEL or char.isspace() or unicodedata.category(char) == "Cc"
