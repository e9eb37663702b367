"""TestState with mocks: what comes of Tasks, Maps and Parallels whose work is not done."""

from __future__ import annotations

import json
from typing import Any

import pytest

LAMBDA = "arn:aws:states:::lambda:invoke"
TASK: dict[str, Any] = {"Type": "Task", "Resource": LAMBDA, "Parameters": {"FunctionName": "f"}, "End": True}
PROCESSOR: dict[str, Any] = {"StartAt": "Each", "States": {"Each": {"Type": "Pass", "End": True}}}
DISTRIBUTED = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **PROCESSOR}
FAILED = {"errorOutput": {"error": "Boom", "cause": "it broke"}}


def tried(service: Any, state: Any, mock: Any, value: Any = None, **params: Any) -> dict[str, Any]:
    """The response to a test with a mock, its texts parsed; a mock that is no dictionary is a result."""
    given = mock if isinstance(mock, dict) and mock.keys() <= {"result", "errorOutput", "fieldValidationMode"} else None
    response = service(
        "TestState",
        definition=json.dumps(state),
        input=json.dumps({} if value is None else value),
        mock=given or {"result": json.dumps(mock)},
        **{"inspectionLevel": "DEBUG", **params},
    )
    parsed: dict[str, Any] = {**response, "inspectionData": dict(response.get("inspectionData", {}))}
    for holder in (parsed, parsed["inspectionData"]):
        for name, text in holder.items():
            if name == "output" or (holder is not parsed and isinstance(text, str)):
                holder[name] = json.loads(text)
    return parsed


def refused(service: Any, state: Any, mock: Any, **params: Any) -> str:
    code, message = service.refusal("TestState", definition=json.dumps(state), mock=mock, **params)
    assert code == "ValidationException"
    return str(message)


# -- Tasks --------------------------------------------------------------------------------------------------------


def test_a_mocked_result_takes_the_states_way_out(service: Any) -> None:
    """Nothing is called, and no role is needed."""
    state = {**TASK, "ResultSelector": {"n.$": "$.Payload"}, "ResultPath": "$.r"}
    assert tried(service, state, {"Payload": 3}, {"a": 1}) == {
        "status": "SUCCEEDED",
        "output": {"a": 1, "r": {"n": 3}},
        "inspectionData": {
            "input": {"a": 1},
            "afterInputPath": {"a": 1},
            "afterParameters": {"FunctionName": "f"},
            "result": {"Payload": 3},
            "afterResultSelector": {"n": 3},
            "afterResultPath": {"a": 1, "r": {"n": 3}},
        },
    }


def test_a_jsonata_task_shows_arguments_and_result(service: Any) -> None:
    """Output and Assign see the result."""
    state = {
        "Type": "Task",
        "QueryLanguage": "JSONata",
        "Resource": LAMBDA,
        "Arguments": {"FunctionName": "{% $states.input.f %}"},
        "Output": "{% $states.result.Payload + 1 %}",
        "Assign": {"seen": "{% $states.result.Payload %}"},
        "Next": "Then",
    }
    response = tried(service, state, {"Payload": 3}, {"f": "g"})
    assert (response["output"], response["nextState"]) == (4, "Then")
    assert response["inspectionData"] == {
        "input": {"f": "g"},
        "afterArguments": {"FunctionName": "g"},
        "result": {"Payload": 3},
        "variables": {"seen": 3},
    }


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:states:us-east-1:123456789012:activity:paint",
        "arn:aws:states:::states:startExecution.sync:2",
        "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "arn:aws:lambda:us-east-1:123456789012:function:f",
        "arn:aws:states:::http:invoke",
    ],
)
def test_tasks_of_every_pattern_can_be_mocked(service: Any, resource: str) -> None:
    """Also those that cannot be tried without a mock."""
    parameters: dict[str, dict[str, Any]] = {
        "states:startExecution": {"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:m"},
        "sqs:sendMessage": {"QueueUrl": "q", "MessageBody": {"TaskToken.$": "$$.Task.Token"}},
        "http:invoke": {
            "ApiEndpoint": "https://example.com",
            "Method": "GET",
            "InvocationConfig": {"ConnectionArn": "arn:aws:events:us-east-1:123456789012:connection/c/1"},
        },
    }
    state: dict[str, Any] = {"Type": "Task", "Resource": resource, "End": True}
    found = next((value for name, value in parameters.items() if name in resource), None)
    state |= {} if found is None else {"Parameters": found}
    mock = {"result": '{"x": 1}', "fieldValidationMode": "NONE"}
    assert tried(service, state, mock)["output"] == {"x": 1}


