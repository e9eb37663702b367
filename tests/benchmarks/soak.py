"""A server that runs for days, in minutes: so many executions a second, in process, and what memory does meanwhile.

    python tests/benchmarks/soak.py --seconds 600 --rate 200

Each tick starts executions of a few machines (short, failing and waiting ones, Maps), looks at some that ended
long ago and lists a page, as clients do. Memory is printed as it goes; at the end, how much it grew after the first
fifth of the time, by when everything that is bounded should have reached its bound. `--rate 0` runs as fast as it can,
and says how many executions a second that is.
"""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from stepsim.runtime.account import Account, no_cloud
from stepsim.runtime.api.records import Home, Params, Response
from stepsim.runtime.api.step_functions import StepFunctions
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.dice import Dice
from stepsim.runtime.functions import Functions
from stepsim.runtime.persistence.archivist import Archivist
from stepsim.runtime.realtime import fresh_seed, now_ms
from stepsim.runtime.statistics import Statistics

HOME = Home("123456789012", "us-east-1")
ROLE = "arn:aws:iam::123456789012:role/soak"

_CHOICE = {"Variable": "$.n", "NumericGreaterThan": 5, "Next": "Large"}
MACHINES: dict[str, dict[str, Any]] = {
    "short": {
        "StartAt": "Look",
        "States": {
            "Look": {"Type": "Choice", "Choices": [_CHOICE], "Default": "Small"},
            "Small": {"Type": "Pass", "Parameters": {"small.$": "$.n"}, "End": True},
            "Large": {"Type": "Pass", "Parameters": {"large.$": "$.n"}, "End": True},
        },
    },
    "failing": {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Soak", "Cause": "as it should"}}},
    "waiting": {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 2, "End": True}}},
    "mapping": {
        "StartAt": "M",
        "States": {
            "M": {
                "Type": "Map",
                "ItemsPath": "$.items",
                "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}},
                "End": True,
            }
        },
    },
    "distributed": {
        "StartAt": "M",
        "States": {
            "M": {
                "Type": "Map",
                "ItemsPath": "$.items",
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    "StartAt": "P",
                    "States": {"P": {"Type": "Pass", "End": True}},
                },
                "End": True,
            }
        },
    },
}
MIX = ("short",) * 14 + ("failing", "failing", "waiting", "waiting", "mapping", "distributed")


class Soak:
    """An account with an archive, asked as a server would be."""

    def __init__(self, directory: Path | None) -> None:
        dice, statistics = Dice(fresh_seed()), Statistics()
        functions = Functions([], dice, statistics)
        self.account = Account(
            dice=dice, statistics=statistics, functions=functions, call=no_cloud, models={}, start_ms=now_ms()
        )
        self.service = StepFunctions(self.account)
        self.archivist = Archivist(self.service.registries, directory)
        self.machines = {
            name: self.call(
                "CreateStateMachine", name=f"{name}-{now_ms()}", definition=json.dumps(definition), roleArn=ROLE
            )["stateMachineArn"]
            for name, definition in MACHINES.items()
        }
        self.started: list[str] = []
        self.count = 0

    def call(self, operation: str, **params: Any) -> Response:
        replies: list[Response | ApiError] = []
        self.service.call(operation, Params(params), HOME, replies.append)
        self.advance()
        self.archivist.commit()
        assert isinstance(replies[0], dict), replies
        return replies[0]

    def advance(self) -> None:
        self.account.scheduler.advance(max(now_ms(), self.account.scheduler.now_ms))

    def start(self) -> None:
        name = MIX[self.count % len(MIX)]
        value = {"n": self.count % 10, "items": list(range(5)), "text": "x" * 300}
        started = self.call("StartExecution", stateMachineArn=self.machines[name], input=json.dumps(value))
        self.count += 1
        if self.count % 100 == 0:
            self.started.append(started["executionArn"])

    def look(self) -> None:
        """Ask for one of the oldest, and for the newest."""
        if not self.started:
            return
        arn = self.started[self.count // 100 % len(self.started)]
        assert self.call("DescribeExecution", executionArn=arn)["executionArn"] == arn
        events = self.call("GetExecutionHistory", executionArn=arn, maxResults=1000)["events"]
        assert [event["id"] for event in events] == list(range(1, len(events) + 1))
        listed = self.call("ListExecutions", stateMachineArn=self.machines["short"], maxResults=100)["executions"]
        assert len(listed) <= 100
        if len(self.started) > 1_000:
            del self.started[500:]


def resident_mb() -> float:
    """The memory of this process that is not swapped out, in MB."""
    fields = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) / 1024


def run(seconds: float, rate: float, directory: Path | None) -> None:
    """Start executions for so long, and print what memory does."""
    soak = Soak(directory)
    begun, shown, looked = time.monotonic(), 0.0, 0.0
    settled_mb = 0.0
    while (passed := time.monotonic() - begun) < seconds:
        if rate and soak.count >= passed * rate:
            soak.advance()
            time.sleep(0.002)
        else:
            soak.start()
        if passed - looked >= 0.5:
            looked = passed
            soak.look()
        if passed - shown >= seconds / 20:
            shown = passed
            print(f"{passed:7.1f} s  {soak.count:9,} executions  {resident_mb():7.1f} MB", flush=True)
            if not settled_mb and passed >= seconds / 5:
                settled_mb = resident_mb()
    passed = time.monotonic() - begun
    gc.collect()
    print(f"{soak.count:,} executions in {passed:.1f} s: {soak.count / passed:,.0f} a second")
    print(f"memory: {settled_mb:.1f} MB after a fifth of the time, {resident_mb():.1f} MB at the end")
    soak.archivist.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--rate", type=float, default=200, help="executions a second; 0: as fast as it goes")
    parser.add_argument("--persist", action="store_true", help="into a directory, as `stepsim serve --persist` does")
    arguments = parser.parse_args()
    if not arguments.persist:
        run(arguments.seconds, arguments.rate, None)
        return
    with tempfile.TemporaryDirectory() as directory:
        run(arguments.seconds, arguments.rate, Path(directory))


if __name__ == "__main__":
    main()
