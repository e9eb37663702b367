from __future__ import annotations

from typing import Any

import pytest

from stepsim.asl.parse import Document
from stepsim.asl.validate import validate

LAMBDA = "arn:aws:states:::lambda:invoke"
SUCCEED = {"Type": "Succeed"}


def codes(*, advice: bool = False, **states: Any) -> list[tuple[str, str]]:
    document = Document.of_value({"StartAt": next(iter(states)), "States": states})
    return [(problem.code, problem.path) for problem in validate(document, advice=advice)]


def task(resource: str, **fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, "End": True, **fields}


@pytest.mark.parametrize(
    "resource",
    ["arn:aws:states:::sqs:sendMessage.waitForTaskToken", "arn:aws:states:us-east-1:123456789012:activity:a"],
)
def test_who_waits_for_an_answer_says_how_long(resource: str) -> None:
    """Callbacks and activities need a time-out or heartbeats."""
    assert codes(A=task(resource)) == [("NO_TIMEOUT", "/States/A/Resource")]
    assert codes(A=task(resource, HeartbeatSeconds=5)) == []
    assert codes(A=task(resource, TimeoutSecondsPath="$.t")) == []


def test_advice_is_given_to_those_who_ask() -> None:
    """Time-outs of jobs and retries of Lambda's faults are told on demand only."""
    job = task("arn:aws:states:::glue:startJobRun.sync")
    assert codes(A=job) == []
    assert codes(advice=True, A=job) == [("NO_JOB_TIMEOUT", "/States/A/Resource")]
    assert codes(A=task(LAMBDA)) == []
    assert codes(advice=True, A=task(LAMBDA)) == [("NO_SERVICE_RETRY", "/States/A/Resource")]


@pytest.mark.parametrize("retry", [[{"ErrorEquals": ["States.ALL"]}], "${Retry}", [{"ErrorEquals": ["${Errors}"]}]])
def test_retries_that_may_cover_the_service(retry: Any) -> None:
    """A Retry of everything, and one that a placeholder will fill, are not advised upon."""
    assert codes(advice=True, A=task(LAMBDA, Retry=retry)) == []


def test_waits_of_nothing() -> None:
    """A Wait of zero seconds does nothing; a placeholder may become any number."""
    assert codes(A={"Type": "Wait", "Seconds": 0, "End": True}) == [("ZERO_WAIT", "/States/A/Seconds")]
    assert codes(A={"Type": "Wait", "Seconds": "${S}", "End": True}) == []


def choice(*rules: dict[str, Any], **fields: Any) -> list[tuple[str, str]]:
    return codes(A={"Type": "Choice", "Choices": [{"Next": "B", **rule} for rule in rules], **fields}, B=SUCCEED)


@pytest.mark.parametrize(
    "rules",
    [
        [{"Variable": "$.a", "BooleanEquals": True}, {"BooleanEquals": False, "Variable": "$.a"}],
        [{"Variable": "$.a", "NumericLessThan": 3}, {"Variable": "$.a", "NumericGreaterThanEquals": 3}],
        [{"Not": {"Variable": "$.a", "StringEquals": "x"}}, {"Variable": "$.a", "StringEquals": "x"}],
    ],
)
def test_rules_that_leave_nothing_over(rules: list[dict[str, Any]]) -> None:
    """A condition and its opposite need no Default."""
    assert choice(*rules) == []


def test_choices_without_default() -> None:
    """Where no rule may match, the execution would fail."""
    assert choice({"Variable": "$.a", "StringEquals": "x"}) == [("NO_DEFAULT", "/States/A")]
    assert choice({"Variable": "$.a", "StringEquals": "x"}, Default="B") == []


def test_rules_that_come_too_late() -> None:
    """The same condition again, and whatever follows a rule that always matches, is never reached."""
    rule = {"Variable": "$.a", "StringEquals": "x"}
    assert choice(rule, {**rule, "Comment": "again"}, Default="B") == [("UNREACHABLE_RULE", "/States/A/Choices[1]")]
    always = {"Condition": "{% true %}"}
    late = choice(always, {"Condition": "{% $states.input.a %}"}, QueryLanguage="JSONata")
    assert late == [("UNREACHABLE_RULE", "/States/A/Choices[1]")]


