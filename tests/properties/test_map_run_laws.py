"""What holds for every map run, whatever fails, is stopped, killed and redriven: no item is lost or told twice."""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from stepsim.runtime.account import Account
from stepsim.runtime.api.records import Home, Params
from stepsim.runtime.api.step_functions import StepFunctions
from stepsim.runtime.cloud.call import Answer, ApiError, CallSite
from stepsim.runtime.dice import Dice
from stepsim.runtime.functions import Function, Functions
from stepsim.runtime.persistence.archivist import Archivist
from stepsim.runtime.statistics import Statistics
from stepsim.workers.worker import Done, Invocation, InvocationResult

HOME = Home("123456789012", "us-east-1")
START_MS = 1_767_578_400_000
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
COUNTS = ("itemCounts", "executionCounts")
ENDED = ("succeeded", "failed", "timedOut", "aborted")
ENDS = ("stopped", "closed", "killed", "left alone")
MOST_REDRIVES = 40


@dataclass(frozen=True)
class Plan:
    """A data set, how a map reads it, what its function does to each item, and how each attempt ends."""

    fails: list[int]
    """Of each item: at how many of its invocations the function fails; beyond 10, it never answers, which times out."""
    takes_ms: list[int]
    source: str
    kind: str
    max_concurrency: int
    batcher: dict[str, int] | None
    tolerance: dict[str, int]
    broken: tuple[int, int | None]
    """Before so many attempts the data set breaks off behind so many items, or is not there at all."""
    ends: list[tuple[str, int]]
    """Of each attempt: whether it is stopped, or its process closed or killed, and after how many ms."""

    def definition(self) -> dict[str, Any]:
        reader = {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": self.source},
            "Parameters": {"Bucket": "data", "Key": "items"},
        }
        if self.source == "CSV":
            reader["ReaderConfig"] = {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}
        state = {
            "Type": "Map",
            "Label": "Each",
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": self.kind},
                "StartAt": "T",
                "States": {"T": {"Type": "Task", "Resource": FUNCTION, "TimeoutSeconds": 5, "End": True}},
            },
            "MaxConcurrency": self.max_concurrency,
            "ResultWriter": {
                "Resource": "arn:aws:states:::s3:putObject",
                "Parameters": {"Bucket": "data", "Prefix": "out"},
            },
            "End": True,
            **({} if self.source == "STATE_DATA" else {"ItemReader": reader}),
            **({} if self.batcher is None else {"ItemBatcher": self.batcher}),
            **self.tolerance,
        }
        return {"StartAt": "Each", "States": {"Each": state}}

    @property
    def items(self) -> list[dict[str, int]]:
        return [{"n": n} for n in range(len(self.fails))]

    def body(self, items: int | None = None) -> bytes:
        """The data set as the reader finds it, whole or broken behind so many items."""
        whole = items is None
        if self.source == "JSON":
            return json.dumps(self.items[:items]).encode()[: None if whole else -1]
        if self.source == "JSONL":
            return "".join(json.dumps(item) + "\n" for item in self.items[:items]).encode() + b"{" * (not whole)
        return ("n\n" + "".join(f"{item['n']}\n" for item in self.items[:items]) + '"' * (not whole)).encode()


PLANS = st.builds(
    Plan,
    fails=st.lists(st.sampled_from([0, 0, 0, 0, 1, 2, 11]), max_size=14),
    takes_ms=st.lists(st.sampled_from([0, 1, 700, 1_500]), min_size=1, max_size=4),
    source=st.sampled_from(["STATE_DATA", "CSV", "JSON", "JSONL"]),
    kind=st.sampled_from(["STANDARD", "EXPRESS"]),
    max_concurrency=st.integers(0, 4),
    batcher=st.none()
    | st.fixed_dictionaries({"MaxItemsPerBatch": st.integers(1, 4)})
    | st.fixed_dictionaries({"MaxInputBytesPerBatch": st.integers(24, 60)}),
    tolerance=st.just({})
    | st.fixed_dictionaries({"ToleratedFailureCount": st.integers(0, 3)})
    | st.fixed_dictionaries({"ToleratedFailurePercentage": st.integers(0, 100)}),
    broken=st.just((0, None)) | st.tuples(st.integers(1, 3), st.none() | st.integers(0, 8)),
    ends=st.lists(
        st.tuples(
            st.sampled_from(["stopped", "closed", "killed", "left alone"]), st.sampled_from([0, 1, 800, 2_000, 6_000])
        ),
        max_size=4,
    ),
)


