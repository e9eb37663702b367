"""Choice rules that can never be reached, and Choices that no rule may match."""

from __future__ import annotations

import json

from stepsim.asl.fields import COMPARISONS, Language
from stepsim.asl.parse import Path, placeholders
from stepsim.asl.payload import JSON
from stepsim.asl.validate_findings import Findings

_BESIDE = ("Next", "Assign", "Output", "Comment")
_OPPOSITES = (("LessThan", "GreaterThanEquals"), ("GreaterThan", "LessThanEquals"))
_ALWAYS = ("true", '"{% true %}"')

_COMPLEMENTS = {
    f"{family}{one}{path}": f"{family}{other}{path}"
    for family in ("String", "Numeric", "Timestamp")
    for path in ("", "Path")
    for pair in _OPPOSITES
    for one, other in (pair, pair[::-1])
}
"""Comparisons of which one or the other is true of any value of the family."""


def check_choice(state: dict[str, JSON], path: Path, findings: Findings, language: Language) -> None:  # noqa: ARG001
    """Warn of rules that come too late, and of a Choice without Default unless its rules leave nothing over."""
    choices = state.get("Choices")
    if type(choices) is not list or not choices or placeholders(choices):
        return
    seen: dict[str, int] = {}
    for index, rule in enumerate(choices):
        if type(rule) is not dict:
            return
        text = _text(_condition(rule))
        earlier = seen.get(text)
        always = next((place for known, place in seen.items() if known in _ALWAYS), None)
        if always is not None or earlier is not None:
            first = always if always is not None else earlier
            what = "always matches" if always is not None else "has the same condition"
            message = f"The rule is never reached: Choices[{first}] {what}"
            findings.warning(
                "UNREACHABLE_RULE", message, (*path, "Choices", index), "Remove one, or change its condition."
            )
        seen.setdefault(text, index)
    if "Default" not in state and not any(text in _ALWAYS for text in seen) and not _leaves_nothing(choices, seen):
        hint = "Write Default with the name of a state, which may be a Fail state that says what was not expected."
        findings.warning("NO_DEFAULT", "Where no rule matches, the execution fails with States.Runtime", path, hint)


def _text(condition: JSON) -> str:
    """The same for the same condition, however its members are ordered."""
    return json.dumps(condition, sort_keys=True)


def _condition(rule: dict[str, JSON]) -> JSON:
    if "Condition" in rule:
        return rule["Condition"]
    return {name: item for name, item in rule.items() if name not in _BESIDE}


def _leaves_nothing(choices: list[JSON], seen: dict[str, int]) -> bool:
    return any(_text(_negation(_condition(rule))) in seen for rule in choices)


def _negation(condition: JSON) -> JSON:
    """What is true where a condition is not, as its author would write it; None where nobody would."""
    if type(condition) is not dict:
        return None
    if list(condition) == ["Not"]:
        return condition["Not"]
    operator = next((name for name in condition if name in COMPARISONS), None)
    if operator is None or len(condition) != 2:
        return {"Not": condition}
    if type(condition[operator]) is bool:
        return {**condition, operator: not condition[operator]}
    if operator in _COMPLEMENTS:
        return {_COMPLEMENTS[operator]: condition[operator], "Variable": condition.get("Variable")}
    return {"Not": condition}