def test_a_tasks_other_fields_are_evaluated(service: Any) -> None:
    """A time-out that is none fails the state."""
    response = tried(service, {**TASK, "TimeoutSecondsPath": "$.no"}, {"Payload": 1})
    assert (response["status"], response["error"]) == ("FAILED", "States.Runtime")


def test_a_mocked_error_fails_the_state(service: Any) -> None:
    """Where nothing takes it; what was before is shown."""
    response = tried(service, TASK, FAILED)
    assert (response["status"], response["error"], response["cause"]) == ("FAILED", "Boom", "it broke")
    assert sorted(response["inspectionData"]) == ["afterInputPath", "afterParameters", "input"]


@pytest.mark.parametrize(("used", "wait_s"), [(0, 1), (1, 2), (4, 16)])
def test_a_retrier_waits_longer_each_time(service: Any, used: int, wait_s: int) -> None:
    """So often it has been used before (recorded: 16 s after four)."""
    retry = [{"ErrorEquals": ["Other"]}, {"ErrorEquals": ["Boom"], "MaxAttempts": 5}]
    response = tried(service, {**TASK, "Retry": retry}, FAILED, stateConfiguration={"retrierRetryCount": used})
    assert response["status"] == "RETRIABLE"
    assert response["inspectionData"]["errorDetails"] == {"retryIndex": 1, "retryBackoffIntervalSeconds": wait_s}


def test_an_exhausted_retrier_is_shown(service: Any) -> None:
    """The state fails."""
    retry = [{"ErrorEquals": ["Boom"]}]
    response = tried(service, {**TASK, "Retry": retry}, FAILED, stateConfiguration={"retrierRetryCount": 3})
    assert (response["status"], response["inspectionData"]["errorDetails"]) == ("FAILED", {"retryIndex": 0})


def test_a_catcher_takes_a_mocked_error(service: Any) -> None:
    """With its Output, its Assign and where it leads."""
    state = {
        "Type": "Task",
        "QueryLanguage": "JSONata",
        "Resource": LAMBDA,
        "Arguments": {"FunctionName": "f"},
        "Catch": [
            {"ErrorEquals": ["Other"], "Next": "A"},
            {
                "ErrorEquals": ["States.TaskFailed"],
                "Next": "B",
                "Output": "{% $states.errorOutput.Error %}",
                "Assign": {"why": "{% $states.errorOutput.Cause %}"},
            },
        ],
        "End": True,
    }
    response = tried(service, state, FAILED)
    assert (response["status"], response["nextState"], response["output"]) == ("CAUGHT_ERROR", "B", "Boom")
    assert response["inspectionData"]["errorDetails"] == {"catchIndex": 1}
    assert response["inspectionData"]["variables"] == {"why": "it broke"}


# -- Parallel -----------------------------------------------------------------------------------------------------


def parallel(**fields: Any) -> dict[str, Any]:
    """A Parallel of two branches."""
    other = {"StartAt": "Other", "States": {"Other": {"Type": "Succeed"}}}
    return {"Type": "Parallel", "Branches": [PROCESSOR, other], "End": True, **fields}


def test_a_parallel_shows_its_way_out_only(service: Any) -> None:
    """And in JSONata nothing (recorded)."""
    response = tried(service, parallel(ResultSelector={"b.$": "$[1]"}), [1, 2], {"a": 1})
    assert response["output"] == {"b": 2}
    assert sorted(response["inspectionData"]) == ["afterResultPath", "afterResultSelector", "input"]
    response = tried(service, parallel(QueryLanguage="JSONata", Output="{% $sum($states.result) %}"), [1, 2])
    assert (response["output"], response["inspectionData"]) == (3, {"input": {}})


def test_an_error_of_a_branch_is_caught(service: Any) -> None:
    """Of a state within one."""
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Then"}]
    response = tried(service, parallel(Catch=catch), FAILED, stateConfiguration={"errorCausedByState": "Each"})
    assert (response["status"], response["nextState"]) == ("CAUGHT_ERROR", "Then")
    assert response["output"] == {"Error": "Boom", "Cause": "it broke"}


# -- Map ----------------------------------------------------------------------------------------------------------


