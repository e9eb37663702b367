"""The fast path and plain moto, side by side: any sequence of calls has the same answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import boto3
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from stepsim.runtime.cloud.call import ApiError, FallThrough
from stepsim.runtime.cloud.dynamodb import OPERATIONS

REGION = "us-east-1"
SESSION = boto3.session.Session("testing", "testing", region_name=REGION)
Call = tuple[str, dict[str, Any]]


@contextmanager
def two_tables() -> Iterator[Any]:
    """Yields a client of an account with the tables ``mixed`` and ``plain``, both empty."""
    with mock_aws():
        client = SESSION.client("dynamodb")
        create(client, "mixed")
        create(client, "plain")
        yield client


def create(client: Any, name: str) -> None:
    """Creates a table with a sort key, a global index over ``g`` and a local one over ``n``."""
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "N"},
            {"AttributeName": "g", "AttributeType": "S"},
            {"AttributeName": "n", "AttributeType": "N"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_g",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        LocalSecondaryIndexes=[
            {
                "IndexName": "by_n",
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )


def by_moto(client: Any, operation: str, params: dict[str, Any]) -> dict[str, Any]:
    """Returns the answer of plain boto3 and moto."""
    method: Callable[..., dict[str, Any]] = getattr(client, _METHODS[operation])
    try:
        answer = method(**params)
    except ClientError as error:
        return {"Error": error.response["Error"]["Code"], "Item": error.response.get("Item")}
    return _comparable(answer)


def by_fast_path(operation: str, params: dict[str, Any]) -> dict[str, Any]:
    """Returns the answer of the fast path."""
    try:
        answer = OPERATIONS[operation](params, REGION)
    except ApiError as error:
        return {"Error": error.code, "Item": error.extra.get("Item")}
    return _comparable(answer)


def _comparable(answer: dict[str, Any]) -> dict[str, Any]:
    # moto tells consumed capacity and item metrics without being asked.
    left_out = ("ResponseMetadata", "ConsumedCapacity", "ItemCollectionMetrics")
    return {name: value for name, value in answer.items() if name not in left_out}


_METHODS = {
    "PutItem": "put_item",
    "GetItem": "get_item",
    "UpdateItem": "update_item",
    "DeleteItem": "delete_item",
    "Query": "query",
    "Scan": "scan",
    "BatchWriteItem": "batch_write_item",
    "BatchGetItem": "batch_get_item",
    "TransactWriteItems": "transact_write_items",
}

PARTITIONS = st.sampled_from(["a", "b"])
SORTS = st.sampled_from(["1", "2", "10", "2.5"])
NUMBERS = st.sampled_from(["0", "7", "-3", "12", "1.5"])
NESTED: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.one_of(
        st.text(max_size=3).map(lambda text: {"S": text}),
        NUMBERS.map(lambda number: {"N": number}),
        st.binary(max_size=3).map(lambda data: {"B": data}),
        st.booleans().map(lambda value: {"BOOL": value}),
        st.just({"NULL": True}),
        st.sampled_from([{"SS": ["x", "y"]}, {"NS": ["1", "2"]}, {"BS": [b"1", b"2"]}]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2).map(lambda values: {"L": values}),
        st.dictionaries(st.sampled_from("uvw"), inner, max_size=2).map(lambda members: {"M": members}),
    ),
    max_leaves=4,
)
KEYS = st.fixed_dictionaries({"pk": PARTITIONS.map(lambda key: {"S": key}), "sk": SORTS.map(lambda key: {"N": key})})
OTHERS = st.fixed_dictionaries(
    {},
    optional={
        "g": st.sampled_from([{"S": "red"}, {"S": "blue"}]),
        "n": NUMBERS.map(lambda number: {"N": number}),
        "l": st.just({"L": [{"S": "one"}]}),
        "m": st.just({"M": {"counted": {"N": "1"}}}),
        "tags": st.just({"SS": ["x", "y"]}),
        "payload": NESTED,
    },
)
ITEMS = st.tuples(KEYS, OTHERS).map(lambda parts: {**parts[0], **parts[1]})
CONDITIONS = st.sampled_from(
    [
        {},
        {"ConditionExpression": "attribute_not_exists(pk)"},
        {"ConditionExpression": "attribute_exists(g) OR attribute_type(n, :ct)", "values": {":ct": {"S": "N"}}},
        {
            "ConditionExpression": "n BETWEEN :cz AND :cs OR begins_with(g, :cr)",
            "values": {":cs": {"N": "9"}, ":cr": {"S": "r"}, ":cz": {"N": "0"}},
        },
        {
            "ConditionExpression": "NOT contains(tags, :cx) AND n <> :cs",
            "values": {":cx": {"S": "x"}, ":cs": {"N": "7.0"}},
        },
        {"ConditionExpression": "n IN (:cs, :cz)", "values": {":cs": {"N": "7"}, ":cz": {"N": "0"}}},
    ]
)
UPDATES = st.sampled_from(
    [
        ("SET g = :g", {":g": {"S": "red"}}),
        ("SET n = if_not_exists(n, :one) + :one", {":one": {"N": "1"}}),
        ("SET n = :one - :two REMOVE g", {":one": {"N": "1"}, ":two": {"N": "2.5"}}),
        ("ADD n :one", {":one": {"N": "1"}}),
        ("ADD tags :t", {":t": {"SS": ["y", "z"]}}),
        ("DELETE tags :t", {":t": {"SS": ["x", "y"]}}),
        ("REMOVE n, l[0]", {}),
        ("SET l = list_append(if_not_exists(l, :none), :more)", {":none": {"L": []}, ":more": {"L": [{"N": "1"}]}}),
        ("SET m.noted = :g, m.counted = m.counted + :one", {":g": {"B": b"raw"}, ":one": {"N": "1"}}),
        ("SET payload = g", {}),
    ]
)


def _with_condition(params: dict[str, Any], condition: dict[str, Any]) -> dict[str, Any]:
    values = {**params.pop("values", {}), **condition.get("values", {})}
    text = {name: value for name, value in condition.items() if name != "values"}
    failure = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"} if text else {}
    return {**params, **text, **failure, **({"ExpressionAttributeValues": values} if values else {})}


def _update(key: dict[str, Any], update: tuple[str, dict[str, Any]], condition: dict[str, Any], shown: str) -> Call:
    params = {"Key": key, "UpdateExpression": update[0], "values": update[1], "ReturnValues": shown}
    return "UpdateItem", _with_condition(params, condition)


def _query(pk: str, rest: tuple[str, dict[str, Any]], index: str | None, options: dict[str, Any]) -> Call:
    text, values = rest
    if index == "by_g":
        text, hash_key, pk = text.replace("sk", "n"), "g", "red"
    else:
        text, hash_key = text.replace("sk", "n") if index else text, "pk"
    params = {
        "KeyConditionExpression": f"#p = :p{text}",
        "ExpressionAttributeNames": {"#p": hash_key},
        "ExpressionAttributeValues": {":p": {"S": pk}, **values},
        **({"IndexName": index} if index else {}),
        **options,
    }
    if "FilterExpression" in options:
        params["ExpressionAttributeValues"][":f"] = {"N": "3"}
    return "Query", params


RANGES = st.sampled_from(
    [
        ("", {}),
        (" AND sk = :v", {":v": {"N": "2"}}),
        (" AND sk > :v", {":v": {"N": "2"}}),
        (" AND sk <= :v", {":v": {"N": "2.0"}}),
        (" AND sk BETWEEN :v AND :w", {":v": {"N": "2"}, ":w": {"N": "7"}}),
    ]
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "ScanIndexForward": st.booleans(),
        "Limit": st.integers(1, 3),
        "FilterExpression": st.just("n > :f"),
    },
)
CALLS: st.SearchStrategy[Call] = st.one_of(
    st.builds(
        lambda item, condition, shown: ("PutItem", _with_condition({"Item": item, "ReturnValues": shown}, condition)),
        ITEMS,
        CONDITIONS,
        st.sampled_from(["NONE", "ALL_OLD"]),
    ),
    st.builds(
        lambda key, condition: ("DeleteItem", _with_condition({"Key": key, "ReturnValues": "ALL_OLD"}, condition)),
        KEYS,
        CONDITIONS,
    ),
    st.builds(_update, KEYS, UPDATES, CONDITIONS, st.sampled_from(["NONE", "ALL_OLD", "ALL_NEW"])),
    KEYS.map(lambda key: ("GetItem", {"Key": key})),
    st.builds(_query, PARTITIONS, RANGES, st.sampled_from([None, "by_g", "by_n"]), OPTIONS),
    st.integers(1, 5).map(lambda limit: ("Scan", {"Limit": limit})),
    st.just(("Scan", {"IndexName": "by_g"})),
)


def _on(table: str, params: dict[str, Any]) -> dict[str, Any]:
    return {"TableName": table, **params}


@settings(max_examples=40, deadline=None)
@given(calls=st.lists(st.tuples(CALLS, st.booleans()), min_size=1, max_size=14))
def test_any_sequence_of_calls_has_the_answers_of_plain_moto(calls: list[tuple[Call, bool]]) -> None:
    """A table driven by the fast path and by moto in turns answers like one that only moto has ever touched."""
    with two_tables() as client:
        for (operation, params), fast in calls:
            expected = by_moto(client, operation, _on("plain", params))
            if fast:
                assert by_fast_path(operation, _on("mixed", params)) == expected
            else:
                assert by_moto(client, operation, _on("mixed", params)) == expected
        everything = by_moto(client, "Scan", {"TableName": "plain"})
        assert by_moto(client, "Scan", {"TableName": "mixed"}) == everything
        assert by_fast_path("Scan", {"TableName": "mixed"}) == everything


def _key_text(item: dict[str, Any]) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["N"]


@settings(max_examples=10, deadline=None)
@given(
    items=st.lists(ITEMS, min_size=2, max_size=8, unique_by=_key_text),
    limit=st.integers(1, 4),
    forward=st.booleans(),
    index=st.sampled_from([None, "by_g", "by_n"]),
)
def test_pages_follow_each_other_as_motos_do(
    items: list[dict[str, Any]], limit: int, forward: bool, index: str | None
) -> None:
    """Each page of a Query starts where the last one ended, from either side's LastEvaluatedKey."""
    with two_tables() as client:
        for name in ("mixed", "plain"):
            batch: dict[str, Any] = {"RequestItems": {name: [{"PutRequest": {"Item": item}} for item in items]}}
            assert by_fast_path("BatchWriteItem", batch) == {"UnprocessedItems": {}}
        _, params = _query("a", ("", {}), index, {"Limit": limit, "ScanIndexForward": forward})
        start: dict[str, Any] = {}
        while True:
            page = by_fast_path("Query", _on("mixed", {**params, **start}))
            assert page == by_moto(client, "Query", _on("plain", {**params, **start}))
            if "LastEvaluatedKey" not in page:
                break
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


