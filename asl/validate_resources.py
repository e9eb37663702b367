"""What a Task, an ItemReader or a ResultWriter may name as its Resource, and what to write instead of the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping

from stepsim.asl.parse import Path, is_hole
from stepsim.asl.payload import JSON
from stepsim.asl.resource import TaskResource, parse_resource
from stepsim.asl.validate_fields import expect_type
from stepsim.asl.validate_findings import Findings
from stepsim.asl.validate_placeholders import foreign_placeholder
from stepsim.asl.validate_suggestions import did_you_mean

_PLAIN = ("",)
_JOB = ("", "sync")
_CALLBACK = ("", "waitForTaskToken")
_JOB_AND_CALLBACK = ("", "sync", "waitForTaskToken")


def _actions(patterns: tuple[str, ...], *names: str) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(names, patterns)


OPTIMISED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "apigateway": _actions(_CALLBACK, "invoke"),
    "athena": {
        **_actions(_JOB, "startQueryExecution"),
        **_actions(_PLAIN, "stopQueryExecution", "getQueryExecution", "getQueryResults"),
    },
    "batch": _actions(_JOB_AND_CALLBACK, "submitJob"),
    "bedrock": {
        **_actions(_PLAIN, "invokeModel"),
        **_actions(_JOB, "createModelCustomizationJob"),
    },
    "bedrockagentcore": _actions(_PLAIN, "invokeHarness"),
    "codebuild": {
        **_actions(_JOB, "startBuild", "startBuildBatch"),
        **_actions(_PLAIN, "stopBuild", "stopBuildBatch", "retryBuild", "retryBuildBatch", "batchDeleteBuilds"),
        **_actions(_PLAIN, "batchGetReports"),
    },
    "databrew": _actions(_JOB, "startJobRun"),
    "dynamodb": _actions(_PLAIN, "getItem", "putItem", "deleteItem", "updateItem"),
    "ecs": _actions(_JOB_AND_CALLBACK, "runTask"),
    "eks": {
        **_actions(_JOB, "createCluster", "createFargateProfile", "createNodegroup", "deleteCluster"),
        **_actions(_JOB, "deleteFargateProfile", "deleteNodegroup", "runJob"),
        **_actions(_PLAIN, "call"),
    },
    "elasticmapreduce": {
        **_actions(_JOB, "createCluster", "terminateCluster", "addStep"),
        **_actions(_PLAIN, "cancelStep", "setClusterTerminationProtection"),
        **_actions(_PLAIN, "modifyInstanceFleetByName", "modifyInstanceGroupByName"),
    },
    "emr-containers": {
        **_actions(_JOB, "startJobRun", "deleteVirtualCluster"),
        **_actions(_PLAIN, "createVirtualCluster"),
    },
    "emr-serverless": _actions(
        _JOB,
        "createApplication",
        "startApplication",
        "stopApplication",
        "deleteApplication",
        "startJobRun",
        "cancelJobRun",
    ),
    "events": _actions(_CALLBACK, "putEvents"),
    "glue": _actions(_JOB, "startJobRun"),
    "http": _actions(_PLAIN, "invoke"),
    "lambda": _actions(_CALLBACK, "invoke"),
    "mediaconvert": _actions(_JOB, "createJob"),
    "sagemaker": {
        **_actions(_JOB, "createHyperParameterTuningJob", "createLabelingJob", "createProcessingJob"),
        **_actions(_JOB, "createTrainingJob", "createTransformJob"),
        **_actions(_PLAIN, "createEndpoint", "createEndpointConfig", "createModel", "updateEndpoint"),
    },
    "sns": _actions(_CALLBACK, "publish"),
    "sqs": _actions(_CALLBACK, "sendMessage"),
    "states": _actions(("", "sync", "sync:2", "waitForTaskToken"), "startExecution"),
}
"""The optimised integrations: service -> action -> the patterns it has."""

_ARN = re.compile(r"arn:aws[\w-]*:([\w-]+):([^:]*):([^:]*):(.*)", flags=re.DOTALL)
_PARTITION = re.compile(r"^arn:\$\{[^{}]*\}:")

_CALLS: Mapping[tuple[str, str], str] = {
    ("athena", "workgroup"): "athena:startQueryExecution.sync with QueryString and WorkGroup as {input}",
    ("states", "stateMachine"): "states:startExecution.sync:2 with StateMachineArn as {input}",
    ("sqs", ""): "sqs:sendMessage with QueueUrl and MessageBody as {input}",
    ("sns", ""): "sns:publish with TopicArn and Message as {input}",
    ("dynamodb", "table"): "dynamodb:putItem (or getItem, updateItem, deleteItem) with TableName as {input}",
    ("ecs", ""): "ecs:runTask.sync with TaskDefinition and Cluster as {input}",
    ("batch", ""): "batch:submitJob.sync with JobDefinition, JobQueue and JobName as {input}",
    ("glue", "job"): "glue:startJobRun.sync with JobName as {input}",
    ("events", ""): "events:putEvents with Entries as {input}",
    ("codebuild", ""): "codebuild:startBuild.sync with ProjectName as {input}",
    ("s3", ""): "aws-sdk:s3:getObject (or another action) with Bucket and Key as {input}",
    ("execute-api", ""): "apigateway:invoke with ApiEndpoint and Method as {input}",
}
"""By the service and the kind of thing that somebody wrote where an action belongs: what calls it."""

_FOR = {
    "": "",
    "sync": " It would wait for the end of the job.",
    "sync:2": " It would wait for the end of the job.",
    "waitForTaskToken": " It would wait for a task token.",
}


def check_resource(value: JSON, path: Path, findings: Findings, *, express: bool, input_field: str) -> None:
    """Report a Task's Resource that AWS does not call; in an Express machine also those that wait."""
    text = _text(value, path, findings)
    if text is None:
        return
    try:
        resource = parse_resource(text)
    except ValueError:
        _refuse(value, path, findings, _what_to_write(text, input_field))
        return
    # An integration may name a region and an account (definitions that are deployed do).
    if resource.kind == "integration" and not resource.sdk:
        if ("states", resource.service) in _CALLS:
            _refuse(value, path, findings, _what_to_write(text, input_field))
        else:
            _check_optimised(resource, value, path, findings)
    elif resource.sdk and (resource.action[0].isupper() or not resource.service.islower()):
        service, action = resource.service.lower(), resource.action[0].lower() + resource.action[1:]
        _refuse(value, path, findings, f"Services are in lower case, actions in camelCase: aws-sdk:{service}:{action}.")
    elif resource.sdk and resource.pattern not in _CALLBACK:
        hint = "An AWS SDK integration waits for no job: poll it in a loop, or use an optimised integration."
        _refuse(value, path, findings, hint)
    if express:
        _check_express(resource, path, findings)


