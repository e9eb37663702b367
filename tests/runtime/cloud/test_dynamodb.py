from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from stepsim.runtime.cloud.call import ApiError, FallThrough
from stepsim.runtime.cloud.dynamodb import OPERATIONS, consumed_by_table

REGION = "us-east-1"


@pytest.fixture(scope="module")
def session() -> Any:
    """A session of an account that only moto knows; one for all tests, for loading AWS's models takes a while."""
    return boto3.session.Session("testing", "testing", region_name=REGION)


@pytest.fixture
def client(session: Any) -> Iterator[Any]:
    """A plain client of an account with the tables ``orders`` (two keys, two indexes) and ``plain`` (one key)."""
    with mock_aws():
        client: Any = session.client("dynamodb")
        client.create_table(
            TableName="orders",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk", "owner", "day")],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by_owner",
                    "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["total"]},
                }
            ],
            LocalSecondaryIndexes=[
                {
                    "IndexName": "by_day",
                    "KeySchema": [
                        {"AttributeName": "pk", "KeyType": "HASH"},
                        {"AttributeName": "day", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        client.create_table(
            TableName="plain",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield client


def call(operation: str, **params: Any) -> dict[str, Any]:
    """Returns the fast path's answer."""
    return OPERATIONS[operation](params, REGION)


def order(pk: str = "a", sk: str = "1", **others: dict[str, Any]) -> dict[str, Any]:
    """Returns an item of ``orders``."""
    return {"pk": {"S": pk}, "sk": {"S": sk}, **others}


def refusal(operation: str, **params: Any) -> ApiError:
    """Returns the error that the call ends in."""
    with pytest.raises(ApiError) as raised:
        call(operation, **params)
    return raised.value


# ---------------------------------------------------------------------------------------------------------------- items


@pytest.mark.usefixtures("client")
def test_an_item_comes_back_as_it_was_written() -> None:
    """Numbers keep their text, binaries and sets their members, empty strings stay empty."""
    item = order(
        n={"N": "1.50"},
        b={"B": b"\x00\xff"},
        e={"S": ""},
        s={"SS": ["y", "x"]},
        bs={"BS": [b"1", b""]},
        deep={"M": {"l": {"L": [{"NULL": True}, {"BOOL": False}, {"B": b"in"}]}}},
    )
    call("PutItem", TableName="orders", Item=item)
    assert call("GetItem", TableName="orders", Key=order()) == {"Item": item}


@pytest.mark.usefixtures("client")
def test_a_stored_item_shares_nothing_with_its_caller() -> None:
    """What a caller does to an item it wrote or read doesn't change the table."""
    item = order(tags={"L": [{"S": "one"}]})
    call("PutItem", TableName="orders", Item=item)
    item["tags"]["L"].append({"S": "two"})
    read = call("GetItem", TableName="orders", Key=order())["Item"]
    read["tags"]["L"].clear()
    assert call("GetItem", TableName="orders", Key=order())["Item"]["tags"] == {"L": [{"S": "one"}]}


@pytest.mark.usefixtures("client")
def test_an_item_that_is_not_there_is_no_item() -> None:
    """GetItem of a missing key answers without Item, DeleteItem without an error."""
    assert call("GetItem", TableName="orders", Key=order()) == {}
    assert call("DeleteItem", TableName="orders", Key=order(), ReturnValues="ALL_OLD") == {}


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"sk": {"S": "1"}}, "One or more parameter values were invalid: Missing the key pk in the item"),
        ({"pk": {"S": "a"}}, "One or more parameter values were invalid: Missing the key sk in the item"),
        (
            {"pk": {"N": "1"}, "sk": {"S": "1"}},
            "One or more parameter values were invalid: Type mismatch for key pk expected: S actual: N",
        ),
        (
            order(sk=""),
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
            "empty string value. Key: sk",
        ),
        (
            order(owner={"N": "1"}),
            "One or more parameter values were invalid: Type mismatch for Index Key owner Expected: S Actual: N "
            "IndexName: by_owner",
        ),
        (order(x={"SS": []}), "One or more parameter values were invalid: An string set  may not be empty"),
        (order(x={"N": "ten"}), "The parameter cannot be converted to a numeric value: ten"),
        (order(x={"N": "1" * 39}), "Attempting to store more than 38 significant digits in a Number"),
        (order(x={"S": "x" * 409_600}), "Item size has exceeded the maximum allowed size"),
        (
            order(pk="x" * 2049),
            "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of"
            "2048 bytes",
        ),
    ],
)
@pytest.mark.usefixtures("client")
def test_an_item_that_aws_refuses_is_refused_in_its_words(item: dict[str, Any], message: str) -> None:
    """PutItem raises AWS's ValidationException, and stores nothing."""
    error = refusal("PutItem", TableName="orders", Item=item)
    assert (error.code, error.message) == ("ValidationException", message)
    assert call("Scan", TableName="orders")["Count"] == 0


@pytest.mark.usefixtures("client")
def test_a_table_that_is_not_there_is_not_found() -> None:
    """Every operation names a missing table as AWS does; an ARN is as good as a name."""
    error = refusal("GetItem", TableName="nowhere", Key=order())
    assert (error.code, error.message) == ("ResourceNotFoundException", "Requested resource not found")
    arn = f"arn:aws:dynamodb:{REGION}:123456789012:table/orders"
    assert call("GetItem", TableName=arn, Key=order()) == {}


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("PutItem", {"TableName": "orders", "Item": order(), "Expected": {}}),
        ("PutItem", {"TableName": "orders", "Item": {"pk": "a", "sk": "1"}}),
        ("PutItem", {"TableName": "orders", "Item": order(x={"S": 1})}),
        ("UpdateItem", {"TableName": "orders", "Key": order(), "AttributeUpdates": {}}),
        ("Query", {"TableName": "orders", "KeyConditions": {}}),
        ("GetItem", {"TableName": "orders", "Key": order(), "AttributesToGet": ["pk"]}),
    ],
)
@pytest.mark.usefixtures("client")
def test_what_is_not_covered_falls_through(operation: str, params: dict[str, Any]) -> None:
    """Legacy parameters, and what botocore itself would refuse, are left to moto and botocore."""
    with pytest.raises(FallThrough):
        OPERATIONS[operation](params, REGION)


