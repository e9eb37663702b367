"""Task tokens: SendTaskSuccess, SendTaskFailure, SendTaskHeartbeat. A token is known in every home of the account."""

from __future__ import annotations

from stepsim.runtime.api.records import Params, Response
from stepsim.runtime.api.registry import Registry


def send_task_success(registry: Registry, params: Params) -> Response:
    """SendTaskSuccess: the task's result is the output, byte for byte."""
    registry.account.tokens.succeed(params["taskToken"], params["output"])
    return {}


def send_task_failure(registry: Registry, params: Params) -> Response:
    """SendTaskFailure: the task fails with the error and the cause; either may be missing."""
    registry.account.tokens.fail(params["taskToken"], params.get("error"), params.get("cause"))
    return {}


def send_task_heartbeat(registry: Registry, params: Params) -> Response:
    """SendTaskHeartbeat: HeartbeatSeconds begin anew; TimeoutSeconds go on."""
    registry.account.tokens.heartbeat(params["taskToken"])
    return {}
