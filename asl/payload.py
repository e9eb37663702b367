"""JSON values as the interpreter carries them: the value and, where it is known, its text.

AWS keeps a caller's JSON text byte for byte through states that do not change it, and writes what it builds itself
compactly (recorded histories). Values are immutable by agreement: they are shared, never changed in place.
"""

from __future__ import annotations

import json
import math
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec

JSON: TypeAlias = Any
"""A JSON value: dict with str keys, list, str, int, float, bool or None. Never changed once made."""

MAX_BYTES = 262_144
"""The limit for inputs, outputs and results of states and executions, in bytes of UTF-8."""

_SURELY_FITS = MAX_BYTES // 4
"""Characters that cannot be too many bytes."""


class Double(float):
    """A number that AWS prints as Java does: ``1.790204286E9``, with an exponent from ten millions on (measured)."""

    __slots__ = ()

    @property
    def text(self) -> str:
        """As ``Double.toString`` writes it."""
        return _java_text(float(self)).decode()


@lru_cache(maxsize=4096)
def _java_text(number: float) -> bytes:
    """Remembered, because the objects of a listing were often made in the same second."""
    text = repr(number)
    if 1e-3 <= abs(number) < 1e7 or not number or not math.isfinite(number):
        return text.encode()
    from decimal import Decimal  # seldom needed

    digits, _, exponent = f"{Decimal(text).normalize():E}".partition("E")
    return f"{digits if '.' in digits else digits + '.0'}E{int(exponent)}".encode()


def written(value: object) -> msgspec.Raw:
    """What msgspec's encoders ask for when they meet a `Double`. Raises TypeError for anything else."""
    if type(value) is Double:
        return msgspec.Raw(_java_text(value))
    raise TypeError(f"Encoding objects of type {type(value).__name__} is unsupported")


_encoder = msgspec.json.Encoder(enc_hook=written)
_encode = _encoder.encode
_decoder: msgspec.json.Decoder[JSON] = msgspec.json.Decoder()


def encode(value: JSON) -> str:
    """The compact JSON text of a value: no blanks, keys in their order, non-ASCII characters as they are.

    Raises TypeError where the value is not JSON (a handler returned an object of its own, NaN or an infinity).
    """
    if type(value) is float and not math.isfinite(value):
        raise TypeError(f"Out of range float values are not JSON compliant: {value!r}")
    try:
        return _encode(value).decode()
    except UnicodeEncodeError:
        return _escaped(value)


def encode_bytes(value: JSON) -> bytes:
    """As encode, in UTF-8."""
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return _escaped(value).encode()


def _escaped(value: JSON) -> str:
    # A lone surrogate, which JSON's grammar allows: it is written as the escape that it came as.
    return json.dumps(value, separators=(",", ":"))


def decode(text: str | bytes) -> JSON:
    """The value of a JSON text. Raises ValueError (its message says where) if it is not JSON."""
    try:
        return _decoder.decode(text)
    except msgspec.DecodeError:
        return _decode_slowly(text)


def _decode_slowly(text: str | bytes) -> JSON:
    # msgspec refuses lone surrogates, which JSON's grammar and AWS allow; the standard library reads them, and its
    # message says line and column.
    return json.loads(text, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> JSON:
    raise ValueError(f"{name} is not JSON")


class Payload:
    """A value on its way between states; its text is made when somebody asks for it."""

    __slots__ = ("_text", "value")

    def __init__(self, value: JSON, text: str | None = None) -> None:
        self.value = value
        self._text = text

    @classmethod
    def of_text(cls, text: str) -> Payload:
        """The payload that a caller wrote. Raises ValueError if it is not JSON."""
        return cls(decode(text), text)

    @property
    def text(self) -> str:
        """The JSON text: the caller's own where the value came in as text, else compact."""
        text = self._text
        if text is None:
            text = self._text = encode(self.value)
        return text

    @property
    def has_text(self) -> bool:
        """True where the text is known already."""
        return self._text is not None

    @property
    def size(self) -> int:
        """The length in bytes of UTF-8."""
        text = self.text
        return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))

    @property
    def too_large(self) -> bool:
        """True beyond the 262,144 bytes that AWS allows."""
        text = self._text
        if text is None:
            text = self._text = encode(self.value)
        # A character has at most four bytes, so most texts need no closer look.
        return len(text) > _SURELY_FITS and self.size > MAX_BYTES

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Payload) and self.value == other.value

    __hash__ = None  # type: ignore[assignment]  # holds JSON, which cannot be hashed

    def __repr__(self) -> str:
        return f"Payload({self.text})"


_UNREAD = object()


class WrittenPayload(Payload):
    """A payload of which there is only the text, compact as `encode` writes it, until somebody asks for its value."""

    __slots__ = ("_value",)

    def __init__(self, text: str) -> None:
        self._text = text
        self._value: JSON = _UNREAD

    @property
    def value(self) -> JSON:
        """The value, read once."""
        if self._value is _UNREAD:
            assert self._text is not None
            self._value = decode(self._text)
        return self._value


EMPTY = Payload({}, "{}")
