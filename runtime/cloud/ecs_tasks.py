"""What moto does not keep of an ECS task: its containers one by one, its times, and how it ended.

The call site says in which account and region. moto registers the task; its life is ours. A task's description is kept
with moto's own task, so that DescribeTasks says the same to everybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from moto.core.exceptions import ServiceException
from moto.ec2.exceptions import InvalidSubnetIdError
from moto.ec2.models import ec2_backends
from moto.ecs.models import EC2ContainerServiceBackend, Task, ecs_backends

from stepsim.runtime.cloud import fargate
from stepsim.runtime.cloud.call import ACCOUNT_ID, DEFAULT_REGION, ApiError, CallSite, FallThrough


def task_definition(reference: str, site: CallSite) -> dict[str, Any] | None:
    """The family, the ARN and the containers of a task definition: a family, ``family:revision`` or an ARN.

    None where there is none.
    """
    try:
        found = _backend(site).describe_task_definition(reference)
    except ServiceException:
        return None
    return {
        "family": found.family,
        "arn": found.arn,
        "cpu": found.cpu,
        "memory": found.memory,
        "network_mode": found.network_mode,
        "containers": found.container_definitions,
    }


def place(params: dict[str, Any], site: CallSite) -> dict[str, Any]:
    """RunTask's parameters as moto can carry them out, where it needs more than AWS.

    A cluster without container instances has room for anything: moto is asked to run the task on Fargate. Raises
    ApiError for a subnet that the account does not have, and for a size that Fargate does not have.
    """
    placed = dict(params)
    backend = _backend(site)
    cluster = params.get("cluster", "default").split("/")[-1]
    size = task_size(params, site)
    if size is not None and runs_on(params, site)[0] in fargate.PROVIDERS:
        fargate.check_size(*size)
    if not backend.container_instances.get(cluster) and "capacityProviderStrategy" not in _with_default(params, site):
        placed["launchType"] = "FARGATE"
    network = params.get("networkConfiguration", {}).get("awsvpcConfiguration")
    if network:
        definition = task_definition(params.get("taskDefinition", ""), site)
        if definition is not None and definition["network_mode"] == "awsvpc":
            _check_subnets(network.get("subnets", []), site)
        placed["networkConfiguration"] = {"awsvpcConfiguration": {"securityGroups": [], **network}}
    return placed


def runs_on(params: Mapping[str, Any], site: CallSite) -> list[str]:
    """What each of the tasks that are asked for runs on; see `fargate.providers`."""
    return fargate.providers(_with_default(params, site))


def _with_default(params: Mapping[str, Any], site: CallSite) -> Mapping[str, Any]:
    """The parameters with their cluster's default strategy, which goes where neither is named."""
    found = _backend(site).clusters.get(params.get("cluster", "default").split("/")[-1])
    strategy = None if found is None else found.default_capacity_provider_strategy
    if not strategy or params.get("launchType") or params.get("capacityProviderStrategy"):
        return params
    return {**params, "capacityProviderStrategy": strategy}


def task_size(params: Mapping[str, Any], site: CallSite) -> tuple[int, int] | None:
    """The CPU units and the MB of memory of each task, by the definition or the overrides; None where neither says."""
    definition = task_definition(params.get("taskDefinition", ""), site) or {}
    overrides = params.get("overrides", {})
    cpu = overrides.get("cpu") or definition.get("cpu")
    memory = overrides.get("memory") or definition.get("memory")
    units, mb = fargate.cpu_units(str(cpu)), fargate.memory_mb(str(memory))
    return None if units is None or mb is None else (units, mb)


def forget(arn: str, site: CallSite) -> None:
    """Undo a launch that the account had no room for."""
    task = _task(arn, site)
    for tasks in _backend(site).tasks.values():
        if tasks.get(task.task_arn) is task:
            del tasks[task.task_arn]


def _check_subnets(subnets: list[str], site: CallSite) -> None:
    for subnet in subnets:
        try:
            ec2_backends[_account(site)][_region(site)].get_subnet(subnet)
        except InvalidSubnetIdError:
            message = f"The subnet ID '{subnet}' does not exist"
            raise ApiError("InvalidParameterException", message) from None


def launched(arn: str, params: Mapping[str, Any], site: CallSite, now_ms: int, provider: str = "EC2") -> dict[str, Any]:
    """The description of a task that has just been registered, as RunTask returns it; it is kept from now on.

    `params` is what the caller asked for, `provider` what it runs on.
    """
    task = _task(arn, site)
    # moto would move a task on whenever somebody looks at it.
    task._transitions = []
    definition = task_definition(task.task_definition_arn, site) or {}
    launch_type = "FARGATE" if provider in fargate.PROVIDERS else "EC2"
    task.launch_type = launch_type
    network = params.get("networkConfiguration", {}).get("awsvpcConfiguration")
    description: dict[str, Any] = {
        "attachments": [_attachment(arn, network)] if network else [],
        "attributes": [{"name": "ecs.cpu-architecture", "value": "x86_64"}],
        "availabilityZone": f"{_region(site)}a",
        "clusterArn": task.cluster_arn,
        "containers": [_container(arn, container) for container in definition.get("containers", [])],
        "createdAt": _moment(now_ms),
        "desiredStatus": "RUNNING",
        "enableExecuteCommand": bool(params.get("enableExecuteCommand", False)),
        "group": task.group,
        "inferenceAccelerators": [],
        "lastStatus": "PROVISIONING" if launch_type == "FARGATE" else "PENDING",
        "launchType": launch_type,
        "overrides": _overrides(task.overrides, definition.get("containers", [])),
        "startedBy": task.started_by,
        "tags": task.tags,
        "taskArn": arn,
        "taskDefinitionArn": task.task_definition_arn,
        "version": 1,
    }
    for member in ("cpu", "memory"):
        amount = params.get("overrides", {}).get(member) or definition.get(member)
        if amount:
            description[member] = amount
    if not params.get("launchType") and provider != "EC2":
        description["capacityProviderName"] = provider
    if launch_type == "FARGATE":
        description |= {
            "ephemeralStorage": {"sizeInGiB": 20},
            "platformFamily": "Linux",
            "platformVersion": params.get("platformVersion") or "1.4.0",
        }
    task.__dict__["description"] = description
    return description


