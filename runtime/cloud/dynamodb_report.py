"""A table's part of the report: what it and its indexes consumed, what was throttled and why, and the hottest keys."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

from moto.dynamodb.models.table import Table

from stepsim.runtime.cloud.dynamodb_capacity import Meter, TableMeter
from stepsim.runtime.cloud.dynamodb_store import Store
from stepsim.runtime.cloud.dynamodb_throttling import provisioned_of
from stepsim.runtime.cloud.dynamodb_throughput import Provisioned, Throughput, first_partitions
from stepsim.runtime.cloud.quotas import NO_QUOTAS

_HOTTEST_KEYS = 5


def report(table: Table, store: Store) -> dict[str, Any]:
    """Returns a table's part of the report; its units are those of its indexes, too."""
    meter, limits = store.meter, store.limits
    return {
        **_described(meter, provisioned_of(table), None if limits is None else limits.table),
        "hottest_share": meter.hottest_share,
        "hottest_keys": _hottest_keys(meter),
        "throttles": dict(sorted(meter.throttles.items())),
        "indexes": {
            index.name: _described(
                meter.indexes.get(index.name, Meter()),
                provisioned_of(table, index),
                None if limits is None else limits.indexes[index.name],
            )
            for index in table.global_indexes
        },
    }


def _described(meter: Meter, provisioned: Provisioned | None, throughput: Throughput | None) -> dict[str, Any]:
    partitions = None if throughput is None else throughput.partitions
    return {
        "consumed_wcu": float(meter.consumed_wcu),
        "consumed_rcu": float(meter.consumed_rcu),
        "throttled_writes": meter.throttled_writes,
        "throttled_reads": meter.throttled_reads,
        "provisioned": None if provisioned is None else {"wcu": provisioned.wcu, "rcu": provisioned.rcu},
        "partitions": first_partitions(provisioned, NO_QUOTAS) if partitions is None else len(partitions),
        "splits": 0 if partitions is None else partitions.splits,
    }


def _hottest_keys(meter: TableMeter) -> list[dict[str, Any]]:
    """The partition keys that were asked for most: units written, and calls throttled."""
    written, throttled = meter.by_key, meter.throttled_by_key
    asked = {key: units + throttled.get(key, 0) for key, units in written.items()}
    asked |= {key: count for key, count in throttled.items() if key not in written}
    hottest = sorted(asked.items(), key=lambda pair: (-pair[1], _text(pair[0])))[:_HOTTEST_KEYS]
    return [
        {
            "key": _text(key),
            "share": written.get(key, 0) / meter.consumed_wcu if meter.consumed_wcu else 0.0,
            "throttles": int(throttled.get(key, 0)),
        }
        for key, _ in hottest
    ]


def _text(key: Any) -> str:
    """A partition key in words: a number's digits, bytes in Base64."""
    if isinstance(key, Decimal):
        return format(key, "f")
    return base64.b64encode(key).decode() if isinstance(key, bytes) else str(key)