def test_an_inline_map_shows_its_items(service: Any) -> None:
    """And each iteration's input, where an ItemSelector makes it."""
    state = {
        "Type": "Map",
        "InputPath": "$.all",
        "ItemsPath": "$.items",
        "ItemSelector": {"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value", "k.$": "$.k"},
        "MaxConcurrency": 3,
        "ItemProcessor": PROCESSOR,
        "ResultPath": "$.out",
        "Next": "Then",
    }
    assert tried(service, state, ["x", "y"], {"all": {"items": [5, 6], "k": 1}}) == {
        "status": "SUCCEEDED",
        "nextState": "Then",
        "output": {"all": {"items": [5, 6], "k": 1}, "out": ["x", "y"]},
        "inspectionData": {
            "input": {"all": {"items": [5, 6], "k": 1}},
            "afterInputPath": {"items": [5, 6], "k": 1},
            "afterItemsPath": [5, 6],
            "afterItemSelector": [{"i": 0, "v": 5, "k": 1}, {"i": 1, "v": 6, "k": 1}],
            "maxConcurrency": 3,
            "afterResultSelector": ["x", "y"],
            "afterResultPath": {"all": {"items": [5, 6], "k": 1}, "out": ["x", "y"]},
        },
    }


def distributed(**fields: Any) -> dict[str, Any]:
    """A distributed Map over the input's items."""
    return {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": DISTRIBUTED, "End": True, **fields}


def test_a_distributed_map_shows_its_batches(service: Any) -> None:
    """After the ItemSelector; with what it tolerates."""
    state = distributed(
        ItemSelector={"v.$": "$$.Map.Item.Value"},
        ItemBatcher={"MaxItemsPerBatch": 2, "BatchInput": {"b": 1}},
        ToleratedFailureCountPath="$.most",
        ToleratedFailurePercentage=12.5,
    )
    shown = tried(service, state, [], {"items": [5, 6, 7], "most": 4})["inspectionData"]
    assert shown["afterItemSelector"] == [{"v": 5}, {"v": 6}, {"v": 7}]
    assert shown["afterItemBatcher"] == [
        {"BatchInput": {"b": 1}, "Items": [{"v": 5}, {"v": 6}]},
        {"BatchInput": {"b": 1}, "Items": [{"v": 7}]},
    ]
    assert (shown["toleratedFailureCount"], shown["toleratedFailurePercentage"]) == (4, 12.5)


def test_a_jsonata_map_does_not_show_its_items(service: Any) -> None:
    """There is no ItemsPath to show (recorded); what the ItemSelector makes is shown."""
    state = {
        "Type": "Map",
        "QueryLanguage": "JSONata",
        "Items": "{% $states.input.items %}",
        "ItemSelector": "{% $states.context.Map.Item.Value * 2 %}",
        "MaxConcurrency": "{% $count($states.input.items) %}",
        "ItemProcessor": PROCESSOR,
        "End": True,
    }
    shown = tried(service, state, [1], {"items": [5, 6]})["inspectionData"]
    assert shown == {"input": {"items": [5, 6]}, "afterItemSelector": [10, 12], "maxConcurrency": 2}


def test_items_that_are_none_fail_the_map(service: Any) -> None:
    """Before anything else is shown (recorded)."""
    response = tried(service, distributed(), [], {"items": 5})
    assert (response["error"], response["cause"]) == (
        "States.Runtime",
        'Reference path "$.items" must point to array.',
    )
    assert sorted(response["inspectionData"]) == ["afterInputPath", "input"]


READER = {
    "Resource": "arn:aws:states:::s3:getObject",
    "Parameters": {"Bucket": "b", "Key.$": "$.key"},
}


@pytest.mark.parametrize(
    ("config", "data", "inputs"),
    [
        ({"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}, "n\n5\n6\n", [{"n": "5"}, {"n": "6"}]),
        ({"InputType": "JSONL"}, '{"n": 5}\n{"n": 6}\n', [{"n": 5}, {"n": 6}]),
        ({"InputType": "JSON", "MaxItems": 1}, "[5, 6]", [5]),
    ],
)
def test_a_reader_reads_what_it_is_given(service: Any, config: Any, data: str, inputs: Any) -> None:
    """As it would stand in S3, where nothing is read; the items come from the object that is named."""
    state = distributed(
        ItemReader={**READER, "ReaderConfig": config},
        ItemSelector={"v.$": "$$.Map.Item.Value", "from.$": "$$.Map.Item.Source"},
    )
    configuration = {"mapItemReaderData": data}
    shown = tried(service, state, [], {"key": "k.txt"}, stateConfiguration=configuration)["inspectionData"]
    assert shown["afterItemSelector"] == [{"v": value, "from": "s3://b/k.txt"} for value in inputs]
    assert "afterItemsPath" not in shown


def test_what_an_items_pointer_leads_to_is_shown(service: Any) -> None:
    """An array, or an object whose members are the items."""
    reader = {**READER, "ReaderConfig": {"InputType": "JSON", "ItemsPointer": "/a"}}
    for pointed in ([5, 6], {"x": 1, "y": 2}):
        configuration = {"mapItemReaderData": json.dumps({"b": 0, "a": pointed})}
        state = distributed(ItemReader=reader)
        shown = tried(service, state, [], {"key": "k"}, stateConfiguration=configuration)["inspectionData"]
        assert shown["afterItemsPointer"] == pointed


def test_a_listing_is_given_as_s3_gives_it(service: Any) -> None:
    """The response, or its Contents."""
    reader = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "b"}}
    state = distributed(ItemReader=reader, ItemSelector={"k.$": "$$.Map.Item.Value.Key"})
    for listing in ({"Contents": [{"Key": "a"}]}, [{"Key": "a"}]):
        configuration = {"mapItemReaderData": json.dumps(listing)}
        shown = tried(service, state, [], {}, stateConfiguration=configuration)["inspectionData"]
        assert shown["afterItemSelector"] == [{"k": "a"}]


def test_what_is_flattened_is_given_as_an_object_has_it(service: Any) -> None:
    """Of a listing that is loaded and flattened, the rows are given."""
    config = {"Transformation": "LOAD_AND_FLATTEN", "InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}
    reader = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "b"}, "ReaderConfig": config}
    state = distributed(ItemReader=reader, ItemSelector={"v.$": "$$.Map.Item.Value"})
    configuration = {"mapItemReaderData": "a\n1\n"}
    shown = tried(service, state, [], {}, stateConfiguration=configuration)["inspectionData"]
    assert shown["afterItemSelector"] == [{"v": {"a": "1"}}]


