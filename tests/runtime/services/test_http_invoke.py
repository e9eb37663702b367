"""http:invoke: requests to a server of this machine, authorized by the account's connections."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from stepsim.runtime.services.http_invoke import form_encoded

INVOKE = "arn:aws:states:::http:invoke"


@pytest.fixture(scope="module")
def connections(cloud: Any) -> Any:
    """Makes a connection of some kind; returns its ARN."""
    client = cloud.client("events")
    kinds = {
        "BasicAuthParameters": "BASIC",
        "ApiKeyAuthParameters": "API_KEY",
        "OAuthParameters": "OAUTH_CLIENT_CREDENTIALS",
    }

    def make(name: str, **parameters: Any) -> str:
        kind = next(kinds[key] for key in parameters if key in kinds)
        made = client.create_connection(Name=name, AuthorizationType=kind, AuthParameters=parameters)
        return str(made["ConnectionArn"])

    return make


@pytest.fixture(scope="module")
def key(connections: Any) -> str:
    return str(connections("key", ApiKeyAuthParameters={"ApiKeyName": "X-Key", "ApiKeyValue": "secret"}))


def parameters(server: Any, arn: str, **more: Any) -> dict[str, Any]:
    return {"ApiEndpoint": f"{server.url}/v1/bills", "Method": "POST", "Authentication": {"ConnectionArn": arn}, **more}


def test_a_request_and_its_response(stand: Any, local_server: Any, key: str) -> None:
    """JSON goes out and comes back; the connection's key is a header."""
    local_server.answer = lambda path: (200, {"Content-Type": "application/json"}, b'{"paid":true}')
    given = parameters(
        local_server, key, RequestBody={"id": 7}, QueryParameters={"a": ["1", "2"]}, Headers={"X-A": "b"}
    )
    result = stand.task(INVOKE, given).output.value
    assert (result["StatusCode"], result["StatusText"], result["ResponseBody"]) == (200, "OK", {"paid": True})
    assert result["Headers"]["Content-Type"] == ["application/json"]
    method, path, headers, body = local_server.got[0]
    assert (method, path, body) == ("POST", "/v1/bills?a=1&a=2", '{"id":7}')
    assert (headers["X-Key"], headers["X-A"]) == ("secret", "b")
    assert headers["User-Agent"].startswith("Amazon|StepFunctions|HttpInvoke")


def test_a_connection_s_own_parameters_go_over_the_task_s(stand: Any, local_server: Any, connections: Any) -> None:
    """Headers by whatever case, query parameters, and members of the body."""

    def one(name: str, value: str) -> list[dict[str, Any]]:
        return [{"Key": name, "Value": value, "IsValueSecret": False}]

    arn = connections(
        "basic",
        BasicAuthParameters={"Username": "u", "Password": "p"},
        InvocationHttpParameters={
            "HeaderParameters": one("x-a", "theirs"),
            "QueryStringParameters": one("q", "theirs"),
            "BodyParameters": one("b", "theirs"),
        },
    )
    given = parameters(
        local_server, arn, Headers={"X-A": "mine"}, QueryParameters={"q": "mine"}, RequestBody={"b": "mine", "c": 1}
    )
    stand.task(INVOKE, given)
    _, path, headers, body = local_server.got[0]
    assert (path, json.loads(body)) == ("/v1/bills?q=theirs", {"b": "theirs", "c": 1})
    assert headers["x-a"] == "theirs"
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"u:p").decode()


def test_oauth_asks_for_a_token_first(stand: Any, local_server: Any, connections: Any) -> None:
    """By the client's credentials; the token goes with the request."""
    arn = connections(
        "oauth",
        OAuthParameters={
            "ClientParameters": {"ClientID": "id", "ClientSecret": "s"},
            "AuthorizationEndpoint": f"{local_server.url}/token",
            "HttpMethod": "POST",
        },
    )
    local_server.answer = lambda path: (200, {}, b'{"access_token": "t-1"}')
    assert stand.task(INVOKE, parameters(local_server, arn)).status == "SUCCEEDED"
    (_, token_path, _, form), (_, _, headers, _) = local_server.got
    assert (token_path, form) == ("/token", "grant_type=client_credentials&client_id=id&client_secret=s")
    assert headers["Authorization"] == "Bearer t-1"


@pytest.mark.parametrize("status", [301, 404, 503])
def test_a_status_that_is_no_success_fails_the_task(stand: Any, local_server: Any, key: str, status: int) -> None:
    """Redirects are not followed."""
    local_server.answer = lambda path: (status, {"Location": "/other"}, b"why")
    execution = stand.task(INVOKE, parameters(local_server, key))
    assert (execution.error, execution.cause) == (f"States.Http.StatusCode.{status}", "why")
    assert len(local_server.got) == 1


def test_a_response_that_no_state_can_hold(stand: Any, local_server: Any, key: str) -> None:
    """Fails the task."""
    local_server.answer = lambda path: (200, {}, b"x" * 300_000)
    assert stand.task(INVOKE, parameters(local_server, key)).error == "States.DataLimitExceeded"


def test_a_host_that_cannot_be_reached_is_a_socket_error(stand: Any, key: str) -> None:
    """Nobody listens at port 9 of this machine."""
    given = {"ApiEndpoint": "http://127.0.0.1:9/", "Method": "GET", "Authentication": {"ConnectionArn": key}}
    assert stand.task(INVOKE, given).error == "States.Http.Socket"


def test_other_hosts_are_not_called(stand: Any, key: str) -> None:
    """The error says how to allow it, and what to write in a simulation."""
    given = {"ApiEndpoint": "https://api.example.com/", "Method": "GET", "InvocationConfig": {"ConnectionArn": key}}
    execution = stand.task(INVOKE, given)
    assert execution.error == "States.Runtime"
    assert "STEPSIM_ALLOW_HOSTS" in execution.cause
    assert "tasks" in execution.cause


def test_a_connection_must_be_there(stand: Any, local_server: Any) -> None:
    """One that is not named ends the execution, one that does not exist fails the task."""
    given = parameters(local_server, "arn:aws:events:us-east-1:123456789012:connection/no/1")
    assert stand.task(INVOKE, given).error == "Events.ConnectionResource.NotFound"
    del given["Authentication"]
    assert "ConnectionArn' is required" in stand.task(INVOKE, given).cause


def test_a_form_is_sent_as_one(stand: Any, local_server: Any, key: str) -> None:
    """With its content type."""
    transform = {"RequestBodyEncoding": "URL_ENCODED", "RequestEncodingOptions": {"ArrayFormat": "REPEAT"}}
    stand.task(INVOKE, parameters(local_server, key, RequestBody={"a": ["b", "c"]}, Transform=transform))
    _, _, headers, body = local_server.got[0]
    assert (headers["Content-Type"], body) == ("application/x-www-form-urlencoded", "a=b&a=c")


@pytest.mark.parametrize(
    ("arrays", "form"),
    [
        ("INDICES", "a[0]=b&a[1]=c&o[p]=1"),
        ("REPEAT", "a=b&a=c&o[p]=1"),
        ("COMMAS", "a=b%2Cc&o[p]=1"),
        ("BRACKETS", "a[]=b&a[]=c&o[p]=1"),
    ],
)
def test_the_formats_of_arrays_in_forms(arrays: str, form: str) -> None:
    """INDICES is the default."""
    assert form_encoded({"a": ["b", "c"], "o": {"p": 1}}, arrays) == form
