"""REST APIs, executed from moto's state: routing, proxies, mocks, mappings, and what stands before them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.cloud.outbound_http import HttpAnswer, HttpCall
from stepsim.runtime.cloud.rest_api import handle
from stepsim.runtime.cloud.rest_api_types import ApiRequest, ApiResponse
from stepsim.workers.worker import InvocationResult

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:"


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud() as opened:
        yield opened


class Api:
    """A REST API under construction; `send` asks it."""

    def __init__(self, cloud: Cloud) -> None:
        self.client = cloud.client("apigateway")
        made = self.client.create_rest_api(name="api")
        self.id = made["id"]
        self.root = made["rootResourceId"]
        self.calls: list[Any] = []
        self.answer: Any = InvocationResult("null")

    def resource(self, path: str) -> str:
        parent = self.root
        for part in path.strip("/").split("/"):
            known = {one["path"]: one["id"] for one in self.client.get_resources(restApiId=self.id, limit=500)["items"]}
            paths = {identity: one for one, identity in known.items()}
            here = f"{paths[parent].rstrip('/')}/{part}"
            parent = (
                known.get(here) or self.client.create_resource(restApiId=self.id, parentId=parent, pathPart=part)["id"]
            )
        return str(parent)

    def method(self, path: str, kind: str, method: str = "ANY", **integration: Any) -> dict[str, str]:
        """Add a method; returns what names it in further calls."""
        options = integration.pop("method_options", {})
        where = {"restApiId": self.id, "resourceId": self.resource(path), "httpMethod": method}
        self.client.put_method(**where, **{"authorizationType": "NONE", **options})
        self.client.put_integration(**where, type=kind, integrationHttpMethod="POST", **integration)
        return where

    def function(self, path: str, name: str, kind: str = "AWS_PROXY", **more: Any) -> dict[str, str]:
        uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}{name}/invocations"
        return self.method(path, kind, uri=uri, **more)

    def deploy(self, **stage: Any) -> None:
        self.client.create_deployment(restApiId=self.id, stageName="dev", **stage)

    def send(self, method: str, path: str, stage: str = "dev", **request: Any) -> ApiResponse:
        replies: list[ApiResponse] = []

        def invoke(function: str, event: str, done: Any) -> None:
            self.calls.append((function.removeprefix(FUNCTION), json.loads(event)))
            done(self.answer)

        def fetch(call: HttpCall, done: Any) -> None:
            self.calls.append(call)
            done(self.answer)

        handle(ApiRequest(method, self.id, stage, path, **request), invoke=invoke, fetch=fetch, reply=replies.append)
        return replies[0]


@pytest.fixture
def api(cloud: Cloud) -> Api:
    return Api(cloud)


def said(response: ApiResponse) -> tuple[int, str]:
    return response.status, json.loads(response.body)["message"]


def test_the_most_exact_resource_answers(api: Api) -> None:
    """A segment as written goes before a parameter, and that before the rest of the path."""
    for path, name in [
        ("/pets/mine", "mine"),
        ("/pets/{id}", "one"),
        ("/pets/{id}/toys", "toys"),
        ("/{proxy+}", "rest"),
    ]:
        api.function(path, name)
    api.deploy()
    for path in ("/pets/mine", "pets/7", "/pets/7/toys", "/pets/7/food/x", "/"):
        api.send("GET", path)
    assert [name for name, _ in api.calls] == ["mine", "one", "toys", "rest"]
    assert api.calls[1][1]["pathParameters"] == {"id": "7"}
    assert api.calls[3][1]["pathParameters"] == {"proxy": "pets/7/food/x"}


def test_what_is_not_there(api: Api) -> None:
    """An unknown path or method misses a token, an unknown stage or API is forbidden."""
    api.function("/a", "f", method="GET")
    api.deploy()
    assert said(api.send("GET", "/b")) == (403, "Missing Authentication Token")
    assert said(api.send("POST", "/a")) == (403, "Missing Authentication Token")
    assert said(api.send("GET", "/a", stage="prod")) == (403, "Forbidden")
    api.id = "nosuchapi0"
    assert said(api.send("GET", "/a")) == (403, "Forbidden")


def test_a_proxy_gets_the_request_and_makes_the_response(api: Api) -> None:
    """In format 1.0."""
    api.function("/pets/{id}", "f")
    api.deploy(variables={"table": "pets"})
    returned = {"statusCode": 201, "headers": {"X-A": "1"}, "multiValueHeaders": {"X-B": ["2", "3"]}, "body": "made"}
    api.answer = InvocationResult(json.dumps(returned))
    response = api.send("PUT", "/pets/7", query={"q": ["1", "2"]}, headers={"Host": ["h"]}, body="text")
    assert (response.status, response.body) == (201, "made")
    assert response.headers == {"X-A": ["1"], "X-B": ["2", "3"], "Content-Type": ["application/json"]}
    event = api.calls[0][1]
    assert (event["resource"], event["path"], event["httpMethod"]) == ("/pets/{id}", "/pets/7", "PUT")
    assert event["queryStringParameters"] == {"q": "2"}
    assert event["multiValueQueryStringParameters"] == {"q": ["1", "2"]}
    assert (event["body"], event["isBase64Encoded"], event["stageVariables"]) == ("text", False, {"table": "pets"})
    assert event["requestContext"]["stage"] == "dev"


@pytest.mark.parametrize(
    "answer",
    [
        InvocationResult('{"errorMessage": "x"}', "Unhandled"),
        InvocationResult('"text"'),
        InvocationResult('{"statusCode": "abc"}'),
        InvocationResult('{"statusCode": 200, "body": {}}'),
        InvocationResult('{"pet": 1}'),
        ApiError("ResourceNotFoundException", "no", 404),
    ],
)
def test_a_proxy_that_fails_is_a_bad_gateway(api: Api, answer: Any) -> None:
    """As is one that returns what is no response."""
    api.function("/a", "f")
    api.deploy()
    api.answer = answer
    assert said(api.send("GET", "/a")) == (502, "Internal server error")


def test_a_function_s_error_chooses_the_response(api: Api) -> None:
    """By the pattern that its message matches; the one without a pattern is for all others."""
    where = api.function("/a", "f", kind="AWS")
    api.client.put_integration_response(**where, statusCode="200")
    api.client.put_integration_response(
        **where,
        statusCode="404",
        selectionPattern="No pet.*",
        responseTemplates={"application/json": '{"why": "$input.path(\'$.errorMessage\')"}'},
        responseParameters={"method.response.header.X-Why": "'none'"},
    )
    api.deploy()
    api.answer = InvocationResult('{"errorMessage": "No pet 7"}', "Unhandled")
    response = api.send("POST", "/a")
    assert (response.status, json.loads(response.body)) == (404, {"why": "No pet 7"})
    assert response.headers["X-Why"] == ["none"]
    api.answer = InvocationResult('{"errorMessage": "Other"}', "Unhandled")
    assert api.send("POST", "/a").status == 200


def test_an_integration_without_responses_is_an_internal_error(api: Api) -> None:
    """As it is on AWS."""
    api.function("/a", "f", kind="AWS")
    api.deploy()
    assert said(api.send("POST", "/a")) == (500, "Internal server error")


def test_no_template_may_be_no_way_through(api: Api) -> None:
    """By the passthrough behaviour."""
    templates = {"application/json": "{}"}
    api.function("/a", "f", kind="AWS", requestTemplates=templates, passthroughBehavior="NEVER")
    api.deploy()
    response = api.send("POST", "/a", headers={"Content-Type": ["text/csv"]})
    assert said(response) == (415, "Unsupported Media Type")


def test_a_mock_answers_by_itself(api: Api) -> None:
    """With the response that its template's statusCode names."""
    where = api.method("/a", "MOCK", requestTemplates={"application/json": '{"statusCode": 202}'})
    api.client.put_integration_response(**where, statusCode="200")
    api.client.put_integration_response(
        **where, statusCode="202", selectionPattern="202", responseTemplates={"application/json": '{"mock": true}'}
    )
    api.deploy()
    response = api.send("GET", "/a")
    assert (response.status, json.loads(response.body)) == (202, {"mock": True})


