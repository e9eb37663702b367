"""Executions: the scheduler and interpreter, the simulated account, the drivers, and the edges that people touch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stepsim.runtime.in_process import local_aws

__all__ = ["local_aws"]


def __getattr__(name: str) -> Any:
    """What is exported, imported when it is first asked for: it needs boto3 and moto, and most of us don't."""
    if name == "local_aws":
        from stepsim.runtime.in_process import local_aws

        return local_aws
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
