"""mocked_starts.py: executions of test cases, in process and by the API's own words."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stepsim.runtime import local_aws
from stepsim.runtime.mocks.reading import MockConfigError

ROLE = "arn:aws:iam::123456789012:role/test"
MACHINE = {
    "StartAt": "Call",
    "States": {
        "Call": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "nobody"},
            "End": True,
        }
    },
}
MOCKS = {
    "StateMachines": {
        "m": {"TestCases": {"Good": {"Call": "Done"}, "Stale": {"Gone": "Done"}, "Empty": {"Call": "Nothing"}}}
    },
    "MockedResponses": {"Done": {"0": {"Return": {"Payload": 7}}}, "Nothing": {}},
}


@pytest.fixture
def mocks(tmp_path: Path) -> Path:
    """A mock configuration file."""
    path = tmp_path / "MockConfigFile.json"
    path.write_text(json.dumps(MOCKS))
    return path


@pytest.fixture
def client(mocks: Path) -> Iterator[Any]:
    """A client of an account with mocks."""
    with local_aws(mock_config=mocks) as aws:
        yield aws.client("stepfunctions")


def machine(client: Any, kind: str = "STANDARD") -> str:
    """The ARN of the machine."""
    made = client.create_state_machine(name="m", definition=json.dumps(MACHINE), roleArn=ROLE, type=kind)
    return str(made["stateMachineArn"])


def ended(client: Any, arn: str) -> dict[str, Any]:
    """A started execution's end."""
    execution = client.start_execution(stateMachineArn=arn)["executionArn"]
    waiting = threading.Event()
    for _ in range(500):
        described: dict[str, Any] = client.describe_execution(executionArn=execution)
        if described["status"] != "RUNNING":
            return described
        waiting.wait(0.01)
    raise AssertionError("the execution does not end")


def code(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    """An API error's code and message."""
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_an_execution_on_a_test_case_is_mocked(client: Any) -> None:
    """It belongs to the machine whose ARN stands before the hash."""
    arn = machine(client)
    execution = ended(client, f"{arn}#Good")
    assert (execution["status"], json.loads(execution["output"])) == ("SUCCEEDED", {"Payload": 7})
    assert execution["stateMachineArn"] == arn
    assert client.list_executions(stateMachineArn=arn)["executions"][0]["executionArn"] == execution["executionArn"]


def test_versions_and_aliases_have_their_machines_test_cases(client: Any) -> None:
    """The suffix comes last."""
    arn = machine(client)
    version = client.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"]
    execution = ended(client, f"{version}#Good")
    assert (execution["status"], execution["stateMachineVersionArn"]) == ("SUCCEEDED", version)


@pytest.mark.parametrize("suffix", ["", "#"])
def test_without_a_name_nothing_is_mocked(client: Any, suffix: str) -> None:
    """A bare hash runs as it would without (measured)."""
    assert ended(client, machine(client) + suffix)["error"] == "Lambda.ResourceNotFoundException"


def test_an_empty_response_fails_the_state_that_asks_for_it(client: Any) -> None:
    """Not before, and with States.Runtime (measured)."""
    assert ended(client, f"{machine(client)}#Empty")["error"] == "States.Runtime"


def test_a_test_case_that_is_not_there_is_refused(client: Any) -> None:
    """With those that are."""
    with pytest.raises(ClientError) as error:
        client.start_execution(stateMachineArn=f"{machine(client)}#Godo")
    assert code(error)[0] == "ValidationException"
    assert code(error)[1].endswith("has no test case 'Godo' for 'm' (did you mean 'Good'?)")


def test_a_state_that_the_machine_does_not_have_is_refused(client: Any) -> None:
    """When the test case is asked for."""
    with pytest.raises(ClientError) as error:
        client.start_execution(stateMachineArn=f"{machine(client)}#Stale")
    assert "StateMachines.m.TestCases.Stale.Gone: the state machine 'm' has no state 'Gone'" in code(error)[1]


def test_synchronous_executions_take_no_test_case(client: Any) -> None:
    """UnsupportedOperation (measured)."""
    with pytest.raises(ClientError) as error:
        client.start_sync_execution(stateMachineArn=f"{machine(client, 'EXPRESS')}#Good")
    assert code(error)[0] == "UnsupportedOperation"


def test_without_mocks_a_hash_is_a_character_of_the_name() -> None:
    """As on AWS: there is no such machine."""
    with local_aws() as aws:
        client = aws.client("stepfunctions")
        with pytest.raises(ClientError) as error:
            client.start_execution(stateMachineArn=f"{machine(client)}#Good")
    assert code(error)[0] == "StateMachineDoesNotExist"


def test_mocks_that_were_never_used_are_told_on_standard_error(mocks: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """With the execution that did not use them."""
    mocks.write_text(
        json.dumps({**MOCKS, "MockedResponses": {"Done": {"0-1": {"Return": 1}, "2": {"Return": 2}}, "Nothing": {}}})
    )
    with local_aws(mock_config=mocks) as aws:
        client = aws.client("stepfunctions")
        ended(client, f"{machine(client)}#Good")
    told = capfd.readouterr().err
    assert "attempt 1 of 'Call' cannot happen: attempt 0 returns" in told
    assert "the answer to attempt 2 of the state 'Call' was never used by the execution" in told


def test_wrong_mocks_open_no_account(mocks: Path) -> None:
    """Everything wrong with them is raised at once."""
    mocks.write_text('{"MockedResponses": {"R": {"0": {}}}, "More": 1}')
    with pytest.raises(MockConfigError, match="exactly one of Return and Throw") as error, local_aws(mock_config=mocks):
        pass
    assert len(error.value.findings) == 2
