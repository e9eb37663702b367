"""Whole runs that are started from outside, in virtual time."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepsim.runtime.report import holds
from stepsim.runtime.runner import RunError, Watch, run, simulate
from stepsim.runtime.scenario import load_scenario

Simulate = Callable[..., dict[str, Any]]

WAIT = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 2, "End": True}}}
QUEUES = "queues: {work: {visibility_s: 60, dlq: dead, max_receive: 3}, dead: }"


CHAIN = """\
cloud:
  buckets: {{inbox: {{}}}}
  {queues}
  triggers:
    - {{bucket: inbox, prefix: in/, suffix: .txt, via: [eventbridge, sqs: {{queue: work, batch_size: {size}}}],
       start: definition, input: {{bucket: <$.detail.bucket.name>, key: <$.detail.object.key>}}}}
arrivals:
  - {{at: 10s, bucket: inbox, key: "in/{{n}}.txt", generate: {{count: {count}, size: 5}}{timing}}}
  - {{bucket: inbox, key: "out/{{n}}.txt", content: not ours}}
  - {{bucket: inbox, key: "in/{{n}}.csv", content: not ours}}
"""


def chain(count: int, size: int = 1, timing: str = "", queues: str = QUEUES) -> str:
    return CHAIN.format(count=count, size=size, timing=timing, queues=queues)


def test_an_object_starts_an_execution(simulated: Simulate) -> None:
    """S3, EventBridge, a queue and a pipe: it gets an array, of one message too."""
    report = simulated(chain(1))
    assert report["execution"]["status"] == "SUCCEEDED"
    assert report["execution"]["output"] == [{"bucket": "inbox", "key": "in/0.txt"}]
    assert 10.1 < report["makespan_s"] < 11
    assert (report["executions"]["started"], report["executions"]["by_machine"]["s"]["succeeded"]) == (1, 1)
    assert report["triggers"] == {
        "inbox": {
            "events": 1,
            "duplicates": 0,
            "delivered": 1,
            "retried": 0,
            "dead_lettered": 0,
            "dropped": 0,
            "batches": 1,
            "started": 1,
            "invoked": 0,
            "failed": 0,
        }
    }
    assert report["calls"]["sqs.SendMessage"]["count"] == 1
    assert holds(report)


def test_without_a_template_a_pipe_hands_over_messages(simulated: Simulate) -> None:
    """Their bodies are texts, and those of EventBridge are events."""
    [message] = simulated(
        f"""\
cloud:
  buckets: {{inbox: }}
  {QUEUES}
  triggers: [{{bucket: inbox, via: [eventbridge, sqs: work], start: definition}}]
arrivals: [{{bucket: inbox, key: k, content: hello}}]
"""
    )["execution"]["output"]
    assert message["eventSourceARN"] == "arn:aws:sqs:us-east-1:123456789012:work"
    assert message["attributes"]["ApproximateReceiveCount"] == "1"
    event = json.loads(message["body"])
    assert event["detail"]["object"]["size"] == 5
    assert event["detail"]["object"]["etag"] == "5d41402abc4b2a76b9719d911017c592"


def test_batches_fill_while_messages_are_left(simulated: Simulate) -> None:
    """Ten at the most, five at a time: a hundred at once are fewer than fifty executions."""
    report = simulated(chain(100, 10), WAIT)
    assert report["queues"]["work"]["deleted"] == 100
    assert 10 <= report["executions"]["started"] < 50
    assert report["queues"]["work"]["max_in_flight"] <= 50
    assert (report["triggers"]["inbox"]["events"], report["states"]["A"]["entered"]) == (
        100,
        report["executions"]["started"],
    )


def test_the_same_seed_gives_the_same_report(simulated: Simulate) -> None:
    """Latencies, order, duplicates and names come from it."""
    text = chain(40, 3, ", poisson: {per_s: 8}").replace("start: definition,", "start: definition, duplicates: 0.2,")
    reports = [simulated(text) for _ in range(2)]
    for report in reports:
        del report["wall_s"], report["peak_rss_mb"]
    assert reports[0] == reports[1]
    assert reports[0]["triggers"]["inbox"]["duplicates"] > 0


def test_duplicates_only_add(simulated: Simulate) -> None:
    """Each event that is delivered twice, and each message that comes twice, is one execution more."""
    queues = "queues: {work: {duplicates: 0.3}}"
    text = chain(60, 1, queues=queues).replace("start: definition,", "start: definition, duplicates: 0.2,")
    report = simulated(text)
    trigger, work = report["triggers"]["inbox"], report["queues"]["work"]
    assert trigger["events"] == 60
    assert trigger["duplicates"] > 0
    assert work["duplicates"] > 0
    assert work["sent"] == trigger["delivered"] == 60 + trigger["duplicates"]
    assert report["executions"]["succeeded"] == work["sent"] + work["duplicates"] == work["deleted"]
    assert work["left"] == 0


def test_a_message_whose_execution_cannot_be_started_dies(simulated: Simulate) -> None:
    """It is received three times, a visibility timeout apart, and then lies in the dead-letter queue."""
    report = simulated(
        f"""\
