"""Choice Rules: comparisons, combinations and conditions, at whatever depth."""

from __future__ import annotations

from typing import NamedTuple

from stepsim.asl.fields import CHOICE_RULE, COMBINATIONS, COMPARISONS, Field, Fields
from stepsim.asl.parse import Path, is_hole
from stepsim.asl.payload import JSON
from stepsim.asl.validate_fields import Where, check_value, expect_type, unsupported
from stepsim.asl.validate_suggestions import did_you_mean, for_wrong_language

_RULE = Fields("a Choice Rule", CHOICE_RULE)
_ONLY_AT_TOP = ("Next", "Assign", "Output")
_KINDS = (*COMBINATIONS, *COMPARISONS)


class _Rule(NamedTuple):
    value: JSON
    path: Path
    nested: bool


def check_choices(choices: JSON, path: Path, where: Where) -> None:
    """The Choices of a Choice state. Not recursive: rules may be nested as deep as the author likes."""
    if is_hole(choices):
        return
    if type(choices) is not list:
        expect_type(where.findings, "[ARRAY]", path, "Put the rules into brackets: [ … ].")
        return
    if not choices:
        where.findings.error("Value cannot be empty", path, "Write at least one rule with a Next.")
    waiting = [_Rule(rule, (*path, index), False) for index, rule in enumerate(choices)]
    waiting.reverse()
    while waiting:
        rule = waiting.pop()
        if is_hole(rule.value):
            continue
        if type(rule.value) is not dict:
            expect_type(where.findings, "[OBJECT]", rule.path)
            continue
        waiting.extend(reversed(_check_rule(rule, where)))


def _check_rule(rule: _Rule, where: Where) -> list[_Rule]:
    """Check one rule without those inside it; the answer is those."""
    inside: list[_Rule] = []
    for name, member in rule.value.items():
        field = CHOICE_RULE.get(name)
        at = (*rule.path, name)
        if field is None:
            hint = did_you_mean(name, CHOICE_RULE, 0.6) or "See the comparison operators of a Choice Rule."
            unsupported(where.findings, name, rule.path, hint)
        elif rule.nested and name in _ONLY_AT_TOP:
            unsupported(where.findings, name, rule.path, f"Only a rule that stands directly in Choices has {name}.")
        elif field.language not in (None, where.language):
            message = (
                f"The QueryLanguage is set to '{where.language}', but field '{name}' is only supported for the "
                f"'{field.language}' QueryLanguage"
            )
            where.findings.error(message, rule.path, for_wrong_language(name, where.language), at=at)
        elif name in COMBINATIONS:
            inside += _inside(name, member, at, where)
        else:
            check_value(member, field, at, where)
    _check_shape(rule, where)
    return inside


def _inside(name: str, member: JSON, path: Path, where: Where) -> list[_Rule]:
    if is_hole(member):
        return []
    if name == "Not":
        return [_Rule(member, path, True)]
    if type(member) is not list:
        expect_type(where.findings, "[ARRAY]", path, f"Put the rules of {name} into brackets: [ … ].")
        return []
    if not member:
        where.findings.error("Value cannot be empty", path, "Write at least one rule.")
    return [_Rule(part, (*path, index), True) for index, part in enumerate(member)]


def _check_shape(rule: _Rule, where: Where) -> None:
    value, path, findings = rule.value, rule.path, where.findings
    if not rule.nested and "Next" not in value:
        findings.error("These fields are required: [Next]", path, "Write Next with the name of the state to go to.")
    if where.language == "JSONata":
        if "Condition" not in value:
            findings.error("These fields are required: [Condition]", path, 'Write "Condition": "{% … %}".')
        return
    kinds = [name for name in value if name in _KINDS]
    if len(kinds) > 1:
        message = f"There should only be one of the following fields: [{', '.join(_KINDS)}]"
        hint = f"Keep one of {' and '.join(kinds)}, or combine two rules with And."
        findings.error(message, path, hint, at=(*path, kinds[1]))
    elif not kinds:
        if any(CHOICE_RULE.get(name, _ANY).language == "JSONata" for name in value):
            return  # Told already that it is written in the other query language.
        message = f"This object should have only one of the following fields: [{', '.join(_KINDS)}]"
        findings.error(message, path, 'Write a comparison such as "StringEquals": …, or And, Or, Not.')
    if kinds and kinds[0] in COMPARISONS and "Variable" not in value:
        findings.error("These fields are required: [Variable]", path, 'Write "Variable": "$.…": what is compared.')
    elif kinds and kinds[0] in COMBINATIONS and "Variable" in value:
        hint = f"Write Variable inside the rules of {kinds[0]}."
        unsupported(findings, "Variable", path, hint)


_ANY = Field("any")
