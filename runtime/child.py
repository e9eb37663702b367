"""The child executions of a map run, as whatever runs in them knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepsim.asl.payload import Payload
from stepsim.runtime.frame import Identity

if TYPE_CHECKING:
    from stepsim.runtime.map_run import MapRun

_UNQUALIFIED: dict[str, str] = {}


class Child(Identity):
    """A child execution. Its name and ARN are made when somebody asks for them."""

    __slots__ = ("_arn", "_name", "items", "run")

    def __init__(self, run: MapRun, index: int, payload: Payload, items: int, start_ms: int) -> None:
        self.run = run
        self.items = items
        self.key = f"{run.key}/{index}"
        self.machine_arn = run.machine_arn
        self.machine_name = run.parent.machine_name
        self.input = payload
        self.start_ms = start_ms
        self.express = run.express
        self.item = index
        self.redrive_count = 0
        self.redrive_ms = None
        self.qualifiers = _UNQUALIFIED
        self.mocks = run.parent.mocks

    @property
    def batched(self) -> bool:
        distributed = self.run.state.distributed
        return distributed is not None and distributed.batcher is not None

    @property
    def name(self) -> str:  # type: ignore[override]  # made on demand
        try:
            return self._name
        except AttributeError:
            self._name: str = self.run.child_name(self.item or 0)
            return self._name

    @property
    def role_arn(self) -> str:  # type: ignore[override]  # the parent's
        return self.run.parent.role_arn

    @property
    def arn(self) -> str:  # type: ignore[override]  # made on demand
        try:
            return self._arn
        except AttributeError:
            self._arn: str = self.run.child_arn(self.name, self.item or 0)
            return self._arn
