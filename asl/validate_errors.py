"""Retry and Catch beyond their fields: what ErrorEquals may name, in which order, and what can never match."""

from __future__ import annotations

from stepsim.asl import errors
from stepsim.asl.parse import Path, is_hole
from stepsim.asl.payload import JSON
from stepsim.asl.resource import TaskResource, parse_resource
from stepsim.asl.validate_findings import Findings
from stepsim.asl.validate_suggestions import did_you_mean

_STATES = (
    errors.ALL,
    errors.TASK_FAILED,
    errors.TIMEOUT,
    errors.HEARTBEAT_TIMEOUT,
    errors.PERMISSIONS,
    errors.RUNTIME,
    errors.DATA_LIMIT_EXCEEDED,
    errors.INTRINSIC_FAILURE,
    errors.BRANCH_FAILED,
    errors.NO_CHOICE_MATCHED,
    errors.PARAMETER_PATH_FAILURE,
    errors.RESULT_PATH_MATCH_FAILURE,
    errors.QUERY_EVALUATION_ERROR,
    errors.EXCEED_TOLERATED_FAILURE_THRESHOLD,
    errors.ITEM_READER_FAILED,
    errors.RESULT_WRITER_FAILED,
    "States.Http.Socket",
)
_STATES_FAMILY = "States.Http.StatusCode."

_TERMINAL = {
    errors.RUNTIME: "it can be neither retried nor caught, and ends the execution",
    errors.NO_CHOICE_MATCHED: "AWS reports States.Runtime instead, which ends the execution",
    errors.PARAMETER_PATH_FAILURE: "AWS reports States.Runtime instead, which ends the execution",
}
"""Names that nothing can match, and why."""

_LAMBDA = (
    *("AWSLambdaException", "ClientExecutionTimeoutException", "CodeStorageExceededException"),
    *("EC2AccessDeniedException", "EC2ThrottledException", "EC2UnexpectedException", "EFSIOException"),
    *("EFSMountConnectivityException", "EFSMountFailureException", "EFSMountTimeoutException"),
    *("ENILimitReachedException", "ENINotReadyException", "InvalidParameterValueException"),
    *("InvalidRequestContentException", "InvalidRuntimeException", "InvalidSecurityGroupIDException"),
    *("InvalidSubnetIDException", "InvalidZipFileException", "KMSAccessDeniedException", "KMSDisabledException"),
    *("KMSInvalidStateException", "KMSNotFoundException", "RecursiveInvocationException", "RequestTooLargeException"),
    *("ResourceConflictException", "ResourceNotFoundException", "ResourceNotReadyException", "SdkClientException"),
    *("ServiceException", "SnapStartException", "SnapStartNotReadyException", "SnapStartTimeoutException"),
    *("SubnetIPAddressLimitReachedException", "TooManyRequestsException", "Unknown", "UnsupportedMediaTypeException"),
)
_LAMBDA_NAMES = tuple(f"Lambda.{name}" for name in _LAMBDA)

_RAISED_BY = {
    "lambda": ("lambda",),
    "dynamodb": ("dynamodb",),
    "ecs": ("ecs",),
    "batch": ("batch",),
    "glue": ("glue",),
    "athena": ("athena",),
    "sqs": ("sqs",),
    "sns": ("sns",),
    "s3": ("s3",),
    "rds": ("rds",),
    "sagemaker": ("sagemaker",),
    "stepfunctions": ("states", "sfn"),
    "sfn": ("sfn", "states"),
}
"""The first word of an error's name, in small letters: the services whose errors begin with it."""

_HEARTBEATS = ("HeartbeatSeconds", "HeartbeatSecondsPath")
_NOT_OF_TASK_FAILED = frozenset({errors.TIMEOUT, errors.HEARTBEAT_TIMEOUT, errors.DATA_LIMIT_EXCEEDED, errors.ALL})


def check_error_rules(state: dict[str, JSON], path: Path, findings: Findings) -> None:
    """The ErrorEquals of a state's Retry and Catch."""
    for field in ("Retry", "Catch"):
        rules = state.get(field)
        if type(rules) is list:
            _check(rules, (*path, field), state, findings)


def _check(rules: list[JSON], path: Path, state: dict[str, JSON], findings: Findings) -> None:
    resource = _resource_of(state)
    seen: dict[str, int] = {}
    for index, rule in enumerate(rules):
        names = rule.get("ErrorEquals") if type(rule) is dict else None
        if type(names) is not list:
            continue
        at = (*path, index, "ErrorEquals")
        if errors.ALL in names and (len(names) > 1 or index < len(rules) - 1):
            hint = "Write it as the only name of the last one."
            findings.error("States.ALL must appear alone and at end of list", at, hint)
        plain = {place: name for place, name in enumerate(names) if type(name) is str and not is_hole(name)}
        _check_reached(plain, seen, at, findings)
        for place, name in plain.items():
            if name not in seen:
                _check_name(name, (*at, place), state, findings)
        if resource is not None:
            _check_origin([name for name in plain.values() if name not in seen], at, resource, findings)
        for name in plain.values():
            seen.setdefault(name, index)


