from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from stepsim.runtime.cloud.call import CallSite
from stepsim.runtime.cloud.capacity import Capacity
from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.cloud.latency import Latency
from stepsim.runtime.cloud.quotas import AWS_QUOTAS, LOCAL_QUOTAS, Quotas, changed
from stepsim.runtime.dice import Dice

ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/rows"
ONE_ATTEMPT = Config(retries={"total_max_attempts": 1})
FEW: Quotas = changed(AWS_QUOTAS, {"dynamodb_partition_wcu": 5, "dynamodb_partition_rcu": 5, "dynamodb_burst": 0})
"""Partitions of 5 units a second, and as many of them as AWS's new tables have."""


@dataclass
class Account:
    """An account on a clock that tests set, and a client of a handler's in it, which tries once."""

    cloud: Cloud
    now_ms: int = 0
    client: Any = None
    waits: list[int] = field(default_factory=list)

    def make(self, provisioned: tuple[int, int] | None = None, **index_provisioned: tuple[int, int]) -> None:
        """The table ``rows`` with the index ``by_status``."""

        def throughput(units: tuple[int, int] | None) -> dict[str, Any]:
            if units is None:
                return {}
            return {"ProvisionedThroughput": {"WriteCapacityUnits": units[0], "ReadCapacityUnits": units[1]}}

        index = {
            "IndexName": "by_status",
            "KeySchema": [{"AttributeName": "status", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
            **throughput(index_provisioned.get("by_status", provisioned)),
        }
        self.cloud.client("dynamodb").create_table(
            TableName="rows",
            BillingMode="PROVISIONED" if provisioned else "PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "status")],
            GlobalSecondaryIndexes=[index],
            **throughput(provisioned),
        )

    def put(self, count: int, pk: str = "hot", first: int = 0, **others: Any) -> None:
        """Put so many items of a partition key."""
        for n in range(first, first + count):
            self.client.put_item(TableName="rows", Item=row(pk, n, **others))

    def held(self) -> int:
        """How many items there are."""
        return len(list(self.cloud.items("rows")))

    def report(self) -> dict[str, Any]:
        """The table's part of the report."""
        return self.cloud.tables()["rows"]


def row(pk: str, n: int, **others: Any) -> dict[str, Any]:
    """An item."""
    return {"pk": {"S": pk}, "sk": {"S": f"{n:03d}"}, **others}


def opened(quotas: Quotas) -> Iterator[Account]:
    """An account with these quotas."""
    with Cloud(latency=Latency(Dice(0), off=True), capacity=Capacity(quotas, lambda: made.now_ms)) as cloud:
        made = Account(cloud)
        made.client = boto3.client("dynamodb", config=ONE_ATTEMPT)
        site = CallSite("run", "State", "function")
        cloud.gate.current_site = lambda: site
        cloud.gate.pause = made.waits.append
        yield made


@pytest.fixture
def account() -> Iterator[Account]:
    """An account of few units."""
    yield from opened(FEW)


@pytest.fixture
def local() -> Iterator[Account]:
    """An account as on the system clock."""
    yield from opened(LOCAL_QUOTAS)


def refused(call: Any, **params: Any) -> dict[str, Any]:
    """The error that a call ends in, as boto3 shows it."""
    with pytest.raises(ClientError) as raised:
        call(**params)
    response: Any = raised.value.response
    return {name: value for name, value in response.items() if name not in ("ResponseMetadata", "message")}


def test_a_hot_key_on_demand_is_throttled_as_aws_words_it(account: Account) -> None:
    """The reason names what was exceeded and where, and nothing is changed."""
    account.make()
    account.put(5)
    error = refused(account.client.put_item, TableName="rows", Item=row("hot", 5))
    assert error["Error"]["Code"] == "ThrottlingException"
    assert error["Error"]["Message"].startswith("Throughput exceeds the current capacity of your table or index.")
    assert error["throttlingReasons"] == [{"reason": "TableWriteKeyRangeThroughputExceeded", "resource": ARN}]
    assert account.held() == 5
    account.now_ms = 1_000
    account.put(5, first=5)
    assert account.held() == 10


def test_too_little_provisioned_is_its_own_error(account: Account) -> None:
    """Of reads and of writes."""
    account.make((2, 1))
    account.put(2, "a")
    error = refused(account.client.put_item, TableName="rows", Item=row("b", 5))
    assert error["Error"] == {
        "Code": "ProvisionedThroughputExceededException",
        "Message": "The level of configured provisioned throughput for the table was exceeded. "
        "Consider increasing your provisioning level with the UpdateTable API.",
    }
    assert error["ThrottlingReasons"] == [{"reason": "TableWriteProvisionedThroughputExceeded", "resource": ARN}]
    key = row("a", 0)
    account.client.get_item(TableName="rows", Key=key, ConsistentRead=True)
    error = refused(account.client.get_item, TableName="rows", Key=key)
    assert error["ThrottlingReasons"] == [{"reason": "TableReadProvisionedThroughputExceeded", "resource": ARN}]
    report = account.report()
    assert (report["throttled_writes"], report["throttled_reads"]) == (1, 1)
    assert report["provisioned"] == {"wcu": 2, "rcu": 1}
    assert (report["consumed_wcu"], report["consumed_rcu"]) == (2, 1)


def test_an_index_that_is_short_throttles_the_table(account: Account) -> None:
    """Every key is another one, and yet all of them are the same one for the index."""
    account.make()
    for n in range(5):
        account.put(1, f"{n}", status={"S": "OPEN"})
    error = refused(account.client.put_item, TableName="rows", Item=row("9", 0, status={"S": "OPEN"}))
    assert error["throttlingReasons"] == [
        {"reason": "IndexWriteKeyRangeThroughputExceeded", "resource": f"{ARN}/index/by_status"}
    ]
    assert error["Error"]["Message"].startswith("Throughput exceeds the current capacity for one or more global")
    account.put(1, "9")
    assert account.held() == 6
    report = account.report()
    assert report["throttles"] == {"IndexWriteKeyRangeThroughputExceeded": 1}
    assert (report["throttled_writes"], report["indexes"]["by_status"]["throttled_writes"]) == (1, 1)
    assert report["indexes"]["by_status"]["consumed_wcu"] == 5


def test_moving_an_item_in_an_index_costs_it_two_writes(account: Account) -> None:
    """It leaves one partition of the index and comes to another; both must be able to take it."""
    account.make((100, 1), by_status=(3, 1))
    account.put(1, "a", status={"S": "OPEN"})
    account.put(1, "a", status={"S": "DONE"})
    assert account.report()["indexes"]["by_status"]["consumed_wcu"] == 3
    error = refused(account.client.put_item, TableName="rows", Item=row("a", 0, status={"S": "OPEN"}))
    assert error["ThrottlingReasons"][0]["reason"] == "IndexWriteProvisionedThroughputExceeded"
    assert "one or more global secondary indexes" in error["Error"]["Message"]


def test_what_a_batch_could_not_write_comes_back(account: Account) -> None:
    """With 200, as long as anything was written; the call waits a moment, so that nobody tries again for ever."""
    account.make()
    account.client.put_item(TableName="rows", Item=row("hot", 0, body={"S": "x" * 3_500}))
    writes = [{"PutRequest": {"Item": row("hot", n)}} for n in range(1, 4)]
    response = account.client.batch_write_item(RequestItems={"rows": writes})
    assert response["UnprocessedItems"] == {"rows": writes[1:]}
    assert account.waits == [1]
    error = refused(account.client.batch_write_item, RequestItems=response["UnprocessedItems"])
    assert error["Error"]["Code"] == "ThrottlingException"
    assert account.held() == 2
    assert account.report()["throttled_writes"] == 4


def test_a_resource_s_batch_comes_back_in_its_own_words(account: Account) -> None:
    """The writer of a boto3 table sends what came back until it is there."""
    account.make()

    def wait(ms: int) -> None:
        account.now_ms += 250 * ms

    account.cloud.gate.pause = wait
    resource: Any = boto3.resource("dynamodb", config=Config(retries={"total_max_attempts": 1}))
    with resource.Table("rows").batch_writer() as batch:
        for n in range(8):
            batch.put_item(Item={"pk": "hot", "sk": str(n)})
        for n in range(9):
            batch.delete_item(Key={"pk": "hot", "sk": f"{n} is not there"})
    assert account.held() == 8
    assert account.report()["throttled_writes"] > 0


def test_what_a_batch_could_not_read_comes_back(account: Account) -> None:
    """Keys of a partition that has nothing left; the call fails where that is all of them."""
    account.make()
    account.put(2, body={"S": "x" * 200})
    keys = [{"pk": {"S": "hot"}, "sk": {"S": f"{n:03d}"}} for n in range(12)]
    request = {"rows": {"Keys": keys, "ConsistentRead": True}}
    response = account.client.batch_get_item(RequestItems=request)
    assert len(response["Responses"]["rows"]) == 2
    assert response["UnprocessedKeys"] == {"rows": {"Keys": keys[5:], "ConsistentRead": True}}
    error = refused(account.client.batch_get_item, RequestItems=request)
    assert error["throttlingReasons"] == [{"reason": "TableReadKeyRangeThroughputExceeded", "resource": ARN}]


def test_a_throttled_transaction_is_cancelled_as_a_whole(account: Account) -> None:
    """Its reasons stand in the order of its items, and name the mode."""
    account.make((5, 5), by_status=(2, 2))
    puts = [
        {"Put": {"TableName": "rows", "Item": row("a", 0)}},
        {"Put": {"TableName": "rows", "Item": row("b", 0, status={"S": "OPEN"})}},
    ]
    account.client.transact_write_items(TransactItems=puts[1:])
    error = refused(
        account.client.transact_write_items,
        TransactItems=[puts[0], {"Put": {"TableName": "rows", "Item": row("c", 0, status={"S": "OPEN"})}}],
    )
    assert error["Error"]["Code"] == "TransactionCanceledException"
    assert [reason["Code"] for reason in error["CancellationReasons"]] == ["None", "ProvisionedThroughputExceeded"]
    assert account.held() == 1
    account.client.transact_write_items(TransactItems=puts[:1])
    gets = [{"Get": {"TableName": "rows", "Key": {"pk": {"S": key}, "sk": {"S": "000"}}}} for key in "ab"]
    account.client.transact_get_items(TransactItems=gets)
    account.client.transact_get_items(TransactItems=gets[:1])
    error = refused(account.client.transact_get_items, TransactItems=gets)
    assert [reason["Code"] for reason in error["CancellationReasons"]] == ["ProvisionedThroughputExceeded"] * 2


def test_a_transaction_on_demand_has_a_throttling_error(account: Account) -> None:
    """As AWS's model names it."""
    account.make()
    account.put(5)
    put = {"Put": {"TableName": "rows", "Item": row("hot", 9)}}
    error = refused(account.client.transact_write_items, TransactItems=[put])
    [reason] = error["CancellationReasons"]
    assert reason["Code"] == "ThrottlingError"
    assert reason["Message"].startswith("Throughput exceeds the current capacity of your table")


def test_a_page_is_read_from_the_partitions_that_it_lies_in(account: Account) -> None:
    """A Query costs its own partition, a Scan all of them; whatever is there, or is not."""
    account.make()
    for n in range(5):
        account.put(1, f"{n}", status={"S": "OPEN"}, body={"S": "x" * 900})
    query = {
        "TableName": "rows",
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": "none"}},
        "ConsistentRead": True,
    }
    for _ in range(5):
        account.client.query(**query)
    error = refused(account.client.query, **query)
    assert error["throttlingReasons"] == [{"reason": "TableReadKeyRangeThroughputExceeded", "resource": ARN}]
    account.now_ms = 2_000
    for _ in range(40):
        account.now_ms += 20
        account.client.scan(TableName="rows")
    account.client.scan(TableName="rows", ConsistentRead=True, Limit=1)
    assert account.report()["throttled_reads"] == 1


def test_an_index_is_read_from_its_own_throughput(account: Account) -> None:
    """What the table has is no help."""
    account.make((5, 5), by_status=(5, 1))
    account.put(1, status={"S": "OPEN"})
    query = {
        "TableName": "rows",
        "IndexName": "by_status",
        "KeyConditionExpression": "#s = :s",
        "ExpressionAttributeNames": {"#s": "status"},
        "ExpressionAttributeValues": {":s": {"S": "OPEN"}},
    }
    account.client.query(**query)
    account.client.query(**query)
    error = refused(account.client.query, **query)
    assert error["ThrottlingReasons"] == [
        {"reason": "IndexReadProvisionedThroughputExceeded", "resource": f"{ARN}/index/by_status"}
    ]
    report = account.report()["indexes"]["by_status"]
    assert (report["consumed_rcu"], report["throttled_reads"]) == (1, 1)


def test_a_table_is_limited_by_what_it_is_provisioned_with_now(account: Account) -> None:
    """UpdateTable counts from the next call on, and so do tables and indexes that clients make."""
    account.make((1, 1))
    account.put(1)
    with pytest.raises(ClientError):
        account.put(1)
    units = {"WriteCapacityUnits": 4, "ReadCapacityUnits": 1}
    account.cloud.client("dynamodb").update_table(TableName="rows", ProvisionedThroughput=units)
    account.now_ms = 1_000
    account.put(1)
    account.now_ms = 2_000
    account.put(4)
    assert account.report()["provisioned"] == {"wcu": 4, "rcu": 1}


def test_the_report_names_the_hottest_keys(account: Account) -> None:
    """By what was asked of them: what was written, and what was throttled."""
    account.make()
    account.put(2, "warm")
    account.put(5, "hot")
    for _ in range(3):
        with pytest.raises(ClientError):
            account.put(1, "hot")
    for n in range(6):
        account.now_ms += 1_000
        account.put(1, f"cold {n}")
    hottest = account.report()["hottest_keys"]
    assert hottest[:2] == [
        {"key": "hot", "share": 5 / 13, "throttles": 3},
        {"key": "warm", "share": 2 / 13, "throttles": 0},
    ]
    assert len(hottest) == 5


def test_a_condition_that_is_false_costs_as_much(account: Account) -> None:
    """And is throttled as any write is, in a transaction, too."""
    account.make()
    account.put(1)
    put = {"TableName": "rows", "Item": row("hot", 0), "ConditionExpression": "attribute_not_exists(pk)"}
    for _ in range(4):
        assert refused(account.client.put_item, **put)["Error"]["Code"] == "ConditionalCheckFailedException"
    assert refused(account.client.put_item, **put)["Error"]["Code"] == "ThrottlingException"
    [reason] = refused(account.client.transact_write_items, TransactItems=[{"Put": put}])["CancellationReasons"]
    assert reason["Code"] == "ThrottlingError"
    assert account.report()["consumed_wcu"] == 5


def test_set_up_and_what_is_kept_cost_nothing(account: Account) -> None:
    """Neither the clients that a cloud hands out are throttled, nor is what a run saves."""
    account.make((1, 1))
    client = account.cloud.client("dynamodb")
    for n in range(50):
        client.put_item(TableName="rows", Item=row("hot", n))
    assert account.held() == 50
    assert account.report()["consumed_wcu"] == account.report()["consumed_rcu"] == 0


def test_nothing_is_throttled_on_the_system_clock(local: Account) -> None:
    """The report has the partitions that a table would begin with."""
    local.make((1, 1))
    local.put(50)
    assert local.held() == 50
    assert local.report()["partitions"] == 1
