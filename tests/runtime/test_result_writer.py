from __future__ import annotations

import json
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepsim.runtime.cloud.streamed import FileBody
from stepsim.runtime.result_writer import ChildOutcome, ResultFiles, execution_record, iso_date, writer_details

UUID = "0a68bd32-0000-4000-8000-000000000000"
RUN = f"arn:aws:states:us-east-1:123456789012:mapRun:sm/LifeMap:{UUID}"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:sm/LifeMap"
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:sm/LifeMap:n1"
DONE = ChildOutcome(
    EXECUTION, "n1", MACHINE, "SUCCEEDED", '{"index":1}', '{"ok":true}', None, None, 1790204291115, 1790204291300
)
BROKEN = DONE._replace(status="FAILED", output_text=None, error="OwnedItemFailure", cause="why")


class Store(dict[str, bytes]):
    """What was put where."""

    refuses = ""
    """The end of a key that cannot be stored."""

    def put(self, key: str, body: bytes | FileBody) -> bool:
        assert key not in self
        if self.refuses and key.endswith(self.refuses):
            return False
        self[key] = body if isinstance(body, bytes) else body.read()
        return True


def writer(
    store: Store,
    transformation: Literal["NONE", "COMPACT", "FLATTEN"] = "NONE",
    output_type: Literal["JSON", "JSONL"] = "JSON",
    part_bytes: int = 5 * 1024**3,
    prefix: str = "out",
) -> ResultFiles:
    return ResultFiles(
        "b", prefix, UUID, store.put, transformation=transformation, output_type=output_type, part_bytes=part_bytes
    )


def outputs(*texts: str) -> list[ChildOutcome]:
    return [DONE._replace(output_text=text) for text in texts]


def test_the_files_of_a_run() -> None:
    """Each kind of child has its own file, named in a compact manifest whose keys are in order (recorded)."""
    store = Store()
    files = writer(store)
    files.succeeded(DONE)
    files.failed(BROKEN)
    files.pending('{"index":2}')
    files.pending('{"index":3}')
    assert files.close(RUN) == f"out/{UUID}/manifest.json"
    sizes = {key.split("/")[-1]: len(body) for key, body in store.items()}
    assert store[f"out/{UUID}/manifest.json"].decode() == (
        f'{{"DestinationBucket":"b","MapRunArn":"{RUN}","ResultFiles":{{'
        f'"FAILED":[{{"Key":"out/{UUID}/FAILED_0.json","Size":{sizes["FAILED_0.json"]}}}],'
        f'"PENDING":[{{"Key":"out/{UUID}/PENDING_0.json","Size":{sizes["PENDING_0.json"]}}}],'
        f'"SUCCEEDED":[{{"Key":"out/{UUID}/SUCCEEDED_0.json","Size":{sizes["SUCCEEDED_0.json"]}}}]}}}}'
    )
    assert store[f"out/{UUID}/PENDING_0.json"].decode() == (
        '[{"Input":"{\\"index\\":2}","InputDetails":{"Included":true},"Status":"PENDING"},'
        '{"Input":"{\\"index\\":3}","InputDetails":{"Included":true},"Status":"PENDING"}]'
    )


def test_a_child_that_succeeded() -> None:
    """A succeeded child's record has its keys in alphabetical order and its input and output as text (recorded)."""
    store = Store()
    files = writer(store)
    files.succeeded(DONE)
    files.close(RUN)
    assert store[f"out/{UUID}/SUCCEEDED_0.json"].decode() == (
        f'[{{"ExecutionArn":"{EXECUTION}","Input":"{{\\"index\\":1}}","InputDetails":{{"Included":true}},"Name":"n1",'
        '"Output":"{\\"ok\\":true}","OutputDetails":{"Included":true},"RedriveCount":0,'
        '"RedriveStatus":"NOT_REDRIVABLE",'
        '"RedriveStatusReason":"Execution is SUCCEEDED and cannot be redriven","StartDate":"2026-09-23T22:58:11.115Z",'
        f'"StateMachineArn":"{MACHINE}","Status":"SUCCEEDED","StopDate":"2026-09-23T22:58:11.3Z"}}]'
    )


def test_a_child_that_failed() -> None:
    """A failed child's record has error and cause, no output, and can be redriven by its map run (recorded)."""
    record = execution_record(BROKEN)
    assert list(record) == sorted(record)
    assert record["Cause"] == "why"
    assert record["Error"] == "OwnedItemFailure"
    assert record["RedriveStatus"] == "REDRIVABLE_BY_MAP_RUN"
    assert record["OutputDetails"] == {"Included": True}
    assert not {"Output", "RedriveStatusReason", "RedriveDate"} & set(record)


@pytest.mark.parametrize("child", [DONE, BROKEN])
def test_an_express_child_says_nothing_of_redriving(child: ChildOutcome) -> None:
    """An Express child has neither RedriveStatus nor its reason, and everything else."""
    record = execution_record(child._replace(express=True))
    assert set(execution_record(child)) - set(record) == {"RedriveStatus"} | (
        {"RedriveStatusReason"} if child is DONE else set()
    )


def test_a_redriven_child_says_when() -> None:
    """A redriven child has the date of its redrive."""
    record = execution_record(DONE._replace(redrive_count=1, redrive_ms=1790204291000))
    assert (record["RedriveCount"], record["RedriveDate"]) == (1, "2026-09-23T22:58:11Z")