cloud:
  {QUEUES}
  triggers: [{{queue: work, start: definition}}]
arrivals: [{{queue: work, message: {{a: 1}}}}]
faults: [{{call: stepfunctions.StartExecution, error: ServiceUnavailable, status: 503}}]
expect: [status == NOT_STARTED]
"""
    )
    work, dead = report["queues"]["work"], report["queues"]["dead"]
    assert (work["received"], work["dead_lettered"], work["left"]) == (3, 1, 0)
    assert (dead["taken_over"], dead["left"]) == (1, 1)
    assert 180 <= report["makespan_s"] < 181
    assert report["triggers"]["work"]["failed"] == 3
    assert holds(report)


def test_an_express_execution_must_succeed(simulated: Simulate) -> None:
    """It is waited for; its messages come back where it fails, and only those that it names."""
    machine = {
        "StartAt": "Bad",
        "States": {
            "Bad": {
                "Type": "Choice",
                "Choices": [{"Variable": "$[0].n", "NumericEquals": 13, "Next": "Fail"}],
                "Default": "Done",
            },
            "Fail": {"Type": "Fail", "Error": "Unlucky"},
            "Done": {"Type": "Pass", "Result": {"batchItemFailures": []}, "End": True},
        },
    }
    report = simulated(
        f"""\
type: EXPRESS
cloud:
  {QUEUES}
  triggers: [{{queue: {{queue: work, batch_size: 1}}, start: definition, input: {{n: <$.n>}}}}]
arrivals:
  - {{queue: work, message: {{n: 1}}}}
  - {{queue: work, message: {{n: 13}}}}
""",
        machine,
    )
    assert report["execution"]["status"] == "FAILED"
    assert report["execution"]["error"] == "Unlucky"
    assert (report["executions"]["succeeded"], report["executions"]["failed"]) == (1, 3)
    assert (report["queues"]["work"]["deleted"], report["queues"]["work"]["dead_lettered"]) == (1, 1)
    assert not holds(report)


def test_a_function_between_them_starts_one_execution_a_message(simulated: Simulate) -> None:
    """With the body as its input, and no array."""
    report = simulated(
        f"""\
cloud:
  {QUEUES}
  triggers: [{{queue: {{queue: work, poller: lambda}}, start: definition}}]
arrivals: [{{queue: work, message: {{n: 7}}, generate: {{count: 12}}}}]
"""
    )
    assert report["executions"]["succeeded"] == 12
    report = simulated(
        f"""\
cloud:
  {QUEUES}
  triggers: [{{queue: {{queue: work, poller: lambda}}, start: definition}}]
arrivals: [{{queue: work, message: {{n: 7}}}}]
"""
    )
    assert report["execution"]["output"] == {"n": 7}


HANDLER = """
def handler(event, context):
    failed = [{"itemIdentifier": one["messageId"]} for one in event["Records"] if one["body"] == "bad"]
    return {"batchItemFailures": failed}
"""


def test_a_function_takes_a_queue(simulated: Simulate) -> None:
    """What it names as failed comes back until it dies; the rest is deleted."""
    report = simulated(
        f"""\
input: {{}}
cloud:
  {QUEUES}
  triggers:
    - {{queue: {{queue: work, report_batch_item_failures: true}}, invoke: Take}}
functions: {{Take: {{handler: "code:handler"}}}}
arrivals:
  - {{queue: work, message: good, generate: {{count: 5}}}}
  - {{queue: work, message: bad}}
