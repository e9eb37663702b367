"""Histories, event by event: ids, order and what each event points back to, as AWS was recorded to write them."""

from __future__ import annotations

from typing import Any

PASS = {"Type": "Pass", "End": True}
FAIL = {"Type": "Fail", "Error": "Broken"}


def inline_map(processor: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"Type": "Map", "ItemProcessor": processor, "End": True, **fields}


def test_a_retried_and_caught_function_writes_no_second_entry(laboratory: Any) -> None:
    """A retry is one more Scheduled event; the catcher's output leaves through TaskStateExited."""

    def fail(event: Any) -> Any:
        raise laboratory.Refused("Boom", "no")

    work = laboratory.task(
        Retry=[{"ErrorEquals": ["Boom"], "MaxAttempts": 1}], Catch=[{"ErrorEquals": ["States.ALL"], "Next": "After"}]
    )
    run = laboratory.run(laboratory.machine(Work=work, After=PASS), functions={"f": fail})
    assert run.trace == [
        "1<-0 ExecutionStarted",
        "2<-0 TaskStateEntered",
        "3<-2 LambdaFunctionScheduled",
        "4<-3 LambdaFunctionStarted",
        "5<-4 LambdaFunctionFailed",
        "6<-5 LambdaFunctionScheduled",
        "7<-6 LambdaFunctionStarted",
        "8<-7 LambdaFunctionFailed",
        "9<-8 TaskStateExited",
        "10<-9 PassStateEntered",
        "11<-10 PassStateExited",
        "12<-11 ExecutionSucceeded",
    ]


def test_an_uncaught_failure_ends_without_an_exit(laboratory: Any) -> None:
    """The failure event is followed by ExecutionFailed, and by nothing of the state."""
    run = laboratory.run(laboratory.machine(F=FAIL))
    assert run.trace == ["1<-0 ExecutionStarted", "2<-0 FailStateEntered", "3<-2 ExecutionFailed"]
    assert run.details("ExecutionFailed") == {"error": "Broken"}


def test_a_timed_out_task_writes_timed_out_without_a_cause(laboratory: Any) -> None:
    """States.Timeout has no cause, and the execution fails with it."""
    laboratory.duration_ms = 60_000
    run = laboratory.run(laboratory.machine(Work=laboratory.task(TimeoutSeconds=5)), functions={"f": lambda event: 1})
    assert run.trace[4:] == ["5<-4 LambdaFunctionTimedOut", "6<-5 ExecutionFailed"]
    assert run.details("LambdaFunctionTimedOut") == {"error": "States.Timeout"}
    assert run.details("LambdaFunctionScheduled")["timeoutInSeconds"] == 5
    assert run.seconds == 5


def test_an_inline_map_in_strict_order(laboratory: Any) -> None:
    """With MaxConcurrency 1 an iteration's start points to the last state event of the one before."""
    run = laboratory.run(laboratory.machine(M=inline_map(laboratory.machine(P=PASS), MaxConcurrency=1)), [1, 2])
    assert run.trace == [
        "1<-0 ExecutionStarted",
        "2<-0 MapStateEntered",
        "3<-2 MapStateStarted{2}",
        "4<-3 MapIterationStarted{0}",
        "5<-4 PassStateEntered",
        "6<-5 PassStateExited",
        "7<-6 MapIterationSucceeded{0}",
        "8<-6 MapIterationStarted{1}",
        "9<-8 PassStateEntered",
        "10<-9 PassStateExited",
        "11<-10 MapIterationSucceeded{1}",
        "12<-11 MapStateSucceeded",
        "13<-11 MapStateExited",
        "14<-13 ExecutionSucceeded",
    ]


def test_a_concurrent_inline_map_announces_its_iterations_first(laboratory: Any) -> None:
    """All iterations that may start at once point to MapStateStarted."""
    run = laboratory.run(laboratory.machine(M=inline_map(laboratory.machine(P=PASS))), [1, 2, 3])
    assert run.trace[3:6] == [
        "4<-3 MapIterationStarted{0}",
        "5<-3 MapIterationStarted{1}",
        "6<-3 MapIterationStarted{2}",
    ]


def test_an_empty_inline_map(laboratory: Any) -> None:
    """No items: the map succeeds with an empty array at once."""
    run = laboratory.run(laboratory.machine(M=inline_map(laboratory.machine(P=PASS))), [])
    assert run.trace[2:] == [
        "3<-2 MapStateStarted{0}",
        "4<-3 MapStateSucceeded",
        "5<-3 MapStateExited",
        "6<-5 ExecutionSucceeded",
    ]
    assert run.output == []


