"""Mocked results of Tasks against botocore's models: the response of what a Task calls, as Step Functions spells it.

A ``.sync`` task's result is that of the action that is asked until the job has ended. The result of a callback is
whatever a worker sends; functions, activities, ``http:invoke``, ``apigateway:invoke`` and Kubernetes' own APIs have no
model. Members that the model does not know are accepted (recorded); patterns are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.model import OperationModel, Shape

from stepsim.asl.payload import JSON
from stepsim.asl.resource import TaskResource
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.services.shapes import operation_model
from stepsim.runtime.services.spelling import OPTIMISED, SDK, Manner

_POLLED: dict[tuple[str, str], str] = {
    ("athena", "startQueryExecution"): "getQueryExecution",
    ("batch", "submitJob"): "describeJobs",
    ("bedrock", "createModelCustomizationJob"): "getModelCustomizationJob",
    ("codebuild", "startBuild"): "batchGetBuilds",
    ("codebuild", "startBuildBatch"): "batchGetBuildBatches",
    ("databrew", "startJobRun"): "describeJobRun",
    ("ecs", "runTask"): "describeTasks",
    ("eks", "createCluster"): "describeCluster",
    ("eks", "createFargateProfile"): "describeFargateProfile",
    ("eks", "createNodegroup"): "describeNodegroup",
    ("eks", "deleteCluster"): "describeCluster",
    ("eks", "deleteFargateProfile"): "describeFargateProfile",
    ("eks", "deleteNodegroup"): "describeNodegroup",
    ("elasticmapreduce", "addStep"): "describeStep",
    ("elasticmapreduce", "createCluster"): "describeCluster",
    ("elasticmapreduce", "terminateCluster"): "describeCluster",
    ("emr-containers", "createVirtualCluster"): "describeVirtualCluster",
    ("emr-containers", "deleteVirtualCluster"): "describeVirtualCluster",
    ("emr-containers", "startJobRun"): "describeJobRun",
    ("emr-serverless", "createApplication"): "getApplication",
    ("emr-serverless", "deleteApplication"): "getApplication",
    ("emr-serverless", "startApplication"): "getApplication",
    ("emr-serverless", "startJobRun"): "getJobRun",
    ("emr-serverless", "stopApplication"): "getApplication",
    ("glue", "startJobRun"): "getJobRun",
    ("mediaconvert", "createJob"): "getJob",
    ("sagemaker", "createHyperParameterTuningJob"): "describeHyperParameterTuningJob",
    ("sagemaker", "createLabelingJob"): "describeLabelingJob",
    ("sagemaker", "createProcessingJob"): "describeProcessingJob",
    ("sagemaker", "createTrainingJob"): "describeTrainingJob",
    ("sagemaker", "createTransformJob"): "describeTransformJob",
    ("states", "startExecution"): "describeExecution",
}
"""What ``.sync`` asks until the job has ended."""

_ANYTHING: dict[tuple[str, str], tuple[str, ...]] = {
    ("lambda", "invoke"): ("Payload",),
    ("states", "startExecution.sync:2"): ("Input", "Output"),
}
"""Members of optimised integrations that are texts in the model, and JSON in the result."""

_MODELS = {"elasticmapreduce": "emr", "emr-containers": "emrcontainers", "emr-serverless": "emrserverless"}
"""Services that are looked up under another name than the integration's."""

_QUOTAS = {("lambda", "MemorySize"): 10_240}
"""Numbers that a service allows no more of, where botocore's model leaves room (recorded)."""


def check_result(resource: TaskResource, result: JSON, *, required: bool) -> None:
    """Refuse a result that the service would not give; `required`: its required members must be there, too.

    Raises ApiError ValidationException, naming the first member that does not fit.
    """
    operation = _operation(resource)
    if operation is None or operation.output_shape is None:
        return
    if not isinstance(result, dict):
        raise ApiError("ValidationException", "Mocked result must be a JSON object.")
    any_members = () if resource.sdk else _ANYTHING.get((resource.service, resource.resource), ())
    known = {name: value for name, value in result.items() if name not in any_members}
    manner = SDK if resource.sdk else OPTIMISED
    _Schema(resource.service, manner, required=required).check(operation.output_shape, known, "")


