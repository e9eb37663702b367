"""A bucket's objects, sorted as they come: what moto keeps in ``FakeBucket.keys``, made to scale.

moto sorts all keys for each page of a listing and spends 4 KB on each object. Here a page costs what the page holds, an
object little more than its bytes, and generated objects nothing. moto's own code sees what it knows: a mapping from key
to the list of the key's versions, as objects of moto's own, which are made when it asks.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from operator import itemgetter
from typing import Any, ClassVar, TypeAlias
from weakref import WeakValueDictionary

from sortedcontainers import SortedDict

from stepsim.runtime.cloud.generated import Generated
from stepsim.runtime.cloud.stored import LAST, UTC_OF_BOTO, ObjectSummary, Stored, to_the_second

Versions: TypeAlias = list[Any]
"""moto's own objects: keys and delete markers, the oldest first."""

PAGE = 1000
"""Keys on a page of a listing, at most."""

_HIDDEN = -1
"""Stands as the size of what a listing leaves out: a deleted generated object, a delete marker."""

_NO_DATE = datetime(1970, 1, 1, tzinfo=UTC_OF_BOTO)


class BucketStore:
    """Objects by key, in UTF-8's order.

    An entry is a `Stored`, or moto's versions of the key, or None where a generated object was deleted. Generated
    objects have no entry until they are overwritten or deleted.
    """

    observers: ClassVar[list[Callable[[BucketStore, str], None]]] = []
    """Told of each key that is put or deleted, in any bucket."""

    def __init__(
        self,
        show: Callable[[str, Stored, BucketStore], Any],
        compact: Callable[[Versions, BucketStore], Stored | None],
        acl: Any = None,
    ) -> None:
        """`show` makes moto's object of ours, `compact` ours of moto's, or None where that one says more."""
        self.acl = acl
        """The access list that the bucket was born with: while it has no other, its objects have none of their own."""
        self.created: Callable[[str, int, str, str], None] | None = None
        """Told of each object that is put, copied or put together there: its key, size, ETag, and the operation."""
        self._show = show
        self._compact = compact
        self._entries: Any = SortedDict()
        self._generated: list[Generated] = []
        self._deleted = 0
        self._covered = 0
        self._shown: WeakValueDictionary[str, Any] = WeakValueDictionary()

    # What the fast paths and the scenario's set-up use.

    def read(self, key: str) -> Stored | Versions | None:
        """The object of that key, its body made now where it is generated; moto's versions where moto owns it."""
        entry: Stored | Versions | None = self._entries.get(key)
        if entry is None:
            if self._generated and key not in self._entries:
                return self.generated(key)
        elif isinstance(entry, list):
            compact = self._compact(entry, self)
            if compact is not None:
                self.put(key, compact)
                return compact
        return entry

    def generated(self, key: str) -> Stored | None:
        """The generated object of that key, whatever stands in its place; None where there never was one."""
        for generated in self._generated:
            n = generated.find(key)
            if n is not None:
                return generated.stored(n)
        return None

    def held(self, key: str) -> Stored | None:
        """The object of that key, however it is kept; None where there is none, or where moto knows more of it."""
        entry = self._entries.get(key)
        if isinstance(entry, list):
            return self._compact(entry, self)
        if entry is None and key not in self._entries:
            return self.generated(key)
        stored: Stored | None = entry
        return stored

    def put(self, key: str, stored: Stored | Versions) -> None:
        """Make `stored` the object of that key, whatever was there."""
        old = self._entries.get(key)
        if old is None:
            if key in self._entries:
                self._deleted -= 1
            elif self._is_generated(key):
                self._covered += 1
        elif isinstance(old, list):
            _dispose(old, stored)
        if self._shown:
            self._shown.pop(key, None)
        self._entries[key] = stored
        for observer in self.observers:
            observer(self, key)

    def delete(self, key: str) -> bool:
        """Remove the object of that key for good; False where there is none."""
        old = self._entries.get(key)
        if old is None and (key in self._entries or not self._is_generated(key)):
            return False
        self._shown.pop(key, None)
        for observer in self.observers:
            observer(self, key)
        if isinstance(old, list):
            _dispose(old, None)
        if not self._is_generated(key):
            del self._entries[key]
            return True
        self._covered += old is None
        self._deleted += 1
        self._entries[key] = None
        return True

    def generate(self, generated: Generated) -> None:
        """Add generated objects; they replace what stands under their keys."""
        if any(generated.overlaps(other) for other in self._generated):
            raise ValueError("Two generated ranges of a bucket must not have a key in common.")
        for key in [key for key in self._entries if generated.find(key) is not None]:
            self.delete(key)
        self._generated.append(generated)

    def clear(self) -> None:
        """Drop everything, and close the files that moto's objects hold."""
        for entry in self._entries.values():
            if isinstance(entry, list):
                _dispose(entry, None)
        self._entries.clear()
        self._generated.clear()
        self._deleted = self._covered = 0

    def summaries(self, prefix: str = "", after: str = "") -> Iterator[ObjectSummary]:
        """The objects whose keys begin with `prefix` and come after `after`, in order. Not to be held over a change."""
        streams = [generated.summaries(prefix, after) for generated in self._generated]
        if not streams:
            return (summary for summary in self._stored_summaries(prefix, after) if summary.size != _HIDDEN)
        if not self._entries and len(streams) == 1:
            return streams[0]
        return _overlaid([self._stored_summaries(prefix, after), *streams])

    def page(
        self, prefix: str, delimiter: str, after: str, limit: int
    ) -> tuple[list[ObjectSummary], list[str], str | None]:
        """A page of a listing: objects, common prefixes, and the name to go on after; None at the end."""
        if not delimiter:
            listed = list(islice(self.summaries(prefix, after), limit + 1))
            return listed[:limit], [], listed[limit - 1].key if 0 < limit < len(listed) else None
        objects: list[ObjectSummary] = []
        folders: list[str] = []
        position, last = after, ""
        going = limit > 0
        while going:
            going = False
            for summary in self.summaries(prefix, position):
                end = summary.key.find(delimiter, len(prefix))
                name = summary.key if end < 0 else summary.key[: end + len(delimiter)]
                if name > after:
                    if len(objects) + len(folders) == limit:
                        return objects, folders, last
                    last = name
                    if end < 0:
                        objects.append(summary)
                        continue
                    folders.append(name)
                # Everything else below the common prefix is jumped over, not read.
                position, going = name + LAST, True
                break
        return objects, folders, None

    def iter_summaries(self, prefix: str = "") -> Iterator[ObjectSummary]:
        """All objects below the prefix, read a page at a time, so that the bucket may change meanwhile."""
        after = ""
        while True:
            objects, _, next_after = self.page(prefix, "", after, PAGE)
            yield from objects
            if next_after is None:
                return
            after = next_after

    def window(self, prefix: str, delimiter: str, start: str, limit: int) -> Iterator[tuple[str, Versions]]:
        """Enough keys from `start` on, versions and all, for a page of `limit` versions and common prefixes."""
        position, taken = start, 0
        going = True
        while going and taken <= limit:
            going = False
            for key in self._keys(prefix, position):
                versions = self.getlist(key, [])
                yield key, versions
                end = key.find(delimiter, len(prefix)) if delimiter else -1
                taken += len(versions) if end < 0 else 1
                if taken > limit:
                    return
                if end >= 0:
                    position, going = key[: end + len(delimiter)] + LAST, True
                    break

    # What moto's own code uses.

    def __len__(self) -> int:
        return len(self._entries) - self._deleted - self._covered + sum(each.count for each in self._generated)

    def __contains__(self, key: str) -> bool:
        if key in self._entries:
            return self._entries[key] is not None
        return self._is_generated(key)

    def __getitem__(self, key: str) -> Any:
        versions = self.getlist(key)
        if not versions:
            raise KeyError(key)
        return versions[-1]

    def __setitem__(self, key: str, version: Any) -> None:
        self.put(key, [*self.getlist(key, []), version])

    def get(self, key: str, default: Any = None) -> Any:
        """The newest version of a key, as moto's own object."""
        versions = self.getlist(key)
        return versions[-1] if versions else default

    def getlist(self, key: str, default: Any = None) -> Any:
        """All versions of a key, the oldest first, as moto's own objects."""
        entry = self._shown.get(key)
        if entry is not None:
            return [entry]
        entry = self._entries.get(key)
        if isinstance(entry, list):
            return entry
        stored = self.read(key)
        if stored is None:
            return default
        assert isinstance(stored, Stored)
        shown = self._shown[key] = self._show(key, stored, self)
        return [shown]

    def setlist(self, key: str, versions: Any) -> None:
        """Replace all versions of a key."""
        self.put(key, list(versions) if isinstance(versions, (list, tuple)) else [versions])

    def pop(self, key: str) -> None:
        """Remove a key with all its versions; KeyError where there is none."""
        if not self.delete(key):
            raise KeyError(key)

    def lists(self) -> Iterator[tuple[str, Versions]]:
        """Each key with its versions."""
        return ((key, self.getlist(key)) for key in list(self._keys("", "")))

    iterlists = lists

    def items(self) -> Iterator[tuple[str, Any]]:
        """Each key with its newest version."""
        return ((key, versions[-1]) for key, versions in self.lists())

    iteritems = items

    def values(self) -> Iterator[Any]:
        """Each key's newest version."""
        return (version for _, version in self.items())

    itervalues = values

    def stored_keys(self) -> list[str]:
        """The keys of all objects but the generated ones, in order."""
        return [key for key in self._entries if key in self]

    def item_size(self) -> int:
        """The bytes of all objects together."""
        return sum(summary.size for summary in self.summaries())

    # How the entries and the generated objects come together.

    def _is_generated(self, key: str) -> bool:
        return any(generated.find(key) is not None for generated in self._generated)

    def _keys(self, prefix: str, after: str) -> Iterator[str]:
        """All keys, those too whose newest version is a delete marker."""
        for key in self._entry_keys(prefix, after) if not self._generated else self._all_keys(prefix, after):
            if key in self:
                yield key

    def _all_keys(self, prefix: str, after: str) -> Iterator[str]:
        streams = [(summary.key for summary in each.summaries(prefix, after)) for each in self._generated]
        last = None
        for key in heapq.merge(self._entry_keys(prefix, after), *streams):
            if key != last:
                last = key
                yield key

    def _entry_keys(self, prefix: str, after: str) -> Iterator[str]:
        start, inclusive = (prefix, True) if prefix > after else (after, False)
        if not start:
            return iter(self._entries)
        stop = prefix + LAST if prefix else None
        keys: Iterator[str] = self._entries.irange(start, stop, inclusive=(inclusive, True))
        return keys

    def _stored_summaries(self, prefix: str, after: str) -> Iterator[ObjectSummary]:
        entries = self._entries
        for key in self._entry_keys(prefix, after):
            entry = entries[key]
            if isinstance(entry, Stored):
                checksum = "CRC32" if entry.checksummed else None
                yield ObjectSummary(key, entry.size, f'"{entry.digest.hex()}"', entry.modified, "STANDARD", checksum)
            else:
                yield _moto_summary(key, entry)


def _overlaid(streams: list[Iterator[ObjectSummary]]) -> Iterator[ObjectSummary]:
    """The streams merged; where two have the same key, the first one's word counts."""
    last = None
    for summary in heapq.merge(*streams, key=itemgetter(0)):
        if summary[0] != last:
            last = summary[0]
            if summary[1] != _HIDDEN:
                yield summary


def _moto_summary(key: str, versions: Versions | None) -> ObjectSummary:
    newest = versions[-1] if versions else None
    if not hasattr(newest, "contentsize"):
        return ObjectSummary(key, _HIDDEN, "", _NO_DATE)
    assert newest is not None
    modified = to_the_second(newest.last_modified)
    algorithm = newest.checksum_algorithm or None
    return ObjectSummary(key, newest.size, newest.etag, modified, newest.storage_class, algorithm)


def _dispose(versions: Versions, kept: object) -> None:
    """Close the files of moto's objects that are not kept."""
    stay = kept if isinstance(kept, list) else ()
    for version in versions:
        if hasattr(version, "dispose") and not any(version is other for other in stay):
            version.dispose()
