"""DynamoDB's attribute values: what AWS accepts, how large it counts them, and how a stored item is kept.

A *record* is an item as stored: its size and its attributes in MessagePack, some 250 bytes for ten attributes where a
tree of objects takes several thousand. Everything here works on the client's own shape, ``{"S": "text"}``.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec
from moto.dynamodb.models.dynamo_type import DynamoType

from stepsim.runtime.cloud.call import ApiError, FallThrough

AttributeValue = dict[str, Any]
Attributes = dict[str, AttributeValue]
RawKey = Any
"""A key's value as it sorts: `str` for S (code points sort as UTF-8 does), `Decimal` for N, `bytes` for B."""

ITEM_SIZE_MAX_BYTES = 400 * 1024
PARTITION_KEY_MAX_BYTES = 2048
SORT_KEY_MAX_BYTES = 1024

_LARGEST = Decimal("9.9999999999999999999999999999999999999E+125")
_SMALLEST = Decimal("1E-130")
_SIGNIFICANT_DIGITS_MAX = 38
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[int, dict[str, dict[str, Any]]]).decode


def invalid(message: str) -> ApiError:
    """Returns the ``ValidationException`` with this message."""
    return ApiError("ValidationException", message)


# --------------------------------------------------------------------------------------------------------------- sizes


@lru_cache(maxsize=65536)
def _number_size(text: str) -> int:
    """Returns a number's size in bytes: one for each two significant digits, one more, and one for a minus sign."""
    if not _NUMBER.fullmatch(text):
        raise invalid(f"The parameter cannot be converted to a numeric value: {text}")
    number = Decimal(text)
    if not number:
        return 1
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    if len(digits) > _SIGNIFICANT_DIGITS_MAX:
        raise invalid("Attempting to store more than 38 significant digits in a Number")
    for wrong, word, comparison in (
        (abs(number) > _LARGEST, "overflow", "larger"),
        (abs(number) < _SMALLEST, "underflow", "smaller"),
    ):
        if wrong:
            raise invalid(
                f"Number {word}. Attempting to store a number with magnitude {comparison} than supported range"
            )
    return (len(digits) + 1) // 2 + 1 + (number < 0)


def _string_size(text: Any) -> int:
    if not isinstance(text, str):
        raise FallThrough
    return len(text) if text.isascii() else len(text.encode())


def _binary_size(data: Any) -> int:
    if not isinstance(data, bytes | bytearray):
        raise FallThrough
    return len(data)


def _number_text_size(text: Any) -> int:
    if not isinstance(text, str):
        raise FallThrough
    return _number_size(text)


def _bool_size(value: Any) -> int:
    if not isinstance(value, bool):
        raise FallThrough
    return 1


def _null_size(value: Any) -> int:
    if value is not True:
        if value is False:
            raise invalid(
                "One or more parameter values were invalid: Null attribute value types must have the value of true"
            )
        raise FallThrough
    return 1


def _list_size(values: Any) -> int:
    if not isinstance(values, list | tuple):
        raise FallThrough
    return 3 + sum(1 + value_size(value) for value in values)


def _map_size(members: Any) -> int:
    if not isinstance(members, dict):
        raise FallThrough
    return 3 + len(members) + item_size(members)


def _set_size(member_size: Callable[[Any], int], empty: str) -> Callable[[Any], int]:
    def size(members: Any) -> int:
        if not isinstance(members, list | tuple):
            raise FallThrough
        if not members:
            raise invalid(f"One or more parameter values were invalid: {empty}")
        total = sum(map(member_size, members))
        if len(set(map(bytes, members) if isinstance(members[0], bytearray) else members)) < len(members):
            texts = ", ".join(map(str, members))
            raise invalid(f"One or more parameter values were invalid: Input collection [{texts}] contains duplicates.")
        return total

    return size


_SIZES: dict[str, Callable[[Any], int]] = {
    "S": _string_size,
    "N": _number_text_size,
    "B": _binary_size,
    "BOOL": _bool_size,
    "NULL": _null_size,
    "L": _list_size,
    "M": _map_size,
    "SS": _set_size(_string_size, "An string set  may not be empty"),
    "NS": _set_size(_number_text_size, "An number set  may not be empty"),
    "BS": _set_size(_binary_size, "Binary sets should not be empty"),
}