def _operation(resource: TaskResource) -> OperationModel | None:
    """Whose response a Task's result is; None where botocore has no model of it."""
    if resource.kind != "integration" or resource.pattern == "waitForTaskToken":
        return None
    action: str | None = resource.action
    if resource.pattern:
        action = _POLLED.get((resource.service, resource.action))
    try:
        return None if action is None else operation_model(_MODELS.get(resource.service, resource.service), action)
    except ValueError:
        return None


class _Schema:
    """One way to look at shapes: as an integration spells their members, with or without those that are required."""

    def __init__(self, service: str, manner: Manner, *, required: bool) -> None:
        self._service = service
        self._manner = manner
        self._required = required

    def check(self, shape: Any, value: JSON, name: str) -> None:
        """Compare a value with its shape; `name` is that of the innermost member."""
        if shape.type_name == "structure":
            self._structure(shape, value, name)
        elif shape.type_name == "list":
            _check_type(value, (list,), "an array", name)
            _check_length(shape, value, name)
            for element in value:
                self.check(shape.member, element, name)
        elif shape.type_name == "map":
            _check_type(value, (dict,), "an object", name)
            _check_length(shape, value, name)
            for element in value.values():
                self.check(shape.value, element, name)
        else:
            _SCALARS[shape.type_name](shape, value, name)
            quota = _QUOTAS.get((self._service, shape.name))
            if quota is not None and value > quota:
                raise _invalid(f"Field '{name}' exceeds the maximum value")

    def _structure(self, shape: Any, value: JSON, name: str) -> None:
        if shape.is_document_type:
            return
        _check_type(value, (dict,), "an object", name)
        spell = self._manner.spell
        if self._required:
            for member in shape.required_members:
                if spell(member) not in value:
                    raise _invalid(f"Required field '{spell(member)}' is missing")
        members = {spell(member): inner for member, inner in shape.members.items()}
        for member, inner in value.items():
            if member in members:
                self.check(members[member], inner, member)


def _string(shape: Shape, value: JSON, name: str) -> None:
    _check_type(value, (str,), "a string", name)
    if shape.metadata.get("enum") and value not in shape.metadata["enum"]:
        raise _invalid(f"Field '{name}' is not an expected value")
    _check_length(shape, value, name)


def _text(shape: Shape, value: JSON, name: str) -> None:
    _check_type(value, (str,), "a string", name)
    _check_length(shape, value, name)


def _number(shape: Shape, value: JSON, name: str) -> None:
    _check_type(value, (int, float), "a number", name)
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and value < least:
        raise _invalid(f"Field '{name}' is less than the minimum value")
    if most is not None and value > most:
        raise _invalid(f"Field '{name}' exceeds the maximum value")


def _boolean(shape: Shape, value: JSON, name: str) -> None:  # noqa: ARG001
    _check_type(value, (bool,), "a boolean", name)


_SCALARS: dict[str, Callable[[Shape, JSON, str], None]] = {
    "string": _string,
    "timestamp": _text,
    "blob": _text,
    "integer": _number,
    "long": _number,
    "float": _number,
    "double": _number,
    "boolean": _boolean,
}


def _check_type(value: JSON, kinds: tuple[type, ...], expected: str, name: str) -> None:
    if type(value) not in kinds:
        raise _invalid(f"Field '{name}' must be {expected}")


def _check_length(shape: Shape, value: JSON, name: str) -> None:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and len(value) < least:
        raise _invalid(f"Field '{name}' is smaller than the minimum length")
    if most is not None and len(value) > most:
        raise _invalid(f"Field '{name}' exceeds the maximum length")


def _invalid(why: str) -> ApiError:
    return ApiError("ValidationException", f"Mock result schema validation error: {why}")