def _check_reached(names: dict[int, str], seen: dict[str, int], path: Path, findings: Findings) -> None:
    """Report names that stand twice, and those that an earlier rule matches: ``seen`` has its index by name."""
    known: set[str] = set()
    for place, name in names.items():
        if name in known:
            message = f"'{name}' stands twice in one ErrorEquals"
            findings.warning("DUPLICATE_ERROR_NAME", message, (*path, place), "Keep one of them.")
        known.add(name)
    late = known & seen.keys()
    general = seen.get(errors.TASK_FAILED)
    if general is not None:
        late |= known - seen.keys() - _NOT_OF_TASK_FAILED
    if late:
        field = path[-3]
        first = min(seen[name] if name in seen else seen[errors.TASK_FAILED] for name in late)
        listed = _quoted([name for name in dict.fromkeys(names.values()) if name in late])
        whole = " States.TaskFailed stands for every failure of a task." if general is not None else ""
        message = f"{field}[{first}] matches {listed} before, and the first that matches decides"
        findings.warning("NEVER_MATCHES", message, path, f"Remove the one or the other, or change their order.{whole}")


def _check_name(name: str, path: Path, state: dict[str, JSON], findings: Findings) -> None:
    if name.startswith("States."):
        _check_predefined(name, path, state, findings)
    elif name.startswith("Lambda.") and name not in _LAMBDA_NAMES:
        close = did_you_mean(name, _LAMBDA_NAMES, 0.84)
        if close is not None:
            findings.warning("UNKNOWN_ERROR_NAME", f"'{name}' is not an error that Lambda raises", path, close)


def _check_predefined(name: str, path: Path, state: dict[str, JSON], findings: Findings) -> None:
    if name not in _STATES and not name.startswith(_STATES_FAMILY):
        message = f"'{name}' is not an error that AWS raises, and names of one's own must not start with 'States.'"
        hint = did_you_mean(name, _STATES, 0.75) or "Choose a name that does not start with 'States.'."
        findings.warning("UNKNOWN_ERROR_NAME", message, path, hint)
    elif name in _TERMINAL:
        hint = "Remove it, and avoid the error: a Choice with IsPresent tells whether a field is there."
        findings.warning("NEVER_MATCHES", f"{name} never matches: {_TERMINAL[name]}", path, hint)
    elif name == errors.DATA_LIMIT_EXCEEDED and path[-4] == "Retry":
        message = "States.DataLimitExceeded is retried: what is larger than 256 KiB will be so again"
        findings.warning("POINTLESS_RETRY", message, path, "Keep large data in S3, and pass its key.")
    elif name == errors.HEARTBEAT_TIMEOUT and state.get("Type") == "Task" and not any(f in state for f in _HEARTBEATS):
        message = "States.HeartbeatTimeout never matches: the state has no HeartbeatSeconds"
        findings.warning("NEVER_MATCHES", message, path, "Write HeartbeatSeconds, or remove the name.")


def _resource_of(state: dict[str, JSON]) -> TaskResource | None:
    """The integration that a Task calls, where only the service itself can fail it: neither a function nor somebody
    who answers with a token may choose names."""
    text = state.get("Resource")
    if state.get("Type") != "Task" or type(text) is not str or is_hole(text):
        return None
    try:
        resource = parse_resource(text)
    except ValueError:
        return None
    free = resource.kind != "integration" or resource.pattern == "waitForTaskToken" or resource.service == "lambda"
    return None if free else resource


def _check_origin(names: list[str], path: Path, resource: TaskResource, findings: Findings) -> None:
    """Report, once, the names of one ErrorEquals that the service that is called cannot raise."""
    foreign = [name for name in names if _is_foreign(name, resource)]
    if not foreign:
        return
    hint = "Remove it, or name the errors of the service that is called."
    if resource.service == "dynamodb":
        hint = f"Here the names of DynamoDB's errors begin with '{_DYNAMODB[resource.sdk]}'."
    elif any("." not in name for name in foreign):
        hint = "The names of services' errors have the service before them, as the history shows: 'Glue.…'."
    message = f"{resource.resource_type}:{resource.action} never raises {_quoted(foreign, ' or ')}"
    findings.warning("NEVER_MATCHES", message, path, hint)


def _is_foreign(name: str, resource: TaskResource) -> bool:
    first, dot, _ = name.partition(".")
    if not dot:
        return True
    services = _RAISED_BY.get(first.lower())
    if services is None:
        return False
    if resource.service not in services:
        return True
    return first.lower() == "dynamodb" and first != _DYNAMODB[resource.sdk].removesuffix(".")


_DYNAMODB = ("DynamoDB.", "DynamoDb.")
"""How DynamoDB's errors begin: of the optimised integration, and of the AWS SDK's."""


def _quoted(names: list[str], last: str = " and ") -> str:
    shown = [f"'{name}'" for name in names]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])}{last}{shown[-1]}"
