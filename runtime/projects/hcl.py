"""HCL, Terraform's language, read as far as state machines need it: blocks, and expressions as closures.

python-hcl2 was tried: it gives expressions back as texts that have to be parsed anew, and takes more than a second for
a screenful. Newlines mean nothing here: what follows an expression can never continue it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn, Protocol, TypeAlias

from stepsim.asl.payload import JSON
from stepsim.runtime.projects.hcl_values import OPERATIONS, as_text, member, number, pairs

_BLANK = re.compile(r"(?:\s+|#[^\n]*|//[^\n]*|/\*.*?\*/)+", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][\w-]*")
_NUMBER = re.compile(r"\d+(\.\d+)?([eE][-+]?\d+)?")
_HEREDOC = re.compile(r"<<(-?)([A-Za-z_]\w*)[ \t]*\r?\n")
_BINARY = re.compile(r"\|\||&&|==|!=|<=|>=|[<>+*/%-]")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
_WORDS: Mapping[str, JSON] = {"true": True, "false": False, "null": None}
_RANKS = {"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, ">": 4, "<=": 4, ">=": 4, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6}


class HclError(Exception):
    """The text is not HCL, as far as it is read here."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class Scope(Protocol):
    """What an expression is evaluated in."""

    def look_up(self, steps: list[str | int]) -> JSON:
        """What a reference means: ``["var", "stage"]``; a hole where only AWS knows."""
        ...

    def call(self, name: str, arguments: list[JSON]) -> JSON:
        """What a function gives."""
        ...

    def inside(self, names: Mapping[str, JSON]) -> Scope:
        """The same with the names of a ``for``, or of a template."""
        ...


Expr: TypeAlias = Callable[[Scope], JSON]


@dataclass(slots=True)
class Attribute:
    """``name = expression``."""

    expr: Expr
    offset: int
    text_offset: int | None = None
    """Where the first line of a heredoc begins."""


@dataclass(slots=True)
class Block:
    """``type "label" { … }``, and the file itself."""

    type: str
    labels: tuple[str, ...]
    offset: int
    attributes: dict[str, Attribute] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)


def parse_file(text: str) -> Block:
    """The blocks of a file. Raises HclError."""
    reader = _Reader(text)
    root = Block("", (), 0)
    reader.body(root, None)
    return root


def parse_template(text: str) -> Expr:
    """A text with ``${…}`` and ``%{…}``, as ``templatefile`` reads it. Raises HclError."""
    return _Template(text, escapes=False).parse()