READERS = ("getObject", "listObjectsV2")
WRITER = "putObject"


def check_s3_resource(value: JSON, path: Path, findings: Findings, allowed: tuple[str, ...]) -> None:
    """Report a reader's or writer's Resource that is none of the allowed actions of S3."""
    text = _text(value, path, findings)
    if text is None:
        return
    match = _ARN.fullmatch(text)
    if match is None or match.group(1) != "states" or match.group(4) not in [f"s3:{action}" for action in allowed]:
        arns = " or ".join(f"arn:aws:states:::s3:{action}" for action in allowed)
        _refuse(value, path, findings, f"Write {arns}.")


def _text(value: JSON, path: Path, findings: Findings) -> str | None:
    """A Resource in the standard partition; None where there is nothing to judge yet: a hole, or no text at all."""
    if type(value) is not str:
        expect_type(findings, "[STRING]", path)
        return None
    text = _PARTITION.sub("arn:aws:", value)
    return None if is_hole(text) else text


def _refuse(value: str, path: Path, findings: Findings, hint: str | None) -> None:
    message = (
        f"The resource provided {value} is not recognized. The value is not a valid resource ARN, or the resource is "
        "not available in this region."
    )
    findings.error(message, path, hint)


def _check_optimised(resource: TaskResource, value: str, path: Path, findings: Findings) -> None:
    actions = OPTIMISED.get(resource.service)
    sdk = f"arn:aws:states:::aws-sdk:{resource.service}:{resource.action}"
    if actions is None:
        close = did_you_mean(resource.service, OPTIMISED)
        _refuse(value, path, findings, f"{close} Or call the AWS SDK: {sdk}." if close else f"Write {sdk}.")
    elif resource.action not in actions:
        close = did_you_mean(resource.action, actions, 0.8)
        only = f"{resource.service} has {', '.join(actions)}; call others through the AWS SDK: {sdk}."
        _refuse(value, path, findings, close or only)
    elif resource.pattern not in actions[resource.action]:
        known = ", ".join(f"'.{pattern}'" if pattern else "no suffix" for pattern in actions[resource.action])
        _refuse(value, path, findings, f"{resource.service}:{resource.action} has {known}.{_FOR[resource.pattern]}")


def _check_express(resource: TaskResource, path: Path, findings: Findings) -> None:
    hint = 'Make it a STANDARD machine (of a Map\'s children: "ExecutionType": "STANDARD"), or do not wait here.'
    if resource.kind == "activity":
        findings.error("Express state machine does not support Activity ARN", path, hint)
    elif resource.pattern == "waitForTaskToken":
        # The blank at its end is AWS's.
        message = "Express state machine does not support '.waitForTaskToken' service integration "
        findings.error(message, path, hint)
    elif resource.pattern:
        findings.error("Express state machine does not support '.sync' service integration", path, hint)


def _what_to_write(text: str, input_field: str) -> str:
    match = _ARN.fullmatch(text)
    if match is None:
        if foreign_placeholder(text) == text:
            return "It looks like a placeholder: those of definitions are written ${Name}."
        if re.fullmatch(r"[\w-]{1,64}", text):
            call = f'"arn:aws:states:::lambda:invoke" with "FunctionName": "{text}"'
            return f"For a function write {call} in {input_field}."
        return "Write the ARN of a function, of an activity, or arn:aws:states:::service:action; ${Name} is a hole."
    service, _, _, rest = match.groups()
    kind = re.split(r"[:/]", rest, maxsplit=1)[0]
    target = _CALLS.get((service, kind)) or _CALLS.get((service, ""))
    if target is not None:
        return f"A Task names what to do, not what to do it with: arn:aws:states:::{target.format(input=input_field)}."
    if service == "lambda":
        return "Write arn:aws:lambda:REGION:ACCOUNT:function:NAME with its region, 12 digits and a name, or ${Name}."
    if service == "states":
        return "Write arn:aws:states:::service:action, or arn:aws:states:::aws-sdk:service:action."
    return f"Call it through the AWS SDK: arn:aws:states:::aws-sdk:{service}:ACTION."
