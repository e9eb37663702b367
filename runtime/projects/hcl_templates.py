"""HCL's texts with ``${…}`` and ``%{…}`` in them: quoted ones, heredocs, and what ``templatefile`` reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from stepsim.runtime.projects.hcl_tokens import HclError, brace_end, within
from stepsim.runtime.projects.hcl_values import Expr, Scope, as_text, is_true, pairs

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
_UNICODE = re.compile(r"\\u([0-9a-fA-F]{4})|\\U(000[0-9a-fA-F]{5}|0010[0-9a-fA-F]{4})")


class Reader(Protocol):
    """Reads what stands in the braces."""

    def expression(self) -> Expr:
        """The expression that comes next."""
        ...

    def loop(self) -> tuple[list[str], Expr]:
        """What follows ``for``: its names, and what is gone through."""
        ...


class Template:
    """A text with interpolations and directives. `read` makes the reader of a text, from an offset in it."""

    def __init__(self, text: str, read: Callable[[str, int], Reader], *, escapes: bool) -> None:
        self.text = text
        self.at = 0
        self.escapes = escapes
        self._read = read

    def parse(self) -> Expr:
        """What the text is worth. Raises HclError."""
        parts, _ = self._parts(())
        if len(parts) == 1:
            # A text that is nothing but an interpolation is its value.
            return parts[0]
        return lambda scope: "".join(as_text(part(scope)) for part in parts)

    def _parts(self, ends: tuple[str, ...]) -> tuple[list[Expr], str]:
        """The parts up to one of these directives, and which one it was."""
        parts: list[Expr] = []
        literal = ""
        strip = False

        def flush(before: bool) -> None:
            nonlocal literal, strip
            text = literal.lstrip() if strip else literal
            text = text.rstrip() if before else text
            literal, strip = "", False
            if text:
                parts.append(lambda scope, text=text: text)  # type: ignore[misc]

        while self.at < len(self.text):
            start = self.text[self.at : self.at + 3]
            if start in ("$${", "%%{"):
                literal += start[1:]
                self.at += 3
            elif start[:2] in ("${", "%{"):
                end = brace_end(self.text, self.at + 1)
                inner = self.text[self.at + 2 : end - 1]
                self.at = end
                flush(inner.startswith("~"))
                strip = inner.endswith("~")
                begin = end - 1 - len(inner.lstrip("~").lstrip())
                inner = inner.strip("~").strip()
                if start[0] == "$":
                    with within(begin):
                        parts.append(self._read(inner, 0).expression())
                    continue
                word = inner.partition(" ")[0]
                if word in ends:
                    return parts, word
                parts.append(self._directive(word, inner, begin))
            elif self.escapes and start[0] == "\\":
                literal += self._escaped(start[1:2])
            else:
                literal += start[0]
                self.at += 1
        flush(False)
        return parts or [lambda scope: ""], ""

    def _escaped(self, letter: str) -> str:
        code = _UNICODE.match(self.text, self.at)
        if code is not None:
            self.at = code.end()
            return chr(int(code[1] or code[2], 16))
        if letter in ("u", "U"):
            raise HclError(f"\\{letter} takes the number of a letter", self.at)
        self.at += 2
        return _ESCAPES.get(letter, letter)

    def _directive(self, word: str, inner: str, begin: int) -> Expr:
        if word == "if":
            with within(begin):
                condition = self._read(inner, 2).expression()
            first, end = self._parts(("else", "endif"))
            second = self._parts(("endif",))[0] if end == "else" else []
            return lambda scope: _joined(first if is_true(condition(scope)) else second, scope)
        if word != "for":
            raise HclError(f"there is no directive %{{{word}}}", begin)
        with within(begin):
            names, source = self._read(inner, 3).loop()
        body, _ = self._parts(("endfor",))
        return lambda scope: "".join(
            _joined(body, scope.inside(dict(zip(names, pair, strict=False))))
            for pair in pairs(source(scope), len(names))
        )


def _joined(parts: list[Expr], scope: Scope) -> str:
    return "".join(as_text(part(scope)) for part in parts)
