"""The order machine of template.yaml: its own functions and tables, a payment provider that the tests play."""

import pytest

from stepsim.runtime.testing import Fails, Returns

pytestmark = pytest.mark.stepsim(
    "template.yaml",
    tables={
        "StockTable": {
            "partition_key": "sku",
            "items": [{"sku": "tea", "available": 5}, {"sku": "cake", "available": 1}],
        }
    },
    functions={"ChargeCardFunction": Returns({"id": "ch-1", "cents": 1220})},
)


def order(*lines):
    return {"orderId": "o-1", "card": "tok_visa", "lines": [{"sku": sku, "quantity": n} for sku, n in lines]}


def stock(result):
    return {item["sku"]: item["available"] for item in result.tables["StockTable"]}


def status(result):
    (item,) = result.tables["OrdersTable"]
    return item["status"], item.get("reason")


def test_an_order_is_paid_and_sent(stepsim):
    result = stepsim(input=order(("tea", 2), ("cake", 1)))
    result.returned({"id": "ch-1", "cents": 1220})
    result.took_path("PriceLines", "AnyLines", "ReserveStock", "ChargeCard", "SaveOrder", "TellWarehouse")
    assert status(result) == ("PAID", None)
    assert stock(result) == {"tea": 3, "cake": 0}
    assert len(result.queues["WarehouseQueue"]) == 1


def test_each_line_is_priced_by_the_real_function(stepsim):
    result = stepsim(input=order(("tea", 2)))
    assert result.state("PriceLine").outputs == [{"sku": "tea", "quantity": 2, "cents": 900}]


def test_the_whole_order_is_charged_at_once(stepsim):
    charged = []

    def charge(event, context):
        charged.append(sum(line["cents"] for line in event["lines"]))
        return {"id": "ch-2", "cents": charged[0]}

    stepsim(input=order(("tea", 2), ("cake", 1)), functions={"ChargeCardFunction": charge}).succeeded()
    assert charged == [1220]


def test_a_busy_provider_is_asked_again(stepsim):
    busy = Fails("GatewayBusy", "HTTP 503")
    result = stepsim(
        input=order(("tea", 1)),
        functions={"ChargeCardFunction": [busy, busy, Returns({"id": "ch-3", "cents": 450})]},
    )
    result.succeeded().took("6s")
    result.state("ChargeCard").was_retried(2, "GatewayBusy")


@pytest.mark.parametrize(
    ("error", "attempts"), [("CardDeclined", 1), ("GatewayBusy", 4)], ids=["declined", "busy for too long"]
)
def test_stock_is_given_back_where_nobody_pays(stepsim, error, attempts):
    result = stepsim(input=order(("tea", 2)), functions={"ChargeCardFunction": Fails(error)})
    result.failed_with(error).went_through("ChargeCard", "ReleaseStock", "RejectOrder")
    assert result.state("ChargeCard").attempts == attempts
    assert stock(result) == {"tea": 5, "cake": 1}
    assert status(result) == ("REJECTED", error)


@pytest.mark.parametrize(
    ("lines", "error", "cause"),
    [
        ([], "EmptyOrder", "The order has no lines"),
        ([("tea", 1), ("gold", 1)], "UnknownProduct", "there is no product 'gold'"),
        ([("tea", 1), ("cake", 2)], "OutOfStock", "not enough of cake"),
    ],
)
def test_an_order_that_cannot_be_is_rejected_and_not_charged(stepsim, lines, error, cause):
    result = stepsim(input=order(*lines))
    result.failed_with(error, cause).never_entered("ChargeCard", "ReleaseStock")
    assert status(result) == ("REJECTED", error)
    assert stock(result) == {"tea": 5, "cake": 1}
    assert result.queues["WarehouseQueue"] == []
