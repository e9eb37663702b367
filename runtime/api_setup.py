"""A scenario's REST APIs, made in the account before the run: resources, methods, integrations and a stage."""

from __future__ import annotations

from typing import Any

from stepsim.runtime.cloud.call import ACCOUNT_ID, DEFAULT_REGION
from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.scenario_apis import ApiSpec, Route

_ID_TAG = "_custom_id_"
"""The tag by which moto lets one choose an API's id."""
_FUNCTION = f"arn:aws:lambda:{DEFAULT_REGION}:{ACCOUNT_ID}:function"
_INVOKE = f"arn:aws:apigateway:{DEFAULT_REGION}:lambda:path/2015-03-31/functions"


def make_api(cloud: Cloud, name: str, spec: ApiSpec) -> None:
    """Make an API whose id is its name, and deploy it to its stage. Raises ClientError for what AWS would not take."""
    client = cloud.client("apigateway")
    made = client.create_rest_api(name=name, tags={_ID_TAG: name})
    resources: dict[str, str] = {"": made["rootResourceId"]}
    for route in spec.routes:
        _make_method(client, name, _resource(client, name, route.path, resources), route)
    client.create_deployment(restApiId=name, stageName=spec.stage)
    if spec.throttle is not None:
        limits = {"burstLimit": spec.throttle.burst, "rateLimit": spec.throttle.rate}
        operations = [
            {"op": "replace", "path": f"/*/*/throttling/{limit}", "value": str(value)}
            for limit, value in limits.items()
        ]
        client.update_stage(restApiId=name, stageName=spec.stage, patchOperations=operations)


def _resource(client: Any, api: str, path: str, resources: dict[str, str]) -> str:
    """The id of the resource at a path, made with those above it where it is not there yet."""
    above = ""
    for part in path.strip("/").split("/"):
        below = f"{above}/{part}" if part else above
        if below not in resources:
            made = client.create_resource(restApiId=api, parentId=resources[above], pathPart=part)
            resources[below] = made["id"]
        above = below
    return resources[above]


def _make_method(client: Any, api: str, resource: str, route: Route) -> None:
    where = {"restApiId": api, "resourceId": resource, "httpMethod": route.method}
    client.put_method(**where, authorizationType="NONE")
    uri = f"{_INVOKE}/{_FUNCTION}:{route.function}/invocations"
    client.put_integration(**where, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
