"""What HCL is written in: names, blanks, and where strings and braces end; a cursor that reads a text by them.

Newlines mean nothing here: what follows an expression can never continue it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

_COMMENT = re.compile(r"#[^\n]*|//[^\n]*|/\*.*?\*/", re.DOTALL)
_BLANK = re.compile(rf"(?:\s+|{_COMMENT.pattern})+", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][\w-]*")
HEREDOC = re.compile(r"<<(-?)([A-Za-z_]\w*)[ \t]*\r?\n")
"""How a text of several lines begins: ``<<EOF``, ``<<-EOF`` where its indentation is not of it."""


class HclError(Exception):
    """The text is not HCL, as far as it is read here."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


@contextmanager
def within(begin: int) -> Iterator[None]:
    """Errors of a text that begins at this offset of another stand where they stand in that."""
    try:
        yield
    except HclError as error:
        raise HclError(str(error), begin + error.offset) from None


class Cursor:
    """A place in a text, which reading moves on."""

    def __init__(self, text: str, at: int = 0) -> None:
        self.text = text
        self.at = at

    def fail(self, message: str) -> NoReturn:
        """Raise HclError for this place."""
        raise HclError(message, self.at)

    def skip(self) -> None:
        """Go past blanks and comments."""
        match = _BLANK.match(self.text, self.at)
        if match is not None:
            self.at = match.end()

    def peek(self, token: str) -> bool:
        """Whether this comes next."""
        self.skip()
        return self.text.startswith(token, self.at)

    def take(self, token: str) -> bool:
        """Go past this, if it comes next."""
        if not self.peek(token):
            return False
        self.at += len(token)
        return True

    def need(self, token: str) -> None:
        """Go past this. Raises HclError where something else comes next."""
        if not self.take(token):
            self.fail(f"{token!r} expected")

    def name(self) -> str | None:
        """The name that comes next; None where none does."""
        self.skip()
        match = _NAME.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        return match.group()


def string_end(text: str, at: int) -> int:
    """Where the string that begins at an offset ends, interpolations and all. Raises HclError."""
    begin = at
    at += 1
    while at < len(text):
        letter = text[at]
        if letter == "\\":
            at += 2
        elif letter == '"':
            return at + 1
        elif letter in "$%" and text.startswith("{", at + 1) and not text.startswith(letter, at - 1):
            at = brace_end(text, at + 1)
        else:
            at += 1
    raise HclError("the string has no end", begin)


def brace_end(text: str, at: int) -> int:
    """Where the braces that begin at an offset end. Raises HclError."""
    begin, depth = at, 0
    while at < len(text):
        letter = text[at]
        if letter == '"':
            at = string_end(text, at)
            continue
        comment = _COMMENT.match(text, at) if letter in "#/" else None
        if comment is not None:
            at = comment.end()
            continue
        depth += (letter == "{") - (letter == "}")
        at += 1
        if depth == 0:
            return at
    raise HclError("the braces have no end", begin)