JUNK: st.SearchStrategy[object] = st.sampled_from(
    [None, 1, "", "x", b"x", [], {}, [{}], {"x": 1}, {"S": 1}, {"S": "a", "N": "1"}, {"N": ""}]
)
CALLS_OF_MANY = st.one_of(
    ITEMS.map(lambda item: ("BatchWriteItem", {"RequestItems": {"mixed": [{"PutRequest": {"Item": item}}]}})),
    KEYS.map(lambda key: ("BatchGetItem", {"RequestItems": {"mixed": {"Keys": [key]}}})),
    KEYS.map(lambda key: ("TransactGetItems", {"TransactItems": [{"Get": {"TableName": "mixed", "Key": key}}]})),
    ITEMS.map(lambda item: ("TransactWriteItems", {"TransactItems": [{"Put": {"TableName": "mixed", "Item": item}}]})),
)


def _spoil(value: Any, turns: list[int], junk: Any) -> Any:
    """Returns the value with one of its parts, found by taking these turns, replaced."""
    if not turns or not isinstance(value, dict | list) or not value:
        return junk
    places = list(value) if isinstance(value, dict) else list(range(len(value)))
    place = places[turns[0] % len(places)]
    spoilt = dict(value) if isinstance(value, dict) else list(value)
    spoilt[place] = _spoil(value[place], turns[1:], junk)
    return spoilt


@settings(max_examples=60, deadline=None)
@given(
    calls=st.lists(
        st.tuples(st.one_of(CALLS, CALLS_OF_MANY), st.lists(st.integers(0, 9), min_size=1, max_size=5), JUNK),
        min_size=5,
        max_size=20,
    )
)
def test_malformed_parameters_never_break_the_fast_path(calls: list[tuple[Call, list[int], Any]]) -> None:
    """Whatever a call holds, it is answered, refused in AWS's way, or left to botocore's own validation."""
    with two_tables():
        for (operation, params), turns, junk in calls:
            addressed = params if "RequestItems" in params or "TransactItems" in params else _on("mixed", params)
            with suppress(ApiError, FallThrough):
                OPERATIONS[operation](_spoil(addressed, turns, junk), REGION)