def test_a_table_with_a_stream_is_written_by_moto(client: Any) -> None:
    """Its writes fall through, for moto feeds the stream; its reads don't."""
    client.update_table(TableName="orders", StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})
    with pytest.raises(FallThrough):
        call("PutItem", TableName="orders", Item=order())
    assert call("GetItem", TableName="orders", Key=order()) == {}


# ----------------------------------------------------------------------------------------------------------- conditions


@pytest.mark.usefixtures("client")
def test_a_failed_condition_shows_the_item_where_asked() -> None:
    """ConditionalCheckFailedException carries Item with ReturnValuesOnConditionCheckFailure ALL_OLD only."""
    call("PutItem", TableName="orders", Item=order(v={"N": "1"}))
    again = {"TableName": "orders", "Item": order(), "ConditionExpression": "attribute_not_exists(pk)"}
    error = refusal("PutItem", **again)
    assert (error.code, error.message) == ("ConditionalCheckFailedException", "The conditional request failed")
    assert error.extra == {}
    shown = refusal("PutItem", **again, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert shown.extra == {"Item": order(v={"N": "1"})}


@pytest.mark.usefixtures("client")
def test_an_update_makes_an_item_and_tells_what_it_changed() -> None:
    """UpdateItem creates the item of its key; UPDATED_NEW shows what the expression speaks of."""
    update = {
        "TableName": "orders",
        "Key": order(),
        "UpdateExpression": "SET #t = if_not_exists(#t, :zero) + :n ADD seen :who",
        "ExpressionAttributeNames": {"#t": "total"},
        "ExpressionAttributeValues": {":n": {"N": "2.5"}, ":zero": {"N": "0"}, ":who": {"SS": ["me"]}},
    }
    call("UpdateItem", **update)
    answer = call("UpdateItem", **update, ReturnValues="UPDATED_NEW")
    assert answer == {"Attributes": {"total": {"N": "5.0"}, "seen": {"SS": ["me"]}}}
    assert call("UpdateItem", **update, ReturnValues="UPDATED_OLD")["Attributes"]["total"] == {"N": "5.0"}


@pytest.mark.usefixtures("client")
def test_a_failed_update_changes_nothing() -> None:
    """Neither a refused expression nor a failed condition leaves an item behind."""
    error = refusal(
        "UpdateItem",
        TableName="orders",
        Key=order(),
        UpdateExpression="SET v = absent + :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    assert error.message == "The provided expression refers to an attribute that does not exist in the item"
    refusal(
        "UpdateItem",
        TableName="orders",
        Key=order(),
        UpdateExpression="REMOVE v",
        ConditionExpression="attribute_exists(pk)",
    )
    assert call("GetItem", TableName="orders", Key=order()) == {}


# -------------------------------------------------------------------------------------------------------------- queries


@pytest.mark.usefixtures("client")
def test_a_page_ends_before_one_megabyte() -> None:
    """Query stops before its items pass 1 MB and says where to go on."""
    for n in range(5):
        call("PutItem", TableName="orders", Item=order(sk=str(n), body={"S": "x" * 300_000}))
    query = {
        "TableName": "orders",
        "KeyConditionExpression": "pk = :p",
        "ExpressionAttributeValues": {":p": {"S": "a"}},
    }
    first = call("Query", **query)
    assert (first["Count"], first["LastEvaluatedKey"]) == (3, order(sk="2"))
    second = call("Query", **query, ExclusiveStartKey=first["LastEvaluatedKey"])
    assert [item["sk"]["S"] for item in second["Items"]] == ["3", "4"]
    assert "LastEvaluatedKey" not in second


@pytest.mark.usefixtures("client")
def test_a_large_partition_stays_in_order() -> None:
    """A partition of many sort keys is read in order, whatever comes and goes between two queries."""
    query = {
        "TableName": "orders",
        "KeyConditionExpression": "pk = :p AND begins_with(sk, :s)",
        "ExpressionAttributeValues": {":p": {"S": "a"}, ":s": {"S": "k"}},
    }
    for n in reversed(range(600)):
        call("PutItem", TableName="orders", Item=order(sk=f"k{n:03d}"))
    call("PutItem", TableName="orders", Item=order(sk="l"))
    assert [item["sk"]["S"] for item in call("Query", **query)["Items"]] == [f"k{n:03d}" for n in range(600)]
    call("DeleteItem", TableName="orders", Key=order(sk="k001"))
    call("PutItem", TableName="orders", Item=order(sk="k0005"))
    backwards = call("Query", **query, ScanIndexForward=False)
    assert [item["sk"]["S"] for item in backwards["Items"]][-3:] == ["k002", "k0005", "k000"]


@pytest.mark.usefixtures("client")
def test_an_index_holds_what_it_projects_of_the_items_that_have_its_keys() -> None:
    """A query of an index shows its own attributes, follows every write, and leaves other items out."""
    query = {
        "TableName": "orders",
        "IndexName": "by_owner",
        "KeyConditionExpression": "#o = :o",
        "ExpressionAttributeNames": {"#o": "owner"},
        "ExpressionAttributeValues": {":o": {"S": "ann"}},
    }
    me: dict[str, Any] = {"owner": {"S": "ann"}}
    call("PutItem", TableName="orders", Item=order(sk="2", **me, total={"N": "5"}, note={"S": "long"}))
    call("PutItem", TableName="orders", Item=order(sk="1", **me))
    call("PutItem", TableName="orders", Item=order(sk="3"))
    assert call("Query", **query)["Items"] == [order(sk="1", **me), order(sk="2", **me, total={"N": "5"})]
    call(
        "UpdateItem",
        TableName="orders",
        Key=order(sk="1"),
        UpdateExpression="SET #o = :o",
        ExpressionAttributeNames={"#o": "owner"},
        ExpressionAttributeValues={":o": {"S": "bob"}},
    )
    call("DeleteItem", TableName="orders", Key=order(sk="2"))
    assert call("Query", **query)["Count"] == 0
    assert refusal("Query", **query, ConsistentRead=True).message == (
        "Consistent reads are not supported on global secondary indexes"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sk = :v", "Query condition missed key schema element: pk"),
        ("pk = :v AND color = :v", "Query condition missed key schema element: sk"),
        ("pk > :v", "Query key condition not supported"),
        ("pk = :v OR sk = :v", "Invalid operator used in KeyConditionExpression: OR"),
        ("pk = :v AND pk = :v", "KeyConditionExpressions must only contain one condition per key"),
    ],
)
@pytest.mark.usefixtures("client")
def test_a_wrong_key_condition_is_refused_in_awss_words(text: str, message: str) -> None:
    """A key condition is one equality of the partition key, and at most one condition of the sort key."""
    error = refusal(
        "Query",
        TableName="orders",
        KeyConditionExpression=text,
        ExpressionAttributeValues={":v": {"S": "a"}},
    )
    assert error.message == message


@pytest.mark.usefixtures("client")
def test_the_segments_of_a_scan_are_the_table() -> None:
    """A parallel scan meets each item once."""
    for n in range(20):
        call("PutItem", TableName="plain", Item={"id": {"S": f"i{n}"}})
    segments = [call("Scan", TableName="plain", Segment=n, TotalSegments=3)["Items"] for n in range(3)]
    everything = call("Scan", TableName="plain")["Items"]
    assert sorted(item["id"]["S"] for items in segments for item in items) == [item["id"]["S"] for item in everything]


# --------------------------------------------------------------------------------------------- batches and transactions


@pytest.mark.usefixtures("client")
def test_a_batch_is_checked_before_it_writes() -> None:
    """BatchWriteItem with one bad item, a key twice or more than 25 requests writes nothing."""
    good = [{"PutRequest": {"Item": {"id": {"S": str(n)}}}} for n in range(25)]
    twice = {"DeleteRequest": {"Key": {"id": {"S": "0"}}}}
    for requests, message in (
        ([*good, twice], "Too many items requested for the BatchWriteItem call"),
        ([good[0], twice], "Provided list of item keys contains duplicates"),
        ([good[0], {"PutRequest": {"Item": {"x": {"S": ""}}}}], None),
    ):
        error = refusal("BatchWriteItem", RequestItems={"plain": requests})
        assert message is None or error.message == message
    assert call("Scan", TableName="plain", Select="COUNT") == {"Count": 0, "ScannedCount": 0}
    assert call("BatchWriteItem", RequestItems={"plain": good}) == {"UnprocessedItems": {}}
    keys = [{"id": {"S": "3"}}, {"id": {"S": "none"}}]
    found = call("BatchGetItem", RequestItems={"plain": {"Keys": keys}})
    assert found == {"Responses": {"plain": [{"id": {"S": "3"}}]}, "UnprocessedKeys": {}}


@pytest.mark.usefixtures("client")
def test_a_transaction_is_all_or_nothing() -> None:
    """One failed check cancels the others; the reasons come in the order of the actions."""
    put = {"Put": {"TableName": "plain", "Item": {"id": {"S": "new"}}}}
    check = {
        "ConditionCheck": {
            "TableName": "orders",
            "Key": order(),
            "ConditionExpression": "attribute_exists(pk)",
        }
    }
    error = refusal("TransactWriteItems", TransactItems=[put, check])
    assert error.code == "TransactionCanceledException"
    assert error.message.endswith("[None, ConditionalCheckFailed]")
    assert error.extra["CancellationReasons"] == [
        {"Code": "None"},
        {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"},
    ]
    assert call("GetItem", TableName="plain", Key={"id": {"S": "new"}}) == {}
    call("PutItem", TableName="orders", Item=order())
    call("TransactWriteItems", TransactItems=[put, check])
    gets = [{"Get": {"TableName": "plain", "Key": {"id": {"S": name}}}} for name in ("new", "old")]
    assert call("TransactGetItems", TransactItems=gets) == {"Responses": [{"Item": {"id": {"S": "new"}}}, {}]}


@pytest.mark.usefixtures("client")
def test_a_transaction_with_the_same_token_happens_once() -> None:
    """ClientRequestToken makes a repeated request harmless, and refuses another request."""
    add = {
        "Update": {
            "TableName": "plain",
            "Key": {"id": {"S": "sum"}},
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }
    for _ in range(2):
        call("TransactWriteItems", TransactItems=[add], ClientRequestToken="once")
    assert call("GetItem", TableName="plain", Key={"id": {"S": "sum"}})["Item"]["n"] == {"N": "1"}
    other = {"Delete": {"TableName": "plain", "Key": {"id": {"S": "sum"}}}}
    error = refusal("TransactWriteItems", TransactItems=[other], ClientRequestToken="once")
    assert error.code == "IdempotentParameterMismatchException"


# ------------------------------------------------------------------------------------------------------------- capacity


@pytest.mark.usefixtures("client")
def test_a_write_consumes_a_unit_for_each_kilobyte_of_item_and_index() -> None:
    """ConsumedCapacity counts the larger of the old and the new item, and each index that the write changes."""
    item = order(owner={"S": "ann"}, body={"S": "x" * 2000})
    first = call("PutItem", TableName="orders", Item=item, ReturnConsumedCapacity="INDEXES")
    assert first["ConsumedCapacity"] == {
        "TableName": "orders",
        "CapacityUnits": 3.0,
        "Table": {"CapacityUnits": 2.0},
        "GlobalSecondaryIndexes": {"by_owner": {"CapacityUnits": 1.0}},
    }
    smaller = call("PutItem", TableName="orders", Item=order(owner={"S": "ann"}), ReturnConsumedCapacity="TOTAL")
    assert smaller["ConsumedCapacity"] == {"TableName": "orders", "CapacityUnits": 2.0}


@pytest.mark.usefixtures("client")
def test_a_read_consumes_a_unit_for_each_four_kilobytes_or_half_of_it() -> None:
    """A consistent read costs twice an eventually consistent one, a read in a transaction twice that."""
    key = {"id": {"S": "a"}}
    call("PutItem", TableName="plain", Item={**key, "body": {"S": "x" * 5000}})
    units = [
        call("GetItem", TableName="plain", Key=key, ReturnConsumedCapacity="TOTAL", **options)["ConsumedCapacity"]
        for options in ({}, {"ConsistentRead": True})
    ]
    assert [unit["CapacityUnits"] for unit in units] == [1.0, 2.0]
    read = call(
        "TransactGetItems",
        TransactItems=[{"Get": {"TableName": "plain", "Key": key}}],
        ReturnConsumedCapacity="TOTAL",
    )
    assert read["ConsumedCapacity"] == [{"TableName": "plain", "ReadCapacityUnits": 4.0, "CapacityUnits": 4.0}]


@pytest.mark.usefixtures("client")
def test_a_table_tells_what_it_consumed_and_its_hottest_key() -> None:
    """The meter counts units, and the share of the writes that went to one partition key."""
    for n in range(4):
        call("PutItem", TableName="orders", Item=order(pk="hot" if n else "cold", sk=str(n)))
    call("GetItem", TableName="orders", Key=order())
    call("PutItem", TableName="orders", Item=order(pk="cold", owner={"S": "eve"}))
    values = {":o": {"S": "eve"}}
    names = {"#o": "owner"}
    read = {
        "KeyConditionExpression": "#o = :o",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }
    call("Query", TableName="orders", IndexName="by_owner", **read)
    assert consumed_by_table(REGION)["orders"] == {
        "consumed_wcu": 6.0,
        "consumed_rcu": 1.0,
        "throttled_writes": 0,
        "throttled_reads": 0,
        "provisioned": None,
        "partitions": 4,
        "splits": 0,
        "hottest_share": 0.5,
        "hottest_keys": [
            {"key": "cold", "share": 0.5, "throttles": 0},
            {"key": "hot", "share": 0.5, "throttles": 0},
        ],
        "throttles": {},
        "indexes": {
            "by_owner": {
                "consumed_wcu": 1.0,
                "consumed_rcu": 0.5,
                "throttled_writes": 0,
                "throttled_reads": 0,
                "provisioned": None,
                "partitions": 4,
                "splits": 0,
            }
        },
    }
