"""apigateway:invoke, against REST APIs that the account holds and against a server of this machine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stepsim.runtime.functions import Function
from stepsim.workers.durations import parse_duration
from stepsim.workers.modelled import Model
from stepsim.workers.worker import InvocationResult

INVOKE = "arn:aws:states:::apigateway:invoke"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:echo"
URI = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"
FUNCTIONS = {"echo": lambda event: InvocationResult(json.dumps(json.loads(event)))}
TEMPLATE = """{
    "body": $input.json('$'),
    "queryStringParameters": "$input.params().querystring"
}"""


class Api:
    """A REST API with one resource, /id_func."""

    def __init__(self, cloud: Any, **integration: Any) -> None:
        client = cloud.client("apigateway")
        made = client.create_rest_api(name="api")
        self.id = made["id"]
        resource = client.create_resource(restApiId=self.id, parentId=made["rootResourceId"], pathPart="id_func")
        where = {"restApiId": self.id, "resourceId": resource["id"], "httpMethod": "POST"}
        client.put_method(**where, authorizationType="NONE")
        options = {"type": "AWS", "integrationHttpMethod": "POST", "uri": URI, **integration}
        client.put_integration(**where, **options)
        client.put_integration_response(**where, statusCode="200")
        client.create_deployment(restApiId=self.id, stageName="stage")

    def parameters(self, **more: Any) -> dict[str, Any]:
        endpoint = f"{self.id}.execute-api.us-east-1.amazonaws.com"
        return {"ApiEndpoint": endpoint, "Method": "POST", "Path": "id_func", "Stage": "stage", **more}


@pytest.fixture(scope="module")
def api(cloud: Any) -> Api:
    return Api(cloud)


@pytest.fixture(scope="module")
def mapped(cloud: Any) -> Api:
    return Api(cloud, requestTemplates={"application/json": TEMPLATE})


@pytest.mark.parametrize(
    ("body", "answered", "length"),
    [
        (None, {}, "2"),
        ("", "", "2"),
        ("HelloWorld", "HelloWorld", "12"),
        ({"message": "HelloWorld!"}, {"message": "HelloWorld!"}, "26"),
    ],
)
def test_a_body_reaches_the_function_and_comes_back(
    stand: Any, api: Api, body: Any, answered: Any, length: str
) -> None:
    """A text is JSON too; no body is an empty event."""
    execution = stand.task(INVOKE, api.parameters(RequestBody=body), functions=FUNCTIONS)
    result = execution.output.value
    assert (result["StatusCode"], result["StatusText"], result["ResponseBody"]) == (200, "OK", answered)
    assert result["Headers"]["Content-Length"] == [length]
    assert result["Headers"]["X-Cache"] == ["Miss from cloudfront"]
    assert set(result["Headers"]) == {
        *("Connection", "Content-Length", "Content-Type", "Date", "Via", "x-amz-apigw-id", "X-Amz-Cf-Id"),
        *("X-Amz-Cf-Pop", "x-amzn-RequestId", "X-Amzn-Trace-Id", "X-Cache"),
    }
    assert [event.type for event in execution.history][2:5] == ["TaskScheduled", "TaskStarted", "TaskSucceeded"]


def test_a_template_maps_the_request(stand: Any, mapped: Api) -> None:
    """Its references print as Java prints them."""
    query = {"param1": ["Hello"], "param2": ["World"]}
    parameters = mapped.parameters(
        RequestBody={"message": ["Hello", "World!"]}, QueryParameters=query, AllowNullValues=True
    )
    result = stand.task(INVOKE, parameters, functions=FUNCTIONS).output.value
    assert result["ResponseBody"] == {
        "body": {"message": ["Hello", "World!"]},
        "queryStringParameters": "{param1=Hello, param2=World}",
    }
    assert result["Headers"]["Content-Length"] == ["99"]


def test_null_members_are_left_out_unless_they_are_asked_for(stand: Any, api: Api) -> None:
    """At any depth of objects."""
    body = {"pet": {"type": "turtle", "category": None}}
    plain = stand.task(INVOKE, api.parameters(RequestBody=body), functions=FUNCTIONS)
    assert plain.output.value["ResponseBody"] == {"pet": {"type": "turtle"}}
    asked = stand.task(INVOKE, api.parameters(RequestBody=body, AllowNullValues=True), functions=FUNCTIONS)
    assert asked.output.value["ResponseBody"] == body


def test_a_path_that_is_no_resource_fails_the_task(stand: Any, api: Api) -> None:
    """The error's name is the status, its cause the body."""
    execution = stand.task(INVOKE, api.parameters(Path="id_funcinvalid"), functions=FUNCTIONS)
    assert execution.error == "ApiGateway.403"
    assert json.loads(execution.cause) == {"message": "Missing Authentication Token"}
    assert [event.type for event in execution.history][-2:] == ["TaskFailed", "ExecutionFailed"]


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"Headers": {"custom_header": "text"}}, "The value of the field 'Headers' has an invalid format"),
        ({"QueryParameters": {"x": "1"}}, "The value of the field 'QueryParameters' has an invalid format"),
        ({"Method": "SEND"}, "The value of the field 'Method' has an invalid format"),
        (
            {"Headers": {"Authorization": ["x"], "X-Amz-Date": ["y"]}},
            "The 'Headers' field contains unsupported values: [authorization, x-amz-date]",
        ),
    ],
)
def test_parameters_that_do_not_fit_end_the_execution(stand: Any, api: Api, parameters: Any, reason: str) -> None:
    """Before any event of the task is written."""
    execution = stand.task(INVOKE, api.parameters(**parameters), functions=FUNCTIONS)
    assert execution.error == "States.Runtime"
    assert execution.cause.endswith(f"could not be used to start the Task: [{reason}]")
    assert [event.type for event in execution.history] == ["ExecutionStarted", "TaskStateEntered", "ExecutionFailed"]


