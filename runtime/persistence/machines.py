"""Machines, their revisions and activities as bytes and back. Definitions are compiled when somebody needs them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Literal

import msgspec

from stepsim.asl.compile import compile_machine
from stepsim.asl.machine import StateMachine
from stepsim.asl.payload import JSON, decode
from stepsim.runtime.api.records import ActivityRecord, Alias, Home, MachineRecord, Revision, Version
from stepsim.runtime.persistence.archive import Archive
from stepsim.runtime.persistence.packing import pack, unpack

_CACHED = 1_000
"""How many revisions are kept at hand."""


class StoredRevision(Revision):
    """A revision that was read back: its definition is compiled when an execution of it is started or looked at."""

    __slots__ = ("_compiled",)
    _compiled: StateMachine | None

    def __init__(self, *values: Any, **named: Any) -> None:
        """As a Revision is made, with None for the machine."""
        named |= zip((field.name for field in fields(Revision)), values, strict=False)
        object.__setattr__(self, "_compiled", named.pop("machine"))
        for name, value in named.items():
            object.__setattr__(self, name, value)

    @property
    def machine(self) -> StateMachine:
        if self._compiled is None:
            object.__setattr__(self, "_compiled", compile_machine(decode(self.definition)))
        assert self._compiled is not None
        return self._compiled


class _Revision(msgspec.Struct, array_like=True):
    id: str | None
    definition: str
    role_arn: str
    logging: dict[str, JSON]
    tracing: dict[str, JSON]
    encryption: dict[str, JSON] | None
    changed_ms: int
    variable_references: dict[str, list[str]]


class _Version(msgspec.Struct, array_like=True):
    arn: str
    number: int
    revision: int
    description: str | None
    creation_ms: int


class _Alias(msgspec.Struct, array_like=True):
    arn: str
    name: str
    description: str | None
    routing: tuple[tuple[str, int], ...]
    creation_ms: int
    update_ms: int


class _Machine(msgspec.Struct):
    arn: str
    name: str
    type: Literal["STANDARD", "EXPRESS"]
    creation_ms: int
    revision: int
    status: Literal["ACTIVE", "DELETING"]
    versions: list[_Version]
    last_version: int
    aliases: list[_Alias]
    tags: dict[str, str]
    published_with: tuple[bool, str | None]


class _Activity(msgspec.Struct):
    arn: str
    name: str
    creation_ms: int
    encryption: dict[str, JSON] | None
    tags: dict[str, str]


class Revisions:
    """Revisions by their keys in the archive; each is written once and shared by all that refer to it."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._keys: dict[int, tuple[Revision, int]] = {}
        """By identity: the revision beside its key keeps the identity from being given to another."""
        self._read: dict[int, Revision] = {}

    def key(self, revision: Revision) -> int:
        """The key of a revision, which is written if it is new. Call it in a transaction."""
        known = self._keys.get(id(revision))
        if known is not None:
            return known[1]
        packed = _Revision(
            revision.id,
            revision.definition,
            revision.role_arn,
            dict(revision.logging),
            dict(revision.tracing),
            None if revision.encryption is None else dict(revision.encryption),
            revision.changed_ms,
            dict(revision.variable_references),
        )
        key = self._archive.add_revision(pack(packed))
        self._know(revision, key)
        return key

    def get(self, key: int) -> Revision:
        """The revision of a key."""
        revision = self._read.get(key)
        if revision is None:
            packed = unpack(self._archive.revision(key), _Revision)
            revision = StoredRevision(machine=None, **msgspec.structs.asdict(packed))
            self._know(revision, key)
        return revision

    def _know(self, revision: Revision, key: int) -> None:
        if len(self._keys) >= _CACHED:
            oldest = next(iter(self._keys))
            self._read.pop(self._keys.pop(oldest)[1], None)
        self._keys[id(revision)] = (revision, key)
        self._read[key] = revision


def home_of(arn: str) -> Home:
    """The account and region of an ARN."""
    _, _, _, region, account_id, _ = arn.split(":", 5)
    return Home(account_id, region)


def pack_machine(record: MachineRecord, revisions: Revisions) -> bytes:
    """A machine with its versions and aliases."""
    return pack(
        _Machine(
            record.arn,
            record.name,
            record.type,
            record.creation_ms,
            revisions.key(record.revision),
            record.status,
            [
                _Version(one.arn, one.number, revisions.key(one.revision), one.description, one.creation_ms)
                for one in record.versions.values()
            ],
            record.last_version,
            [
                _Alias(one.arn, one.name, one.description, one.routing, one.creation_ms, one.update_ms)
                for one in record.aliases.values()
            ],
            record.tags,
            record.published_with,
        )
    )


def unpack_machine(body: bytes, revisions: Revisions) -> MachineRecord:
    """The machine of its bytes."""
    packed = unpack(body, _Machine)
    return MachineRecord(
        packed.arn,
        packed.name,
        packed.type,
        packed.creation_ms,
        revisions.get(packed.revision),
        packed.status,
        {
            one.number: Version(one.arn, one.number, revisions.get(one.revision), one.description, one.creation_ms)
            for one in packed.versions
        },
        packed.last_version,
        {
            one.name: Alias(one.arn, one.name, one.description, one.routing, one.creation_ms, one.update_ms)
            for one in packed.aliases
        },
        packed.tags,
        packed.published_with,
    )


def pack_activity(record: ActivityRecord) -> bytes:
    """An activity."""
    encryption = None if record.encryption is None else dict(record.encryption)
    return pack(_Activity(record.arn, record.name, record.creation_ms, encryption, record.tags))


def unpack_activity(body: bytes) -> ActivityRecord:
    """The activity of its bytes."""
    packed = unpack(body, _Activity)
    return ActivityRecord(packed.arn, packed.name, packed.creation_ms, packed.encryption, packed.tags)
