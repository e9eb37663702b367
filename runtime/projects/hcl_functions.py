"""Terraform's functions, as far as definitions and names are made with them. Those that read files are not here."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from pathlib import PurePath

from stepsim.asl.payload import JSON, decode, encode
from stepsim.runtime.projects.hcl_values import as_text, member, number


def _format(template: str, *values: JSON) -> str:
    waiting = iter(values)
    return re.sub(
        r"%(%|[-+ 0#]*\d*(?:\.\d+)?[a-z])",
        lambda match: "%" if match[1] == "%" else as_text(next(waiting, "")),
        template,
    )


def _merge(*maps: JSON) -> JSON:
    merged: dict[str, JSON] = {}
    for one in maps:
        merged |= one if isinstance(one, dict) else {}
    return merged


def _lookup(values: JSON, key: JSON, *default: JSON) -> JSON:
    try:
        return member(values, key)
    except LookupError:
        if default:
            return default[0]
        raise


def _replace(text: str, old: str, new: str) -> str:
    if len(old) > 1 and old.startswith("/") and old.endswith("/"):
        return re.sub(old[1:-1], re.sub(r"\$(\w+)", r"\\g<\1>", new), text)
    return text.replace(old, new)


def _flatten(values: JSON) -> JSON:
    flat: list[JSON] = []
    for one in values:
        flat += _flatten(one) if isinstance(one, list) else [one]
    return flat


def _yaml(text: str) -> JSON:
    # Imported here: most files decode no YAML.
    from stepsim.asl.yaml_reader import YamlError, read

    try:
        return read(text)[0]
    except YamlError as error:
        raise ValueError(str(error)) from None


def _indent(count: int, text: str) -> str:
    return text.replace("\n", "\n" + " " * count)


def _slice(values: JSON, start: int, end: int) -> JSON:
    return values[start:end]


def _cases(text: str) -> str:
    return re.sub(r"\b\w", lambda match: match[0].upper(), text)


def _distinct(values: JSON) -> JSON:
    return [one for index, one in enumerate(values) if one not in values[:index]]


FUNCTIONS: Mapping[str, Callable[..., JSON]] = {
    "abspath": lambda path: path,
    "base64encode": lambda text: base64.b64encode(text.encode()).decode(),
    "basename": lambda path: PurePath(path).name,
    "chomp": lambda text: text.rstrip("\r\n"),
    "coalesce": lambda *values: next(one for one in values if one not in (None, "")),
    "compact": lambda values: [one for one in values if one not in (None, "")],
    "concat": lambda *lists: [one for each in lists for one in each],
    "contains": lambda values, value: value in values,
    "dirname": lambda path: str(PurePath(path).parent),
    "distinct": _distinct,
    "element": lambda values, index: values[index % len(values)],
    "endswith": lambda text, end: text.endswith(end),
    "filebase64sha256": lambda _: "sha256",
    "filemd5": lambda _: "md5",
    "filesha256": lambda _: "sha256",
    "flatten": _flatten,
    "format": _format,
    "indent": _indent,
    "join": lambda separator, values: separator.join(map(as_text, values)),
    "jsondecode": decode,
    "jsonencode": encode,
    "keys": lambda values: sorted(values),
    "length": len,
    "lookup": _lookup,
    "lower": lambda text: text.lower(),
    "max": lambda *values: max(map(number, values)),
    "merge": _merge,
    "min": lambda *values: min(map(number, values)),
    "one": lambda values: values[0] if values else None,
    "range": lambda *bounds: list(range(*bounds)),
    "replace": _replace,
    "slice": _slice,
    "sort": lambda values: sorted(values),
    "split": lambda separator, text: text.split(separator),
    "startswith": lambda text, start: text.startswith(start),
    "substr": lambda text, start, length: text[start:][: length if length >= 0 else None],
    "title": _cases,
    "tobool": lambda value: value is True or value == "true",
    "tolist": lambda values: list(values),
    "tomap": lambda values: values,
    "tonumber": number,
    "toset": lambda values: list(dict.fromkeys(values)),
    "tostring": as_text,
    "trim": lambda text, letters: text.strip(letters),
    "trimprefix": lambda text, start: text.removeprefix(start),
    "trimspace": lambda text: text.strip(),
    "trimsuffix": lambda text, end: text.removesuffix(end),
    "upper": lambda text: text.upper(),
    "values": lambda values: [values[key] for key in sorted(values)],
    "yamldecode": _yaml,
    "zipmap": lambda keys, values: dict(zip(keys, values, strict=False)),
}
