"""What states do: data flow, choices, waits, retries, catchers, limits."""

from __future__ import annotations

from typing import Any

import pytest


def test_data_passes_through_every_field_in_order(laboratory: Any) -> None:
    """InputPath, Parameters, the task, ResultSelector, ResultPath into the raw input, OutputPath."""
    seen: list[Any] = []

    def work(event: Any) -> Any:
        seen.append(event)
        return {"r": {"v": 9}, "junk": 0}

    task = laboratory.task(
        InputPath="$.a",
        Parameters={"n.$": "$.x", "who.$": "$$.State.Name"},
        ResultSelector={"v.$": "$.r.v"},
        ResultPath="$.out.res",
        OutputPath="$.out",
    )
    run = laboratory.run(laboratory.machine(T=task), {"a": {"x": 1}, "b": 2}, functions={"f": work})
    assert seen == [{"n": 1, "who": "T"}]
    assert run.output == {"res": {"v": 9}}


@pytest.mark.parametrize(
    ("fields", "output"),
    [
        ({"ResultPath": None}, {"a": 1}),
        ({"InputPath": None}, {}),
        ({"OutputPath": None}, {}),
        ({"Result": [1], "ResultPath": "$.x.y"}, {"a": 1, "x": {"y": [1]}}),
        ({"Parameters": {"b.$": "$.a"}}, {"b": 1}),
    ],
)
def test_a_pass_state_obeys_its_paths(laboratory: Any, fields: Any, output: Any) -> None:
    """null discards, a path places, Result replaces the input."""
    run = laboratory.run(laboratory.machine(P={"Type": "Pass", "End": True, **fields}), {"a": 1})
    assert run.output == output


def test_the_context_object_tells_who_runs(laboratory: Any) -> None:
    """Execution, StateMachine and State are there in AWS's own names."""
    run = laboratory.run(laboratory.machine(P={"Type": "Pass", "Parameters": {"c.$": "$$"}, "End": True}), {"a": 1})
    context = run.output["c"]
    assert context["Execution"] == {
        "Id": "arn:aws:states:us-east-1:123456789012:execution:machine:one",
        "Input": {"a": 1},
        "Name": "one",
        "RoleArn": "arn:aws:iam::123456789012:role/stepsim",
        "StartTime": "2026-01-05T02:00:00.000Z",
        "RedriveCount": 0,
    }
    assert context["StateMachine"]["Name"] == "machine"
    assert context["State"] == {"Name": "P", "EnteredTime": "2026-01-05T02:00:00.000Z"}


def test_retries_wait_as_the_timetable_says(laboratory: Any) -> None:
    """Interval 2, rate 2, at most 10 s, a task of 1 s: five runs, and the last fails at 29 s."""

    def fail(event: Any) -> Any:
        raise laboratory.Refused("E", "no")

    retry = [{"ErrorEquals": ["E"], "IntervalSeconds": 2, "BackoffRate": 2, "MaxAttempts": 4, "MaxDelaySeconds": 10}]
    run = laboratory.run(laboratory.machine(T=laboratory.task(Retry=retry)), functions={"f": fail})
    starts = [event.timestamp_ms for event in run.history if event.type == "LambdaFunctionScheduled"]
    assert [(start - starts[0]) / 1000 for start in starts] == [0, 3, 8, 17, 28]
    assert run.seconds == 29
    assert run.statistics.states["T"].retries == {"E": 4}


def test_an_exhausted_retrier_does_not_pass_the_error_on_to_the_next(laboratory: Any) -> None:
    """The first retrier that matches decides, even when a later one has attempts left."""
    errors = iter(["A", "B", "A"])

    def fail(event: Any) -> Any:
        raise laboratory.Refused(next(errors), "no")

    retry = [{"ErrorEquals": ["A"], "MaxAttempts": 1}, {"ErrorEquals": ["States.ALL"], "MaxAttempts": 2}]
    catch = [{"ErrorEquals": ["A"], "Next": "Caught"}]
    task = laboratory.task(Retry=retry, Catch=catch)
    run = laboratory.run(laboratory.machine(T=task, Caught={"Type": "Pass", "End": True}), functions={"f": fail})
    assert run.output["Error"] == "A"
    assert len(run.calls) == 3


def test_full_jitter_draws_its_waits_from_the_seed(laboratory: Any) -> None:
    """The same seed waits the same time, another seed another."""

    def seconds(seed: int) -> float:
        def fail(event: Any) -> Any:
            raise laboratory.Refused("E", "no")

        retry = [{"ErrorEquals": ["E"], "IntervalSeconds": 100, "JitterStrategy": "FULL"}]
        machine = laboratory.machine(T=laboratory.task(Retry=retry))
        run = laboratory.run(machine, functions={"f": fail}, seed=seed)
        assert run.seconds <= 4 + 100 + 200 + 400
        return float(run.seconds)

    assert seconds(1) == seconds(1) != seconds(2)


