"""Paths and expressions that are taken as they stand, because nothing marks them as such."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stepsim.asl.fields import Language
from stepsim.asl.parse import Path, is_hole
from stepsim.asl.payload import JSON
from stepsim.asl.validate_expressions import path_fault
from stepsim.asl.validate_findings import Findings

_TEMPLATES = (
    ("Parameters",),
    ("ResultSelector",),
    ("ItemSelector",),
    ("Assign",),
    ("ItemReader", "Parameters"),
    ("ResultWriter", "Parameters"),
    ("ItemBatcher", "BatchInput"),
)
_COMPUTED = ("Arguments", "Output", "Assign", "Items", "ItemSelector", "Choices", "Catch", "ItemReader", "ResultWriter")
_PATH = re.compile(r"\$\$?\.[^\W\d][\w$\[\]'.-]*")
_CALL = re.compile(r"States\.[A-Z]\w+\(.*\)", flags=re.DOTALL)
_BARE = re.compile(r"\$states\.(?:input|result|context|errorOutput)\b")


def check_templates(state: dict[str, JSON], path: Path, findings: Findings, language: Language) -> None:
    """Warn, in JSONPath, of members whose value is a path or a call while their name does not end with ``.$``."""
    if language != "JSONPath":
        return
    for field in _TEMPLATES:
        value: JSON = state
        for step in field:
            value = value.get(step) if type(value) is dict else None
        for place, name, text in _members(value, (*path, *field)):
            if not name.endswith(".$") and _is_path_or_call(text):
                hint = f'To have it computed, write "{name}.$": "{text}".'
                message = f"'{text}' is taken as it stands: the name '{name}' does not end with '.$'"
                findings.warning("NO_DOLLAR", message, place, hint)
    found = next((found for found in _members(state.get("Result"), (*path, "Result")) if _is_dynamic(found)), None)
    if state.get("Type") == "Pass" and found is not None:
        message = f"'{found[2]}' is taken as it stands: Result is fixed"
        findings.warning("PASS_RESULT_IS_STATIC", message, found[0], "Write Parameters in place of Result.")


def check_expression_literals(state: dict[str, JSON], path: Path, findings: Findings, language: Language) -> None:
    """Warn, in JSONata, of strings that read ``$states`` and are not between ``{%`` and ``%}``."""
    if language != "JSONata":
        return
    for field in _COMPUTED:
        value = state.get(field)
        members = [((*path, field), field, value)] if type(value) is str else _members(value, (*path, field))
        for place, _, text in members:
            if _BARE.match(text) and not is_hole(text):
                hint = f"Write '{{% {text} %}}'."
                findings.warning("LITERAL_EXPRESSION", f"'{text}' is taken as it stands", place, hint)


def _is_path_or_call(text: str) -> bool:
    if is_hole(text):
        return False
    return _CALL.fullmatch(text) is not None or (_PATH.fullmatch(text) is not None and path_fault(text) is None)


def _is_dynamic(found: tuple[Path, str, str]) -> bool:
    _, name, text = found
    return _is_path_or_call(text) or (name.endswith(".$") and text.startswith(("$", "States.")))


def _members(value: JSON, path: Path) -> Iterator[tuple[Path, str, str]]:
    """Each member of a value, at any depth, that is a string: its place, its name, and the string."""
    waiting: list[tuple[Path, JSON]] = [(path, value)]
    while waiting:
        place, holder = waiting.pop()
        if type(holder) is dict:
            for name, item in reversed(holder.items()):
                if type(item) is str:
                    yield (*place, name), name, item
                else:
                    waiting.append(((*place, name), item))
        elif type(holder) is list:
            waiting += [((*place, index), item) for index, item in enumerate(holder)]