""",
        code=HANDLER,
    )
    work = report["queues"]["work"]
    assert (work["sent"], work["deleted"], work["dead_lettered"], work["left"]) == (6, 5, 1, 0)
    assert report["triggers"]["work"]["failed"] == 3
    assert report["functions"]["Take"]["invocations"] == report["triggers"]["work"]["invoked"]
    assert report["execution"]["status"] == "SUCCEEDED"


def test_a_function_that_fails_gets_its_batch_again(simulated: Simulate) -> None:
    """Until the whole batch is dead."""
    report = simulated(
        f"""\
input: {{}}
cloud:
  {QUEUES}
  triggers: [{{queue: work, invoke: Take}}]
functions: {{Take: {{returns: 1, errors: [{{error: No, probability: 1}}]}}}}
arrivals: [{{queue: work, message: m, generate: {{count: 4}}}}]
"""
    )
    assert report["queues"]["work"]["dead_lettered"] == 4
    assert report["functions"]["Take"]["errors"] == {"No": report["functions"]["Take"]["invocations"]}


PUTS = """
import boto3

def handler(event, context):
    s3 = boto3.client("s3")
    s3.put_object(Bucket="inbox", Key="put a", Body=b"1")
    s3.copy_object(Bucket="inbox", Key="copied", CopySource="inbox/put a")
    upload = s3.create_multipart_upload(Bucket="inbox", Key="parts")["UploadId"]
    part = s3.upload_part(Bucket="inbox", Key="parts", UploadId=upload, PartNumber=1, Body=b"p")
    s3.complete_multipart_upload(
        Bucket="inbox", Key="parts", UploadId=upload,
        MultipartUpload={"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]},
    )
    s3.get_object(Bucket="inbox", Key="put a")
    s3.delete_object(Bucket="inbox", Key="put a")
"""

KEEPS = """
import json
import boto3

def handler(event, context):
    for record in event["Records"]:
        made = {"name": record["eventName"], "key": record["s3"]["object"]["key"]}
        boto3.client("sqs").send_message(
            QueueUrl="https://sqs.us-east-1.amazonaws.com/123456789012/seen", MessageBody=json.dumps(made)
        )
"""

READS = """
import boto3, json

def handler(event, context):
    queue = "https://sqs.us-east-1.amazonaws.com/123456789012/seen"
    sqs, bodies = boto3.client("sqs"), []
    while len(bodies) < 3:
        for message in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20).get("Messages", []):
            bodies.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return sorted([body["name"], body["key"]] for body in bodies)
"""


def test_a_bucket_notifies_a_function(simulated: Simulate) -> None:
    """Of each object that code puts, copies or puts together, and of nothing else. Long polls wait in virtual time."""
    task = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:Puts", "Next": "Read"}
    read = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:Reads", "End": True}
    report = simulated(
        """\
cloud:
  buckets: {inbox: {}}
  queues: {seen: {}}
  triggers: [{bucket: inbox, invoke: Keeps}]
functions:
  Puts: {handler: "puts:handler", timeout_s: 60}
  Keeps: {handler: "keeps:handler"}
  Reads: {handler: "reads:handler", timeout_s: 60}
""",
        {"StartAt": "Put", "States": {"Put": task, "Read": read}},
        puts=PUTS,
        keeps=KEEPS,
        reads=READS,
    )
    assert report["execution"]["error"] is None
    assert report["execution"]["output"] == [
        ["ObjectCreated:CompleteMultipartUpload", "parts"],
        ["ObjectCreated:Copy", "copied"],
        ["ObjectCreated:Put", "put+a"],
    ]
    assert report["functions"]["Keeps"]["invocations"] == 3
    assert report["queues"]["seen"]["left"] == 0


def test_schedules_end_with_until(simulated: Simulate) -> None:
    """Every five minutes for an hour; what is begun comes to its end."""
    report = simulated(
        """\
until: 1h
start: 2026-01-05T01:30:00Z
cloud:
  triggers:
    - {name: often, schedule: rate(5 minutes), start: definition, input: {at: <$.time>}}
    - {name: nightly, schedule: "cron(0 2 * * ? *)", start: definition}
    - {at: 59m, start: definition}
    - {schedule: "cron(0 4 * * ? *)", start: definition}
