"""A standard queue's messages, by when they can be received: what moto keeps in ``Queue._messages``, made to scale.

moto looks at every message for each call. Here a receive costs what it receives. A message is *ready*, or *hidden*
until a moment (in flight, or delayed), and every move is counted, so that at any time

    sent + taken over + duplicates = deleted + dead-lettered + expired + what is there
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any

_IN_FLIGHT, _DELAYED = "in flight", "delayed"
_HANDLE = "AQEB"


@dataclass(slots=True)
class QueueCounts:
    """What happened to a queue."""

    sent: int = 0
    received: int = 0
    """Each time that a message is handed out counts."""
    deleted: int = 0
    dead_lettered: int = 0
    """Received too often, and moved to its dead-letter queue."""
    taken_over: int = 0
    """Moved here as to a dead-letter queue: not sent, as in CloudWatch's metrics."""
    duplicates: int = 0
    """Messages that came once more after they were deleted."""
    expired: int = 0
    """Gone when the retention period was over."""
    max_depth: int = 0
    """The most messages that waited to be received."""
    max_in_flight: int = 0
    max_age_ms: int = 0
    """The age that the oldest message has come to, since it was sent first."""


class Messages:
    """The messages of one queue. `now_ms` is told with each call, and never goes back.

    What moto's own code needs of a list is here, too.
    """

    def __init__(
        self, retention_ms: Callable[[], int], now_ms: Callable[[], int], twice: Callable[[str], bool]
    ) -> None:
        """`twice` says of a message's id whether it comes once more."""
        self.counts = QueueCounts()
        self.in_flight = 0
        self.delayed = 0
        self.when_added: list[Callable[[], None]] = []
        """Called when there is a message more."""
        self._retention_ms = retention_ms
        self._now_ms = now_ms
        self._twice = twice
        self._present: dict[int, Any] = {}
        self._ready: deque[tuple[Any, int]] = deque()
        self._hidden: list[tuple[float, int, Any]] = []
        self._visible = 0
        self._numbers = 0
        self._turns = 0

    # -- what comes in --------------------------------------------------------------------------------------------

    def append(self, message: Any) -> None:
        """A message was sent: it can be received at once, or when its delay is over."""
        self.counts.sent += 1
        self._add(message)

    def take_over(self, message: Any) -> None:
        """A message comes from a queue whose dead-letter queue this is; it keeps the moment when it was sent."""
        self.counts.taken_over += 1
        message.visible_at = message.delayed_until = 0.0
        self._add(message)

    def deliver_again(self, message: Any) -> None:
        """A copy of a message that was handed out: it can be received once more, whatever becomes of that one."""
        self.counts.duplicates += 1
        message.visible_at = 0.0
        self._add(message)

    def _add(self, message: Any) -> None:
        self._numbers += 1
        message.number = self._numbers
        self._present[self._numbers] = message
        message.hidden = None
        if message.delayed_until > self._now_ms():
            self._hide(message, message.delayed_until, _DELAYED)
        else:
            self._show(message)
        for tell in self.when_added:
            tell()

    # -- receiving ------------------------------------------------------------------------------------------------

    def receive(
        self, count: int, visibility_s: int, redrive: tuple[int, Callable[[Any], None]] | None, room: int | None
    ) -> list[Any]:
        """Hand out so many messages at most; they are in flight for `visibility_s`.

        By `redrive`, whatever was received so often is moved elsewhere instead (developer guide: with the next
        receive). No more than `room` are in flight in all.
        """
        now_ms = self._now_ms()
        self._surface(now_ms)
        oldest_ms = now_ms - self._retention_ms()
        taken: list[Any] = []
        while self._ready and len(taken) < count and (room is None or self.in_flight < room):
            message, turn = self._ready.popleft()
            if message.turn != turn:
                continue
            if message.sent_timestamp < oldest_ms:
                self._remove(message, message.sent_timestamp + self._retention_ms())
                self.counts.expired += 1
            elif redrive is not None and message.approximate_receive_count >= redrive[0]:
                self._remove(message, now_ms)
                self.counts.dead_lettered += 1
                redrive[1](message)
            else:
                self._hand_out(message, now_ms, visibility_s)
                taken.append(message)
        self.counts.received += len(taken)
        return taken

    def _hand_out(self, message: Any, now_ms: int, visibility_s: int) -> None:
        if message.approximate_first_receive_timestamp is None:
            message.approximate_first_receive_timestamp = now_ms
        message.approximate_receive_count += 1
        mark = f"{message.id}#{message.number}#{message.approximate_receive_count}"
        message.receipt_handle = _HANDLE + b64encode(mark.encode()).decode()
        self._visible -= 1
        if visibility_s:
            self._hide(message, now_ms + visibility_s * 1000, _IN_FLIGHT)
            if self.in_flight > self.counts.max_in_flight:
                self.counts.max_in_flight = self.in_flight
        else:
            message.visible_at = now_ms
            self._show(message)

    def bring_up(self) -> None:
        """Make ready what is hidden no longer by now."""
        self._surface(self._now_ms())

    def _surface(self, now_ms: int) -> None:
        hidden = self._hidden
        while hidden and hidden[0][0] <= now_ms:
            _, turn, message = heappop(hidden)
            if message.turn == turn:
                self._leave(message)
                self._show(message)

    def next_visible_ms(self) -> int | None:
        """When the next hidden message can be received; None where there is none."""
        while self._hidden:
            due_ms, turn, message = self._hidden[0]
            if message.turn == turn:
                return -int(-due_ms // 1)
            heappop(self._hidden)
        return None

    @property
    def visible(self) -> int:
        """How many can be received now."""
        self.bring_up()
        return self._visible

    # -- what receivers do ----------------------------------------------------------------------------------------

    def find(self, handle: str) -> Any:
        """The message of a receipt handle; None where it is here no longer. ValueError for what is no handle."""
        number, message_id = _read(handle)
        message = self._present.get(number)
        return message if message is not None and message.id == message_id else None

    def delete(self, handle: str) -> None:
        """Delete a message by any handle that it had; one that is gone was deleted before, which is as good.

        ValueError for what is no handle.
        """
        message = self.find(handle)
        if message is None:
            return
        self.counts.deleted += 1
        if not message.copied and self._twice(message.id):
            # A server that holds a copy was not there when the message was deleted.
            message.copied = True
            self.counts.duplicates += 1
            self._put_aside(message)
            self._show(message)
            for tell in self.when_added:
                tell()
            return
        self._remove(message, self._now_ms())

    def change_visibility(self, message: Any, visibility_s: int) -> None:
        """Let a message be in flight for so long from now; 0 lets it be received again."""
        now_ms = self._now_ms()
        self._surface(now_ms)
        self._put_aside(message)
        if visibility_s:
            self._hide(message, now_ms + visibility_s * 1000, _IN_FLIGHT)
            return
        message.visible_at = now_ms
        self._show(message)
        for tell in self.when_added:
            tell()

    def clear(self) -> None:
        """PurgeQueue."""
        for message in list(self._present.values()):
            self.counts.deleted += 1
            self._remove(message, self._now_ms())

    def settle(self) -> QueueCounts:
        """The counts as of now: the age of what is there is taken in, and what has expired is gone."""
        now_ms = self._now_ms()
        self._surface(now_ms)
        oldest_ms = now_ms - self._retention_ms()
        for message in list(self._present.values()):
            if message.sent_timestamp < oldest_ms:
                self._remove(message, message.sent_timestamp + self._retention_ms())
                self.counts.expired += 1
            else:
                self._note_age(message, now_ms)
        return self.counts

    # -- moves ----------------------------------------------------------------------------------------------------

    def _turn(self, message: Any) -> int:
        self._turns += 1
        message.turn = self._turns
        return self._turns

    def _show(self, message: Any) -> None:
        self._ready.append((message, self._turn(message)))
        self._visible += 1
        if self._visible > self.counts.max_depth:
            self.counts.max_depth = self._visible

    def _hide(self, message: Any, until_ms: float, why: str) -> None:
        message.hidden = why
        if why is _IN_FLIGHT:
            message.visible_at = until_ms
            self.in_flight += 1
        else:
            self.delayed += 1
        heappush(self._hidden, (until_ms, self._turn(message), message))

    def _leave(self, message: Any) -> None:
        """It is hidden no longer."""
        if message.hidden is _IN_FLIGHT:
            self.in_flight -= 1
        else:
            self.delayed -= 1
        message.hidden = None

    def _put_aside(self, message: Any) -> None:
        """Take a message from where it stands, ready or hidden."""
        if message.hidden is None:
            self._visible -= 1
        else:
            self._leave(message)
        message.turn = -1

    def _remove(self, message: Any, at_ms: int) -> None:
        self._put_aside(message)
        del self._present[message.number]
        self._note_age(message, at_ms)

    def _note_age(self, message: Any, at_ms: int) -> None:
        age_ms = at_ms - message.sent_timestamp
        if age_ms > self.counts.max_age_ms:
            self.counts.max_age_ms = age_ms

    # -- what moto's own code uses --------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._present)

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._present.values()))

    def ready(self) -> list[Any]:
        """The messages that can be received now."""
        self.bring_up()
        return [message for message in self._present.values() if message.hidden is None]


def _read(handle: str) -> tuple[int, str]:
    """The number and the id of the message that a handle was made for."""
    try:
        if not handle.startswith(_HANDLE):
            raise ValueError(handle)
        message_id, number, _ = b64decode(handle[len(_HANDLE) :], validate=True).decode().split("#")
        return int(number), message_id
    except (NotBase64, UnicodeDecodeError) as error:
        raise ValueError(handle) from error