@pytest.mark.parametrize(
    ("time_ms", "text"),
    [
        (1790204291115, "2026-09-23T22:58:11.115Z"),
        (1790204291300, "2026-09-23T22:58:11.3Z"),
        (1790204290000, "2026-09-23T22:58:10Z"),
        (1790204291010, "2026-09-23T22:58:11.01Z"),
        (1767225600000, "2026-01-01T00:00:00Z"),
    ],
)
def test_dates_drop_the_zeros_of_their_fraction(time_ms: int, text: str) -> None:
    """A date's fraction ends in no zero, and the seconds keep theirs (recorded)."""
    assert iso_date(time_ms) == text


def test_a_file_that_is_refused_is_tried_again_when_the_run_is_redriven() -> None:
    """Until it is stored there is no manifest, and nobody is told of it; files of failures are written anew."""
    store = Store()
    store.refuses = "_0.json"
    files = writer(store, "COMPACT")
    files.succeeded(DONE)
    files.failed(BROKEN)
    files.close(RUN)
    assert (files.refused, files.exported, store) == (True, [], {})
    store.refuses = ""
    files.reopen(1)
    assert files.close(RUN) == f"out/{UUID}/Redrive-1/manifest.json"
    assert (files.refused, files.exported) == (False, [(f"out/{UUID}/SUCCEEDED_0.json", 13)])
    assert store.pop(f"out/{UUID}/SUCCEEDED_0.json") == b'[{"ok":true}]'
    assert list(store) == [f"out/{UUID}/Redrive-1/manifest.json"]


def test_compact_json_is_an_array_of_outputs() -> None:
    """COMPACT writes outputs and nothing else."""
    store = Store()
    files = writer(store, "COMPACT")
    for child in outputs('{ "a": 1 }', "[2,3]", "null"):
        files.succeeded(child)
    files.close(RUN)
    assert store[f"out/{UUID}/SUCCEEDED_0.json"] == b'[{"a":1},[2,3],null]'


def test_flattened_json_lines() -> None:
    """FLATTEN splices arrays; JSONL writes one record a line with a newline at the end (recorded)."""
    store = Store()
    files = writer(store, "FLATTEN", "JSONL")
    for child in outputs('[10,{"copy":10}]', '[20,{"copy":20}]', '"x"', "[[1],[]]", "[]"):
        files.succeeded(child)
    files.failed(BROKEN)
    files.close(RUN)
    assert store[f"out/{UUID}/SUCCEEDED_0.jsonl"] == b'10\n{"copy":10}\n20\n{"copy":20}\n"x"\n[1]\n[]\n'
    assert json.loads(store[f"out/{UUID}/FAILED_0.jsonl"]) == execution_record(BROKEN)


def test_empty_files_are_not_written() -> None:
    """Without children there is only a manifest, whose three arrays are empty."""
    store = Store()
    writer(store, prefix="").close(RUN)
    assert list(store) == [f"{UUID}/manifest.json"]
    assert json.loads(store[f"{UUID}/manifest.json"])["ResultFiles"] == {"FAILED": [], "PENDING": [], "SUCCEEDED": []}


def test_a_large_file_that_is_refused_after_it_was_read_is_whole_the_next_time() -> None:
    """Whoever read it to its end before refusing it takes nothing away."""
    sizes = []

    def put(key: str, body: bytes | FileBody) -> bool:
        sizes.append(len(body if isinstance(body, bytes) else body.read()))
        return len(sizes) > 1

    files = ResultFiles("b", "out", UUID, put, transformation="COMPACT", output_type="JSON")
    for _ in range(70):
        files.succeeded(DONE._replace(output_text='"' + "x" * 1_000_000 + '"'))
    files.close(RUN)
    files.reopen(1)
    assert sizes[:2] == [70 * 1_000_003 + 1] * 2


@pytest.mark.parametrize("count", [10, 70])
def test_results_beyond_memory_are_whole(count: int) -> None:
    """What went to disk comes back whole, and so does what stays there."""
    store = Store()
    files = writer(store, "COMPACT")
    for _ in range(count):
        files.succeeded(DONE._replace(output_text='"' + "x" * 1_000_000 + '"'))
    files.close(RUN)
    assert json.loads(store[f"out/{UUID}/SUCCEEDED_0.json"]) == ["x" * 1_000_000] * count


def test_the_result_of_the_state() -> None:
    """The Map state's result names its run and the manifest (recorded)."""
    assert writer_details(RUN, "b", "k") == {"MapRunArn": RUN, "ResultWriterDetails": {"Bucket": "b", "Key": "k"}}


@given(st.lists(st.text(max_size=20)), st.sampled_from(["JSON", "JSONL"]), st.integers(200, 400))
def test_files_together_are_the_results(texts: list[str], output_type: Literal["JSON", "JSONL"], part: int) -> None:
    """Read in their numbers' order, the files hold every result in order, none larger than a part."""
    store = Store()
    files = writer(store, "COMPACT", output_type, part, prefix="out/")
    for text in texts:
        files.succeeded(DONE._replace(output_text=json.dumps(text)))
    manifest = json.loads(store[files.close(RUN)])
    found: list[str] = []
    for number, entry in enumerate(manifest["ResultFiles"]["SUCCEEDED"]):
        body = store[entry["Key"]]
        assert entry["Key"] == f"out/{UUID}/SUCCEEDED_{number}.{output_type.lower()}"
        assert entry["Size"] == len(body) <= part
        found += json.loads(body) if output_type == "JSON" else map(json.loads, body.splitlines())
    assert found == texts