""",
        WAIT,
    )
    started = {name: trigger["started"] for name, trigger in report["triggers"].items()}
    assert started == {"often": 12, "nightly": 1, "schedule": 1, "schedule#2": 0}
    assert report["executions"]["succeeded"] == 14
    assert 3602 <= report["makespan_s"] < 3603


def test_schedules_end_with_the_last_arrival(simulated: Simulate) -> None:
    """Where nothing else says when."""
    report = simulated(
        """\
cloud:
  buckets: {inbox: }
  triggers: [{schedule: rate(1 minute), start: definition, input: {}}]
arrivals: [{bucket: inbox, key: "{n}", generate: {count: 3, size: 1}, at: 30s, every: 2m}]
"""
    )
    # The last object comes at 4:30.
    assert report["executions"]["started"] == 4
    assert report["execution"]["status"] == "SUCCEEDED"


def test_invocations_above_the_rate_wait(simulated: Simulate) -> None:
    """Twenty events at two a second take some ten seconds."""
    report = simulated("quotas: {events_invocation_rate: 2}\n" + chain(20))
    assert 18 < report["makespan_s"] < 21


def test_arrivals_come_when_they_are_said_to(simulated: Simulate) -> None:
    """One after the other, spread evenly, or independent of each other."""

    def makespan_s(timing: str) -> float:
        made: float = simulated(chain(50, 1, f", {timing}"))["makespan_s"] - 10
        return made

    assert 98 <= makespan_s("every: 2s") < 100
    assert 98 <= makespan_s("spread: 100s") < 102
    assert 25 < makespan_s("poisson: {per_s: 1}") < 100


BODIES = """
def body(n, random):
    return f"{n}:{random.randrange(10)}".encode()

def pieces(n, random):
    yield b"a" * 70_000
    yield str(n).encode()

def broken(n, random):
    raise ValueError("no")
"""

READ_BACK = """
import boto3

def handler(event, context):
    detail = event["detail"]
    response = boto3.client("s3").get_object(Bucket=detail["bucket"]["name"], Key=detail["object"]["key"])
    body = response["Body"].read()
    assert len(body) == detail["object"]["size"] and response["ETag"].strip('"') == detail["object"]["etag"]
"""


def test_bodies_are_made_when_objects_land(simulated: Simulate) -> None:
    """Whole or in pieces; whoever reads them finds what the event has told."""
    report = simulated(
        """\
input: {}
cloud:
  buckets: {inbox: }
  triggers: [{bucket: inbox, via: [eventbridge], invoke: Read}]
functions: {Read: {handler: "code:handler"}}
arrivals:
  - {bucket: inbox, key: "body/{n}", generate: {count: 2, body: "data:body"}}
  - {bucket: inbox, key: "pieces/{n}", generate: {count: 2, body: "data:pieces"}}
""",
        code=READ_BACK,
        data=BODIES,
    )
    assert (report["functions"]["Read"]["invocations"], report["functions"]["Read"]["errors"]) == (4, {})


def test_until_ends_arrivals(simulated: Simulate) -> None:
    """Those after it do not come."""
    report = simulated("until: 30s\n" + chain(50, 1, ", every: 2s"))
    assert report["triggers"]["inbox"]["events"] == 11


def test_what_nobody_takes_stays(simulated: Simulate) -> None:
    """A way may end in a queue; such a run does not wait for anybody."""
    report = simulated(
        f"""\
cloud:
  buckets: {{inbox: }}
  {QUEUES}
  triggers: [{{bucket: inbox, via: [sqs: work]}}]