def test_the_gateway_gives_a_function_29_seconds(stand: Any, api: Api) -> None:
    """Then it answers 504, though the function still runs."""
    slow = Function("echo", Model(returns={}, duration=parse_duration("60s", "duration")), timeout_ms=90_000)
    execution = stand.task(INVOKE, api.parameters(), functions={"echo": slow})
    assert execution.error == "ApiGateway.504"
    assert json.loads(execution.cause) == {"message": "Endpoint request timed out"}
    assert execution.stop_ms - execution.me.start_ms == 29_000


def test_the_task_s_own_time_goes_before_the_gateway_s(stand: Any, api: Api) -> None:
    """A TimeoutSeconds below 29 is States.Timeout."""
    slow = Function("echo", Model(returns={}, duration=parse_duration("60s", "duration")), timeout_ms=90_000)
    execution = stand.task(INVOKE, api.parameters(), functions={"echo": slow}, fields={"TimeoutSeconds": 5})
    assert execution.error == "States.Timeout"


def test_a_local_server_is_called_over_http(stand: Any, local_server: Any) -> None:
    """Stage and path make the URL; the body is JSON."""
    local_server.answer = lambda path: (201, {"Content-Type": "application/json"}, b'{"id": 7}')
    parameters = {
        "ApiEndpoint": local_server.url,
        "Method": "PUT",
        "Stage": "dev",
        "Path": "/pets/1",
        "QueryParameters": {"a": ["1", "2"]},
        "Headers": {"x-tag": ["t"]},
        "RequestBody": {"name": "Rex"},
    }
    execution = stand.task(INVOKE, parameters)
    result = execution.output.value
    assert (result["StatusCode"], result["StatusText"], result["ResponseBody"]) == (201, "Created", {"id": 7})
    method, path, headers, body = local_server.got[0]
    assert (method, path, body) == ("PUT", "/dev/pets/1?a=1&a=2", '{"name":"Rex"}')
    assert headers["x-tag"] == "t"
    assert headers["Content-Type"] == "application/json"


def test_other_hosts_are_not_called(stand: Any) -> None:
    """The error says how to allow it."""
    execution = stand.task(INVOKE, {"ApiEndpoint": "api.example.com", "Method": "GET"})
    assert execution.error == "States.Runtime"
    assert "STEPSIM_ALLOW_HOSTS" in execution.cause


def test_a_token_in_the_request_ends_the_task(stand: Any, api: Api) -> None:
    """What the function does with it is its own affair; here it never comes, and the heartbeat fails the task."""
    parameters = api.parameters(**{"RequestBody": {"token.$": "$$.Task.Token"}})
    execution = stand.task(
        INVOKE + ".waitForTaskToken", parameters, functions=FUNCTIONS, fields={"HeartbeatSeconds": 9}
    )
    assert execution.error == "States.Timeout"
    assert "token" in json.loads(stand.events[0])
    assert "TaskSubmitted" in [event.type for event in execution.history]