class _Reader:
    def __init__(self, text: str, at: int = 0) -> None:
        self.text = text
        self.at = at

    def fail(self, message: str) -> NoReturn:
        raise HclError(message, self.at)

    def skip(self) -> None:
        match = _BLANK.match(self.text, self.at)
        if match is not None:
            self.at = match.end()

    def peek(self, token: str) -> bool:
        self.skip()
        return self.text.startswith(token, self.at)

    def take(self, token: str) -> bool:
        if not self.peek(token):
            return False
        self.at += len(token)
        return True

    def need(self, token: str) -> None:
        if not self.take(token):
            self.fail(f"{token!r} expected")

    def name(self) -> str | None:
        self.skip()
        match = _NAME.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        return match.group()

    # -- blocks ---------------------------------------------------------------------------------------------------

    def body(self, block: Block, end: str | None) -> None:
        while True:
            self.skip()
            if end is None and self.at >= len(self.text):
                return
            if end is not None and self.take(end):
                return
            offset = self.at
            name = self.name()
            if name is None:
                self.fail("a name expected")
            if self.peek("=") and not self.peek("=="):
                self.at += 1
                self.skip()
                heredoc = _HEREDOC.match(self.text, self.at)
                block.attributes[name] = Attribute(self.expression(), offset, heredoc and heredoc.end())
                continue
            inner = Block(name, self._labels(), offset)
            self.body(inner, "}")
            block.blocks.append(inner)

    def _labels(self) -> tuple[str, ...]:
        labels = []
        while not self.take("{"):
            if self.peek('"'):
                end = string_end(self.text, self.at)
                labels.append(self.text[self.at + 1 : end - 1])
                self.at = end
            else:
                name = self.name()
                if name is None:
                    self.fail("a block's label or '{' expected")
                labels.append(name)
        return tuple(labels)

    # -- expressions ----------------------------------------------------------------------------------------------

    def expression(self) -> Expr:
        condition = self._binary(0)
        if not self.take("?"):
            return condition
        first = self.expression()
        self.need(":")
        second = self.expression()
        return lambda scope: first(scope) if condition(scope) is True else second(scope)

    def _binary(self, rank: int) -> Expr:
        left = self._unary()
        while True:
            self.skip()
            match = _BINARY.match(self.text, self.at)
            if match is None or _RANKS[match.group()] <= rank:
                return left
            self.at = match.end()
            left = _operation(match.group(), left, self._binary(_RANKS[match.group()]))

    def _unary(self) -> Expr:
        if self.take("!"):
            inner = self._unary()
            return lambda scope: not inner(scope)
        if self.take("-"):
            inner = self._unary()
            return lambda scope: -number(inner(scope))
        return self._steps(self._term())

    def _term(self) -> Expr:
        self.skip()
        letter = self.text[self.at : self.at + 1]
        if letter == '"':
            end = string_end(self.text, self.at)
            inner = self.text[self.at + 1 : end - 1]
            self.at = end
            return _Template(inner, escapes=True).parse()
        if letter == "(":
            self.at += 1
            value = self.expression()
            self.need(")")
            return value
        if letter == "[":
            return self._tuple()
        if letter == "{":
            return self._object()
        heredoc = _HEREDOC.match(self.text, self.at)
        if heredoc is not None:
            return self._heredoc(heredoc)
        match = _NUMBER.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
            constant = float(match.group()) if match[1] or match[2] else int(match.group())
            return lambda scope: constant
        return self._reference()

    def _reference(self) -> Expr:
        name = self.name()
        if name is None:
            self.fail("a value expected")
        if self.text.startswith(("(", "::"), self.at):
            return self._call(name)
        if name in _WORDS:
            return lambda scope: _WORDS[name]
        steps: list[str | int] = [name]
        while True:
            match = re.compile(r"\s*\.\s*([A-Za-z_][\w-]*|\d+)").match(self.text, self.at)
            index = re.compile(r'\[\s*(?:"([^"$]*)"|(\d+))\s*\]').match(self.text, self.at)
            if match is not None:
                steps.append(int(match[1]) if match[1].isdigit() else match[1])
                self.at = match.end()
            elif index is not None:
                steps.append(index[1] if index[1] is not None else int(index[2]))
                self.at = index.end()
            else:
                return lambda scope: scope.look_up(steps)

    def _steps(self, value: Expr) -> Expr:
        """What stands behind a value: ``.name``, ``[index]``, ``[*]``."""
        while True:
            if self.text.startswith("[*]", self.at) or self.text.startswith(".*", self.at):
                self.at += 3 if self.text[self.at] == "[" else 2
                value = self._splat(value)
            elif self.text.startswith("[", self.at):
                self.at += 1
                index = self.expression()
                self.need("]")
                value = _indexed(value, index)
            elif self.text.startswith(".", self.at):
                self.at += 1
                name = self.name()
                if name is None:
                    self.fail("a name expected")
                value = _indexed(value, lambda scope, name=name: name)  # type: ignore[misc]
            else:
                return value

    def _splat(self, value: Expr) -> Expr:
        names: list[str] = []
        while self.text.startswith(".", self.at):
            self.at += 1
            names.append(self.name() or "")

        def items(scope: Scope) -> JSON:
            found = value(scope)
            parts = found if isinstance(found, list) else [] if found is None else [found]
            for name in names:
                parts = [member(part, name) for part in parts]
            return parts

        return items

    def _call(self, name: str) -> Expr:
        while self.text.startswith("::", self.at):
            self.at += 2
            name = self.name() or ""
        self.need("(")
        arguments: list[Expr] = []
        spread = False
        while not self.take(")"):
            arguments.append(self.expression())
            spread = self.take("...") or spread
            self.take(",")

        def called(scope: Scope) -> JSON:
            if name in ("try", "can"):
                return _tried(name, arguments, scope)
            values = [argument(scope) for argument in arguments]
            if spread and isinstance(values[-1], list):
                values = [*values[:-1], *values[-1]]
            return scope.call(name, values)

        return called

    def _tuple(self) -> Expr:
        self.need("[")
        if self._is_for():
            return self._for("]")
        items: list[Expr] = []
        while not self.take("]"):
            items.append(self.expression())
            self.take(",")
        return lambda scope: [item(scope) for item in items]

    def _object(self) -> Expr:
        self.need("{")
        if self._is_for():
            return self._for("}")
        members: list[tuple[Expr, Expr]] = []
        while not self.take("}"):
            members.append((self._key(), self.expression()))
            self.take(",")
        return lambda scope: {as_text(key(scope)): value(scope) for key, value in members}

    def _key(self) -> Expr:
        self.skip()
        match = re.compile(r"([A-Za-z_][\w-]*|\d+)\s*[=:]").match(self.text, self.at)
        if match is not None:
            self.at = match.end()
            name = match[1]
            return lambda scope: name
        key = self._unary()
        if not (self.take("=") or self.take(":")):
            self.fail("'=' expected")
        return key

    def _is_for(self) -> bool:
        self.skip()
        return re.compile(r"for\s").match(self.text, self.at) is not None

    def _for(self, end: str) -> Expr:
        self.name()
        names = [self.name() or ""]
        if self.take(","):
            names.append(self.name() or "")
        self.need("in")
        source = self.expression()
        self.need(":")
        first = self.expression()
        second = self.expression() if self.take("=>") else None
        grouped = self.take("...")
        condition = None
        if re.compile(r"\s*if\b").match(self.text, self.at):
            self.name()
            condition = self.expression()
        self.need(end)

        def items(scope: Scope) -> JSON:
            inner = [scope.inside(dict(zip(names, pair, strict=False))) for pair in pairs(source(scope), len(names))]
            kept = [one for one in inner if condition is None or condition(one) is True]
            if second is None:
                return [first(one) for one in kept]
            made: dict[str, JSON] = {}
            for one in kept:
                key, value = as_text(first(one)), second(one)
                made[key] = [*made.get(key, []), value] if grouped else value
            return made

        return items

    def _heredoc(self, match: re.Match[str]) -> Expr:
        end = re.compile(rf"^[ \t]*{match[2]}[ \t]*\r?$", re.MULTILINE).search(self.text, match.end())
        if end is None:
            self.fail(f"{match[2]} expected at the end of the text")
        text = self.text[match.end() : end.start()]
        self.at = end.end()
        if match[1]:
            lines = text.splitlines(keepends=True)
            indents = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
            text = "".join(line[min(indents, default=0) :] if line.strip() else line.lstrip(" \t") for line in lines)
        return _Template(text, escapes=False).parse()


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
        depth += (letter == "{") - (letter == "}")
        at += 1
        if depth == 0:
            return at
    raise HclError("the braces have no end", begin)


