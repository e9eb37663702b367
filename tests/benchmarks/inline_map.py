"""An inline Map of Pass items on the system clock, here or in moto's own interpreter: ``inline_map.py KIND COUNT``.

KIND is ``stepsim`` or ``moto``. Prints one line of JSON: seconds from starting the execution to its end.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

DEFINITION: dict[str, Any] = {
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "ItemProcessor": {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}},
            "End": True,
        }
    },
}


def on_stepsim(count: int) -> float:
    """Express, because the events of 10,000 iterations have no room in the history of a Standard execution."""
    from stepsim.runtime.runner import run, scenario_of_definition

    with TemporaryDirectory() as folder:
        path = Path(folder) / "map.asl.json"
        path.write_text(json.dumps(DEFINITION))
        scenario = scenario_of_definition(
            path, payload={"items": list(range(count))}, functions={}, machine_type="EXPRESS", base_dir=Path(folder)
        )
        started_s = perf_counter()
        report = run(scenario)
        seconds = perf_counter() - started_s
    assert report["execution"]["output"] == list(range(count)), report["execution"]
    return seconds


def on_moto(count: int) -> float:
    """The interpreter that moto runs where it is told to execute state machines. It needs ``moto[stepfunctions]``."""
    import boto3
    from moto import mock_aws

    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        client = boto3.client("stepfunctions", "us-east-1")
        machine = client.create_state_machine(
            name="map", definition=json.dumps(DEFINITION), roleArn="arn:aws:iam::123456789012:role/machine"
        )
        started_s = perf_counter()
        execution = client.start_execution(
            stateMachineArn=machine["stateMachineArn"], input=json.dumps({"items": list(range(count))})
        )
        while True:
            described = client.describe_execution(executionArn=execution["executionArn"])
            if described["status"] != "RUNNING":
                break
            time.sleep(0.005)
        seconds = perf_counter() - started_s
    assert json.loads(described["output"]) == list(range(count)), described
    return seconds


def main(kind: str, count: int) -> None:
    measure = on_moto if kind == "moto" else on_stepsim
    # The first execution of a process pays for its imports.
    measure(3)
    print(json.dumps({"seconds": measure(count)}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