def stopped(
    arn: str,
    site: CallSite,
    *,
    exit_codes: Mapping[str, int],
    reasons: Mapping[str, str],
    pull_ms: int | None,
    started_ms: int | None,
    now_ms: int,
    stop_code: str,
    reason: str,
) -> dict[str, Any]:
    """The description of a task that has ended. Containers without an exit code were stopped with it.

    `pull_ms` and `started_ms` are None of one that had not come so far.
    """
    task = _task(arn, site)
    before = task.__dict__["description"]
    task.last_status = task.desired_status = "STOPPED"
    task.stopped_reason = reason
    containers = []
    for container in before["containers"]:
        name = container["name"]
        ended = {**container, "lastStatus": "STOPPED", "runtimeId": arn.rpartition("/")[2]}
        if name in exit_codes:
            ended["exitCode"] = exit_codes[name]
        if reasons.get(name):
            ended["reason"] = reasons[name]
        containers.append(ended)
    came_to: dict[str, Any] = {}
    if pull_ms is not None:
        came_to["pullStartedAt"] = _moment(pull_ms)
    if started_ms is not None:
        started = _moment(started_ms)
        came_to |= {"connectivity": "CONNECTED", "connectivityAt": started, "pullStoppedAt": started}
        came_to["startedAt"] = started
    description = {
        **before,
        **came_to,
        "attachments": [{**attachment, "status": "DELETED"} for attachment in before["attachments"]],
        "containers": containers,
        "desiredStatus": "STOPPED",
        "executionStoppedAt": _moment(now_ms),
        "lastStatus": "STOPPED",
        "stopCode": stop_code,
        "stoppedAt": _moment(now_ms),
        "stoppedReason": reason,
        "stoppingAt": _moment(now_ms),
        "version": before["version"] + 4,
    }
    task.__dict__["description"] = description
    return description


def describe(arn: str, site: CallSite) -> dict[str, Any]:
    """The description of a task that was launched."""
    description: dict[str, Any] = _task(arn, site).__dict__["description"]
    return description


def running(arn: str, site: CallSite) -> None:
    """Note that a task's containers have begun."""
    task = _task(arn, site)
    before = task.__dict__["description"]
    containers = [{**container, "lastStatus": "RUNNING"} for container in before["containers"]]
    task.__dict__["description"] = {**before, "containers": containers, "lastStatus": "RUNNING", "version": 3}


def describe_tasks(params: dict[str, Any], region: str) -> dict[str, Any]:
    """DescribeTasks of tasks that an execution has run; FallThrough to moto for any other."""
    site = CallSite()
    site.region = region
    tasks = []
    for reference in params.get("tasks", []):
        task = _task(reference, site)
        description = task.__dict__.get("description")
        if description is None:
            raise FallThrough
        if task.desired_status == "STOPPED" and description["desiredStatus"] != "STOPPED":
            description = {
                **description,
                "desiredStatus": "STOPPED",
                "lastStatus": "STOPPED",
                "stopCode": "UserInitiated",
                "stoppedReason": task.stopped_reason,
            }
        tasks.append(description)
    if not tasks:
        raise FallThrough
    return {"tasks": tasks, "failures": []}


def _backend(site: CallSite) -> EC2ContainerServiceBackend:
    return ecs_backends[_account(site)][_region(site)]


def _account(site: CallSite) -> str:
    return site.account or ACCOUNT_ID


def _region(site: CallSite) -> str:
    return site.region or DEFAULT_REGION


def _task(reference: str, site: CallSite) -> Task:
    task_id = reference.rpartition("/")[2]
    for tasks in _backend(site).tasks.values():
        for arn, task in tasks.items():
            if arn.endswith(f"/{task_id}"):
                return task
    raise FallThrough


def _container(arn: str, container: Mapping[str, Any]) -> dict[str, Any]:
    prefix = arn.replace(":task/", ":container/")
    return {
        "containerArn": f"{prefix}/{uuid5(NAMESPACE_URL, arn + container['name'])}",
        "cpu": str(container.get("cpu", 0)),
        "gpuIds": [],
        "image": container.get("image"),
        "lastStatus": "PENDING",
        "managedAgents": [],
        "name": container["name"],
        "networkBindings": [],
        "networkInterfaces": [],
        "taskArn": arn,
    }


def _attachment(arn: str, network: Mapping[str, Any]) -> dict[str, Any]:
    subnet = (network.get("subnets") or [""])[0]
    return {
        "id": str(uuid5(NAMESPACE_URL, f"{arn}/eni")),
        "type": "ElasticNetworkInterface",
        "status": "PRECREATED",
        "details": [{"name": "subnetId", "value": subnet}],
    }


def _overrides(given: Mapping[str, Any], containers: list[dict[str, Any]]) -> dict[str, Any]:
    """AWS lists every container, whether anything of it was overridden or not (recorded)."""
    by_name = {override.get("name"): override for override in given.get("containerOverrides", [])}
    empty: dict[str, Any] = {"command": [], "environment": [], "environmentFiles": [], "resourceRequirements": []}
    listed = [{**empty, **by_name.get(one["name"], {}), "name": one["name"]} for one in containers]
    return {**given, "containerOverrides": listed, "inferenceAcceleratorOverrides": []}


def _moment(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)
