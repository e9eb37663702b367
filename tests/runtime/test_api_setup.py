"""Scenarios that have REST APIs in front of their functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stepsim.runtime.runner import simulate
from stepsim.runtime.scenario import ScenarioError, load_scenario

APIS = '{prices: {routes: {"GET /prices/{item}": Echo, "POST /": Echo, "ANY /all/{rest+}": Echo}, stage: live}}'


def loaded(folder: Path, path: str, method: str = "GET", apis: str = APIS, count: int = 1) -> Any:
    """A scenario whose machine asks an API for something, so many times at once."""
    parameters = {
        "ApiEndpoint": "prices.execute-api.us-east-1.amazonaws.com",
        "Stage": "live",
        "Method": method,
        "Path": path,
    }
    ask = {"Type": "Task", "Resource": "arn:aws:states:::apigateway:invoke", "Parameters": parameters, "End": True}
    each = {"Type": "Map", "ItemProcessor": {"StartAt": "Ask", "States": {"Ask": ask}}, "End": True}
    (folder / "code.py").write_text("import json\ndef echo(e, c): return {'body': json.dumps(e)}\n")
    (folder / "machine.json").write_text(json.dumps({"StartAt": "Each", "States": {"Each": each}}))
    (folder / "scenario.yaml").write_text(
        f"definition: machine.json\ninput: {[0] * count}\ncloud: {{apis: {apis}}}\n"
        "functions: {Echo: {handler: 'code:echo'}}\n"
    )
    return load_scenario(folder / "scenario.yaml")


@pytest.mark.parametrize(
    ("method", "path", "resource", "parameters"),
    [
        ("GET", "/prices/4711", "/prices/{item}", {"item": "4711"}),
        ("POST", "/", "/", None),
        ("DELETE", "/all/of/them", "/all/{rest+}", {"rest": "of/them"}),
    ],
)
def test_a_route_leads_to_its_function(
    tmp_path: Path, method: str, path: str, resource: str, parameters: dict[str, str] | None
) -> None:
    """The function gets the event of a proxy integration, under the API's name as its id."""
    (answer,) = simulate(loaded(tmp_path, path, method))["execution"]["output"]
    event = answer["ResponseBody"]
    assert (event["resource"], event["httpMethod"], event["pathParameters"]) == (resource, method, parameters)
    assert event["requestContext"]["apiId"] == "prices"


def test_a_stage_lets_through_as_much_as_it_says(tmp_path: Path) -> None:
    """Of four requests at once, two are answered with 429."""
    throttled = APIS.replace("stage: live", "stage: live, throttle: {burst: 2, rate: 1}")
    made = simulate(loaded(tmp_path, "/prices/1", apis=throttled, count=4))
    assert made["execution"]["error"] == "ApiGateway.429"
    assert made["functions"]["Echo"]["invocations"] <= 2


@pytest.mark.parametrize(
    ("apis", "told"),
    [
        ('{Prices: {routes: {"GET /": Echo}}}', "small letters and digits expected"),
        ('{prices: {routes: {"get /": Echo}}}', "a method and a path such as"),
        ('{prices: {routes: {"GET /a//b": Echo}}}', "a method and a path such as"),
        ('{prices: {routes: {"GET /": Ecko}}}', "there is no function 'Ecko'"),
        ('{prices: {routes: {"GET /": Echo}, stage: "a/b"}}', "no such name of a stage"),
        ("{prices: {}}", "routes"),
    ],
)
def test_what_is_no_api_is_told(tmp_path: Path, apis: str, told: str) -> None:
    """With the key's place."""
    with pytest.raises(ScenarioError, match=told):
        loaded(tmp_path, "/", apis=apis)
