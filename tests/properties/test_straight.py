"""The straight way of a map run's children and the interpreter's own cannot be told apart."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepsim.asl.parse import parse
from stepsim.asl.payload import encode
from stepsim.asl.validate import validate
from stepsim.runtime import straight
from stepsim.runtime.cloud.call import Answer, CallSite

Definition: TypeAlias = dict[str, Any]
Draw: TypeAlias = Callable[[st.SearchStrategy[Any]], Any]

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:"
INVOKE = "arn:aws:states:::lambda:invoke"
NAMES = ("S0", "S1", "S2", "S3")
ITEMS = [{"n": 0, "m": 1}, {"n": 1}, {"n": 2, "m": None}, {"m": 5, "n": "x"}, 7, {"n": 3, "large": "x" * 200_000}]
WRITER = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "bucket", "Prefix": "out"}}

# Each field of a state comes with values that keep it bare and with values that do not.
FLOWS = st.sampled_from(
    [
        {},
        {},
        {"ResultPath": "$.result"},
        {"ResultPath": None},
        {"InputPath": "$.n"},
        {"OutputPath": "$.m"},
        {"Parameters": {"name.$": "$$.Execution.Name", "state.$": "$$.State", "in.$": "$"}},
        {"Parameters": {"id.$": "States.UUID()", "n.$": "$.n"}, "ResultPath": "$.made"},
        {"Parameters": {"n.$": "$.n", "all": [{"in.$": "$", "is": "$"}], "fixed": {"m": None}}},
        {"Parameters": {"n.$": "States.Format('{} of {}', $.n, $)"}, "OutputPath": "$.n"},
        {"Parameters": {"twice": [{"a.$": "$", "b.$": "$"}]}, "ResultPath": None},
        {"InputPath": "$.m", "OutputPath": "$['n']"},
        {"InputPath": None},
        {"OutputPath": "$$.Execution.Name"},
        {"Comment": "nothing"},
    ]
)
FILTERS = st.sampled_from([{}, {}, {"InputPath": "$.n"}, {"OutputPath": "$.m"}, {"InputPath": "$$.Execution"}])
PAYLOADS = st.sampled_from(
    [
        {"Payload.$": "$"},
        {"Payload.$": "$"},
        {"Payload.$": "$.n"},
        {"Payload": {"n.$": "$.n", "m": 1}},
        {"Payload": {"twice": [{"a.$": "$", "b.$": "$"}]}},
        {"Payload.$": "$", "InvocationType": "RequestResponse", "LogType": "None"},
        {"Payload.$": "$", "LogType": "Tail"},
        {"Payload.$": "$", "InvocationType": "Event"},
        {"Payload.$": "$", "Qualifier": "live"},
        {"Payload.$": "$", "ClientContext": "e30="},
        {"Payload.$": "$$.Execution.Name"},
        {"Payload": None},
        {},
    ]
)
ANSWERS = st.sampled_from(
    [
        {"OutputPath": "$.Payload"},
        {"OutputPath": "$.Payload"},
        {"OutputPath": "$.Payload.n"},
        {"OutputPath": "$.SdkResponseMetadata"},
        {"OutputPath": "$['Payload']"},
        {"ResultPath": None},
        {"ResultPath": None, "OutputPath": "$.n"},
        {"ResultPath": "$.result"},
        {"ResultPath": "$.result", "OutputPath": "$.result.Payload"},
        {"ResultSelector": {"n.$": "$.Payload", "status.$": "$.StatusCode"}},
        {"ResultSelector": {"n.$": "$.Payload.n", "of": [{"version.$": "$.ExecutedVersion"}]}, "ResultPath": "$.made"},
        {"ResultSelector": {"n.$": "States.JsonToString($.Payload)"}, "OutputPath": "$.n"},
        {"ResultSelector": {"n.$": "States.JsonToString($)"}},
        {"ResultSelector": {"n.$": "$.PayloadMissing"}},
        {"ResultSelector": {"n.$": "$.Payload.m", "id.$": "$.SdkResponseMetadata.RequestId"}},
        {"InputPath": "$.n", "OutputPath": "$.Payload"},
        {},
    ]
)
ASSIGNS = st.sampled_from([{}, {}, {}, {"Assign": {"seen.$": "$.n"}}])
TESTS = st.sampled_from(
    [
        {"Variable": "$.n", "NumericLessThan": 2},
        {"Variable": "$.m", "IsPresent": True},
        {"Variable": "$.n", "NumericEqualsPath": "$.m"},
        {"Variable": "$$.State.Name", "StringEquals": "S1"},
        {"Variable": "$seen", "IsPresent": False},
        {"Not": {"Variable": "$.result", "IsPresent": True}},
        {"And": [{"Variable": "$", "IsString": False}, {"Variable": "$.n", "IsNumeric": True}]},
    ]
)
ERRORS = st.sampled_from(["A", "States.ALL", "States.Timeout", "States.TaskFailed", "Lambda.TooManyRequestsException"])


@st.composite
def states(draw: Draw, name: str, later: tuple[str, ...]) -> Definition:
    """A state of a child, and what follows of the later ones."""
    following = draw(st.sampled_from([*({"Next": other} for other in later), {"End": True}]))
    kind = draw(
        st.sampled_from(["Task", "Task", "Task", "Choice", "Pass", "Pass", "Succeed", "Fail", "Wait", "Parallel"])
    )
    if kind == "Choice" and later:
        rules = [{**draw(TESTS), "Next": draw(st.sampled_from(later))} for _ in range(draw(st.integers(1, 2)))]
        default = draw(st.sampled_from([{}, *({"Default": other} for other in later)]))
        filters: Definition = draw(FILTERS)
        return {"Type": kind, "Choices": rules, **filters, **default}
    if kind == "Succeed":
        return {"Type": kind, **draw(FILTERS)}
    if kind == "Fail":
        failing: Definition = draw(st.sampled_from([{"Type": kind, "Error": "A"}, {"Type": kind, "CausePath": "$.n"}]))
        return failing
    if kind == "Wait":
        return {"Type": kind, "Seconds": draw(st.integers(0, 1)), **following}
    if kind == "Parallel":
        inner = {f"{name}P": {"Type": "Pass", "End": True}}
        return {"Type": kind, "Branches": [{"StartAt": f"{name}P", "States": inner}], **following}
    if kind == "Pass":
        result = draw(st.sampled_from([{}, {"Result": {"n": 1}}, {"Result": "x" * 150_000}]))
        return {"Type": kind, **draw(FLOWS), **draw(ASSIGNS), **result, **following}
    return {"Type": "Task", **draw(works(later)), **draw(ASSIGNS), **following}


@st.composite
def works(draw: Draw, later: tuple[str, ...]) -> Definition:
    """What a Task has of its own."""
    function = FUNCTION + draw(st.sampled_from("fgh"))
    fields: Definition = dict(draw(st.sampled_from([{}, {}, {"TimeoutSeconds": 1}])))
    if draw(st.booleans()):
        fields |= {"Resource": function, **draw(FLOWS)}
    else:
        fields |= {"Resource": INVOKE, "Parameters": {"FunctionName": function, **draw(PAYLOADS)}, **draw(ANSWERS)}
    if draw(st.booleans()):
        retrier = {"ErrorEquals": [draw(ERRORS)], "IntervalSeconds": 1, "MaxAttempts": 2, "JitterStrategy": "FULL"}
        fields["Retry"] = [retrier]
    if later and draw(st.booleans()):
        following = draw(st.sampled_from(later))
        fields["Catch"] = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": following}]
    return fields


@st.composite
def children(draw: Draw) -> Definition:
    """The machine of a map run's children, some of them so long that they have to take breath."""
    made = {name: draw(states(name, NAMES[place + 1 :])) for place, name in enumerate(NAMES)}
    before = [f"B{place}" for place in range(draw(st.sampled_from([0, 0, 0, 30, 31, 32])))]
    for name, following in pairwise([*before, NAMES[0]]):
        made[name] = {"Type": "Pass", "Next": following}
    return {"StartAt": [*before, *NAMES][0], "States": made}


