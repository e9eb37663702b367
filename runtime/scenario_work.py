"""What a scenario's state machine calls: functions, containers, jobs, and models of tasks, as they are meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import msgspec

from stepsim.asl.payload import JSON, encode
from stepsim.runtime import scenario_file as written
from stepsim.runtime.cloud.athena import QueryModel
from stepsim.runtime.cloud.fargate import smallest
from stepsim.runtime.functions import INIT_MS_MAX
from stepsim.runtime.key_path import KeyPath
from stepsim.runtime.lambdas.places import UNRESERVED_MIN
from stepsim.runtime.scenario_check import INVALID_VALUE, MISSING_FILE, Checker, did_you_mean
from stepsim.runtime.scenario_types import JOB_MS_MAX, MB_OF_VCPU, FunctionSpec, TaskSpec
from stepsim.workers.durations import NOTHING, Duration, parse_duration
from stepsim.workers.handler import HandlerError, HandlerReference
from stepsim.workers.modelled import ModelledError


class WorkReader:
    """Makes specifications of what is written, and notes what is wrong with it."""

    def __init__(self, checker: Checker, base_dir: Path) -> None:
        """`base_dir`: what references to code are relative to."""
        self._checker = checker
        self._base_dir = base_dir

    def function(self, function: written.Function, path: KeyPath, queues: Mapping[str, JSON]) -> FunctionSpec | None:
        """A Lambda function; `queues` are those that its failures may go to."""
        returns = function.returns
        if (function.handler is not None) + (not isinstance(returns, msgspec.UnsetType)) + function.echo != 1:
            self._checker.add(INVALID_VALUE, "exactly one of handler, returns and echo: true expected", path)
        if function.handler is not None:
            self.check_code(function.handler, (*path, "handler"))
            if function.errors:
                message = "errors model a function without code; of one with a handler, write faults"
                self._checker.add(INVALID_VALUE, message, (*path, "errors"))
        cold_start = None
        if function.cold_start is not None:
            cold_start = self._duration(function.cold_start, (*path, "cold_start"))
            if cold_start.per_item_ms:
                message = "an environment begins without an event, so nothing is added for its items"
                self._checker.add(INVALID_VALUE, message, (*path, "cold_start"))
            elif (cold_start.constant_ms or 0) > INIT_MS_MAX:
                self._checker.add(INVALID_VALUE, "Lambda lets an environment begin for 10s", (*path, "cold_start"))
        return FunctionSpec(
            function.handler,
            None if isinstance(returns, msgspec.UnsetType) else returns,
            function.echo,
            self._duration(function.duration, (*path, "duration"), function.memory_mb / MB_OF_VCPU),
            self._errors(function.errors, path),
            function.memory_mb,
            function.timeout_s * 1_000,
            _texts(function.env),
            function.reserved_concurrency,
            cold_start,
            self.queue_name(function.dlq, (*path, "dlq"), queues),
            None
            if function.on_failure is None
            else self.queue_name(function.on_failure.queue, (*path, "on_failure", "queue"), queues),
        )

    def container(self, container: written.Container, path: KeyPath) -> FunctionSpec:
        """A container of an ECS task."""
        return replace(self.job(container, path), spot_interruption_per_hour=container.spot_interruption_per_hour)

    def job(self, job: written.Job, path: KeyPath) -> FunctionSpec:
        """A job of Batch or Glue."""
        if job.handler is not None:
            self.check_code(job.handler, (*path, "handler"))
            if job.exit_code is not None or job.errors:
                message = "exit_code and errors model a job without code; a handler decides itself"
                self._checker.add(INVALID_VALUE, message, path)
        # What a DPU of Glue's computes, nobody says.
        vcpus = None if path[0] == "glue_jobs" else job.vcpu or smallest(job.memory_mb)[0] / 1024
        return FunctionSpec(
            job.handler,
            returns=job.exit_code or 0,
            duration=self._duration(job.duration, (*path, "duration"), vcpus),
            errors=self._errors(job.errors, path),
            memory_mb=job.memory_mb,
            timeout_ms=JOB_MS_MAX,
            env=_texts(job.env),
            vcpu=job.vcpu,
        )

    def task(self, task: written.Task, path: KeyPath) -> TaskSpec:
        """A model of an integration."""
        return TaskSpec(
            self._duration(task.duration, (*path, "duration")), task.returns, self._errors(task.errors, path)
        )

    def athena_query(self, query: written.AthenaQuery, path: KeyPath) -> QueryModel:
        """A model of queries."""
        duration = None if query.duration is None else self._duration(query.duration, (*path, "duration"))
        return QueryModel(query.query, query.workgroup, duration, query.scanned_bytes)

    def _errors(self, errors: Sequence[written.ModelledError], path: KeyPath) -> tuple[ModelledError, ...]:
        total = sum(error.probability for error in errors)
        if total > 1 + 1e-9:
            self._checker.add(INVALID_VALUE, f"the probabilities sum to {total:g}", (*path, "errors"))
        return tuple(ModelledError(error.error, error.probability, error.cause) for error in errors)

    def _duration(self, spec: JSON, path: KeyPath, vcpus: float | None = None) -> Duration:
        name = str(path[-1])
        try:
            return parse_duration(spec, name, vcpus)
        except ValueError as error:
            self._checker.add(INVALID_VALUE, str(error).removeprefix(f"{name}: "), path)
            return NOTHING

    def check_reserved(self, functions: Mapping[str, FunctionSpec], concurrency: float | None) -> None:
        """What functions may reserve: Lambda refuses whoever would leave too little to the others."""
        reserved = 0
        for name, function in functions.items():
            reserved += function.reserved_concurrency or 0
            if function.reserved_concurrency and concurrency is not None and reserved > concurrency - UNRESERVED_MIN:
                message = (
                    f"{reserved} of {concurrency:g} would be reserved: {UNRESERVED_MIN} must stay unreserved, and "
                    "quotas.lambda_concurrency is what an account has"
                )
                self._checker.add(INVALID_VALUE, message, ("functions", name, "reserved_concurrency"))

    def check_code(self, text: str, path: KeyPath) -> None:
        """Note a reference to code that is not there. Nothing is imported."""
        try:
            reference = HandlerReference.parse(text, self._base_dir)
        except HandlerError as error:
            self._checker.add(MISSING_FILE, str(error), path)
            return
        package = reference.module.partition(".")[0]
        if reference.file is None and find_spec(package) is None:
            where = self._base_dir.joinpath(*reference.module.split(".")).with_suffix(".py")
            self._checker.add(MISSING_FILE, f"{text!r}: there is neither a file {where} nor a module {package}", path)

    def queue_name(self, name: str | None, path: KeyPath, queues: Mapping[str, JSON]) -> str | None:
        """The name of one of the queues; noted, where there is none of that name."""
        if name is not None and name not in queues:
            self._checker.add(INVALID_VALUE, f"there is no queue {name!r}", path, did_you_mean(name, queues))
        return name


def _texts(variables: Mapping[str, str | int | float]) -> dict[str, str]:
    """Environment variables: YAML takes 64 for a number, and the function gets a text."""
    return {name: value if isinstance(value, str) else encode(value) for name, value in variables.items()}
