"""What a rule hands to a target of an event: all of it, a part, a constant, or a text made of parts."""

from __future__ import annotations

import re
from collections.abc import Mapping

from stepsim.asl.errors import PathNotFound
from stepsim.asl.expression import Scope
from stepsim.asl.jsonpath import compile_path
from stepsim.asl.payload import JSON
from stepsim.runtime.api.escapes import json_line

_HOLE = re.compile(r"<([^<>\"]+)>")
_NOWHERE = Scope(lambda: {}, {})


def event_input(target: Mapping[str, JSON], event: Mapping[str, JSON], rule_name: str, rule_arn: str) -> str:
    """The text that a target gets (EventBridge user guide: InputPath, Input, InputTransformer).

    In a template a value stands as JSON, inside of quotes as plain text; a part that the event lacks is null or empty.
    """
    if target.get("Input") is not None:
        return str(target["Input"])
    if target.get("InputPath") is not None:
        return json_line(_part(event, target["InputPath"]))
    transformer = target.get("InputTransformer")
    if not transformer:
        return json_line(event)
    parts: dict[str, JSON] = {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_name,
        "aws.events.event.ingestion-time": event["time"],
        "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
        "aws.events.event.json": event,
    }
    parts |= {name: _part(event, path) for name, path in transformer.get("InputPathsMap", {}).items()}
    return _filled(transformer["InputTemplate"], parts)


def _part(event: Mapping[str, JSON], path: str) -> JSON:
    try:
        return compile_path(path)(event, _NOWHERE)
    except PathNotFound:
        return None


def _filled(template: str, parts: Mapping[str, JSON]) -> str:
    filled: list[str] = []
    quoted, end = False, 0
    for hole in _HOLE.finditer(template):
        before = template[end : hole.start()]
        quoted ^= len(re.findall(r'(?<!\\)"', before)) % 2 == 1
        filled.append(before)
        filled.append(_shown(parts[hole[1]], quoted) if hole[1] in parts else hole[0])
        end = hole.end()
    return "".join(filled) + template[end:]


def _shown(value: JSON, quoted: bool) -> str:
    if not quoted:
        return json_line(value)
    if value is None:
        return ""
    return json_line(value)[1:-1] if isinstance(value, str) else json_line(value).replace('"', '\\"')
