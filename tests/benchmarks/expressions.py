"""How long one evaluation of a JSONata expression takes, its variables bound: a payload of 300 bytes and one of 100 KB.

Run it by hand: ``python tests/benchmarks/expressions.py``. ``STEPSIM_JSONATA=jsonata2py`` measures the other engine.
"""

from __future__ import annotations

import timeit

from stepsim.asl.expression import Scope
from stepsim.asl.jsonata.engine import chosen_engine
from stepsim.asl.jsonata.query import compile_query
from stepsim.asl.payload import JSON, Payload

SMALL: JSON = {
    "a": 1,
    "order": {
        "id": "o-1",
        "total": 12.5,
        "customer": {"name": "Ada", "tier": "gold"},
        "lines": [{"sku": "a", "quantity": 1, "price": 2.5}, {"sku": "b", "quantity": 2, "price": 5}],
    },
}
ITEMS: JSON = [
    {"id": n, "name": f"item number {n}", "price": n % 97, "tags": ["x", "y"], "note": "n" * 30} for n in range(1000)
]
LARGE: JSON = {**SMALL, "items": ITEMS}

EXPRESSIONS = (
    "'a constant'",
    "$states.input.order.customer.name",
    "$states.input.a + 1",
    "$states.input.a > $limit ? 'large' : 'small'",
    "{'id': $states.input.order.id, 'total': $states.input.order.total}",
    "$merge([$states.input.order, {'seen': true}])",
    "$uuid()",
)
OVER_ITEMS = (
    "$sum($states.input.items[price > 50].price)",
    "$states.input.items.{'i': id, 'p': price}",
    "$map($states.input.items, function($v){ $v.price * 2 })",
)


def microseconds(text: str, raw: JSON) -> float:
    """The best of five batches."""
    context = {"Execution": {"Name": "one", "Input": raw}, "State": {"Name": "S"}}
    scope = Scope(lambda: context, {"limit": 10}, lambda purpose: 0.5, Payload(raw))
    query = compile_query(text, "Output")
    timer = timeit.Timer(lambda: query(None, scope))
    count = max(1, timer.autorange()[0] // 2)
    return min(timer.repeat(5, count)) / count * 1e6


def main() -> None:
    """Print a line for each expression."""
    print(f"{chosen_engine()}: µs with 300 bytes, with 100 KB")
    for text in EXPRESSIONS:
        print(f"{microseconds(text, SMALL):10.2f} {microseconds(text, LARGE):10.2f}  {text}")
    for text in OVER_ITEMS:
        print(f"{'':10} {microseconds(text, LARGE):10.0f}  {text}")


if __name__ == "__main__":
    main()
