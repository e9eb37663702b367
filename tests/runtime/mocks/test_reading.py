"""mocks/reading.py: what a mock configuration file means, and everything that is wrong with one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stepsim.runtime.mocks.reading import MockConfigError, find_case, load_mocks, read_mocks

DOCUMENTED = {
    "StateMachines": {
        "LambdaSQSIntegration": {
            "TestCases": {
                "HappyPath": {"LambdaState": "Success", "SQSState": "Sent"},
                "RetryPath": {"LambdaState": "Retry"},
            }
        }
    },
    "MockedResponses": {
        "Success": {"0": {"Return": {"StatusCode": 200, "Payload": {"body": "hi"}}}},
        "Sent": {"0": {"Return": {"MessageId": "3bcb6e8e"}}},
        "Retry": {
            "0": {"Throw": {"Error": "Lambda.ResourceNotReadyException", "Cause": "not ready"}},
            "1-2": {"Throw": {"Error": "Lambda.TimeoutException"}},
            "3": {"Return": None},
        },
    },
}


def response(attempts: Any) -> dict[str, Any]:
    """A file with one response."""
    return {"StateMachines": {"m": {"TestCases": {"c": {"S": "R"}}}}, "MockedResponses": {"R": attempts}}


def problems(value: Any) -> list[str]:
    """What is wrong with a file."""
    with pytest.raises(MockConfigError) as caught:
        read_mocks(value if isinstance(value, str) else json.dumps(value), "mocks.json")
    return str(caught.value).splitlines()


def test_the_documented_form_is_read() -> None:
    """Test cases by machine and name, answers by attempt; a Return may be null."""
    case = read_mocks(json.dumps(DOCUMENTED), "mocks.json").cases["LambdaSQSIntegration"]["RetryPath"]
    retry = case.states["LambdaState"].response
    assert retry is not None
    answers = [retry.span(attempt) for attempt in range(5)]
    assert [None if span is None else span.answer.error for span in answers] == [
        "Lambda.ResourceNotReadyException",
        "Lambda.TimeoutException",
        "Lambda.TimeoutException",
        None,
        None,
    ]
    assert answers[3] is not None
    assert answers[3].answer.returns is not None
    assert answers[3].answer.returns.text == "null"
    assert answers[4] is None


def test_yaml_is_read_as_json_is(tmp_path: Path) -> None:
    """Attempts may be plain numbers there."""
    path = tmp_path / "mocks.yaml"
    path.write_text(
        "StateMachines: {m: {TestCases: {c: {S: R}}}}\n"
        "MockedResponses:\n  R:\n    0: {Return: 1}\n    1-2: {Throw: {Error: E}}\n"
    )
    found = load_mocks(path).cases["m"]["c"].states["S"].response
    assert found is not None
    assert [str(span) for span in found.spans] == ["0", "1-2"]
    assert str(found.spans[1].origin) == f"{path}:5:5: MockedResponses.R.1-2"


@pytest.mark.parametrize(
    ("attempts", "problem"),
    [
        ({"0": {"Return": 1, "Throw": {"Error": "E"}}}, "exactly one of Return and Throw expected"),
        ({"0": {}}, "exactly one of Return and Throw expected"),
        ({"0": {"Throw": {"Cause": "c"}}}, "'Error' is missing"),
        ({"0": {"Throw": {"Error": "E", "Couse": "c"}}}, "unknown key 'Couse' (did you mean 'Cause'?)"),
        ({"0": {"Return": 1, "delay": "1s"}}, "unknown key 'delay'"),
        ({"first": {"Return": 1}}, "'first' names no attempts"),
        ({"1-": {"Return": 1}}, "'1-' names no attempts"),
        ({"01": {"Return": 1}}, "'01' names no attempts"),
        ({"3-1": {"Return": 1}}, "'3-1' ends before it begins (write \"1-3\")"),
        ({"0-2": {"Return": 1}, "2": {"Return": 2}}, "attempts 2 overlap with 0-2"),
        ({"1": {"Return": 1}, "0-9": {"Return": 2}, "3": {"Return": 3}}, "attempts 1 overlap with 0-9"),
    ],
)
def test_a_wrong_answer_is_named_with_its_key(attempts: Any, problem: str) -> None:
    """And with line and column."""
    first = problems(response(attempts))[0]
    assert first.startswith("mocks.json:1:")
    assert "MockedResponses.R" in first
    assert problem in first


def test_everything_wrong_is_told_at_once() -> None:
    """In the order of the text."""
    text = """{
  "StateMachines": {"m": {"TestCase": {}}, "n": {"TestCases": {"c": {"S": "Reponse"}}}},
  "MockedResponse": {},
  "MockedResponses": {"Response": {"0": {"Return": 1}, "0": {"Return": 2}}}
}"""
    assert problems(text) == [
        "mocks.json:2:27: StateMachines.m.TestCase: unknown key 'TestCase' (did you mean 'TestCases'?)",
        "mocks.json:2:70: StateMachines.n.TestCases.c.S: there is no response 'Reponse' (did you mean 'Response'?)",
        "mocks.json:3:3: MockedResponse: unknown key 'MockedResponse' (did you mean 'MockedResponses'?)",
        "mocks.json:4:56: Duplicate field '0' (Rename or remove one of the two.)",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "mocks.json:1:1: the file is empty"),
        ("[]", "mocks.json:1:1: a mapping expected, not a list"),
        ('{"a": }', "mocks.json:1:7: "),
    ],
)
def test_a_text_without_mocks_is_refused(text: str, problem: str) -> None:
    """Where it begins, or where it cannot be read."""
    assert problems(text)[0].startswith(problem)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """By its name."""
    with pytest.raises(MockConfigError, match=r"none\.json: cannot be read: No such file"):
        load_mocks(tmp_path / "none.json")


def test_an_empty_response_is_no_mistake() -> None:
    """Step Functions Local fails only the state that asks for it (measured)."""
    found = read_mocks(json.dumps(response({})), "mocks.json").cases["m"]["c"].states["S"].response
    assert found is not None
    assert found.spans == ()


OWN = {
    "StateMachines": {"m": {"TestCases": {"c": {"S": "R"}}}},
    "MockedResponses": {"R": {"0": {"Return": 1}}},
    "stepsim": {
        "strict": True,
        "responses": {"Late": {"0": {"Return": 2, "delay": "90m", "heartbeat_every": "10m"}}},
        "test_cases": {
            "m": {
                "c": {
                    "S": [
                        {"item": 3, "response": "Late"},
                        {"where": {"order.sku": "A"}, "response": {"0": {"never": True}}},
                    ]
                },
                "other": {"T": "Late"},
            }
        },
    },
}


def test_ours_goes_on_top() -> None:
    """Rules before what AWS's part says of the same state, and test cases of our own."""
    file = read_mocks(json.dumps(OWN), "mocks.json")
    state = file.cases["m"]["c"].states["S"]
    assert [rule.item for rule in state.rules] == [3, None]
    assert state.rules[1].where == ((("order", "sku"), "A"),)
    assert state.response is not None
    assert state.response.name == "R"
    assert file.cases["m"]["c"].strict
    late = file.cases["m"]["other"].states["T"].response
    assert late is not None
    assert (late.spans[0].answer.delay_ms, late.spans[0].answer.heartbeat_ms) == (5_400_000, 600_000)


