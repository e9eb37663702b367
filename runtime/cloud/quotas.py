"""What AWS lets one account do: each quota with AWS's value and where it is from. A scenario sets single ones anew.

The values are those of us-east-1, for an account that has asked for no more. The models of capacity ask for theirs by
name; a quota of None is no limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

Quotas: TypeAlias = Mapping[str, float | None]
"""Every quota by its name; None is off."""


@dataclass(frozen=True, slots=True)
class Quota:
    """One quota of AWS's."""

    value: float | None
    """AWS's own; None where it is modelled on request only."""
    about: str
    unit: Literal["number", "ms"] = "number"
    """In ms, it is written as a time: ``5s``."""


QUOTAS: Mapping[str, Quota] = MappingProxyType(
    {
        # docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html, 2026. A throttled transition waits.
        "state_transition_bucket": Quota(5_000, "transitions of Standard executions at once"),
        "state_transition_rate": Quota(5_000, "transitions of Standard executions a second"),
        "start_execution_bucket": Quota(1_300, "StartExecution calls for Standard machines at once"),
        "start_execution_rate": Quota(300, "StartExecution calls for Standard machines a second"),
        "start_execution_express_bucket": Quota(6_000, "StartExecution calls for Express machines at once"),
        "start_execution_express_rate": Quota(6_000, "StartExecution calls for Express machines a second"),
        # A soft limit of the service, which holds for every inline Map; the page on Inline mode names it.
        "inline_map_concurrency": Quota(40, "iterations of one inline Map at once"),
        "open_executions": Quota(1_000_000, "Standard executions that run at a time"),
        # The same page, on Distributed Map.
        "map_run_start_rate_express": Quota(1_000, "Express children a second of one map run"),
        "map_run_start_rate_standard": Quota(100, "Standard children a second of one map run"),
        "open_map_runs": Quota(1_000, "map runs at once; others wait"),
        # Not published. Recorded runs closed 5.5 to 6.2 s after the deciding failure.
        "map_run_failure_lag": Quota(None, "until a map run notices too many failures; some 5s on AWS", "ms"),
        # docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html and lambda-concurrency.html.
        "lambda_concurrency": Quota(1_000, "invocations that run at a time"),
        "lambda_scaling_rate": Quota(1_000, "environments that one function may add in 10 s"),
        "lambda_requests_per_environment": Quota(10, "invocations a second, for each of the concurrency"),
        # docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
        "dynamodb_partition_wcu": Quota(1_000, "write units a second of one partition"),
        "dynamodb_partition_rcu": Quota(3_000, "read units a second of one partition"),
        "dynamodb_burst": Quota(300_000, "how long unused capacity is kept", "ms"),
        # The same guide, ServiceQuotas.html, and on-demand-capacity-mode.html for a new table.
        "dynamodb_table_wcu": Quota(40_000, "write units a second of one on-demand table"),
        "dynamodb_table_rcu": Quota(40_000, "read units a second of one on-demand table"),
        "dynamodb_initial_wcu": Quota(4_000, "write units a second that a new on-demand table serves"),
        "dynamodb_initial_rcu": Quota(12_000, "read units a second that a new on-demand table serves"),
        # "Sustained" is all that AWS says of split for heat.
        "dynamodb_split_after": Quota(300_000, "how long a partition is throttled until it is split", "ms"),
        # docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html; "gradually" is all on splits.
        "s3_prefix_write_rate": Quota(3_500, "PUT, COPY, POST and DELETE requests a second of one prefix"),
        "s3_prefix_read_rate": Quota(5_500, "GET and HEAD requests a second of one prefix"),
        "s3_split_after": Quota(300_000, "how long a prefix is throttled until it is split", "ms"),
        # docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-quotas.html
        "sqs_in_flight": Quota(120_000, "messages of one queue that are received and not deleted"),
        # docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
        "events_put_rate": Quota(10_000, "PutEvents calls a second"),
        "events_invocation_rate": Quota(18_750, "invocations of targets a second; others wait"),
        # docs.aws.amazon.com/AmazonECS/latest/developerguide/throttling.html
        "fargate_launch_bucket": Quota(100, "Fargate tasks that are launched at once"),
        "fargate_launch_rate": Quota(20, "Fargate tasks that are launched in a second"),
        "fargate_vcpus": Quota(4_000, "vCPUs of the Fargate tasks that run at a time"),
        "run_task_rate": Quota(20, "RunTask calls a second"),
        # docs.aws.amazon.com/athena/latest/ug/service-limits.html
        "athena_active_queries": Quota(200, "queries that are queued or run"),
        "athena_start_bucket": Quota(80, "StartQueryExecution calls at once"),
        "athena_start_rate": Quota(20, "StartQueryExecution calls a second"),
        # docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
        "apigateway_bucket": Quota(5_000, "requests to APIs at once"),
        "apigateway_rate": Quota(10_000, "requests to APIs a second"),
    }
)

AWS_QUOTAS: Quotas = MappingProxyType({name: quota.value for name, quota in QUOTAS.items()})
"""AWS's own: what holds in simulations."""

NO_QUOTAS: Quotas = MappingProxyType(
    {**dict.fromkeys(QUOTAS), "inline_map_concurrency": AWS_QUOTAS["inline_map_concurrency"]}
)
"""All off but the inline Map's concurrency, which is how the service works and no account's."""

LOCAL_QUOTAS: Quotas = MappingProxyType({**NO_QUOTAS, "lambda_concurrency": AWS_QUOTAS["lambda_concurrency"]})
"""What holds on the system clock: this machine's own limits are the narrower ones."""


def changed(defaults: Quotas, quotas: Mapping[str, float | None]) -> Quotas:
    """Some quotas set anew."""
    return MappingProxyType({**defaults, **quotas})
