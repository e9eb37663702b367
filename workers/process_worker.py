"""A function that a pool runs: its code, and what an environment is told to become it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepsim.workers.frames import Setup
from stepsim.workers.function_code import FunctionCode, HandlerLocation
from stepsim.workers.worker import Done, Invocation

if TYPE_CHECKING:
    from stepsim.workers.pool import ProcessPool

DEFAULT_REGION = "us-east-1"
"""The region of a function whose ARN names none."""


@dataclass(frozen=True, slots=True, eq=False)
class ProcessWorker:
    """Runs one function's invocations in the pool's environments; a Worker."""

    pool: ProcessPool
    code: FunctionCode
    location: HandlerLocation

    def invoke(self, invocation: Invocation, done: Done) -> None:
        """Run an invocation as soon as there is room; `done` is called on the event loop's thread."""
        self.pool.submit(self, invocation, done)

    def setup(self, invocation: Invocation, log_stream: str, fast_operations: Iterable[str]) -> Setup:
        """What an environment is told that is made for an invocation, for the rest of its life."""
        code, location = self.code, self.location
        arn = invocation.function_arn.split(":")
        return Setup(
            function_name=invocation.function_name,
            module=location.module,
            function=location.function,
            label=location.label,
            task_root=str(location.task_root),
            paths=[str(path) for path in location.paths],
            environment=dict(code.environment),
            memory_mb=invocation.memory_mb,
            region=arn[3] if len(arn) > 3 else DEFAULT_REGION,
            fast_operations=sorted(fast_operations) if code.account is None else [],
            version=code.version,
            log_group=code.log_group,
            log_stream=log_stream,
            shown_root=code.shown_root,
            account=code.account,
        )