def map_state(processor: str = "ItemProcessor", mode: str = "INLINE", **fields: Any) -> dict[str, Any]:
    config = {"Mode": mode, **({"ExecutionType": "EXPRESS"} if mode == "DISTRIBUTED" else {})}
    machine = {"StartAt": "In", "States": {"In": {"Type": "Pass", "End": True}}, "ProcessorConfig": config}
    return {"Type": "Map", processor: machine, "End": True, **fields}


def test_maps_of_old() -> None:
    """Iterator and a Map's Parameters have new names."""
    found = codes(A=map_state("Iterator", Parameters={"a": 1}))
    assert sorted(found) == [("DEPRECATED_FIELD", "/States/A/Iterator"), ("DEPRECATED_FIELD", "/States/A/Parameters")]


@pytest.mark.parametrize(("mode", "most"), [("INLINE", 40), ("DISTRIBUTED", 10_000)])
def test_more_at_once_than_there_can_be(mode: str, most: int) -> None:
    """An INLINE Map runs 40 iterations at once, a map run 10,000 children."""
    assert codes(A=map_state(mode=mode, MaxConcurrency=most)) == []
    found = codes(A=map_state(mode=mode, MaxConcurrency=most + 1))
    assert found == [("MAX_CONCURRENCY_TOO_HIGH", "/States/A/MaxConcurrency")]


LISTING = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "b"}}


@pytest.mark.parametrize(
    ("batch", "fields", "fits"),
    [
        (131_072, {}, True),
        (131_073, {}, False),
        (2_000, {"ItemReader": LISTING}, True),
        (3_000, {"ItemReader": LISTING}, False),
        (20_000, {"ItemSelector": {"name": "a long constant", "x.$": "$.x"}}, False),
        (20_000, {"ItemSelector": {"x.$": "$.x"}}, True),
    ],
)
def test_batches_that_cannot_be(batch: int, fields: dict[str, Any], fits: bool) -> None:
    """A batch whose smallest items exceed 256 KiB ends earlier than it says."""
    found = codes(A=map_state(mode="DISTRIBUTED", ItemBatcher={"MaxItemsPerBatch": batch}, **fields))
    assert found == ([] if fits else [("BATCH_TOO_LARGE", "/States/A/ItemBatcher/MaxItemsPerBatch")])


def test_batches_by_bytes() -> None:
    """A limit in bytes says how many items fit."""
    batcher = {"MaxItemsPerBatch": 10**6, "MaxInputBytesPerBatch": 1000}
    assert codes(A=map_state(mode="DISTRIBUTED", ItemBatcher=batcher)) == []


def test_results_that_nobody_can_read() -> None:
    """What ResultPath keeps and the next state's InputPath leaves out is lost, unless it is passed on beside."""
    first = {"Type": "Pass", "ResultPath": "$.r", "Next": "B"}
    second: dict[str, Any] = {"Type": "Pass", "InputPath": "$.other", "End": True}
    assert codes(A=first, B=second) == [("LOST_RESULT", "/States/B/InputPath")]
    assert codes(A=first, B={**second, "InputPath": "$.r.part"}) == []
    assert codes(A=first, B={**second, "ResultPath": "$.more"}) == []
    assert codes(A=first, B={"Type": "Succeed", "InputPath": "$.other"}) == [("LOST_RESULT", "/States/B/InputPath")]
    kept = {"Type": "Pass", "ResultPath": "$.r", "OutputPath": "$.other", "End": True}
    assert codes(A=kept) == [("LOST_RESULT", "/States/A/OutputPath")]


def test_paths_without_a_dollar_in_the_name() -> None:
    """AWS takes such a member as it stands; a Pass state's Result always is."""
    assert codes(A=task(LAMBDA, Parameters={"Payload": {"x": "States.UUID()"}})) == [
        ("NO_DOLLAR", "/States/A/Parameters/Payload/x")
    ]
    assert codes(A={"Type": "Pass", "Result": {"x.$": "$"}, "End": True}) == [
        ("PASS_RESULT_IS_STATIC", "/States/A/Result/x.$")
    ]


def test_expressions_without_delimiters() -> None:
    """In JSONata, $states outside of {% %} is text."""
    state = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"a": ["$states.input"]}, "End": True}
    assert codes(A={**state, "Output": {"a": "$states.input.b"}}) == [("LITERAL_EXPRESSION", "/States/A/Output/a")]
    assert codes(A={**state, "Output": {"a": "{% $states.input.b %}"}}) == []
