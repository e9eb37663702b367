"""Lambda: the one object that an endpoint plugs in to have functions run.

* moto keeps the functions: every control-plane operation goes on to moto. `Lambdas.before` is asked first, with the
  operation and boto3's parameters: it returns the parameters that moto is to get, or raises the ApiError that the
  client gets.
* ``Invoke`` never reaches moto: `Lambdas.invoke` answers it, later as a rule, with an `InvokeResponse` (whose `members`
  are boto3's) or an ApiError.
* `Lambdas.installed` is a context: while it lasts, moto's own triggers send events to functions, queues are polled, and
  a function that is changed or deleted loses its environments. Its end removes what was unpacked.
* The pool comes from `pool_factory`, which is called once, when the first function is invoked: a lazy
  `process_functions.open_process_pool` starts no process before that.

Executions of state machines find the functions by `Functions.lookup`, which is set here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stepsim.runtime.cloud.call import ACCOUNT_ID, DEFAULT_REGION, ApiError, CallSite
from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.dice import Dice
from stepsim.runtime.effects import Invoke, Program
from stepsim.runtime.functions import Functions
from stepsim.runtime.lambdas.asynchronous import EventInvoke, Outcome
from stepsim.runtime.lambdas.catalogue import Catalogue
from stepsim.runtime.lambdas.destinations import event_invoke
from stepsim.runtime.lambdas.environments import Environments, PoolFactory
from stepsim.runtime.lambdas.invocation import InvokeResponse, check_invoke
from stepsim.runtime.lambdas.logs import FunctionLogs
from stepsim.runtime.lambdas.moto_functions import complete_functions
from stepsim.runtime.lambdas.places import UNRESERVED_MIN
from stepsim.runtime.lambdas.queue_mappings import QueueMappings
from stepsim.runtime.lambdas.reference import FunctionReference, Home, parse_reference, partition_of
from stepsim.runtime.lambdas.sources import CodeSources
from stepsim.runtime.lambdas.triggers import triggers
from stepsim.runtime.requests import InvokeFunction, InvokeOptions
from stepsim.runtime.scheduler import Scheduler

Reply = Callable[[InvokeResponse | ApiError], None]
"""Called once, at once or later."""

AT_HOME: Home = (ACCOUNT_ID, DEFAULT_REGION)


class Lambdas:
    """The functions that clients create, run."""

    def __init__(
        self,
        cloud: Cloud,
        functions: Functions,
        scheduler: Scheduler,
        dice: Dice,
        pool_factory: PoolFactory,
        *,
        code_folders: Sequence[Path] = (),
    ) -> None:
        """`code_folders` are those below which a function's code may be a folder of this machine: none otherwise."""
        self._cloud = cloud
        self._scheduler = scheduler
        self._dice = dice
        self._functions = functions
        self._catalogue = Catalogue(dice)
        self._sources = CodeSources(self._read_object, code_folders)
        self._logs = FunctionLogs(dice)
        self._environments = Environments(
            functions, self._catalogue, self._sources, self._logs, pool_factory, self._event_invoke
        )
        self._queues = QueueMappings(scheduler)
        self._requests = 0
        functions.lookup = self._environments.lookup

    def invoke(self, params: dict[str, Any], caller: Home, reply: Reply) -> None:
        """Perform Invoke, with boto3's parameters, for a client of an account in a region."""
        try:
            request = check_invoke(params)
            reference = parse_reference(request.function, request.qualifier, caller)
            _check_region(reference, caller)
        except ApiError as error:
            reply(error)
            return
        self._requests += 1
        request_id = self._dice.uuid4("invoke", self._requests, self._scheduler.now_ms)

        def ended(answer: Any, error: Exception | None) -> None:
            if error is not None:
                raise error
            reply(answer)

        self._scheduler.spawn(request.program(caller, request_id), ended)

    def before(self, operation: str, params: dict[str, Any], caller: Home = AT_HOME) -> dict[str, Any]:
        """The parameters that moto is to get of an operation. Raises ApiError for what Lambda, or stepsim, refuses."""
        if operation == "CreateFunction":
            _check_function(params)
            return {**params, "Code": self._sources.prepared(params.get("Code") or {}, params.get("Runtime"), caller)}
        if operation == "UpdateFunctionCode":
            return self._sources.prepared(params, self._runtime_of(params, caller), caller)
        if operation == "UpdateFunctionConfiguration":
            _check_logging(params)
        if operation == "PutFunctionConcurrency":
            self._check_reserved(params, caller)
        if operation in ("CreateEventSourceMapping", "UpdateEventSourceMapping"):
            _check_mapping(params)
        return params

    @contextmanager
    def installed(self) -> Iterator[None]:
        """While it lasts, moto's functions are complete, and what triggers them inside moto runs them here."""
        with (
            complete_functions(self._environments.refresh),
            triggers(self._send_event, self._queues, lambda: self._scheduler.now_ms),
        ):
            try:
                yield
            finally:
                self._environments.close()

    def _send_event(self, function: str, qualifier: str | None, event: str, caller: str) -> None:
        """Have a function invoked with an event. One that nobody can find is dropped, as on AWS."""
        self._scheduler.spawn(self._event(function, qualifier, event, caller), _done)

    def _event(self, function: str, qualifier: str | None, event: str, caller: str) -> Program:
        self._requests += 1
        site = CallSite("lambda", "", "", place=f"event/{self._requests}")
        return (yield Invoke(InvokeFunction(function, event, site, caller, InvokeOptions("Event", qualifier))))

    def _event_invoke(self, reference: FunctionReference) -> EventInvoke:
        config, dead_letter = self._catalogue.event_settings(reference)

        def undeliverable(outcome: Outcome, reason: str) -> None:
            text = f"[ERROR] The outcome of {outcome.request_id} ({outcome.condition}) was not delivered: {reason}\n"
            group = f"/aws/lambda/{reference.name}"
            self._logs.write(reference.home, group, "stepsim/destinations", text, self._scheduler.now_ms)

        return event_invoke(
            config,
            dead_letter,
            lambda target, event, source: self._send_event(target, None, event, source),
            undeliverable,
        )

    def _runtime_of(self, params: dict[str, Any], caller: Home) -> str | None:
        """The runtime of the function whose code is updated; None where it is not there, which moto tells."""
        try:
            found = self._catalogue.find(parse_reference(params["FunctionName"], None, caller))
        except ApiError:
            return None
        return found.settings.runtime

    def _check_reserved(self, params: dict[str, Any], caller: Home) -> None:
        """Raises ApiError InvalidParameterValueException where too little would stay for the other functions."""
        try:
            found = self._catalogue.find(parse_reference(params["FunctionName"], None, caller))
        except ApiError:
            return
        concurrency = self._functions.concurrency
        others = self._catalogue.reserved(found.reference.home) - (found.reserved_concurrency or 0)
        wanted = int(params["ReservedConcurrentExecutions"])
        if wanted and concurrency is not None and others + wanted > concurrency - UNRESERVED_MIN:
            raise _refused(
                "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
                f"below its minimum value of [{UNRESERVED_MIN}]."
            )

    def _read_object(self, home: Home, bucket: str, key: str, version: str | None) -> bytes:
        account, region = home
        if account == ACCOUNT_ID and version is None and bucket in self._cloud.s3:
            body = self._cloud.s3.read(bucket, key)
            if body is None:
                raise ApiError("NoSuchKey", "The specified key does not exist.", 404)
            return body
        from moto.s3.exceptions import S3ClientError
        from moto.s3.models import s3_backends

        backend = s3_backends[account][partition_of(region)]
        try:
            found = backend.get_object(bucket, key, version_id=version)
        except S3ClientError as error:
            raise ApiError(str(error.code), str(error.message), 404) from error
        if found is None:
            raise ApiError("NoSuchKey", "The specified key does not exist.", 404)
        value: bytes = found.value
        return value


def _done(_answer: Any, error: Exception | None) -> None:
    if error is not None:
        raise error


def _check_region(reference: FunctionReference, caller: Home) -> None:
    region, here = reference.home[1], caller[1]
    if region != here:
        raise _refused(
            f"Functions from '{region}' are not reachable in this region ('{here}')", "ResourceNotFoundException", 404
        )


def _check_function(params: dict[str, Any]) -> None:
    if params.get("PackageType", "Zip") == "Zip" and not (params.get("Runtime") and params.get("Handler")):
        raise _refused("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
    _check_logging(params)


def _check_logging(params: dict[str, Any]) -> None:
    if (params.get("LoggingConfig") or {}).get("LogFormat", "Text") != "Text":
        raise _refused("stepsim does not support the LogFormat JSON of LoggingConfig yet: leave it out, or write Text.")


def _check_mapping(params: dict[str, Any]) -> None:
    for name in ("FilterCriteria", "TumblingWindowInSeconds"):
        if params.get(name):
            raise _refused(f"stepsim does not support {name} of event source mappings yet: leave it out.")


def _refused(message: str, code: str = "InvalidParameterValueException", status: int = 400) -> ApiError:
    return ApiError(code, message, status, {"Type": "User"})