def value_size(value: AttributeValue) -> int:
    """Returns the size of one attribute value in bytes, as `item_size` does, with its errors."""
    if not isinstance(value, dict) or len(value) != 1:
        raise FallThrough
    (kind,) = value
    measure = _SIZES.get(kind)
    if measure is None:
        raise FallThrough
    return measure(value[kind])


def item_size(attributes: Mapping[str, AttributeValue]) -> int:
    """Returns an item's size in bytes by DynamoDB's rule: the UTF-8 of every name, and every value.

    Raises `ApiError` (``ValidationException``) for a value that AWS refuses, and `FallThrough` for what is no
    attribute value at all: botocore's own validation speaks then.
    """
    size = 0
    for name, value in attributes.items():
        try:
            ((kind, inner),) = value.items()
            size += (len(name) if name.isascii() else len(name.encode())) + _SIZES[kind](inner)
        except (AttributeError, ValueError, KeyError):
            raise FallThrough from None
    return size


# ------------------------------------------------------------------------------------------------------------- records


def encode_record(attributes: Attributes, size: int) -> bytes:
    """Returns the record of an item of this many bytes; nothing of the caller's objects is kept."""
    try:
        return _encode((size, attributes))
    except TypeError:
        raise FallThrough from None


def decode_record(record: bytes) -> tuple[int, Attributes]:
    """Returns a record's size in bytes and its attributes; they are the caller's own, to change as it likes."""
    return _decode(record)


def copy_value(value: AttributeValue) -> AttributeValue:
    """Returns a deep copy of an attribute value."""
    copied: AttributeValue = msgspec.msgpack.decode(_encode(value))
    return copied


# ---------------------------------------------------------------------------------------------------------------- keys


def raw_key(kind: str, value: Any) -> RawKey:
    """Returns what a key of this type is stored and sorted under."""
    if kind == "S":
        return value
    return Decimal(value) if kind == "N" else bytes(value)


def comparable(value: AttributeValue) -> tuple[str, Any]:
    """Returns an attribute value as something that compares as DynamoDB compares it: its type, then its content."""
    ((kind, inner),) = value.items()
    if kind == "N":
        return kind, Decimal(inner)
    if kind == "NS":
        return kind, frozenset(map(Decimal, inner))
    if kind in ("SS", "BS"):
        return kind, frozenset(inner)
    if kind == "L":
        return kind, [comparable(member) for member in inner]
    if kind == "M":
        return kind, {name: comparable(member) for name, member in inner.items()}
    return kind, inner


# -------------------------------------------------------------------------------------------------------- moto's shape


def to_moto(value: AttributeValue) -> DynamoType:
    """Returns moto's object for an attribute value. moto keeps a binary as base64 text, as the wire has it."""
    return DynamoType(_with_text(value))


def _with_text(value: AttributeValue) -> AttributeValue:
    ((kind, inner),) = value.items()
    if kind == "B":
        return {"B": base64.b64encode(inner).decode()}
    if kind == "L":
        return {"L": [_with_text(member) for member in inner]}
    if kind == "M":
        return {"M": {name: _with_text(member) for name, member in inner.items()}}
    return {kind: list(inner) if isinstance(inner, list) else inner}


def from_moto(value: DynamoType) -> AttributeValue:
    """Returns the attribute value of moto's object."""
    kind, inner = value.type, value.value
    if kind == "B":
        return {"B": _bytes(inner)}
    if kind == "BS":
        return {"BS": [_bytes(member) for member in inner]}
    if kind == "L":
        return {"L": [from_moto(member) for member in inner]}
    if kind == "M":
        return {"M": {name: from_moto(member) for name, member in inner.items()}}
    return {kind: list(inner) if kind in ("SS", "NS") else inner}


def _bytes(data: str | bytes) -> bytes:
    return base64.b64decode(data) if isinstance(data, str) else bytes(data)
