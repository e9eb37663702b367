"""Placeholders of other template tools than AWS's, where a definition would be wrong with them as they stand.

What ``{{ arn }}`` or ``%%ARN%%`` says is known to whoever fills it in. Text that merely looks like it (HTML in a
message) is left alone: only a string that breaks a rule as it stands is taken for a template's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from stepsim.asl.parse import Path, is_hole
from stepsim.asl.payload import JSON
from stepsim.asl.validate_findings import SCHEMA, Finding

_ANYWHERE = (
    r"\{\{[^{}]+\}\}",  # Jinja, Mustache, Handlebars
    r"#\{[^{}]+\}",  # serverless-pseudo-parameters, Octopus
    r"%%[\w.-]+%%",
    r"@@[\w.-]+@@",
)
_IN_PLAIN_TEXT = (
    r"<[^<>]+>",  # people's own, and <%= ERB %>
    r"%[A-Za-z_]\w*%",
    r"%s|%\(\w+\)s",  # printf
    r"@[A-Za-z_]\w*@",  # autoconf, Maven, Meson
    r"\[\[[^\[\]]+\]\]",
    r"__\w+__",
    r"(?<![\w$])\{[A-Za-z_][\w.]*\}",  # Python's format
    r"\$\([A-Za-z_][\w.]*\)|\$[A-Z_][A-Z0-9_]+\b",  # shells and makefiles
)
_PLACEHOLDER = re.compile("|".join((*_ANYWHERE, *_IN_PLAIN_TEXT)))
_PLACEHOLDER_OF_PATH = re.compile("|".join(_ANYWHERE))
"""In paths and calls, where brackets, comparisons and the like have a meaning of their own."""

_STAND_IN = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_NO_STRING = ("Expected value of type ", "The resource provided ")
"""How the messages begin that refuse any such string, whatever its words."""


def foreign_placeholder(text: str) -> str | None:
    """The first placeholder of another tool in a text; None where it has none, or has AWS's own."""
    match = _search(text)
    return match.group() if match else None


def foreign_holes(value: JSON, found: Sequence[Finding]) -> dict[Path, str]:
    """The strings of a definition that are wrong for a placeholder of another tool, each with that placeholder."""
    holes: dict[Path, str] = {}
    for finding in found:
        if finding.severity == "error" and finding.code in (SCHEMA, "MISSING_TRANSITION_TARGET"):
            text = _at(value, finding.at)
            if type(text) is not str or is_hole(text):
                continue
            name = foreign_placeholder(text)
            if name is None and finding.message.startswith(_NO_STRING) and _STAND_IN.fullmatch(text):
                name = text
            if name is not None:
                holes[finding.at] = name
    return holes


def with_holes(value: JSON, holes: Mapping[Path, str]) -> JSON:
    """The definition with ``${hole}`` for each of the placeholders."""
    for path, name in holes.items():
        value = _replaced(value, path, name)
    return value


def _search(text: str) -> re.Match[str] | None:
    if is_hole(text) or text.startswith("{%"):
        return None
    of_path = text.startswith(("$.", "$[", "$$", "States."))
    return (_PLACEHOLDER_OF_PATH if of_path else _PLACEHOLDER).search(text)


def _at(value: JSON, path: Path) -> JSON:
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _replaced(value: JSON, path: Path, name: str) -> JSON:
    if not path:
        return value.replace(name, "${hole}")
    first, rest = path[0], path[1:]
    if isinstance(value, dict):
        return {**value, first: _replaced(value[first], rest, name)}
    index = int(first)
    return [*value[:index], _replaced(value[index], rest, name), *value[index + 1 :]]
