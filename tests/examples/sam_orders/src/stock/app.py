"""Reserves what an order needs, all of it or nothing, and gives it back."""

import os

import boto3

dynamodb = boto3.client("dynamodb")


class OutOfStock(Exception):
    """There is not enough of a product."""


def reserve(event, context):
    items = [_change(line, "available - :n", condition="available >= :n") for line in event["lines"]]
    try:
        dynamodb.transact_write_items(TransactItems=items)
    except dynamodb.exceptions.TransactionCanceledException as error:
        reasons = zip(error.response["CancellationReasons"], event["lines"], strict=True)
        short = [line["sku"] for reason, line in reasons if reason["Code"] == "ConditionalCheckFailed"]
        raise OutOfStock(f"not enough of {', '.join(short)}") from error


def release(event, context):
    dynamodb.transact_write_items(TransactItems=[_change(line, "available + :n") for line in event["lines"]])


def _change(line, expression, condition=None):
    update = {
        "TableName": os.environ["STOCK_TABLE"],
        "Key": {"sku": {"S": line["sku"]}},
        "UpdateExpression": f"SET available = {expression}",
        "ExpressionAttributeValues": {":n": {"N": str(line["quantity"])}},
    }
    return {"Update": update | ({"ConditionExpression": condition} if condition else {})}