def test_a_catcher_places_the_error_and_ignores_the_output_path(laboratory: Any) -> None:
    """ResultPath of the catcher decides; the state's OutputPath has no part in it, even an invalid one."""

    def fail(event: Any) -> Any:
        raise laboratory.Refused("Boom", "why")

    task = laboratory.task(
        OutputPath="$.no.such", Catch=[{"ErrorEquals": ["Boom"], "Next": "C", "ResultPath": "$.err"}]
    )
    run = laboratory.run(laboratory.machine(T=task, C={"Type": "Pass", "End": True}), {"k": 1}, functions={"f": fail})
    assert run.output == {
        "k": 1,
        "err": {"Error": "Boom", "Cause": '{"errorMessage": "why", "errorType": "Boom"}'},
    }


@pytest.mark.parametrize("name", ["States.HeartbeatTimeout", "States.Timeout"])
def test_a_missed_heartbeat_answers_to_both_names(laboratory: Any, name: str) -> None:
    """It is reported as States.Timeout, with an empty cause."""
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": "f", "Payload": {"token.$": "$$.Task.Token"}},
        "HeartbeatSeconds": 5,
        "TimeoutSeconds": 60,
        "Catch": [{"ErrorEquals": [name], "Next": "C"}],
        "End": True,
    }
    run = laboratory.run(laboratory.machine(T=task, C={"Type": "Pass", "End": True}), functions={"f": lambda e: 1})
    assert run.output == {"Error": "States.Timeout", "Cause": ""}
    assert run.seconds == 6


def test_a_task_token_carries_the_result(laboratory: Any) -> None:
    """What the function returns is ignored; the token's output is the result, and works once."""

    def answer(run: Any) -> None:
        def send() -> None:
            run.tokens.succeed(run.calls[0][1]["token"], '{"by": "token"}')

        run.scheduler.call_at(run.scheduler.now_ms + 3_000, send)

    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": "f", "Payload": {"token.$": "$$.Task.Token"}},
        "End": True,
    }
    run = laboratory.run(laboratory.machine(T=task), functions={"f": lambda event: "ignored"}, during=answer)
    assert run.output == {"by": "token"}
    assert run.seconds == 3


def test_states_task_failed_covers_everything_but_time_outs(laboratory: Any) -> None:
    """A time-out passes by a catcher of States.TaskFailed."""
    laboratory.duration_ms = 60_000
    catch = [{"ErrorEquals": ["States.TaskFailed"], "Next": "C"}]
    task = laboratory.task(TimeoutSeconds=1, Catch=catch)
    run = laboratory.run(laboratory.machine(T=task, C={"Type": "Pass", "End": True}), functions={"f": lambda e: 1})
    assert (run.status, run.execution.error) == ("FAILED", "States.Timeout")


def test_a_choice_that_matches_nothing_is_a_runtime_error(laboratory: Any) -> None:
    """AWS documents States.NoChoiceMatched and reports States.Runtime."""
    choice = {"Type": "Choice", "Choices": [{"Variable": "$.x", "NumericEquals": 2, "Next": "C"}]}
    run = laboratory.run(laboratory.machine(C=choice), {"x": 1})
    assert run.execution.error == "States.Runtime"
    assert run.execution.cause == (
        "An error occurred while executing the state 'C' (entered at the event id #2). "
        "Failed to transition out of the state. The state does not point to a next state."
    )


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({"Seconds": 10}, 10),
        ({"SecondsPath": "$.s"}, 7),
        ({"Timestamp": "2026-01-05T02:01:00Z"}, 60),
        ({"TimestampPath": "$.t"}, 3600),
        ({"Timestamp": "2020-01-01T00:00:00Z"}, 0),
    ],
)
def test_a_wait_lasts_as_long_as_it_says(laboratory: Any, fields: Any, seconds: int) -> None:
    """Seconds from now, or until a moment; a moment in the past is over at once."""
    value = {"s": 7, "t": "2026-01-05T04:00:00+01:00"}
    run = laboratory.run(laboratory.machine(W={"Type": "Wait", "End": True, **fields}), value)
    assert run.seconds == seconds
    assert run.output == value


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ({}, "The SecondsPath parameter does not reference an input value: $.s"),
        ({"s": -1.5}, "The SecondsPath parameter cannot be parsed as a long value: $.s == -1.5"),
        ({"s": -1}, "The SecondsPath parameter references a negative value: $.s == -1"),
        ({"s": 100_000_000}, "Wait state delay is too long."),
    ],
)
def test_a_wait_refuses_what_is_no_duration(laboratory: Any, value: Any, cause: str) -> None:
    """With the texts that AWS was recorded to give."""
    run = laboratory.run(laboratory.machine(W={"Type": "Wait", "SecondsPath": "$.s", "End": True}), value)
    assert run.execution.error == "States.Runtime"
    assert run.execution.cause.endswith(cause)


