"""HCL's expressions as closures: ``expr(scope) -> JSON``."""

from __future__ import annotations

import re
from collections.abc import Mapping

from stepsim.asl.payload import JSON
from stepsim.runtime.projects.hcl_templates import Template
from stepsim.runtime.projects.hcl_tokens import HEREDOC, Cursor, HclError, string_end, within
from stepsim.runtime.projects.hcl_values import (
    FAILURES,
    OPERATIONS,
    Expr,
    Scope,
    as_text,
    is_true,
    member,
    number,
    pairs,
)

_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_BINARY = re.compile(r"\|\||&&|==|!=|<=|>=|[<>+*/%-]")
_STEP = re.compile(r"\s*\.\s*([A-Za-z_][\w-]*|\d+)")
_INDEX = re.compile(r'\[\s*(?:"([^"$]*)"|(\d+))\s*\]')
_KEY = re.compile(r"([A-Za-z_][\w-]*|\d+)\s*[=:]")
_FOR = re.compile(r"for\s")
_IF = re.compile(r"\s*if\b")
_WORDS: Mapping[str, JSON] = {"true": True, "false": False, "null": None}
_RANKS = {"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, ">": 4, "<=": 4, ">=": 4, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6}


def parse_expression(text: str) -> Expr:
    """A text that is an expression. Raises HclError."""
    return ExpressionReader(text).expression()


def parse_template(text: str) -> Expr:
    """A text with ``${…}`` and ``%{…}``, as ``templatefile`` reads it. Raises HclError."""
    return Template(text, ExpressionReader, escapes=False).parse()


class ExpressionReader(Cursor):
    """Reads expressions."""

    def expression(self) -> Expr:
        """The expression that comes next. Raises HclError where none does."""
        condition = self._binary(0)
        if not self.take("?"):
            return condition
        first = self.expression()
        self.need(":")
        second = self.expression()
        return lambda scope: first(scope) if is_true(condition(scope)) else second(scope)

    def loop(self) -> tuple[list[str], Expr]:
        """What follows ``for``: one or two names, ``in``, and what is gone through."""
        names = [self.name() or ""]
        if self.take(","):
            names.append(self.name() or "")
        self.need("in")
        return names, self.expression()

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
            return lambda scope: not is_true(inner(scope))
        if self.take("-"):
            inner = self._unary()
            return lambda scope: -number(inner(scope))
        return self._steps(self._term())

    def _term(self) -> Expr:
        self.skip()
        letter = self.text[self.at : self.at + 1]
        if letter == '"':
            end = string_end(self.text, self.at)
            with within(self.at + 1):
                text = Template(self.text[self.at + 1 : end - 1], ExpressionReader, escapes=True).parse()
            self.at = end
            return text
        if letter == "(":
            self.at += 1
            value = self.expression()
            self.need(")")
            return value
        if letter == "[":
            return self._tuple()
        if letter == "{":
            return self._object()
        heredoc = HEREDOC.match(self.text, self.at)
        if heredoc is not None:
            return self._heredoc(heredoc)
        match = _NUMBER.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
            constant = number(match.group())
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
            match = _STEP.match(self.text, self.at)
            index = _INDEX.match(self.text, self.at)
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
        match = _KEY.match(self.text, self.at)
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
        return _FOR.match(self.text, self.at) is not None

    def _for(self, end: str) -> Expr:
        self.name()
        names, source = self.loop()
        self.need(":")
        first = self.expression()
        second = self.expression() if self.take("=>") else None
        grouped = self.take("...")
        condition = None
        if _IF.match(self.text, self.at):
            self.name()
            condition = self.expression()
        self.need(end)

        def items(scope: Scope) -> JSON:
            inner = [scope.inside(dict(zip(names, pair, strict=False))) for pair in pairs(source(scope), len(names))]
            kept = [one for one in inner if condition is None or is_true(condition(one))]
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
        text = written = self.text[match.end() : end.start()]
        self.at = end.end()
        if match[1]:
            lines = text.splitlines(keepends=True)
            indents = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
            text = "".join(line[min(indents, default=0) :] if line.strip() else line.lstrip(" \t") for line in lines)
        try:
            return Template(text, ExpressionReader, escapes=False).parse()
        except HclError as error:
            raise HclError(str(error), match.end() + _before_trimming(error.offset, text, written)) from None


def _before_trimming(offset: int, text: str, written: str) -> int:
    """Where something in a text stands in the same with its lines' indentation."""
    line = text.count("\n", 0, offset)
    lines, longer = text.split("\n")[: line + 1], written.split("\n")[: line + 1]
    return offset + sum(map(len, longer)) - sum(map(len, lines))


def _indexed(value: Expr, index: Expr) -> Expr:
    return lambda scope: member(value(scope), index(scope))


def _tried(name: str, arguments: list[Expr], scope: Scope) -> JSON:
    for argument in arguments:
        try:
            value = argument(scope)
        except FAILURES:
            continue
        return True if name == "can" else value
    return False if name == "can" else None


def _operation(operator: str, left: Expr, right: Expr) -> Expr:
    perform = OPERATIONS[operator]
    return lambda scope: perform(left(scope), right(scope))
