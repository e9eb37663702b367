"""A Task's Resource, taken apart: a function, an activity, or a service integration with its pattern."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Pattern = Literal["", "sync", "sync:2", "waitForTaskToken"]

_INTEGRATION = re.compile(
    r"arn:aws[\w-]*:states:[\w-]*:\d*:(?P<sdk>aws-sdk:)?(?P<service>[A-Za-z0-9_-]+):(?P<action>[A-Za-z0-9_]+)"
    r"(?:\.(?P<pattern>sync:2|sync|waitForTaskToken))?"
)
_ACTIVITY = re.compile(r"arn:aws[\w-]*:states:[\w-]+:\d+:activity:.+")
# Of a function's ARN AWS takes any word for the account: your-account-id (recorded).
_FUNCTION = re.compile(r"arn:aws[\w-]*:lambda:[\w-]+:[\w-]+:function:(?P<name>[\w-]+)(?::(?P<qualifier>[\w$-]+))?")


_JOB_FIELDS = {
    ("ecs", "runTask"): "TaskDefinition",
    ("batch", "submitJob"): "JobDefinition",
    ("glue", "startJobRun"): "JobName",
}


@dataclass(frozen=True, slots=True)
class TaskResource:
    """What a Task calls.

    `resource_type` and `resource` are the words of history events: ``lambda`` and ``invoke``,
    ``aws-sdk:s3`` and ``getObject``, ``states`` and ``startExecution.sync:2``.
    """

    arn: str
    kind: Literal["function", "activity", "integration"]
    service: str = ""
    action: str = ""
    pattern: Pattern = ""
    sdk: bool = False
    function: str = ""
    """The name of the function, of a kind ``function``."""
    qualifier: str = ""

    @property
    def resource_type(self) -> str:
        return f"aws-sdk:{self.service}" if self.sdk else self.service

    @property
    def job_field(self) -> str | None:
        """The argument that names the job (of ECS: the task's definition) which it starts; None if it starts none."""
        return None if self.sdk else _JOB_FIELDS.get((self.service, self.action))

    @property
    def resource(self) -> str:
        return f"{self.action}.{self.pattern}" if self.pattern else self.action


def parse_resource(arn: str) -> TaskResource:
    """The parts of a Resource. Raises ValueError where it is none that a Task can call."""
    if match := _FUNCTION.fullmatch(arn):
        return TaskResource(arn, "function", function=match["name"], qualifier=match["qualifier"] or "")
    if _ACTIVITY.fullmatch(arn):
        return TaskResource(arn, "activity")
    if match := _INTEGRATION.fullmatch(arn):
        pattern: Pattern = match["pattern"] or ""  # type: ignore[assignment]  # the expression allows no other
        return TaskResource(arn, "integration", match["service"], match["action"], pattern, sdk=bool(match["sdk"]))
    raise ValueError(f"{arn!r} is not a resource that a Task can call")