def test_variables_are_seen_by_later_states_and_stay_in_their_branch(laboratory: Any) -> None:
    """Assign sees the values as of the state's entry; a branch reads the outer ones and keeps its own."""
    machine = laboratory.machine(
        A={"Type": "Pass", "Assign": {"x": 1, "y": "a"}, "Next": "B"},
        B={"Type": "Pass", "Assign": {"x": 2, "z.$": "$x"}, "Next": "L"},
        L={
            "Type": "Parallel",
            "Branches": [
                laboratory.machine(
                    I={"Type": "Pass", "Assign": {"inner.$": "$x"}, "Next": "J"},
                    J={"Type": "Pass", "Parameters": {"inner.$": "$inner", "y.$": "$y"}, "End": True},
                )
            ],
            "Next": "E",
        },
        E={"Type": "Pass", "Parameters": {"x.$": "$x", "z.$": "$z", "branch.$": "$[0]"}, "End": True},
    )
    run = laboratory.run(machine)
    assert run.output == {"x": 2, "z": 1, "branch": {"inner": 2, "y": "a"}}
    exited = [event.details for event in run.history if event.type == "PassStateExited"]
    assert exited[0]["assignedVariables"] == {"x": "1", "y": '"a"'}


def test_a_result_beyond_the_limit_is_an_error_that_states_all_catches(laboratory: Any) -> None:
    """262,144 bytes are allowed, one more is States.DataLimitExceeded with AWS's text."""
    exact = "x" * (262_144 - 2)
    fine = laboratory.run(laboratory.machine(T=laboratory.task()), functions={"f": lambda event: exact})
    assert fine.status == "SUCCEEDED"
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "C"}]
    run = laboratory.run(
        laboratory.machine(T=laboratory.task(Catch=catch), C={"Type": "Pass", "End": True}),
        functions={"f": lambda event: exact + "x"},
    )
    assert run.output["Error"] == "States.DataLimitExceeded"
    assert run.output["Cause"] == (
        "The state/task 'arn:aws:lambda:us-east-1:123456789012:function:f' returned a result with a size exceeding "
        "the maximum number of bytes service limit."
    )


def test_a_fail_state_reads_its_error_and_cause(laboratory: Any) -> None:
    """ErrorPath is a path, CausePath may be an intrinsic."""
    fail = {"Type": "Fail", "ErrorPath": "$.e", "CausePath": "States.Format('because of {}', $.e)"}
    run = laboratory.run(laboratory.machine(F=fail), {"e": "Boom"})
    assert (run.execution.error, run.execution.cause) == ("Boom", "because of Boom")


def test_an_inline_map_selects_its_items(laboratory: Any) -> None:
    """ItemsPath finds the array, ItemSelector sees the input, the item and its index; results keep the items' order."""
    machine = laboratory.machine(
        M={
            "Type": "Map",
            "ItemsPath": "$.rows",
            "ItemSelector": {"row.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index", "all.$": "$.tag"},
            "ItemProcessor": laboratory.machine(P={"Type": "Pass", "End": True}),
            "ResultPath": "$.done",
            "End": True,
        }
    )
    run = laboratory.run(machine, {"rows": ["a", "b"], "tag": 1})
    assert run.output["done"] == [{"row": "a", "i": 0, "all": 1}, {"row": "b", "i": 1, "all": 1}]


def test_an_inline_map_runs_at_most_forty_at_once(laboratory: Any) -> None:
    """MaxConcurrency 0 is 40; items of one second each take ceil(n / 40) seconds."""
    machine = laboratory.machine(
        M={"Type": "Map", "ItemProcessor": laboratory.machine(T=laboratory.task()), "End": True}
    )
    run = laboratory.run(machine, list(range(100)), functions={"f": lambda event: event})
    assert run.seconds == 3
    assert run.output == list(range(100))


def test_what_cannot_be_called_is_named(laboratory: Any) -> None:
    """A resource that this version does not support fails with its ARN and what to do instead."""
    task = {"Type": "Task", "Resource": "arn:aws:states:::codebuild:startBuild.sync", "End": True}
    run = laboratory.run(laboratory.machine(T=task))
    assert run.execution.error == "States.Runtime"
    assert "arn:aws:states:::codebuild:startBuild.sync" in run.execution.cause


def test_a_negative_max_concurrency_path_ends_an_execution_without_a_word(laboratory: Any) -> None:
    """Neither the state's entry nor the failure is in the history (recorded)."""
    definition = laboratory.machine(
        M={
            "Type": "Map",
            "ItemsPath": "$.items",
            "MaxConcurrencyPath": "$.n",
            "ItemProcessor": laboratory.machine(P={"Type": "Pass", "End": True}),
            "End": True,
        }
    )
    run = laboratory.run(definition, {"n": -1, "items": [1]})
    assert run.status == "FAILED"
    assert [event.type for event in run.history] == ["ExecutionStarted"]
    assert laboratory.run(definition, {"n": 1, "items": [1]}).status == "SUCCEEDED"
