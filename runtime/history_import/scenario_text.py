"""The imported scenario as text: YAML with a comment at each thing that tells what it comes from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from stepsim.asl.payload import JSON
from stepsim.runtime.history_import.models import Models, Part

_PLAIN = re.compile(r"[A-Za-z][\w-]*")
_PLAIN_VALUE = re.compile(r"[A-Za-z][\w./-]*|\d+m?s")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above the parts."""

    about: Sequence[str]
    """Comments on top of it all."""
    name: str
    definition: str
    start: str | None
    input: JSON
    substitutions: Mapping[str, str]


def scenario_text(heading: Heading, models: Models) -> str:
    """The scenario's YAML."""
    lines = [f"# {line}".rstrip() for line in heading.about]
    lines += [f"name: {_flow(heading.name)}", f"definition: {_flow(heading.definition)}"]
    if heading.substitutions:
        lines.append(f"substitutions: {_flow(dict(heading.substitutions))}")
    if heading.start is not None:
        lines.append(f"start: {heading.start}")
    lines.append(f"input: {_flow(heading.input)}")
    if models.functions:
        lines.append("latency: {lambda.Invoke: 0s}   # the recorded times of functions hold what the call takes")
    if models.buckets:
        lines += ["cloud:", "  buckets:", *_parts(models.buckets, 4)]
    for key, parts in (("functions", models.functions), ("tasks", models.tasks)):
        if parts:
            lines += [f"{key}:", *_parts(parts, 2)]
    if models.faults:
        lines.append("faults:")
        for part in models.faults:
            lines += [*_comments(part.about, 2), f"  - {_flow(part.value)}"]
    return "\n".join(lines) + "\n"


def _parts(parts: Mapping[str, Part], indent: int) -> Iterator[str]:
    blank = " " * indent
    for name, part in parts.items():
        yield from _comments(part.about, indent)
        if not part.value:
            yield f"{blank}{_key(name)}: {{}}"
            continue
        yield f"{blank}{_key(name)}:"
        assert isinstance(part.value, dict)
        for key, value in part.value.items():
            said = f"   # {_one_line(part.beside[key])}" if key in part.beside else ""
            if key == "errors":
                yield f"{blank}  errors:{said}"
                yield from (f"{blank}    - {_flow(error)}" for error in value)
            else:
                yield f"{blank}  {key}: {_flow(value)}{said}"


def _comments(lines: Iterable[str], indent: int) -> Iterator[str]:
    return (f"{' ' * indent}# {_one_line(line)}" for line in lines)


def _one_line(text: str) -> str:
    return _UNPRINTABLE.sub(" ", " ".join(text.split()))


def _key(name: str) -> str:
    return name if _PLAIN.fullmatch(name) and name.lower() not in _WORDS else _json(name)


def _flow(value: JSON) -> str:
    """A value on one line; words that YAML reads as such stay without quotes."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)}: {_flow(member)}" for key, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str):
        plain = _PLAIN_VALUE.fullmatch(value) and value.lower() not in _WORDS
        return value if plain else _json(value)
    return _json(value)


def _json(value: JSON) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