def test_a_failed_iteration_fails_the_map(laboratory: Any) -> None:
    """A Fail state in an iteration is not aborted; MapIterationFailed and MapStateFailed point to it."""
    run = laboratory.run(laboratory.machine(M=inline_map(laboratory.machine(F=FAIL), MaxConcurrency=1)), [1, 2])
    assert run.trace[3:] == [
        "4<-3 MapIterationStarted{0}",
        "5<-4 FailStateEntered",
        "6<-5 MapIterationFailed{0}",
        "7<-5 MapStateFailed",
        "8<-7 ExecutionFailed",
    ]


def test_concurrent_iterations_that_fail_abort_the_others(laboratory: Any) -> None:
    """Everything written after the failures points to the first of them, the aborted siblings included (recorded)."""
    laboratory.duration_ms = 60_000
    states = laboratory.machine(T=laboratory.task(TimeoutSeconds=5))
    run = laboratory.run(laboratory.machine(M=inline_map(states)), [1, 2], functions={"f": lambda event: 1})
    failed = next(event.id for event in run.history if event.type == "LambdaFunctionTimedOut")
    assert run.history[failed].type == "LambdaFunctionTimedOut"
    assert run.trace[failed + 1 :] == [
        f"{failed + 2}<-{failed} MapIterationFailed{{0}}",
        f"{failed + 3}<-{failed} TaskStateAborted",
        f"{failed + 4}<-{failed} MapIterationAborted{{1}}",
        f"{failed + 5}<-{failed} TaskStateAborted",
        f"{failed + 6}<-{failed} MapStateFailed",
        f"{failed + 7}<-{failed + 6} ExecutionFailed",
    ]


def test_a_retried_map_starts_again_without_failing_in_between(laboratory: Any) -> None:
    """MapStateFailed comes only after the last attempt; a new MapStateStarted opens the next."""
    retry = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}]
    run = laboratory.run(
        laboratory.machine(M=inline_map(laboratory.machine(F=FAIL), MaxConcurrency=1, Retry=retry)), [1]
    )
    assert run.trace[4:] == [
        "5<-4 FailStateEntered",
        "6<-5 MapIterationFailed{0}",
        "7<-5 MapStateStarted{1}",
        "8<-7 MapIterationStarted{0}",
        "9<-8 FailStateEntered",
        "10<-9 MapIterationFailed{0}",
        "11<-9 MapStateFailed",
        "12<-11 ExecutionFailed",
    ]


def test_a_parallel_leaves_from_its_last_branch_event(laboratory: Any) -> None:
    """ParallelStateExited points to the last branch event, beside ParallelStateSucceeded."""
    branches = [laboratory.machine(A=PASS), laboratory.machine(B=PASS)]
    run = laboratory.run(laboratory.machine(L={"Type": "Parallel", "Branches": branches, "End": True}))
    assert run.trace[2:] == [
        "3<-2 ParallelStateStarted",
        "4<-3 PassStateEntered",
        "5<-4 PassStateExited",
        "6<-3 PassStateEntered",
        "7<-6 PassStateExited",
        "8<-7 ParallelStateSucceeded",
        "9<-7 ParallelStateExited",
        "10<-9 ExecutionSucceeded",
    ]


def test_a_failing_task_in_a_branch_is_aborted_and_caught(laboratory: Any) -> None:
    """A task that fails a Parallel gets TaskStateAborted; the catcher leaves from ParallelStateFailed."""

    def fail(event: Any) -> Any:
        raise laboratory.Refused("Boom", "no")

    parallel = {
        "Type": "Parallel",
        "Branches": [laboratory.machine(T=laboratory.task())],
        "Catch": [{"ErrorEquals": ["Boom"], "Next": "After"}],
        "End": True,
    }
    run = laboratory.run(laboratory.machine(L=parallel, After=PASS), functions={"f": fail})
    assert run.trace[6:11] == [
        "7<-6 LambdaFunctionFailed",
        "8<-7 TaskStateAborted",
        "9<-7 ParallelStateFailed",
        "10<-9 ParallelStateExited",
        "11<-10 PassStateEntered",
    ]


def test_a_runtime_error_in_a_branch_ends_everything(laboratory: Any) -> None:
    """States.Runtime is not caught by anybody, and nothing is written between it and ExecutionFailed."""
    broken = {"Type": "Pass", "InputPath": "$.no", "End": True}
    parallel = {
        "Type": "Parallel",
        "Branches": [laboratory.machine(A=broken)],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "After"}],
        "End": True,
    }
    run = laboratory.run(laboratory.machine(L=parallel, After=PASS))
    assert run.trace[2:] == ["3<-2 ParallelStateStarted", "4<-3 PassStateEntered", "5<-4 ExecutionFailed"]
    assert run.details("ExecutionFailed") == {
        "error": "States.Runtime",
        "cause": "An error occurred while executing the state 'A' (entered at the event id #4). "
        "Invalid path '$.no' : No results for path: $['no']",
    }


