"""Where executions are kept."""

from __future__ import annotations

from typing import Any

from stepsim.runtime.api.execution_store import ExecutionStore
from stepsim.runtime.api.records import ExecutionRecord, MachineRecord


class Me:
    def __init__(self, arn: str, start_ms: int) -> None:
        self.arn, self.start_ms = arn, start_ms
        self.redrive_ms: int | None = None
        self.express = False


class Ran:
    def __init__(self, arn: str, start_ms: int) -> None:
        self.me = Me(arn, start_ms)
        self.stop_ms: int | None = None


def record(name: str, start_ms: int) -> ExecutionRecord:
    execution: Any = Ran(name, start_ms)
    revision: Any = None
    return ExecutionRecord(execution, MachineRecord("machine", "m", "STANDARD", 0, revision), revision)


def names(store: ExecutionStore) -> list[str]:
    return [one.execution.me.arn for one in store.of_machine("machine")]


def test_running_ones_stand_by_their_start_and_others_by_their_end() -> None:
    """Newest first, one list of both."""
    store = ExecutionStore()
    records = {name: record(name, start_ms) for name, start_ms in (("a", 1), ("b", 2), ("c", 5))}
    for one in records.values():
        store.add(one)
    assert names(store) == ["c", "b", "a"]
    records["a"].execution.stop_ms = 9
    store.ended(records["a"])
    records["b"].execution.stop_ms = 4
    store.ended(records["b"])
    assert sorted(names(store)) == ["a", "b", "c"]
    assert [one.execution.me.arn for one in store.running("machine")] == ["c"]


def test_an_execution_that_is_added_again_runs_again() -> None:
    """A redrive's moment is what it is sorted by."""
    store = ExecutionStore()
    old, new = record("old", 1), record("new", 3)
    for one, stop_ms in ((old, 2), (new, 4)):
        store.add(one)
        one.execution.stop_ms = stop_ms
        store.ended(one)
    assert names(store) == ["new", "old"]
    old.execution.stop_ms, old.execution.me.redrive_ms = None, 5
    store.add(old)
    assert names(store) == ["old", "new"]
    assert store.get("old") is old


def test_the_children_of_a_map_run_stand_by_their_start() -> None:
    """Measured: whatever has become of them since."""
    store = ExecutionStore()
    run: Any = type("Run", (), {"arn": "run"})
    children = {name: record(name, start_ms) for name, start_ms in (("a", 1), ("b", 2))}
    for child in children.values():
        child.map_run = run
        store.add(child)
    children["a"].execution.stop_ms = 9
    store.ended(children["a"])
    assert [one.execution.me.arn for one in store.of_map_run("run")] == ["b", "a"]


def test_what_is_discarded_is_nowhere() -> None:
    """Neither by its ARN nor in a list."""
    store = ExecutionStore()
    store.add(record("a", 1))
    store.discard("a")
    store.discard("a")
    assert store.get("a") is None
    assert names(store) == []
