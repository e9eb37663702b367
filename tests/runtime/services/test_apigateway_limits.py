"""apigateway:invoke in simulations: what is too much, what comes too late, and what the gateway takes itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from stepsim.asl.payload import Payload
from stepsim.runtime.account import Account
from stepsim.runtime.cloud.capacity import Capacity
from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.cloud.latency import Latency
from stepsim.runtime.cloud.quotas import NO_QUOTAS, changed
from stepsim.runtime.dice import Dice
from stepsim.runtime.functions import Function, Functions
from stepsim.runtime.simulation import drive
from stepsim.runtime.statistics import Statistics
from stepsim.workers.durations import parse_duration
from stepsim.workers.modelled import Model

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:slow"
URI = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud() as opened:
        yield opened


def api(cloud: Cloud, **integration: Any) -> str:
    """The id of an API with one method, POST /slow."""
    client = cloud.client("apigateway")
    made = client.create_rest_api(name="api")
    resource = client.create_resource(restApiId=made["id"], parentId=made["rootResourceId"], pathPart="slow")
    where = {"restApiId": made["id"], "resourceId": resource["id"], "httpMethod": "POST"}
    client.put_method(**where, authorizationType="NONE")
    client.put_integration(**where, type="AWS", integrationHttpMethod="POST", uri=URI, **integration)
    client.put_integration_response(**where, statusCode="200")
    client.create_deployment(restApiId=made["id"], stageName="stage")
    return str(made["id"])


def invoked(cloud: Cloud, api_id: str, times: int = 1, **quotas: float) -> tuple[Any, float]:
    """An execution that invokes so many times at once, and the seconds that it took."""
    parameters = {
        "ApiEndpoint": f"{api_id}.execute-api.us-east-1.amazonaws.com",
        "Method": "POST",
        "Path": "slow",
        "Stage": "stage",
    }
    task = {"Type": "Task", "Resource": "arn:aws:states:::apigateway:invoke", "Parameters": parameters, "End": True}
    each = {"Type": "Map", "ItemProcessor": {"StartAt": "Invoke", "States": {"Invoke": task}}, "End": True}
    dice, statistics = Dice(0), Statistics()
    slow = Function("slow", Model(returns=1, duration=parse_duration("40s")), timeout_ms=60_000)
    account = Account(
        dice=dice,
        statistics=statistics,
        functions=Functions([slow], dice, statistics),
        call=cloud.perform,
        models={},
        capacity=Capacity(changed(NO_QUOTAS, quotas), lambda: 0),
        latency=Latency(dice, {"apigateway.request": (500, 500)}),
    )
    machine = {"StartAt": "Each", "States": {"Each": each}}
    execution = account.start_execution(machine, Payload([0] * times), machine_name="m", name="one")
    drive(account, execution)
    assert execution.stop_ms is not None
    return execution, (execution.stop_ms - execution.me.start_ms) / 1000


def test_an_integration_may_take_29_seconds(cloud: Cloud) -> None:
    """Or as long as it says itself; then it is 504, after what the gateway took."""
    execution, seconds = invoked(cloud, api(cloud))
    assert (execution.error, execution.cause, seconds) == (
        "ApiGateway.504",
        '{"message":"Endpoint request timed out"}',
        29.5,
    )
    execution, seconds = invoked(cloud, api(cloud, timeoutInMillis=5_000))
    assert (execution.error, seconds) == ("ApiGateway.504", 5.5)
    execution, seconds = invoked(cloud, api(cloud, timeoutInMillis=60_000))
    assert (execution.status, seconds) == ("SUCCEEDED", 40.5)


def test_too_many_requests_are_429(cloud: Cloud) -> None:
    """Of the account, or of the method as its stage says."""
    api_id = api(cloud)
    execution, _ = invoked(cloud, api_id, 3, apigateway_bucket=2, apigateway_rate=1)
    assert execution.error == "ApiGateway.429"
    assert json.loads(execution.cause) == {"message": "Too Many Requests"}
    path = "/~1slow/POST/throttling/"
    limits = (("rateLimit", "1"), ("burstLimit", "1"))
    operations = [{"op": "replace", "path": path + name, "value": value} for name, value in limits]
    cloud.client("apigateway").update_stage(restApiId=api_id, stageName="stage", patchOperations=operations)
    assert invoked(cloud, api_id, 2)[0].error == "ApiGateway.429"