class _Template:
    """A text with interpolations and directives."""

    def __init__(self, text: str, *, escapes: bool) -> None:
        self.text = text
        self.at = 0
        self.escapes = escapes

    def parse(self) -> Expr:
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
                inner = inner.strip("~").strip()
                if start[0] == "$":
                    parts.append(_Reader(inner).expression())
                    continue
                word = inner.partition(" ")[0]
                if word in ends:
                    return parts, word
                parts.append(self._directive(word, inner))
            elif self.escapes and start[0] == "\\":
                literal += self._escaped(start[1:2])
            else:
                literal += start[0]
                self.at += 1
        flush(False)
        return parts or [lambda scope: ""], ""

    def _escaped(self, letter: str) -> str:
        if letter == "u":
            code = self.text[self.at + 2 : self.at + 6]
            self.at += 6
            return chr(int(code, 16))
        self.at += 2
        return _ESCAPES.get(letter, letter)

    def _directive(self, word: str, inner: str) -> Expr:
        if word == "if":
            condition = _Reader(inner, 2).expression()
            first, end = self._parts(("else", "endif"))
            second = self._parts(("endif",))[0] if end == "else" else []
            return lambda scope: _joined(first if condition(scope) is True else second, scope)
        if word != "for":
            raise HclError(f"there is no directive %{{{word}}}", self.at)
        reader = _Reader(inner, 3)
        names = [reader.name() or ""]
        if reader.take(","):
            names.append(reader.name() or "")
        reader.need("in")
        source = reader.expression()
        body, _ = self._parts(("endfor",))
        return lambda scope: "".join(
            _joined(body, scope.inside(dict(zip(names, pair, strict=False))))
            for pair in pairs(source(scope), len(names))
        )


def _joined(parts: list[Expr], scope: Scope) -> str:
    return "".join(as_text(part(scope)) for part in parts)


def _indexed(value: Expr, index: Expr) -> Expr:
    return lambda scope: member(value(scope), index(scope))


def _tried(name: str, arguments: list[Expr], scope: Scope) -> JSON:
    for argument in arguments:
        try:
            value = argument(scope)
        except (LookupError, ValueError, TypeError):
            continue
        return True if name == "can" else value
    return False if name == "can" else None


def _operation(operator: str, left: Expr, right: Expr) -> Expr:
    perform = OPERATIONS[operator]
    return lambda scope: perform(left(scope), right(scope))