def numbers(text: str) -> list[int]:
    """The items that a child's input stands for."""
    value = json.loads(text)
    return [int(item["n"]) for item in value.get("Items", [value])]


@dataclass
class World:
    """What outlives a process: the data, the results, and how often each item has been worked on."""

    plan: Plan
    folder: Path
    now_ms: int = START_MS
    processes: int = 0
    attempts: int = 0
    unread: bool = False
    """True where this attempt has ended because items could not be read."""
    s3: dict[str, bytes] = field(default_factory=dict)
    tried: Counter[int] = field(default_factory=Counter)
    asked_for: list[int] = field(default_factory=list)
    """The items of the function's invocations in this attempt."""

    process: Process | None = None

    @property
    def breaks(self) -> bool:
        """True where the data set cannot be read in this attempt."""
        return self.plan.source != "STATE_DATA" and self.attempts <= self.plan.broken[0]

    def begin(self) -> Process:
        """The process that runs, or a new one."""
        if self.process is None:
            self.processes += 1
            self.process = Process(self)
        return self.process

    def end(self, *, killed: bool) -> None:
        """The process ends: it is told to, or without a word."""
        if self.process is None:
            return
        if killed:
            self.process.kill()
        else:
            self.process.archivist.close()
            self.process.kill()
        self.now_ms = self.process.account.scheduler.now_ms + 1_000
        self.process = None


class Process:
    """The service in virtual time, with an archive; it is the worker of its function, too."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.killed = False
        dice, statistics = Dice(world.processes), Statistics()
        self.account = Account(
            dice=dice,
            statistics=statistics,
            functions=Functions([Function("f", self, 60_000)], dice, statistics),
            call=self._s3,
            models={},
            start_ms=world.now_ms,
        )
        self.service = StepFunctions(self.account, map_runs="listed")
        self.archivist = Archivist(self.service.registries, world.folder)

    def _s3(self, service: str, operation: str, params: dict[str, Any], *, site: CallSite) -> Answer:
        if self.killed:
            return Answer({})
        if operation == "PutObject":
            # An attempt writes into a folder of its own.
            assert params["Key"] not in self.world.s3
            self.world.s3[params["Key"]] = params["Body"]
        elif operation == "GetObject":
            items = self.world.plan.broken[1]
            if not self.world.breaks:
                return Answer({"Body": io.BytesIO(self.world.plan.body())})
            if items is None:
                return Answer(None, ApiError("NoSuchKey", "The specified key does not exist.", 404))
            return Answer({"Body": io.BytesIO(self.world.plan.body(items))})
        return Answer({})

    def invoke(self, invocation: Invocation, done: Done) -> None:
        plan, tried = self.world.plan, self.world.tried
        items = numbers(invocation.event)
        self.world.asked_for += items
        tried.update(items)
        if any(plan.fails[n] > 10 and tried[n] == 1 for n in items):
            return
        failed = any(plan.fails[n] <= 10 and tried[n] <= plan.fails[n] for n in items)
        result = InvocationResult('{"errorMessage":"no","errorType":"Oops"}', "Unhandled")
        if not failed:
            result = InvocationResult(json.dumps(len(items)))
        scheduler = self.account.scheduler
        scheduler.call_at(scheduler.now_ms + plan.takes_ms[items[0] % len(plan.takes_ms)], lambda: done(result))

    def kill(self) -> None:
        """End without a word: what runs is let go of, and nothing that comes of it is written."""
        self.killed = True
        for run in self.account.map_runs:
            self.account.stop_execution(run.parent.arn)
            run.cut_off()
        self.archivist._archive.close()

    def call(self, operation: str, **params: Any) -> Any:
        replies: list[Any] = []
        self.service.call(operation, Params(params), HOME, replies.append)
        assert not isinstance(replies[0], ApiError), replies
        return replies[0]

    def run(self, arn: str, for_ms: int | None) -> None:
        """Let time pass until the execution has ended, or so much of it; laws that always hold are looked at."""
        scheduler = self.account.scheduler
        until_ms = None if for_ms is None else scheduler.now_ms + for_ms
        while self.call("DescribeExecution", executionArn=arn)["status"] == "RUNNING":
            due_ms = scheduler.next_deadline()
            assert due_ms is not None
            if until_ms is not None and due_ms > until_ms:
                break
            scheduler.advance(due_ms)
            self.archivist.commit()
            self.look(arn)
        self.archivist.commit()

    def map_run(self, arn: str) -> Any:
        """What is told of the execution's map run; None where none was opened."""
        runs = self.call("ListMapRuns", executionArn=arn)["mapRuns"]
        assert len(runs) <= 1
        return self.call("DescribeMapRun", mapRunArn=runs[0]["mapRunArn"]) if runs else None

    def look(self, arn: str) -> None:
        """At any moment counters add up, and no more children run than may."""
        run = self.map_run(arn)
        for name in COUNTS if run else ():
            counts = run[name]
            assert min(counts.values()) >= 0, run
            assert counts["total"] == counts["pending"] + counts["running"] + sum(counts[end] for end in ENDED), run
        if run and self.world.plan.max_concurrency:
            assert run["executionCounts"]["running"] <= self.world.plan.max_concurrency, run

    def children(self, run: Any) -> dict[str, list[list[int]]]:
        """The items of the children by status."""
        children: dict[str, list[list[int]]] = {}
        params = {"mapRunArn": run["mapRunArn"]}
        while True:
            page = self.call("ListExecutions", **params)
            for one in page["executions"]:
                items = numbers(self.call("DescribeExecution", executionArn=one["executionArn"])["input"])
                assert one["itemCount"] == len(items)
                children.setdefault(one["status"], []).append(items)
            if "nextToken" not in page:
                return children
            params["nextToken"] = page["nextToken"]


