"""The codes of problems: what each stands for, how grave it is, and whether it is AWS's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Level = Literal["error", "warning", "advice"]


class Code(NamedTuple):
    """One row of the table in docs/validation.md."""

    level: Level
    """``advice`` is a warning that is given only to those who ask for it."""
    of_aws: bool
    """True for a name that AWS has, too."""
    meaning: str


CODES: Mapping[str, Code] = {
    "SCHEMA_VALIDATION_FAILED": Code("error", True, "The definition breaks a rule of the Amazon States Language."),
    "INVALID_JSON_DESCRIPTION": Code(
        "error", True, "The definition is not JSON, or a name stands twice in one object."
    ),
    "MISSING_TRANSITION_TARGET": Code("error", True, "A transition leads to no state, or nothing leads to a state."),
    "MISSING_END_STATE": Code("error", True, "No state of the machine can end it."),
    "DUPLICATE_STATE_NAME": Code("error", True, "Two states have one name; nested ones count."),
    "INVALID_STATE_NAME": Code("error", True, "A state's name has more than 80 characters."),
    "DUPLICATE_LABEL_NAME": Code("error", True, "Two Map states have one Label."),
    "INVALID_LABEL_NAME": Code("error", True, "A Label is empty, too long, or has a character that ARNs cannot have."),
    "TOO_DEEPLY_NESTED": Code("error", True, "Objects and arrays are nested more than 150 levels deep."),
    "INVALID_JSONATA_EXPRESSION": Code("error", True, "A JSONata expression does not parse."),
    "UNSUPPORTED_JSONATA_EXPRESSION": Code("error", True, "An expression reads what Step Functions does not give it."),
    "DUPLICATE_VARIABLE_NAME": Code("error", True, "A variable is assigned that a scope around this one assigns, too."),
    "INVALID_VARIABLE_NAME": Code("error", False, "A variable's name is no identifier, too long, or reserved."),
    "DEFINITION_TOO_LONG": Code("error", False, "The definition has more characters than AWS takes."),
    "POSSIBLY_UNDEFINED_VARIABLE": Code("warning", True, "A variable may have no value yet where it is read."),
    "NO_DOLLAR": Code("warning", True, "A path or function is taken as it stands: its member's name lacks '.$'."),
    "PASS_RESULT_IS_STATIC": Code("warning", True, "A Pass state's Result holds paths, and nothing evaluates them."),
    "LITERAL_PATH": Code("warning", False, "A path stands where a template belongs, and is taken as it stands."),
    "LITERAL_BRACES": Code("warning", False, "A text in braces looks like a placeholder and is taken as it stands."),
    "LITERAL_EXPRESSION": Code("warning", False, "A JSONata expression without {% %} is taken as it stands."),
    "UNUSED_VARIABLE": Code("warning", False, "A variable is assigned and never read."),
    "UNUSED_FIELD": Code("warning", False, "AWS takes the field, and it has no effect."),
    "FAILS_EXECUTION": Code("warning", False, "AWS takes the field, and fails an execution that gets there."),
    "DEPRECATED_FIELD": Code("warning", False, "AWS still takes the field, and documents another one."),
    "UNKNOWN_ERROR_NAME": Code("warning", False, "ErrorEquals names an error that nothing raises."),
    "DUPLICATE_ERROR_NAME": Code("warning", False, "One ErrorEquals names an error twice."),
    "NEVER_MATCHES": Code(
        "warning", False, "A retrier or catcher, or a name in it, that no error of the state can reach."
    ),
    "POINTLESS_RETRY": Code("warning", False, "A retry of what will fail in the same way again."),
    "NO_TIMEOUT": Code("warning", False, "A task that waits for an answer, possibly for a year."),
    "NO_DEFAULT": Code("warning", False, "A Choice fails the execution where no rule matches."),
    "UNREACHABLE_RULE": Code("warning", False, "An earlier Choice rule matches whatever this one would."),
    "ZERO_WAIT": Code("warning", False, "A Wait of no time at all."),
    "LOST_RESULT": Code("warning", False, "A result is kept by ResultPath and dropped before anything could read it."),
    "MAX_CONCURRENCY_TOO_HIGH": Code("warning", False, "More iterations at once than a Map can have."),
    "NO_BATCH_SIZE": Code("warning", False, "An ItemBatcher that sets no limit."),
    "BATCH_TOO_LARGE": Code("warning", False, "So many items, however small, exceed a child's 256 KiB of input."),
    "UNKNOWN_ITEM_FIELD": Code("warning", False, "A Map's processor reads what no item has."),
    "FOREIGN_PLACEHOLDER": Code("warning", False, "A placeholder of another tool than AWS's is not filled in."),
    "UNUSED_SUBSTITUTION": Code("warning", False, "A value is given for a placeholder that the definition lacks."),
    "NO_JOB_TIMEOUT": Code("advice", False, "A .sync task without TimeoutSeconds waits for its job for up to a year."),
    "NO_SERVICE_RETRY": Code("advice", False, "A Lambda task that a passing fault of the service would fail."),
}
"""In the order of the documentation: what AWS refuses, what it takes and will hurt, and good practice."""


def is_advice(code: str) -> bool:
    """True for what is told only to those who ask for it."""
    return code in CODES and CODES[code].level == "advice"