def test_a_reader_without_data_reads_nothing(service: Any) -> None:
    """Its Map has the mocked result all the same; one that cannot read fails, and can be retried."""
    reader = {**READER, "ReaderConfig": {"InputType": "JSON"}}
    response = tried(service, distributed(ItemReader=reader), [1], {"key": "k"})
    assert (response["output"], response["inspectionData"]["maxConcurrency"]) == ([1], 0)
    state = distributed(ItemReader=reader, Retry=[{"ErrorEquals": ["States.ItemReaderFailed"]}])
    response = tried(service, state, [1], {"key": "k"}, stateConfiguration={"mapItemReaderData": "no"})
    assert (response["status"], response["error"]) == ("RETRIABLE", "States.ItemReaderFailed")


@pytest.mark.parametrize(
    ("fields", "failed", "status"),
    [
        ({}, 0, "SUCCEEDED"),
        ({}, 1, "FAILED"),
        ({"ToleratedFailureCount": 2}, 2, "SUCCEEDED"),
        ({"ToleratedFailureCount": 2}, 3, "FAILED"),
        ({"ToleratedFailurePercentage": 50}, 2, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 50}, 3, "FAILED"),
    ],
)
def test_a_map_tolerates_so_many_failures(service: Any, fields: Any, failed: int, status: str) -> None:
    """Of its iterations; strictly more fail it (recorded text)."""
    configuration = {"mapIterationFailureCount": failed}
    value = {"items": [1, 2, 3, 4]}
    response = tried(service, distributed(**fields), [1], value, stateConfiguration=configuration)
    assert response["status"] == status
    if status == "FAILED":
        assert response["error"] == "States.ExceedToleratedFailureThreshold"
        assert response["cause"] == "The specified tolerated failure threshold was exceeded"


def test_a_mocked_error_is_not_tolerated(service: Any) -> None:
    """It has come of the tolerance already (recorded)."""
    configuration = {"mapIterationFailureCount": 1, "errorCausedByState": "Each"}
    state = distributed(ToleratedFailureCount=2)
    response = tried(service, state, FAILED, {"items": [1, 2]}, stateConfiguration=configuration)
    assert (response["status"], response["error"]) == ("FAILED", "Boom")