def items_of(children: dict[str, list[list[int]]], *statuses: str) -> list[int]:
    """The items of children with these statuses, in order."""
    return sorted(n for status in statuses for child in children.get(status, ()) for n in child)


def check_counters(run: Any, children: dict[str, list[list[int]]]) -> None:
    """Counters are those of the children that are listed. What waits to be run again counts as it ended (recorded)."""
    names = {"running": ["RUNNING"], "succeeded": ["SUCCEEDED"], "failed": ["FAILED"], "timedOut": ["TIMED_OUT"]}
    names["aborted"] = ["ABORTED"]
    if "PENDING_REDRIVE" in children:
        names = {"running": ["RUNNING"], "succeeded": ["SUCCEEDED"]}
        names["failed timedOut aborted"] = ["FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE"]
    for counters, statuses in names.items():
        items, executions = (sum(run[of][name] for name in counters.split()) for of in COUNTS)
        assert items == len(items_of(children, *statuses)), (run, children)
        assert executions == sum(len(children.get(status, ())) for status in statuses), (run, children)


def check_partition(world: World, run: Any, children: dict[str, list[list[int]]]) -> None:
    """Each item is in one child, or in none and pending."""
    started = items_of(children, *children)
    assert len(started) == len(set(started)), children
    assert set(started) <= set(range(len(world.plan.fails)))
    if run["status"] == "SUCCEEDED" or (run["status"] == "FAILED" and not world.unread):
        assert run["itemCounts"]["total"] == len(world.plan.fails), run
        assert run["itemCounts"]["pending"] == len(world.plan.fails) - len(started), run


