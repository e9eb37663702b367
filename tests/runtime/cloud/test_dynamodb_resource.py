from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import boto3
import pytest
from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from stepsim.runtime.cloud.dynamodb import OPERATIONS
from stepsim.runtime.cloud.dynamodb_resource import (
    deserialize,
    deserialize_value,
    is_resource_client,
    serialize,
    serialize_value,
)
from stepsim.runtime.cloud.dynamodb_values import comparable

REGION = "us-east-1"
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**37), 10**37),
        st.decimals(-1000, 1000, places=3),
        st.text(max_size=4),
        st.binary(max_size=4),
        st.sets(st.text(max_size=2), min_size=1, max_size=3),
        st.sets(st.integers(0, 9), min_size=1, max_size=3),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=2), inner, max_size=3)),
)


@pytest.fixture(scope="module")
def session() -> Any:
    """A session of an account that only moto knows; one for all tests, for loading AWS's models takes a while."""
    return boto3.session.Session("testing", "testing", region_name=REGION)


@pytest.fixture
def table(session: Any) -> Iterator[Any]:
    """A boto3 resource's Table with a partition and a sort key."""
    with mock_aws():
        resource: Any = session.resource("dynamodb")
        yield resource.create_table(
            TableName="t",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "N"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )


def call(operation: str, **params: Any) -> dict[str, Any]:
    """Returns what a gate answers to a resource's call."""
    return deserialize(operation, OPERATIONS[operation](serialize(operation, params), REGION))


@given(VALUES)
def test_values_are_serialised_and_read_as_boto3_does(value: Any) -> None:
    """Both directions agree with boto3's own TypeSerializer and TypeDeserializer."""
    serialized: Any = serialize_value(value)
    boto: Any = TypeSerializer().serialize(value)
    assert comparable(serialized) == comparable(boto)
    assert deserialize_value(serialized) == TypeDeserializer().deserialize(serialized)


@pytest.mark.parametrize("value", [1.5, Decimal("Infinity"), object()])
def test_what_boto3_refuses_is_refused(value: Any) -> None:
    """Floats, infinities and unknown types raise TypeError."""
    with pytest.raises((TypeError, ArithmeticError)):
        serialize_value(value)


def test_a_sets_members_are_sent_sorted() -> None:
    """The order of a set's members is the same in every process."""
    assert serialize_value({"b", "c", "a"}) == {"SS": ["a", "b", "c"]}
    assert serialize_value({10, 9, Decimal("1.5")}) == {"NS": ["1.5", "9", "10"]}


def test_a_resources_client_is_told_from_a_plain_one(table: Any, session: Any) -> None:
    """The client behind a Table carries boto3's handlers; one of its own does not."""
    assert is_resource_client(table.meta.client)
    assert not is_resource_client(session.client("dynamodb"))


def test_calls_answer_as_the_resource_does(table: Any) -> None:
    """Put, get, query, update, delete and their condition objects give what Table's methods give."""
    item = {"pk": "a", "sk": Decimal(1), "n": Decimal("2.50"), "b": Binary(b"x"), "l": [None, {"k": {"v"}}]}
    call("PutItem", TableName="t", Item=item, ConditionExpression=Attr("pk").not_exists())
    key = {"pk": "a", "sk": 1}
    assert call("GetItem", TableName="t", Key=key)["Item"] == table.get_item(Key=key)["Item"] == item
    condition = Key("pk").eq("a") & Key("sk").between(0, 5)
    chosen = Attr("n").gt(Decimal(2)) & Attr("b").exists()
    found = call("Query", TableName="t", KeyConditionExpression=condition, FilterExpression=chosen)
    plain = table.query(KeyConditionExpression=condition, FilterExpression=chosen)
    assert found["Items"] == plain["Items"] == [item]
    updated = call(
        "UpdateItem",
        TableName="t",
        Key=key,
        UpdateExpression="ADD n :one",
        ConditionExpression=Attr("n").eq(Decimal("2.5")),
        ExpressionAttributeValues={":one": 1},
        ReturnValues="ALL_NEW",
    )
    assert updated["Attributes"]["n"] == table.get_item(Key=key)["Item"]["n"] == Decimal("3.5")


def test_batches_and_transactions_take_python_values(table: Any) -> None:
    """What batch_writer sends, and what transactions carry, is turned both ways."""
    writes = [{"PutRequest": {"Item": {"pk": "a", "sk": n}}} for n in range(2)]
    assert call("BatchWriteItem", RequestItems={"t": writes}) == {"UnprocessedItems": {}}
    found = call("BatchGetItem", RequestItems={"t": {"Keys": [{"pk": "a", "sk": 1}]}})
    assert found["Responses"] == {"t": [{"pk": "a", "sk": Decimal(1)}]}
    call("TransactWriteItems", TransactItems=[{"Delete": {"TableName": "t", "Key": {"pk": "a", "sk": 0}}}])
    gets = [{"Get": {"TableName": "t", "Key": {"pk": "a", "sk": n}}} for n in range(2)]
    assert call("TransactGetItems", TransactItems=gets)["Responses"] == [{}, {"Item": {"pk": "a", "sk": Decimal(1)}}]
    assert table.scan()["Count"] == 1


def test_parameters_stay_the_callers() -> None:
    """Serialising leaves the given parameters as they were."""
    params = {"TableName": "t", "Key": {"pk": "a"}, "ConditionExpression": Attr("pk").exists()}
    sent = serialize("DeleteItem", params)
    assert params["Key"] == {"pk": "a"}
    assert sent["Key"] == {"pk": {"S": "a"}}
    assert sent["ExpressionAttributeNames"] == {"#n0": "pk"}
