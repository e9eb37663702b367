"""A scenario's ``cloud.tables``: as they are written, and made into what the account is filled with."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from stepsim.runtime.key_path import KeyPath
from stepsim.runtime.scenario_check import INVALID_VALUE, MISSING_KEY, Checker
from stepsim.runtime.scenario_types import IndexSpec, KeySpec, ProvisionedSpec, TableSpec

Units = Annotated[int, Meta(ge=1)]


class TypedKey(Struct, frozen=True, forbid_unknown_fields=True):
    """A key attribute that is not a string."""

    name: str
    type: Literal["S", "N", "B"]


class Provisioned(Struct, frozen=True, forbid_unknown_fields=True):
    """Throughput that is paid for, used or not."""

    wcu: Annotated[Units, Meta(description="write units a second")]
    rcu: Annotated[Units, Meta(description="read units a second")]


class ProvisionedBilling(Struct, frozen=True, forbid_unknown_fields=True):
    """`billing: provisioned` and `provisioned` in one."""

    provisioned: Provisioned


class Index(Struct, frozen=True, forbid_unknown_fields=True):
    """A global secondary index."""

    partition_key: str | TypedKey
    sort_key: str | TypedKey | None = None
    provisioned: Annotated[Provisioned | None, Meta(description="as the table, unless given")] = None


class Table(Struct, frozen=True, forbid_unknown_fields=True):
    """A DynamoDB table."""

    partition_key: str | TypedKey
    sort_key: str | TypedKey | None = None
    billing: Annotated[
        Literal["on_demand", "provisioned"] | ProvisionedBilling | None,
        Meta(description="on_demand, unless there is provisioned throughput"),
    ] = None
    provisioned: Provisioned | None = None
    gsis: dict[str, Index] = {}


def table_of(table: Table, path: KeyPath, checker: Checker) -> TableSpec | None:
    """The table that is meant; None where the checker was told of a problem."""
    provisioned = table.provisioned
    if isinstance(table.billing, ProvisionedBilling):
        if provisioned is not None:
            checker.add(INVALID_VALUE, "is given twice, here and in billing", (*path, "provisioned"))
            return None
        provisioned = table.billing.provisioned
    elif table.billing == "provisioned" and provisioned is None:
        checker.add(MISSING_KEY, "'provisioned' is missing: {wcu: …, rcu: …}", path)
        return None
    elif table.billing == "on_demand" and provisioned is not None:
        checker.add(INVALID_VALUE, "a table on demand has no provisioned throughput", (*path, "provisioned"))
        return None
    gsis = {}
    for name, gsi in table.gsis.items():
        if provisioned is None and gsi.provisioned is not None:
            place = (*path, "gsis", name, "provisioned")
            checker.add(INVALID_VALUE, "an index of a table on demand has no provisioned throughput", place)
            return None
        gsis[name] = IndexSpec(
            _key(gsi.partition_key), _sort_key(gsi.sort_key), _spec(gsi.provisioned) or _spec(provisioned)
        )
    return TableSpec(_key(table.partition_key), _sort_key(table.sort_key), gsis, _spec(provisioned))


def _spec(provisioned: Provisioned | None) -> ProvisionedSpec | None:
    return None if provisioned is None else ProvisionedSpec(provisioned.wcu, provisioned.rcu)


def _key(key: str | TypedKey) -> KeySpec:
    return KeySpec(key) if isinstance(key, str) else KeySpec(key.name, key.type)


def _sort_key(key: str | TypedKey | None) -> KeySpec | None:
    return None if key is None else _key(key)