def test_no_more_iterations_fail_than_there_are(service: Any) -> None:
    """Batches count, not items."""
    message = "Map iteration failure count must be less than or equal to the number of Map iterations"
    mock = {"result": "[]"}
    state = distributed(ItemBatcher={"MaxItemsPerBatch": 2}, ToleratedFailureCount=9)
    params = {"input": '{"items": [1, 2, 3]}', "stateConfiguration": {"mapIterationFailureCount": 3}}
    assert refused(service, state, mock, **params) == message
    assert tried(service, distributed(ToleratedFailureCount=9), [], {"items": [1, 2, 3]})["status"] == "SUCCEEDED"


def test_a_map_that_writes_its_results_has_an_object(service: Any) -> None:
    """The place of the manifest."""
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b", "Prefix": "p"}}
    state = distributed(ResultWriter=writer)
    details = {"MapRunArn": "a", "ResultWriterDetails": {"Bucket": "b", "Key": "k"}}
    assert tried(service, state, details, {"items": []})["output"] == details
    assert refused(service, state, {"result": "[]"}) == "Mocked result must be a JSON object."


# -- nested states ------------------------------------------------------------------------------------------------


def test_a_nested_state_speaks_the_machines_language(service: Any) -> None:
    """And so does what stands inside it."""
    each = {"Type": "Pass", "Output": "{% $states.input %}", "End": True}
    inner = {"Type": "Map", "ItemProcessor": {"StartAt": "Each", "States": {"Each": each}}, "End": True}
    outer = {"Type": "Parallel", "Branches": [{"StartAt": "Inner", "States": {"Inner": inner}}], "End": True}
    machine = {"QueryLanguage": "JSONata", "StartAt": "Outer", "States": {"Outer": outer}}
    response = tried(service, machine, [7], [1, 2], stateName="Inner")
    assert (response["output"], response["inspectionData"]) == ([7], {"input": [1, 2], "maxConcurrency": 0})


# -- refusals -----------------------------------------------------------------------------------------------------

MAP = distributed()
ONE_OF = "A test mock should have only one of the following fields: [result, errorOutput]."


@pytest.mark.parametrize(
    ("state", "mock", "params", "message"),
    [
        (TASK, {"result": "{}", "errorOutput": {"error": "E"}}, {}, ONE_OF),
        (TASK, {}, {}, ONE_OF),
        (TASK, {"result": "{"}, {}, "Mocked result must be valid JSON."),
        (TASK, {"errorOutput": {"cause": "c"}}, {}, "A mocked error output must have an error."),
        ({"Type": "Wait", "Seconds": 1, "End": True}, {"result": "{}"}, {},
         "State type 'Wait' is not supported when a mock is specified"),
        (MAP, {"result": "{}"}, {}, "Mocked result must be an array."),
        (parallel(), {"result": "1"}, {}, "Mocked result must be an array."),
        (parallel(), {"result": "[1]"}, {},
         "Mocked result must contain the same number of items as number of Parallel branches."),
        (TASK, FAILED, {"stateConfiguration": {"mapIterationFailureCount": 1}},
         "MapIterationFailureCount can only be specified for a Map state."),
        (MAP, FAILED, {"stateConfiguration": {"mapItemReaderData": "[]"}},
         "MapItemReaderData can only be specified for a Map state with an ItemReader."),
        (TASK, FAILED, {"stateConfiguration": {"errorCausedByState": "Each"}},
         "ErrorCausedByState can only be specified for a Map or Parallel state."),
        (MAP, FAILED, {"stateConfiguration": {"errorCausedByState": "dne"}}, "State not found in definition"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_refused(service: Any, state: Any, mock: Any, params: Any, message: str) -> None:
    """In AWS's words where they are known."""
    assert refused(service, state, mock, **params) == message


def test_a_definition_is_looked_at_before_a_mock(service: Any) -> None:
    """A Parallel without branches is wrong, whatever its mock (recorded)."""
    definition = json.dumps({"Type": "Parallel", "Branches": [], "End": True})
    code, message = service.refusal("TestState", definition=definition, mock={"result": "[]"})
    assert code == "InvalidDefinition"
    assert "SCHEMA_VALIDATION_FAILED: Value cannot be empty at /States/StateName/Branches" in message
