"""A scenario's account: its buckets, tables and queues, made before the run begins."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, TypeAlias

from botocore.exceptions import ClientError
from moto.core.exceptions import ServiceException

from stepsim.runtime.api_setup import make_api
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.cloud.capacity import Capacity
from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.cloud.faults import Faults
from stepsim.runtime.cloud.latency import Latency
from stepsim.runtime.generators import GeneratorError, body_maker
from stepsim.runtime.job_setup import make_job_resources
from stepsim.runtime.scenario_types import BucketSpec, KeySpec, ProvisionedSpec, QueueSpec, Scenario, TableSpec


@contextmanager
def open_cloud(scenario: Scenario, latency: Latency, faults: Faults | None, capacity: Capacity) -> Iterator[Cloud]:
    """The account with the scenario's resources in it."""
    with Cloud(seed=scenario.seed, latency=latency, faults=faults, capacity=capacity) as cloud:
        for name, bucket in scenario.buckets.items():
            with _making(f"cloud.buckets.{name}"):
                _make_bucket(cloud, name, bucket, scenario)
        for name, table in scenario.tables.items():
            with _making(f"cloud.tables.{name}"):
                _make_table(cloud, name, table)
        with _making("cloud.queues"):
            _make_queues(cloud, scenario.queues)
        in_flight = scenario.quotas["sqs_in_flight"]
        cloud.queues.in_flight_max = None if in_flight is None else int(in_flight)
        cloud.queues.duplicates = {name: queue.duplicates for name, queue in scenario.queues.items()}
        for name, api in scenario.apis.items():
            with _making(f"cloud.apis.{name}"):
                make_api(cloud, name, api)
        with _making("the template's topics and event buses"):
            _make_channels(cloud, scenario)
        with _making("containers, batch_jobs, glue_jobs"):
            make_job_resources(cloud, scenario)
        with nullcontext() if faults is None else faults.watched():
            yield cloud


class SetupError(Exception):
    """A resource of a scenario cannot be made; the message names its key and says what AWS would."""


@contextmanager
def _making(key: str) -> Iterator[None]:
    """What AWS itself refuses (a bucket's name, a table's keys) is the scenario's mistake."""
    try:
        yield
    except (ClientError, ServiceException) as error:
        raise SetupError(f"{key} cannot be made: {error}") from error


def _make_bucket(cloud: Cloud, name: str, bucket: BucketSpec, scenario: Scenario) -> None:
    cloud.s3.create_bucket(name)
    if bucket.folder is not None:
        cloud.s3.from_folder(name, bucket.folder)
    generate = bucket.generate
    if generate is not None:
        if generate.body is None:
            filler = b"x" * (generate.size or 0)
            cloud.s3.generate(name, generate.count, generate.key, lambda n: filler, size=generate.size)
        else:
            body = body_maker(generate.body, generate.seed, name, scenario.base_dir)
            cloud.s3.generate(name, generate.count, generate.key, _as_s3_answers(body))


Body: TypeAlias = Callable[[int], bytes | Iterator[bytes]]


def _as_s3_answers(body: Body) -> Body:
    """A generator whose failure is S3's for that one object: whoever reads it gets an InternalError that tells why."""

    def read(n: int) -> bytes | Iterator[bytes]:
        try:
            made = body(n)
        except GeneratorError as error:
            raise ApiError("InternalError", str(error), 500) from error
        return made if isinstance(made, bytes) else pieces(made)

    def pieces(made: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from made
        except GeneratorError as error:
            raise ApiError("InternalError", str(error), 500) from error

    return read


def _make_table(cloud: Cloud, name: str, table: TableSpec) -> None:
    keys = [table.partition_key, *([table.sort_key] if table.sort_key else [])]
    attributes = {key.name: key.type for key in keys}
    request: dict[str, Any] = {"TableName": name, "KeySchema": _schema(*keys), **_provisioned(table.provisioned)}
    request["BillingMode"] = "PAY_PER_REQUEST" if table.provisioned is None else "PROVISIONED"
    if table.gsis:
        request["GlobalSecondaryIndexes"] = []
    for index_name, index in table.gsis.items():
        index_keys = [index.partition_key, *([index.sort_key] if index.sort_key else [])]
        attributes |= {key.name: key.type for key in index_keys}
        request["GlobalSecondaryIndexes"].append(
            {
                "IndexName": index_name,
                "KeySchema": _schema(*index_keys),
                "Projection": {"ProjectionType": "ALL"},
                **_provisioned(index.provisioned),
            }
        )
    request["AttributeDefinitions"] = [
        {"AttributeName": key, "AttributeType": kind} for key, kind in attributes.items()
    ]
    cloud.client("dynamodb").create_table(**request)


def _provisioned(spec: ProvisionedSpec | None) -> dict[str, Any]:
    if spec is None:
        return {}
    return {"ProvisionedThroughput": {"WriteCapacityUnits": spec.wcu, "ReadCapacityUnits": spec.rcu}}


def _schema(*keys: KeySpec) -> list[dict[str, str]]:
    return [{"AttributeName": key.name, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)]


def _make_queues(cloud: Cloud, queues: Mapping[str, QueueSpec]) -> None:
    """All queues, and then which of them takes what another could not get rid of: that one may have its own again."""
    if not queues:
        return
    client = cloud.client("sqs")
    urls: dict[str, str] = {}
    for name, queue in queues.items():
        attributes = {"VisibilityTimeout": str(queue.visibility_s)}
        if name.endswith(".fifo"):
            attributes["FifoQueue"] = "true"
        urls[name] = client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    for name, queue in queues.items():
        if queue.dlq is not None:
            told = client.get_queue_attributes(QueueUrl=urls[queue.dlq], AttributeNames=["QueueArn"])
            policy = {"deadLetterTargetArn": told["Attributes"]["QueueArn"], "maxReceiveCount": queue.max_receive or 3}
            client.set_queue_attributes(QueueUrl=urls[name], Attributes={"RedrivePolicy": json.dumps(policy)})


def _make_channels(cloud: Cloud, scenario: Scenario) -> None:
    for name in scenario.topics:
        attributes = {"FifoTopic": "true"} if name.endswith(".fifo") else {}
        cloud.client("sns").create_topic(Name=name, Attributes=attributes)
    for name in scenario.event_buses:
        cloud.client("events").create_event_bus(Name=name)
