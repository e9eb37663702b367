"""Map runs: describe, list, update."""

from __future__ import annotations

from stepsim.runtime.api.arns import parse_arn
from stepsim.runtime.api.paging import page
from stepsim.runtime.api.records import Params, Response, moment
from stepsim.runtime.api.registry import Registry
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.map_counts import Tolerance
from stepsim.runtime.map_run import MapRun


def describe_map_run(registry: Registry, params: Params) -> Response:
    """DescribeMapRun."""
    run = registry.map_run(parse_arn(params["mapRunArn"], "mapRun").text)
    described: Response = run.describe()
    for name, time_ms in (("startDate", run.start_ms), ("stopDate", run.stop_ms), ("redriveDate", run.redrive_ms)):
        if time_ms is not None:
            described[name] = moment(time_ms)
    return described


def list_map_runs(registry: Registry, params: Params) -> Response:
    """ListMapRuns: those that an execution opened, newest first."""
    arn = parse_arn(params["executionArn"], "execution")
    registry.execution(arn.text)
    found, token = page(
        registry.store.map_runs_of(arn.text),
        params,
        key=lambda run: run.arn,
        operation="ListMapRuns",
        now_ms=registry.now_ms,
    )
    response: Response = {"mapRuns": [_listed(run) for run in found]}
    return response if token is None else response | {"nextToken": token}


def _listed(run: MapRun) -> Response:
    shown: Response = {
        "executionArn": run.parent.arn,
        "mapRunArn": run.arn,
        "stateMachineArn": run.machine_arn,
        "startDate": moment(run.start_ms),
    }
    return shown if run.stop_ms is None else shown | {"stopDate": moment(run.stop_ms)}


def update_map_run(registry: Registry, params: Params) -> Response:
    """UpdateMapRun: what is given holds from now on, as far as the run goes."""
    run = registry.map_run(parse_arn(params["mapRunArn"], "mapRun").text)
    if run.status != "RUNNING":
        raise ApiError(
            "ValidationException",
            "Completed Map Runs cannot be updated",
            extra={"reason": "CANNOT_UPDATE_COMPLETED_MAP_RUN"},
        )
    count, percentage = params.get("toleratedFailureCount"), params.get("toleratedFailurePercentage")
    tolerance = Tolerance(
        run.tolerance.count if count is None else count,
        run.tolerance.percentage if percentage is None else percentage,
    )
    run.update(params.get("maxConcurrency"), tolerance)
    return {}
