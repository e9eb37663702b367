"""Lambda's Invoke as a function's code makes it: the scenario's functions run, of which moto knows none."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

from botocore.response import StreamingBody
from greenlet import getcurrent

from stepsim.runtime.cloud.call import ACCOUNT_ID, ApiError, CallSite
from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.cloud.latency import Latency
from stepsim.runtime.dice import Dice
from stepsim.runtime.effects import Invoke, Program
from stepsim.runtime.inline_functions import current_site
from stepsim.runtime.lambdas.invocation import InvokeRequest, check_invoke, log_result
from stepsim.runtime.requests import InvokeFunction, InvokeOptions
from stepsim.runtime.scheduler import Scheduler
from stepsim.workers.greenlets import HandlerGreenlet
from stepsim.workers.worker import InvocationResult

_STATUSES = {"RequestResponse": 200, "Event": 202, "DryRun": 204}


def serve_invokes(cloud: Cloud, scheduler: Scheduler, dice: Dice, latency: Latency) -> None:
    """Let handlers of a simulation invoke each other: they wait in virtual time until the other one is over."""
    least_ms, most_ms = latency.bounds("lambda", "Invoke")

    def invoke(params: dict[str, Any], region: str) -> dict[str, Any]:
        handler, caller = getcurrent(), current_site()
        if not isinstance(handler, HandlerGreenlet) or caller is None:
            raise _not_here()
        request = check_invoke(params)
        asked = _asked(request, caller, f"arn:aws:lambda:{region}:{ACCOUNT_ID}:function:{caller.function}", dice)
        if request.kind != "RequestResponse":
            first, _ = dice.pair(f"{asked.site.place}/{request.kind}")
            handler.pause(least_ms + int(first * (most_ms - least_ms + 1)))

        def start(tell: Callable[[Any], None]) -> None:
            def ended(answer: Any, error: Exception | None) -> None:
                if error is not None:
                    raise error
                tell(answer)

            scheduler.spawn(_program(asked), ended)

        answer = handler.wait_for(start)
        if isinstance(answer, ApiError):
            raise answer
        assert isinstance(answer, InvocationResult)
        return _response(request, answer)

    cloud.fast_paths["lambda"] = {"Invoke": invoke}
    # An invocation that is waited for has Lambda's time in it already.
    route = cloud.gate.route("lambda", "Invoke")
    route.spread, route.constant_ms = (0, 0), 0


def refuse_invokes(cloud: Cloud) -> None:
    """Let nobody take moto's answer to Invoke for a function's: it runs nothing, whatever is invoked."""

    def invoke(_params: dict[str, Any], _region: str) -> dict[str, Any]:
        raise _not_here()

    cloud.fast_paths["lambda"] = {"Invoke": invoke}


def _not_here() -> ApiError:
    return ApiError(
        "UnsupportedOperation",
        "stepsim does not support Invoke here yet: functions' code can call it in simulations and in `stepsim serve`, "
        "a state by arn:aws:states:::lambda:invoke",
    )


def _asked(request: InvokeRequest, caller: CallSite, arn: str, dice: Dice) -> InvokeFunction:
    """The invocation, as a place of its own: each that a handler makes has its own dice and its own id."""
    place = f"{caller.place}/{caller.function}/{next(caller.calls)}"
    site = CallSite(caller.execution, caller.state, "", caller.item, caller.attempt, place)
    site.batch = caller.batch
    request_id = dice.uuid4("invoke", caller.execution, caller.state, caller.attempt, place)
    options = InvokeOptions(request.kind, request.qualifier, request.client_context, request_id)
    return InvokeFunction(request.function, request.event, site, arn, options)


def _program(request: InvokeFunction) -> Program:
    return (yield Invoke(request))


def _response(request: InvokeRequest, result: InvocationResult) -> dict[str, Any]:
    status = _STATUSES[request.kind]
    body = result.payload.encode() if request.kind == "RequestResponse" else b""
    response: dict[str, Any] = {"StatusCode": status, "Payload": StreamingBody(BytesIO(body), len(body))}
    if request.kind != "RequestResponse":
        return response
    response["ExecutedVersion"] = result.version
    if result.function_error is not None:
        response["FunctionError"] = result.function_error
    if request.tail:
        response["LogResult"] = log_result(result)
    return response
