"""What a scenario's containers and jobs need in the account: ECS, Batch and Glue resources, made before the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stepsim.runtime.cloud.call import ACCOUNT_ID, DEFAULT_REGION
from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.cloud.fargate import STOP_TIMEOUT_MAX_S, smallest
from stepsim.runtime.scenario_types import FunctionSpec, Scenario

_ROLE = "stepsim-jobs"
_IMAGE = "stepsim"
"""The image of what has none: its work is a function of the scenario."""


def make_job_resources(cloud: Cloud, scenario: Scenario) -> None:
    """Make the clusters and queues that a scenario names, and a definition for each container and job that it names."""
    if scenario.containers or scenario.clusters:
        _make_clusters(cloud, scenario)
    if scenario.batch_jobs or scenario.job_queues:
        _make_batch(cloud, scenario)
    if scenario.glue_jobs:
        glue = cloud.client("glue")
        for name in scenario.glue_jobs:
            command = {"Name": "glueetl", "ScriptLocation": f"s3://stepsim/{name}.py"}
            concurrent = {"MaxConcurrentRuns": 1_000}
            glue.create_job(Name=name, Role=_make_role(cloud), Command=command, ExecutionProperty=concurrent)


def _make_clusters(cloud: Cloud, scenario: Scenario) -> None:
    ecs = cloud.client("ecs")
    for name in dict.fromkeys(("default", *scenario.clusters)):
        ecs.create_cluster(clusterName=name)
    for family, containers in _families(scenario.containers).items():
        units, memory_mb = _size(containers.values())
        ecs.register_task_definition(
            family=family,
            memory=str(memory_mb),
            cpu=str(units),
            containerDefinitions=[_container(name, spec) for name, spec in containers.items()],
        )


def _size(containers: Iterable[FunctionSpec]) -> tuple[int, int]:
    """A task's CPU units and MB: what its containers are said to have, else Fargate's smallest for their memory."""
    memory_mb = vcpus = 0.0
    for spec in containers:
        memory_mb += spec.memory_mb
        vcpus += spec.vcpu or 0
    return (int(vcpus * 1024), int(memory_mb)) if vcpus else smallest(int(memory_mb))


def _families(containers: Mapping[str, FunctionSpec]) -> dict[str, dict[str, FunctionSpec]]:
    """The containers of each family, by name; one that only its family names is called like it."""
    families: dict[str, dict[str, FunctionSpec]] = {}
    for key, spec in containers.items():
        family, _, name = key.partition("/")
        families.setdefault(family, {})[name or family] = spec
    return families


def _container(name: str, spec: FunctionSpec) -> dict[str, Any]:
    environment = [{"name": key, "value": value} for key, value in spec.env.items()]
    return {
        "name": name,
        "image": _IMAGE,
        "memory": spec.memory_mb,
        "essential": True,
        "environment": environment,
        "stopTimeout": STOP_TIMEOUT_MAX_S,
    }


def _make_batch(cloud: Cloud, scenario: Scenario) -> None:
    batch = cloud.client("batch")
    environment = batch.create_compute_environment(
        computeEnvironmentName="stepsim", type="UNMANAGED", serviceRole=_make_role(cloud)
    )["computeEnvironmentArn"]
    for name in scenario.job_queues:
        order = [{"order": 1, "computeEnvironment": environment}]
        batch.create_job_queue(jobQueueName=name, state="ENABLED", priority=1, computeEnvironmentOrder=order)
    for name, spec in scenario.batch_jobs.items():
        batch.register_job_definition(
            jobDefinitionName=name,
            type="container",
            containerProperties={
                "image": _IMAGE,
                "environment": [{"name": key, "value": value} for key, value in spec.env.items()],
                "resourceRequirements": [
                    {"type": "VCPU", "value": "1"},
                    {"type": "MEMORY", "value": str(spec.memory_mb)},
                ],
            },
        )


def _make_role(cloud: Cloud) -> str:
    """The role that Batch and Glue ask for, made once."""
    iam = cloud.client("iam", DEFAULT_REGION)
    arn = f"arn:aws:iam::{ACCOUNT_ID}:role/{_ROLE}"
    if not any(role["Arn"] == arn for role in iam.list_roles()["Roles"]):
        iam.create_role(RoleName=_ROLE, AssumeRolePolicyDocument="{}")
    return arn