arrivals: [{{bucket: inbox, key: "{{n}}", generate: {{count: 4, size: 1}}}}]
"""
    )
    assert report["queues"]["work"] == {
        "sent": 4,
        "received": 0,
        "deleted": 0,
        "dead_lettered": 0,
        "taken_over": 0,
        "duplicates": 0,
        "expired": 0,
        "left": 4,
        "max_depth": 4,
        "max_in_flight": 0,
        "max_age_s": report["queues"]["work"]["max_age_s"],
    }
    assert report["execution"]["status"] == "SUCCEEDED"


def test_one_execution_that_fails_is_enough(simulated: Simulate) -> None:
    """The first is described, and the rest counted."""
    machine = {
        "StartAt": "C",
        "States": {
            "C": {
                "Type": "Choice",
                "Choices": [{"Variable": "$[0].key", "StringEquals": "in/3.txt", "Next": "No"}],
                "Default": "Yes",
            },
            "No": {"Type": "Fail", "Error": "Third"},
            "Yes": {"Type": "Succeed"},
        },
    }
    report = simulated(chain(6), machine)
    assert (report["execution"]["status"], report["execution"]["error"]) == ("FAILED", "Third")
    assert report["execution"]["executionArn"].startswith("arn:aws:states:us-east-1:123456789012:execution:s:")
    assert (report["executions"]["succeeded"], report["executions"]["failed"]) == (5, 1)


def test_its_own_execution_besides(simulated: Simulate) -> None:
    """With an input it is started with the run, and described; the run goes on until all is done."""
    report = simulated("input: {mine: true}\n" + chain(3))
    assert report["execution"]["output"] == {"mine": True}
    assert report["executions"]["succeeded"] == 4
    assert report["makespan_s"] > 10


@pytest.mark.parametrize("seed", range(5))
def test_no_message_is_lost(written: Callable[..., Path], seed: int) -> None:
    """Whatever fails, each is taken or dead, and those that come twice only add."""
    text = chain(
        60, 4, ", spread: 5m", "queues: {work: {visibility_s: 5, dlq: dead, max_receive: 2, duplicates: 0.1}, dead: }"
    ).replace("batch_size: 4", "batch_size: 4, poller: lambda")
    faults = f"""\
seed: {seed}
faults:
  - {{call: stepfunctions.StartExecution, probability: 0.3, error: ThrottlingException}}
  - {{call: sqs.ReceiveMessage, probability: 0.1, error: InternalError, status: 500}}
  - {{call: sqs.SendMessage, probability: 0.2, error: InternalError, status: 500}}
  - {{call: sqs.DeleteMessageBatch, probability: 0.1, error: InternalError, status: 500}}
"""
    report = simulate(load_scenario(written(text + faults)))
    work, trigger = report["queues"]["work"], report["triggers"]["inbox"]
    assert (trigger["events"], trigger["delivered"], trigger["dropped"], work["sent"]) == (60, 60, 0, 60)
    assert trigger["retried"] > 0
    assert work["sent"] + work["duplicates"] == work["deleted"] + work["dead_lettered"]
    assert report["queues"]["dead"]["left"] == work["dead_lettered"]
    assert report["executions"]["succeeded"] == trigger["started"] >= work["deleted"]
    assert work["dead_lettered"] > 0


def test_an_interrupted_run_ends(written: Callable[..., Path]) -> None:
    """Ctrl-C ends arrivals, and aborts what runs."""
    interrupted = False

    def progress(_snapshot: object) -> None:
        nonlocal interrupted
        if not interrupted:
            interrupted = True
            signal.raise_signal(signal.SIGINT)

    forever = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 86_400, "End": True}}}
    text = chain(100_000, 10, ", every: 20ms")
    report = simulate(load_scenario(written(text, forever)), Watch(progress))
    assert report["execution"]["status"] == "ABORTED"
    assert report["executions"]["aborted"] == report["executions"]["started"] > 0
    assert report["triggers"]["inbox"]["events"] < 100_000


def test_on_the_system_clock(written: Callable[..., Path]) -> None:
    """The same ends, in real time."""
    text = chain(3, 1, ", every: 10ms").replace("at: 10s", "at: 10ms")
    report = run(load_scenario(written(text), clock="system"))
    assert (report["execution"]["status"], report["clock"]) == ("SUCCEEDED", "real")
    assert report["queues"]["work"]["deleted"] == report["executions"]["succeeded"] == 3


def test_a_run_with_triggers_cannot_be_kept(written: Callable[..., Path], tmp_path: Path) -> None:
    """What is on its way is written down nowhere."""
    with pytest.raises(RunError, match="triggers or arrivals cannot be kept"):
        run(load_scenario(written(chain(1)), clock="system"), keep=tmp_path / "kept")


def test_code_that_makes_no_arrivals(simulated: Simulate) -> None:
    """A module without the function is told before anything runs."""
    text = chain(3).replace("size: 5", 'body: "data:nowhere"')
    with pytest.raises(RunError, match="nowhere"):
        simulated(text, data=BODIES)
