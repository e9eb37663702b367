from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.dynamodb.models import dynamodb_backends

from stepsim.runtime.cloud.call import ACCOUNT_ID
from stepsim.runtime.cloud.dynamodb import OPERATIONS
from stepsim.runtime.cloud.dynamodb_store import CompactItem, Store

REGION = "us-east-1"


@pytest.fixture(scope="module")
def session() -> Any:
    """A session of an account that only moto knows; one for all tests, for loading AWS's models takes a while."""
    return boto3.session.Session("testing", "testing", region_name=REGION)


@pytest.fixture
def client(session: Any) -> Iterator[Any]:
    """A plain client of an account with a table of binary keys, ``t``."""
    with mock_aws():
        client: Any = session.client("dynamodb")
        client.create_table(
            TableName="t",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "B"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        yield client


def call(operation: str, **params: Any) -> dict[str, Any]:
    """Returns the fast path's answer."""
    return OPERATIONS[operation]({"TableName": "t", **params}, REGION)


def item(sk: bytes = b"\x01", **others: dict[str, Any]) -> dict[str, Any]:
    """Returns an item of the table."""
    return {"pk": {"S": "a"}, "sk": {"B": sk}, **others}


def store() -> Any:
    """Returns what moto's table holds its items in."""
    return dynamodb_backends[ACCOUNT_ID][REGION].tables["t"].items


def test_items_that_moto_wrote_are_taken_over(client: Any) -> None:
    """The first fast call finds what was there, and from then on moto writes into the same store."""
    client.put_item(TableName="t", Item=item(b"\xff", b={"B": b"raw"}, bs={"BS": [b"1"]}))
    assert call("GetItem", Key=item(b"\xff"))["Item"] == item(b"\xff", b={"B": b"raw"}, bs={"BS": [b"1"]})
    assert isinstance(store(), Store)
    client.put_item(TableName="t", Item=item(b"\x02"))
    client.delete_item(TableName="t", Key=item(b"\xff"))
    assert call("Scan")["Items"] == [item(b"\x02")]
    assert client.describe_table(TableName="t")["Table"]["ItemCount"] == 1


def test_what_moto_changes_in_place_is_seen(client: Any) -> None:
    """moto updates the attributes of the item it was given; the next fast read, and moto's next, see that."""
    call("PutItem", Item=item(n={"N": "1"}, tags={"SS": ["x"]}))
    update = {
        "TableName": "t",
        "Key": item(),
        "UpdateExpression": "SET n = n + :n ADD tags :t",
        "ExpressionAttributeValues": {":n": {"N": "2"}, ":t": {"SS": ["y"]}},
    }
    client.update_item(**update)
    client.update_item(**update)
    expected = item(n={"N": "5"}, tags={"SS": ["x", "y"]})
    assert client.get_item(TableName="t", Key=item())["Item"] == expected
    assert call("GetItem", Key=item())["Item"] == expected


def test_an_item_of_motos_transaction_is_rolled_back(client: Any) -> None:
    """A transaction that moto cancels leaves the store as it was."""
    call("PutItem", Item=item())
    put = {"Put": {"TableName": "t", "Item": item(b"\x09")}}
    fails = {
        "Put": {"TableName": "t", "Item": item(), "ConditionExpression": "attribute_not_exists(pk)"},
    }
    with pytest.raises(client.exceptions.TransactionCanceledException):
        client.transact_write_items(TransactItems=[put, fails])
    assert call("Scan")["Items"] == [item()]


def test_binary_sort_keys_are_in_the_order_of_their_bytes(client: Any) -> None:
    """Bytes sort as unsigned numbers, not as the base64 text that moto keeps."""
    for sk in (b"\xff", b"\x00", b"\x7f", b"\x00\x00"):
        call("PutItem", Item=item(sk))
    query = {
        "KeyConditionExpression": "pk = :p AND begins_with(sk, :s)",
        "ExpressionAttributeValues": {":p": {"S": "a"}, ":s": {"B": b"\x00"}},
    }
    assert [found["sk"]["B"] for found in call("Query", **query)["Items"]] == [b"\x00", b"\x00\x00"]
    assert [found["sk"]["B"] for found in call("Scan")["Items"]] == [b"\x00", b"\x00\x00", b"\x7f", b"\xff"]


def test_a_backup_keeps_what_it_saved(client: Any) -> None:
    """A table restored from a backup has the items of that moment, whoever wrote them."""
    call("PutItem", Item=item(v={"N": "1"}))
    arn = client.create_backup(TableName="t", BackupName="saved")["BackupDetails"]["BackupArn"]
    call("PutItem", Item=item(v={"N": "2"}))
    client.restore_table_from_backup(TargetTableName="restored", BackupArn=arn)
    assert OPERATIONS["Scan"]({"TableName": "restored"}, REGION)["Items"] == [item(v={"N": "1"})]


def test_motos_view_of_an_item_is_made_when_it_is_touched(client: Any) -> None:
    """The view holds a record until moto asks for attributes, and is forgotten once it has been settled."""
    call("PutItem", Item=item(v={"N": "1"}))
    (partition,) = store().values()
    (view,) = partition.values()
    assert isinstance(view, CompactItem)
    assert (view.hash_key.value, view.size()) == ("a", 9)
    assert not store().touched
    assert view.attrs["v"].value == "1"
    assert list(store().touched.values()) == [view]
    call("GetItem", Key=item())
    assert not store().touched


def test_a_new_index_is_followed(client: Any) -> None:
    """An index that is added later holds the items that were there, and those that moto writes."""
    call("PutItem", Item=item(kind={"S": "k"}))
    client.update_table(
        TableName="t",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "B"},
            {"AttributeName": "kind", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": "by_kind",
                    "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            }
        ],
    )
    query = {
        "IndexName": "by_kind",
        "KeyConditionExpression": "kind = :k",
        "ExpressionAttributeValues": {":k": {"S": "k"}},
    }
    assert call("Query", **query)["Count"] == 1
    client.put_item(TableName="t", Item=item(b"\x02", kind={"S": "k"}, more={"S": "x"}))
    expected = [item(sk, kind={"S": "k"}) for sk in (b"\x01", b"\x02")]
    assert call("Query", **query)["Items"] == expected
    assert call("Scan", IndexName="by_kind")["Items"] == expected