def test_a_result_selector_that_fails_after_a_parallel(laboratory: Any) -> None:
    """The Parallel has succeeded by then, and ExecutionFailed points to that."""
    parallel = {
        "Type": "Parallel",
        "Branches": [laboratory.machine(A=PASS)],
        "ResultSelector": {"x.$": "$.no"},
        "End": True,
    }
    run = laboratory.run(laboratory.machine(L=parallel))
    assert run.trace[5:] == ["6<-5 ParallelStateSucceeded", "7<-6 ExecutionFailed"]


def test_a_machine_that_times_out_points_back_to_nothing(laboratory: Any) -> None:
    """ExecutionTimedOut has previousEventId 0, comes exactly at TimeoutSeconds and leaves no error behind."""
    wait = {"Type": "Wait", "Seconds": 60, "End": True}
    run = laboratory.run({**laboratory.machine(W=wait), "TimeoutSeconds": 7})
    assert run.trace == ["1<-0 ExecutionStarted", "2<-0 WaitStateEntered", "3<-0 ExecutionTimedOut"]
    assert (run.status, run.seconds, run.execution.error) == ("TIMED_OUT", 7, None)


def test_a_distributed_map_in_the_parents_history(laboratory: Any) -> None:
    """Children leave no events in the parent; MapStateExited points to MapRunStarted."""
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **laboratory.machine(P=PASS)}
    run = laboratory.run(laboratory.machine(M=inline_map(processor)), [1, 2])
    assert run.trace[1:] == [
        "2<-0 MapStateEntered",
        "3<-2 MapStateStarted{2}",
        "4<-3 MapRunStarted",
        "5<-4 MapRunSucceeded",
        "6<-5 MapStateSucceeded",
        "7<-4 MapStateExited",
        "8<-7 ExecutionSucceeded",
    ]


def test_a_failed_distributed_map(laboratory: Any) -> None:
    """The threshold's error is the run's, the state's and the execution's; the item's own error never surfaces."""
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **laboratory.machine(F=FAIL)}
    run = laboratory.run(laboratory.machine(M=inline_map(processor)), [1, 2])
    assert run.trace[3:] == [
        "4<-3 MapRunStarted",
        "5<-4 MapRunFailed",
        "6<-5 MapStateFailed",
        "7<-6 ExecutionFailed",
    ]
    assert run.details("ExecutionFailed") == {
        "error": "States.ExceedToleratedFailureThreshold",
        "cause": "The specified tolerated failure threshold was exceeded",
    }


def test_the_history_ends_at_event_25000(laboratory: Any) -> None:
    """A loop without an end fails at its 25,000th event, which is the failure itself."""
    again = {"Type": "Choice", "Choices": [{"Variable": "$.go", "BooleanEquals": True, "Next": "Again"}]}
    run = laboratory.run(laboratory.machine(Again=again), {"go": True})
    assert len(run.history) == 25_000
    assert run.trace[-1] == "25000<-24999 ExecutionFailed"
    assert run.details("ExecutionFailed") == {
        "error": "States.Runtime",
        "cause": "The execution reached the maximum number of history events (25000).",
    }


def test_a_callers_text_passes_through_untouched(laboratory: Any) -> None:
    """The input keeps its blanks through states that change nothing; what is built is compact."""
    run = laboratory.run(laboratory.machine(P=PASS), text="[[1, 2],  [3]]")
    assert run.details("PassStateEntered")["input"] == "[[1, 2],  [3]]"
    assert run.details("PassStateExited")["output"] == "[[1, 2],  [3]]"
    built = laboratory.run(laboratory.machine(P={**PASS, "Parameters": {"a.$": "$"}}), text="[1, 2]")
    assert built.details("PassStateExited")["output"] == '{"a":[1,2]}'


def test_the_execution_names_its_role(laboratory: Any) -> None:
    """ExecutionStarted holds the role of the machine, which the context object names too."""
    run = laboratory.run(
        laboratory.machine(P={"Type": "Pass", "Parameters": {"r.$": "$$.Execution.RoleArn"}, "End": True})
    )
    assert run.details("ExecutionStarted")["roleArn"] == run.output["r"] == run.execution.me.role_arn
