"""Executions: start, run synchronously, stop, describe, list."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from stepsim.runtime.api.arns import Arn, invalid_arn, parse_arn
from stepsim.runtime.api.descriptions import DATA_MEMBERS, described, listed, status_of, without_data
from stepsim.runtime.api.mocked_starts import split_test_case
from stepsim.runtime.api.paging import page
from stepsim.runtime.api.records import ExecutionRecord, Params, Response, moment
from stepsim.runtime.api.registry import Registry
from stepsim.runtime.api.starting import already_running, begin, find_target, read_input, read_name
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.effects import Stopped

BILLED_STEP_MS = 100
BILLED_MEMORY_MB = 64
"""The least that an Express execution is billed for (recorded); AWS's formula for more memory is not published."""

_SYNCHRONOUS = frozenset(
    {
        "executionArn",
        "stateMachineArn",
        "name",
        "startDate",
        "stopDate",
        "status",
        "error",
        "cause",
        "input",
        "inputDetails",
        "output",
        "traceHeader",
    }
)


def start_execution(registry: Registry, params: Params) -> Response:
    """StartExecution. With the name and input of a Standard execution that runs, it answers with that one."""
    name = read_name(registry, params)
    mocked = registry.registries.mocked
    machine_arn, test_case = split_test_case(mocked, params["stateMachineArn"])
    target = find_target(registry, machine_arn, name)
    registry.starts.check_rate(target.record.type, registry.now_ms)
    payload = read_input(params)
    mocks = None if mocked is None else mocked.mocks(target, test_case)
    execution = None
    if target.record.type == "STANDARD":
        execution = already_running(registry, target.record, name, payload)
    if execution is None:
        registry.starts.check_open(target.record.type)
        execution = begin(registry, target, name, payload, params.get("traceHeader"), mocks).execution
        if mocked is not None:
            mocked.watch(execution)
    return {"executionArn": execution.me.arn, "startDate": moment(execution.me.start_ms)}


def start_sync_execution(registry: Registry, params: Params, reply: Callable[[Response | ApiError], None]) -> None:
    """StartSyncExecution: replies when the execution has ended, whatever way."""
    name = read_name(registry, params)
    machine_arn, test_case = split_test_case(registry.registries.mocked, params["stateMachineArn"])
    if test_case:
        # Step Functions Local takes test cases for StartExecution alone (measured).
        raise ApiError("UnsupportedOperation", f"StartSyncExecution takes no test case: '{test_case}'")
    target = find_target(registry, machine_arn, name)
    if target.record.type != "EXPRESS":
        raise _type_not_supported()
    payload = read_input(params)
    started = begin(registry, target, name, payload, params.get("traceHeader"))
    started.execution.when_ended.append(lambda _: reply(_synchronous(started, params)))


def _synchronous(record: ExecutionRecord, params: Params) -> Response:
    execution = record.execution
    assert execution.stop_ms is not None
    response = {name: value for name, value in described(record, execution.stop_ms).items() if name in _SYNCHRONOUS}
    response["outputDetails"] = {"included": True}
    duration_ms = execution.stop_ms - execution.me.start_ms
    response["billingDetails"] = {
        "billedMemoryUsedInMB": BILLED_MEMORY_MB,
        "billedDurationInMilliseconds": max(1, -(-duration_ms // BILLED_STEP_MS)) * BILLED_STEP_MS,
    }
    return without_data(response, DATA_MEMBERS) if params.get("includedData") == "METADATA_ONLY" else response


def stop_execution(registry: Registry, params: Params) -> Response:
    """StopExecution. One that has ended already is left as it is, and its stopDate told."""
    record = find_execution(registry, parse_arn(params["executionArn"], "execution"))
    execution = record.execution
    error, cause = params.get("error"), params.get("cause")
    if execution.status == "RUNNING":
        if record.map_run is None:
            registry.account.stop_execution(execution.me.arn, error, cause)
        else:
            record.map_run.stop_child(execution, Stopped(error, cause))
    assert execution.stop_ms is not None
    return {"stopDate": moment(execution.stop_ms)}


def describe_execution(registry: Registry, params: Params) -> Response:
    """DescribeExecution. Of Express executions, only the children of map runs can be described."""
    arn = parse_arn(params["executionArn"], "execution", "express")
    if arn.kind == "express" and arn.label is None:
        raise invalid_arn("Resource type not valid in this context: express")
    response = described(find_execution(registry, arn), registry.now_ms)
    return without_data(response, DATA_MEMBERS) if params.get("includedData") == "METADATA_ONLY" else response


def find_execution(registry: Registry, arn: Arn) -> ExecutionRecord:
    """The execution of an ARN. Raises ApiError ExecutionDoesNotExist."""
    return registry.execution(arn.text)


def list_executions(registry: Registry, params: Params) -> Response:
    """ListExecutions: of a machine, a version, an alias, or of a map run, whose children may be Express."""
    found, token = page(
        _selected(_listed(registry, params), params),
        params,
        key=lambda record: record.execution.me.arn,
        operation="ListExecutions",
        now_ms=registry.now_ms,
        begin=lambda arn: _selected(_listed(registry, params, arn), params),
    )
    response: Response = {"executions": [listed(record) for record in found]}
    return response if token is None else response | {"nextToken": token}


def _listed(registry: Registry, params: Params, first: str | None = None) -> Iterator[ExecutionRecord]:
    """What the list is chosen from, beginning with an execution."""
    status = params.get("statusFilter")
    machine_arn, map_run_arn = params.get("stateMachineArn"), params.get("mapRunArn")
    if (machine_arn is None) == (map_run_arn is None):
        raise _refused("Exactly one of stateMachineArn or mapRunArn must be specified")
    if map_run_arn is not None:
        registry.map_run(parse_arn(map_run_arn, "mapRun").text)
        status = None if status == "PENDING_REDRIVE" else status
        return registry.store.of_map_run(map_run_arn, first=first, status=status)
    if params.get("redriveFilter") is not None:
        raise _refused("RedriveFilter cannot be applied to ListExecutions call with StateMachine ARN")
    if status == "PENDING_REDRIVE":
        raise _refused("PENDING_REDRIVE StatusFilter cannot be applied to ListExecutions call with StateMachine ARN")
    record, version, alias = registry.addressed(machine_arn or "")
    if record.type == "EXPRESS":
        raise _type_not_supported()
    of_machine = registry.store.of_machine(record.arn, first=first, status=status)
    if version is not None:
        return (one for one in of_machine if one.version_arn == version.arn)
    if alias is not None:
        return (one for one in of_machine if one.alias_arn == alias.arn)
    return of_machine


def _selected(records: Iterator[ExecutionRecord], params: Params) -> Iterator[ExecutionRecord]:
    status, redriven = params.get("statusFilter"), params.get("redriveFilter")
    for record in records:
        if status is not None and status_of(record) != status:
            continue
        if redriven is not None and (record.execution.me.redrive_count > 0) != (redriven == "REDRIVEN"):
            continue
        yield record


def _type_not_supported() -> ApiError:
    return ApiError("StateMachineTypeNotSupported", "This operation is not supported by this type of state machine")


def _refused(message: str) -> ApiError:
    return ApiError("ValidationException", message)