def check_files(world: World, run: Any, children: dict[str, list[list[int]]]) -> None:
    """The manifest's files hold each item once, in the file of what became of it."""
    uuid = run["mapRunArn"].rpartition(":")[2]
    folder = f"out/{uuid}" if run["redriveCount"] == 0 else f"out/{uuid}/Redrive-{run['redriveCount']}"
    if world.unread and f"{folder}/manifest.json" not in world.s3:
        # The data set was not there at all.
        assert not children
        return
    manifest = json.loads(world.s3[f"{folder}/manifest.json"])
    written = {}
    for name, files in manifest["ResultFiles"].items():
        assert all(file["Size"] == len(world.s3[file["Key"]]) for file in files)
        records = [record for file in files for record in json.loads(world.s3[file["Key"]])]
        written[name] = sorted(n for record in records for n in numbers(record["Input"]))
    assert written["SUCCEEDED"] == items_of(children, "SUCCEEDED"), (written, children)
    unsuccessful = items_of(children, "FAILED", "TIMED_OUT", "ABORTED")
    if run["redriveCount"] == 0 or run["status"] == "SUCCEEDED":
        assert written["FAILED"] == unsuccessful, (written, children)
    # After a redrive the manifest names what failed in this attempt.
    assert not Counter(written["FAILED"]) - Counter(unsuccessful)
    if run["status"] == "SUCCEEDED" or (run["status"] == "FAILED" and not world.unread):
        everything = set(range(len(world.plan.fails)))
        assert written["PENDING"] == sorted(everything - set(items_of(children, *children)))


@settings(max_examples=100, deadline=None)
@given(plan=PLANS)
def test_no_item_is_lost_or_told_twice(plan: Plan) -> None:
    """After each attempt every item has succeeded, has failed or is pending, once; what has succeeded stays so."""
    with TemporaryDirectory() as folder:
        world = World(plan, Path(folder))
        arn, status, succeeded = "", "", set[int]()
        attempts = [*plan.ends, *[("left alone", 0)] * MOST_REDRIVES]
        for end, after_ms in attempts:
            arn, status, succeeded = _attempt(world.begin(), arn, end, after_ms, succeeded)
            if status == "SUCCEEDED":
                break
            if end in ("closed", "killed"):
                world.end(killed=end == "killed")
        world.end(killed=True)
    assert status == "SUCCEEDED"
    event(f"{plan.kind} {plan.source}, {' '.join(sorted({end for end, _ in plan.ends}))}")


def _attempt(process: Process, arn: str, end: str, after_ms: int, succeeded: set[int]) -> tuple[str, str, set[int]]:
    """One attempt. Returns the execution, how it stands at the attempt's end, and what has succeeded by then."""
    world, plan = process.world, process.world.plan
    world.attempts += 1
    world.asked_for.clear()
    if arn:
        # Nobody redrives in the millisecond of the end: what ended in which attempt is told by its time.
        process.account.scheduler.advance(process.account.scheduler.now_ms + 1)
        process.call("RedriveExecution", executionArn=arn)
    else:
        definition = json.dumps(plan.definition())
        role = "arn:aws:iam::123456789012:role/r"
        machine = process.call("CreateStateMachine", name="m", definition=definition, roleArn=role)
        data = json.dumps(plan.items)
        arn = process.call("StartExecution", stateMachineArn=machine["stateMachineArn"], input=data)["executionArn"]
    process.run(arn, None if end == "left alone" else after_ms)
    described = process.call("DescribeExecution", executionArn=arn)
    status = described["status"]
    world.unread = described.get("error") == "States.ItemReaderFailed"
    if status == "RUNNING" and end == "stopped":
        process.call("StopExecution", executionArn=arn)
        process.run(arn, None)
        status = "ABORTED"
    process.look(arn)
    run = process.map_run(arn)
    if run is None:
        return arn, status, succeeded
    children = process.children(run)
    check_counters(run, children)
    check_partition(world, run, children)
    if status != "RUNNING" and "RUNNING" not in children:
        check_files(world, run, children)
    # A child that has succeeded is never run again, and stays as it is.
    assert not succeeded & set(world.asked_for)
    assert succeeded <= set(items_of(children, "SUCCEEDED"))
    if status == "SUCCEEDED":
        assert run["status"] == "SUCCEEDED"
        assert run["itemCounts"]["pending"] == run["itemCounts"]["aborted"] == 0
    return arn, status, set(items_of(children, "SUCCEEDED"))