@pytest.mark.parametrize(
    ("own", "problem"),
    [
        ({"responses": {"R": {}}}, "stepsim.responses.R: 'R' stands in MockedResponses, too"),
        ({"test_cases": {"m": {"c": {"S": "R"}}}}, "'S' is mocked by StateMachines.m.TestCases.c.S already"),
        (
            {"test_cases": {"m": {"c": {"S": [{"item": -1, "response": "R"}]}}}},
            "a whole number from 0 expected, not -1",
        ),
        ({"test_cases": {"m": {"c": {"S": [{"item": 1}]}}}}, "'response' is missing"),
        ({"test_cases": {"m": {"c": {"S": [{"where": {"a b": 1}, "response": "R"}]}}}}, "'a b' is not a path"),
        ({"responses": {"X": {"0": {"Return": 1, "delay": 3}}}}, "3 is not a time"),
        ({"responses": {"X": {"0": {"Return": 1, "heartbeat_every": 0}}}}, "heartbeats cannot come every 0"),
        ({"responses": {"X": {"0": {"never": True, "delay": "1s"}}}}, "what never comes has no delay"),
        ({"responses": {"X": {"0": {"never": True, "Return": 1}}}}, "exactly one of Return, Throw and never: true"),
        ({"responses": {"X": {"0": {"Return": 1, "refused": True}}}}, "only a Throw can be refused: true"),
    ],
)
def test_ours_is_checked_as_strictly(own: Any, problem: str) -> None:
    """Each with its key."""
    assert any(problem in line for line in problems({**response({"0": {"Return": 1}}), "stepsim": own}))


def test_a_test_case_is_found_by_its_name() -> None:
    """Of the machine, of the only machine there is, or of the one that is named with it."""
    file = read_mocks(json.dumps(DOCUMENTED), "mocks.json")
    assert find_case(file, "LambdaSQSIntegration", "HappyPath").name == "HappyPath"
    assert find_case(file, "other", "HappyPath").machine == "LambdaSQSIntegration"
    assert find_case(file, "other", "LambdaSQSIntegration#RetryPath").name == "RetryPath"
    with pytest.raises(LookupError, match=r"no test case 'HapyPath' .*did you mean 'HappyPath'"):
        find_case(file, "other", "HapyPath")
    with pytest.raises(LookupError, match="no test cases for the state machine 'other'"):
        find_case(file, "m", "other#HappyPath")
