"""How the two Java SDKs spell what a service's model names: members, exceptions and the services themselves.

The optimised integrations speak as SDK v1, ``aws-sdk:*`` as v2.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass


@functools.lru_cache(maxsize=8192)
def capital(name: str) -> str:
    """A member's name in an optimised integration: QueueUrl, TaskArn, MD5OfMessageBody."""
    return name[:1].upper() + name[1:]


@functools.lru_cache(maxsize=8192)
def java_name(name: str) -> str:
    """A member's name in an AWS SDK integration: DBInstanceArn -> DbInstanceArn, ETag, ARN -> Arn, NULL -> Nul."""
    if name == "NULL":  # a word of the language
        return "Nul"
    capitals = len(name) - len(name.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    if capitals < 2:
        return capital(name)
    # The last one begins the next word where small letters follow.
    lowered = capitals - 1 if name[capitals : capitals + 1].islower() else capitals
    return name[0] + name[1:lowered].lower() + name[lowered:]


@dataclass(frozen=True, slots=True)
class Manner:
    """How one of the two kinds of integration speaks."""

    spell: Callable[[str], str]
    any_text: bool
    """Every string takes any JSON, not only those that carry it."""


OPTIMISED = Manner(capital, any_text=False)
SDK = Manner(java_name, any_text=True)


_WORD_ENDS: tuple[tuple[str, str], ...] = (
    (r"[^A-Za-z0-9]+", " "),
    # A version is a word of its own: SESv2, ApiGatewayV2 (but not WAFV2).
    (r"(?<=[^a-z]{2})v(?=\d)", " v"),
    (r"(?<=[^A-Z]{2})V(?=\d)", " V"),
    (r"(?<=[a-z])(?=[A-Z][A-Za-z0-9])", " "),
    (r"(?<=[A-Z])(?=[A-Z][a-z])", " "),
    (r"(?<=\d)(?=[A-Za-z])", " "),
)
"""Where the Java SDK v2 ends a word of a name."""


@functools.cache
def pascal_case(name: str) -> str:
    """A name as the Java SDK v2 makes a class of it: DynamoDB -> DynamoDb, DBInstanceNotFound -> DbInstanceNotFound."""
    for pattern, separator in _WORD_ENDS:
        name = re.sub(pattern, separator, name)
    return "".join(word.capitalize() for word in name.split())