def test_http_goes_to_another_host(api: Api) -> None:
    """A proxy passes everything on, both ways; the other maps."""
    api.method("/{proxy+}", "HTTP_PROXY", uri="http://localhost:9/base/{proxy}")
    where = api.method("/mapped", "HTTP", uri="http://localhost:9/x", requestTemplates={"application/json": '{"b": 1}'})
    api.client.put_integration_response(**where, statusCode="200")
    api.deploy()
    api.answer = HttpAnswer(418, {"X-A": ["1"]}, b"tea")
    response = api.send("GET", "/pots/1", query={"q": ["1"]}, headers={"X-B": ["2"], "Host": ["h"]})
    assert (response.status, response.headers, response.body) == (418, {"X-A": ["1"]}, "tea")
    assert (api.calls[0].url, dict(api.calls[0].headers)) == ("http://localhost:9/base/pots/1?q=1", {"X-B": "2"})
    mapped = api.send("POST", "/mapped")
    assert (mapped.status, mapped.body, api.calls[1].body) == (200, "tea", b'{"b": 1}')


def test_a_key_is_asked_for(api: Api, cloud: Cloud) -> None:
    """It must be one of the account's."""
    cloud.client("apigateway").create_api_key(name="key", value="k" * 24, enabled=True)
    api.function("/a", "f", method_options={"apiKeyRequired": True})
    api.deploy()
    assert said(api.send("GET", "/a")) == (403, "Forbidden")
    assert api.send("GET", "/a", headers={"X-Api-Key": ["k" * 24]}).status == 502


def test_iam_lets_in_who_is_signed(api: Api) -> None:
    """Step Functions signs where its AuthType says so."""
    api.function("/a", "f", method_options={"authorizationType": "AWS_IAM"})
    api.deploy()
    assert said(api.send("GET", "/a")) == (403, "Missing Authentication Token")
    assert api.send("GET", "/a", signed=True).status == 502


def test_required_parameters(api: Api) -> None:
    """Where the method has a validator."""
    validator = api.client.create_request_validator(restApiId=api.id, name="v", validateRequestParameters=True)["id"]
    parameters = {"method.request.querystring.q": True, "method.request.header.X-A": True}
    api.function("/a", "f", method_options={"requestValidatorId": validator, "requestParameters": parameters})
    api.deploy()
    status, text = said(api.send("GET", "/a", query={"q": ["1"]}))
    assert (status, text) == (400, "Missing required request parameters: [X-A]")


def test_what_is_not_supported_says_so(api: Api) -> None:
    """Authorizers, other services, directives in templates."""
    api.function("/a", "f", method_options={"authorizationType": "CUSTOM"})
    api.method("/b", "AWS", uri="arn:aws:apigateway:us-east-1:dynamodb:action/PutItem")
    api.function("/c", "f", kind="AWS", requestTemplates={"application/json": "#set($a = 1)"})
    api.deploy()
    assert "authorizers" in said(api.send("GET", "/a"))[1]
    assert "dynamodb:action" in said(api.send("GET", "/b"))[1]
    assert "#set" in said(api.send("GET", "/c"))[1]
