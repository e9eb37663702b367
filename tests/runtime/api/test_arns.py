"""`stepsim.runtime.api.arns`."""

from __future__ import annotations

import pytest

from stepsim.runtime.api.arns import parse_arn, parse_machine_arn
from stepsim.runtime.cloud.call import ApiError

HOME = "arn:aws:states:us-east-1:123456789012"


@pytest.mark.parametrize(
    ("resource", "parts"),
    [
        ("stateMachine:a.b", ("stateMachine", "a.b", None, None)),
        ("stateMachine:m:3", ("stateMachine", "m", None, "3")),
        ("stateMachine:m/label", ("stateMachine", "m", "label", None)),
        ("execution:m:one", ("execution", "m", None, "one")),
        ("execution:m/label:child", ("execution", "m", "label", "child")),
        ("express:m:one:uuid", ("express", "m", None, "one:uuid")),
        ("activity:a", ("activity", "a", None, None)),
        ("mapRun:m/label:uuid", ("mapRun", "m", "label", "uuid")),
    ],
)
def test_parts(resource: str, parts: tuple[str, str, str | None, str | None]) -> None:
    """An ARN has a kind, the name of its machine or activity, maybe a label, and maybe what follows."""
    arn = parse_arn(f"{HOME}:{resource}")
    assert (arn.kind, arn.name, arn.label, arn.qualifier) == parts
    assert tuple(arn.home) == ("123456789012", "us-east-1")


def test_qualifiers() -> None:
    """A number after a machine's name is a version, anything else is an alias."""
    version, alias, plain = (parse_arn(f"{HOME}:stateMachine:m{end}") for end in (":2", ":PROD", ""))
    assert (version.version, version.alias, version.unqualified) == (2, None, f"{HOME}:stateMachine:m")
    assert (alias.version, alias.alias, alias.unqualified) == (None, "PROD", f"{HOME}:stateMachine:m")
    assert (plain.version, plain.alias, plain.unqualified) == (None, None, plain.text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not_a_valid_arn", "Invalid ARN prefix: not_a_valid_arn"),
        ("arn:aws:states", "Invalid ARN: arn:aws:states"),
        (f"{HOME}:express:m:one:uuid", "Resource type not valid in this context: express"),
    ],
)
def test_invalid(text: str, reason: str) -> None:
    """What is no ARN, or one of another kind than asked for, is refused with the reason."""
    with pytest.raises(ApiError) as raised:
        parse_arn(text, "execution")
    assert (raised.value.code, raised.value.message) == ("InvalidArn", f"Invalid Arn: '{reason}'")


def test_labelled() -> None:
    """Operations on machines take no ARN of a Map state."""
    with pytest.raises(ApiError) as raised:
        parse_machine_arn(f"{HOME}:stateMachine:m/label")
    assert raised.value.code == "ValidationException"
    assert raised.value.extra == {"reason": "API_DOES_NOT_SUPPORT_LABELED_ARNS"}