@st.composite
def maps(draw: Draw) -> Definition:
    """A machine of one distributed Map, whose children's outcomes are all written."""
    kind = draw(st.sampled_from(["STANDARD", "EXPRESS"]))
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind}, **draw(children())}
    each: Definition = {
        "Type": "Map",
        "Label": "Each",
        "MaxConcurrency": draw(st.integers(0, 3)),
        "ItemProcessor": processor,
        "ToleratedFailurePercentage": draw(st.sampled_from([0, 50, 100])),
        "ResultWriter": WRITER,
        "End": True,
    }
    batcher = draw(st.sampled_from([{}, {}, {"ItemBatcher": {"MaxItemsPerBatch": 2}}]))
    return {
        "StartAt": "Each",
        "States": {"Each": {**each, **batcher}},
        "TimeoutSeconds": draw(st.sampled_from([2, 700])),
    }


REPLIES = st.tuples(
    st.sampled_from(["echo", "echo", "echo", "null", "A", "B", "throttled", "silent"]),
    st.sampled_from([0, 1, 40, 1_000, 1_500]),
)
SCRIPTS = st.fixed_dictionaries({name: st.lists(REPLIES, min_size=1, max_size=3) for name in "fgh"})


def everything(world: Any, definition: Definition, script: Any, stop_ms: int | None) -> dict[str, Any]:
    """All that can be seen of a run."""
    stored: dict[str, bytes] = {}

    def call(service: str, operation: str, params: dict[str, Any], *, site: CallSite) -> Answer:
        if operation == "PutObject":
            stored[params["Key"]] = params["Body"]
        return Answer({})

    run = world.simulate(definition, ITEMS, script, stop_ms=stop_ms, call=call)
    statistics = run.account.statistics
    return {
        "history": run.history,
        "asked": run.functions.asked,
        "stored": stored,
        "map runs": [(one.describe(), one.max_concurrency_seen) for one in run.map_runs],
        "express": [
            [sorted(durations.counted()) for durations in (one.succeeded_after, one.failed_after)]
            for one in run.map_runs
        ],
        "states": {
            name: (
                (state.entered, state.succeeded, state.failed, state.retries, state.caught),
                (state.billed, state.billed_retries, sorted(state.durations.counted())),
            )
            for name, state in statistics.states.items()
        },
        "counted": (statistics.state_transitions, statistics.history_events, statistics.lost),
        "order": list(statistics.states),
        "breaches": run.book.breaches,
    }


@settings(max_examples=150, deadline=None)
@given(definition=maps(), script=SCRIPTS, stop_ms=st.sampled_from([None, None, None, 1, 1_000, 2_500]))
def test_nobody_can_tell_which_way_a_child_went(
    world: Any, definition: Definition, script: Any, stop_ms: int | None
) -> None:
    """Counts, calls, histories, times and result files are the same without the straight way."""
    problems = validate(parse(encode(definition)))
    # That a state is not reachable does no harm here.
    assert {problem.code for problem in problems if problem.severity == "error"} <= {"MISSING_TRANSITION_TARGET"}
    short = everything(world, definition, script, stop_ms)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(straight, "BARE", {})
        long = everything(world, definition, script, stop_ms)
    assert short == long
    assert short["breaches"] == []
