"""What AWS takes of a Map and does otherwise: too many at once, batches that cannot be, fields of old."""

from __future__ import annotations

from stepsim.asl.fields import Language
from stepsim.asl.parse import Path, is_hole
from stepsim.asl.payload import JSON, MAX_BYTES, encode
from stepsim.asl.validate_findings import Findings
from stepsim.asl.validate_maps import mode_of

MAX_INLINE = 40
"""How many iterations an INLINE Map runs at once, at most."""
MAX_DISTRIBUTED = 10_000
"""How many children a map run has at once, at most."""

_DEPRECATED = {"Iterator": "ItemProcessor", "Parameters": "ItemSelector"}
_LISTED_BYTES = len('{"Etag":"","Key":"k","LastModified":1700000000.0,"Size":0,"StorageClass":"STANDARD"}') + 34
"""An object's entry in a listing, with the shortest key that there is; an ETag has 34 characters."""
_SMALLEST = 1


def check_map(state: dict[str, JSON], path: Path, findings: Findings, language: Language) -> None:
    """Warn of what a Map asks for and does not get."""
    for old, new in _DEPRECATED.items():
        if old in state and (old == "Iterator" or language == "JSONPath"):
            findings.warning("DEPRECATED_FIELD", f"{old} has been replaced", (*path, old), f"Write {new}.")
    distributed = mode_of(state).distributed
    most = MAX_DISTRIBUTED if distributed else MAX_INLINE
    wanted = state.get("MaxConcurrency")
    if distributed is not None and type(wanted) is int and wanted > most:
        kind = "A map run has" if distributed else "An INLINE Map runs"
        hint = f"Write {most}, or 0 for as many as there can be."
        if not distributed:
            hint += ' For more, write "Mode": "DISTRIBUTED" into ProcessorConfig.'
        message = f"{kind} at most {most:,} at once, not {wanted:,}"
        findings.warning("MAX_CONCURRENCY_TOO_HIGH", message, (*path, "MaxConcurrency"), hint)
    if distributed:
        _check_batch(state, path, findings, language)


def _check_batch(state: dict[str, JSON], path: Path, findings: Findings, language: Language) -> None:
    batcher = state.get("ItemBatcher")
    if type(batcher) is not dict or any(name.startswith("MaxInputBytesPerBatch") for name in batcher):
        return
    wanted = batcher.get("MaxItemsPerBatch")
    if type(wanted) is not int:
        return
    size = _smallest_item(state, language) + 1  # for the comma
    if wanted * size > MAX_BYTES:
        message = f"{wanted:,} items of {size - 1} bytes or more do not fit into a child's input of {MAX_BYTES:,} bytes"
        hint = f"Write at most {MAX_BYTES // size:,}; AWS ends a batch where its input would become too large."
        findings.warning("BATCH_TOO_LARGE", message, (*path, "ItemBatcher", "MaxItemsPerBatch"), hint)


def _smallest_item(state: dict[str, JSON], language: Language) -> int:
    selector = state.get("ItemSelector", state.get("Parameters") if language == "JSONPath" else None)
    if type(selector) is dict:
        return len(encode(_least(selector, language)).encode())
    reader = state.get("ItemReader")
    if selector is None and type(reader) is dict and str(reader.get("Resource")).endswith(":s3:listObjectsV2"):
        config = reader.get("ReaderConfig")
        if type(config) is not dict or config.get("Transformation", "NONE") == "NONE":
            return _LISTED_BYTES
    return _SMALLEST


def _least(value: JSON, language: Language) -> JSON:
    """A template's smallest value: whatever is computed becomes a digit."""
    if type(value) is dict:
        if language == "JSONata":
            return {name: _least(item, language) for name, item in value.items()}
        return {
            name.removesuffix(".$"): 0 if name.endswith(".$") else _least(item, language)
            for name, item in value.items()
        }
    if type(value) is list:
        return [_least(item, language) for item in value]
    computed = type(value) is str and (is_hole(value) or (language == "JSONata" and value.startswith("{%")))
    return 0 if computed else value
