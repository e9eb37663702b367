"""A token bucket: how AWS limits most rates. It is told the time, in ms of the run, which never goes back."""

from __future__ import annotations


class TokenBucket:
    """Holds up to `size` tokens, of which `per_second` come back in each second; it begins full."""

    __slots__ = ("_at_ms", "_tokens", "per_second", "size")

    def __init__(self, size: float, per_second: float, now_ms: int = 0) -> None:
        if size < 0 or per_second < 0:
            raise ValueError(f"A bucket holds and gets 0 tokens or more, not {size} and {per_second}.")
        self.size = size
        self.per_second = per_second
        self._tokens = size
        self._at_ms = now_ms

    def tokens(self, now_ms: int) -> float:
        """What it holds; below 0 while it owes for tokens that were taken ahead."""
        if now_ms > self._at_ms:
            self._tokens = min(self.size, self._tokens + (now_ms - self._at_ms) * self.per_second / 1000)
            self._at_ms = now_ms
        return self._tokens

    def take(self, now_ms: int, tokens: float = 1) -> bool:
        """Take so many, if it holds as many; whether it did."""
        held = self._tokens
        if now_ms > self._at_ms:
            # As `tokens` does it, without the call: this is asked at every turn.
            held += (now_ms - self._at_ms) * self.per_second / 1000
            if held > self.size:
                held = self.size
            self._at_ms = now_ms
        taken = held >= tokens
        self._tokens = held - tokens if taken else held
        return taken

    def spend(self, now_ms: int, tokens: float) -> bool:
        """Take so many if it holds any at all, and owe the rest: how throughput is charged whose size is known late."""
        if self.tokens(now_ms) <= 0:
            return False
        self._tokens -= tokens
        return True

    def owe(self, tokens: float) -> None:
        """Take so many, as of when it was last asked, whether it holds them or not."""
        self._tokens -= tokens

    def wait_ms(self, now_ms: int, tokens: float = 1) -> int | None:
        """Take so many now, ahead of time if need be; after how many ms they are there. None: never, at this rate.

        Who comes later waits behind whoever came before.
        """
        missing = tokens - self.tokens(now_ms)
        if missing <= 0:
            self._tokens -= tokens
            return 0
        if not self.per_second:
            return None
        self._tokens -= tokens
        return -int(-missing * 1000 // self.per_second)
