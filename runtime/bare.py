"""Which fields of a state read nothing but what they are given: no context object, no variable, no chance.

Such a state needs no frame to be evaluated in: `INPUT_ALONE` is scope enough.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from stepsim.asl.expression import Scope
from stepsim.asl.payload import JSON

_PATH = re.compile(r"\$([.\[][^$?]*)?")
"""A path into the subject alone, without a filter."""

_CALL = re.compile(r"States\.(?:[^$?]|\$(?=[\s.,\[)]))*")
"""An intrinsic function call, each of whose paths leads into the subject."""

_CHANCE = ("States.UUID", "States.MathRandom")

_PATHS = ("InputPath", "OutputPath")
_TEMPLATES = ("Parameters", "ResultSelector")


def _outside(*_: object) -> JSON:
    raise AssertionError("a bare state has looked beyond its input")


INPUT_ALONE = Scope(_outside, {})
"""Where bare fields are evaluated."""


def bare_flow(fields: Mapping[str, JSON]) -> bool:
    """True where a state's way in and out reads nothing but the input and the result."""
    paths = (fields.get(name) for name in _PATHS)
    return all(path is None or _PATH.fullmatch(path) for path in paths) and all(
        bare_template(fields.get(name)) for name in _TEMPLATES
    )


def bare_template(template: JSON) -> bool:
    """True of a payload template that reads nothing but its subject."""
    if isinstance(template, list):
        return all(map(bare_template, template))
    if not isinstance(template, dict):
        return True
    return all(_computed(value) if name.endswith(".$") else bare_template(value) for name, value in template.items())


def _computed(text: str) -> bool:
    if text.startswith("$"):
        return _PATH.fullmatch(text) is not None
    return _CALL.fullmatch(text) is not None and not any(name in text for name in _CHANCE)


def bare_rule(rule: Mapping[str, JSON]) -> bool:
    """True of a Choice rule that reads nothing but the input, and assigns nothing."""
    for name, value in rule.items():
        if name in ("And", "Or"):
            if not all(bare_rule(inner) for inner in value):
                return False
        elif name == "Not":
            if not bare_rule(value):
                return False
        elif name == "Assign" or ((name == "Variable" or name.endswith("Path")) and not _PATH.fullmatch(value)):
            return False
    return True
