"""What AWS asks for: list prices in USD of us-east-1, as they stood in October 2026, one entry for each billed thing.

Prices of a real account differ (other regions, discounts, free plans): a scenario sets single entries anew. No free
amount is taken off, unless a scenario says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

Prices: TypeAlias = Mapping[str, float]
"""USD for one of what an entry is named after; a few entries are no prices but what a price is reckoned with."""

AS_OF = "2026-10"
REGION = "us-east-1"

SERVICES = ("states", "lambda", "ecs", "batch", "glue", "s3", "dynamodb", "sqs", "sns", "events", "athena")
"""What a bill is divided by, in the report's order."""

LIST_PRICES: Prices = MappingProxyType(
    {
        # aws.amazon.com/step-functions/pricing: $0.025 for 1,000 state transitions, retries included.
        "states.transition": 0.000025,
        # The same page: 4,000 a month are free for good. Whether any are left, a scenario says: 4000 takes them off.
        "states.free_transitions": 0,
        # The same page: $1.00 for a million Express requests.
        "states.express_request": 0.000001,
        # The same page: GB-seconds of Express workflows, of the first 1,000 GB-hours, the next 4,000, and beyond.
        "states.express_gb_second": 0.00001667,
        "states.express_gb_second_tier_2": 0.00000833,
        "states.express_gb_second_tier_3": 0.00000456,
        # The least that is billed. AWS adds for definitions, payloads and parallelism by a formula it does not publish.
        "states.express_memory_mb": 64,
        # aws.amazon.com/lambda/pricing: $0.20 for a million requests; x86, the first 6 billion GB-seconds of a month.
        "lambda.request": 0.0000002,
        "lambda.gb_second": 0.0000166667,
        # aws.amazon.com/fargate/pricing: Linux on x86, on demand; also of Batch jobs, which run on Fargate here.
        "ecs.vcpu_hour": 0.04048,
        "ecs.gb_hour": 0.004445,
        # The same page: up to 70 % off on Spot, by a price that changes with what is asked for.
        "ecs.spot_vcpu_hour": 0.012144,
        "ecs.spot_gb_hour": 0.0013335,
        # aws.amazon.com/glue/pricing: Spark jobs of Glue 2.0 and later; a job has 10 DPUs unless it says otherwise.
        "glue.dpu_hour": 0.44,
        "glue.dpus": 10,
        # aws.amazon.com/s3/pricing, S3 Standard: $0.005 for 1,000 PUT, COPY, POST or LIST; $0.0004 for 1,000 others.
        "s3.put_request": 0.000005,
        "s3.get_request": 0.0000004,
        # aws.amazon.com/dynamodb/pricing/on-demand, since November 2024: $0.625 and $0.125 for a million units.
        "dynamodb.write_unit": 0.000000625,
        "dynamodb.read_unit": 0.000000125,
        # aws.amazon.com/dynamodb/pricing/provisioned: an hour of a unit a second, used or not.
        "dynamodb.wcu_hour": 0.00065,
        "dynamodb.rcu_hour": 0.00013,
        # aws.amazon.com/sqs/pricing, standard queues: $0.40 for a million requests, each 64 KB of a request being one.
        "sqs.request": 0.0000004,
        # aws.amazon.com/sns/pricing, standard topics: $0.50 for a million publishes, each 64 KB being one.
        "sns.publish": 0.0000005,
        # aws.amazon.com/eventbridge/pricing: $1.00 for a million custom events, each 64 KB being one.
        "events.event": 0.000001,
        # aws.amazon.com/athena/pricing: $5.00 for a TB scanned, and at least 10 MB a query.
        "athena.tb": 5.0,
    }
)

_TIER_GB_SECONDS = 3_600_000.0, 14_400_000.0
"""How many GB-seconds the first two tiers of Express workflows hold: 1,000 and 4,000 GB-hours."""


def changed(prices: Mapping[str, float]) -> Prices:
    """The list prices with some of them set anew."""
    return MappingProxyType({**LIST_PRICES, **prices})


def price_of(entry: str, quantity: float, prices: Prices) -> float:
    """What so much of one entry costs in all, in USD; tiers and free amounts are of the whole quantity."""
    price = prices[entry]
    if entry == "states.transition":
        return max(0.0, quantity - prices["states.free_transitions"]) * price
    if entry != "states.express_gb_second":
        return quantity * price
    first = min(quantity, _TIER_GB_SECONDS[0])
    second = min(quantity - first, _TIER_GB_SECONDS[1])
    rest = quantity - first - second
    tiers = prices["states.express_gb_second_tier_2"], prices["states.express_gb_second_tier_3"]
    return first * price + second * tiers[0] + rest * tiers[1]
