"""The language of ``[?(...)]``: text -> a predicate of (item, document), by Jayway's rules.

Comparisons never fail: what cannot be compared is not equal, and neither less nor greater. A number and a string are
equal where the text of one is the other; their order is undefined.
"""

# The closures and table entries here share one shape; not each of them reads all that it is given.
# ruff: noqa: ARG001, ARG005

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

from stepsim.asl.errors import PathNotFound
from stepsim.asl.java import java_equal
from stepsim.asl.jsonpath_parse import closing, next_unescaped, unescape
from stepsim.asl.payload import JSON, Double, decode

Predicate: TypeAlias = Callable[[JSON, JSON], bool]
"""(item, document) -> whether the item passes."""

PathReader: TypeAlias = Callable[[str, bool], tuple[bool, Callable[[JSON, JSON], list[JSON]]]]
"""(text, whether missing members are errors) -> (definite, walk)."""

_Operand: TypeAlias = Callable[[JSON, JSON], Any]
"""(item, document) -> a JSON value, a compiled regular expression, or one of the classes below."""

_SYMBOLS = frozenset("<>=~!")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE, "d": 0, "u": 0, "U": 0}


class _Undefined:
    """What a path that leads nowhere is worth: equal to nothing, not even itself."""


class _Literal:
    """An array or object written in the filter. It is equal to a value on its left, never to one on its right."""

    __slots__ = ("value",)

    def __init__(self, value: JSON) -> None:
        self.value = value


class _NotComparable(Exception):
    """The operator does not apply to these operands: the item does not pass."""


_UNDEFINED = _Undefined()


def compile_filter(criteria: str, read_path: PathReader) -> Predicate:
    """The predicate of ``criteria``, which has its outer parentheses. Raises ValueError where it is not a filter."""
    reader = _Reader(criteria, read_path)
    predicate = reader.alternatives()
    reader.skip_blanks()
    if reader.at < len(criteria):
        raise ValueError(f"Expected end of filter expression instead of: {criteria[reader.at :]}")

    def accepts(item: JSON, document: JSON) -> bool:
        try:
            return predicate(item, document)
        except _NotComparable:
            return False

    return accepts


class _Reader:
    """A cursor over one filter; a method for each rule of the grammar."""

    def __init__(self, text: str, read_path: PathReader) -> None:
        self.text = text
        self.at = 0
        self.read_path = read_path

    def skip_blanks(self) -> str:
        """The next character that is no blank, the cursor on it."""
        while self.at < len(self.text) and self.text[self.at] == " ":
            self.at += 1
        return self.text[self.at : self.at + 1]

    def _take(self, word: str) -> bool:
        self.skip_blanks()
        if not self.text.startswith(word, self.at):
            return False
        self.at += len(word)
        return True

    def alternatives(self) -> Predicate:
        choices = [self._conjunction()]
        while self._take("||"):
            choices.append(self._conjunction())
        if len(choices) == 1:
            return choices[0]
        return lambda item, document: any(choice(item, document) for choice in choices)

    def _conjunction(self) -> Predicate:
        terms = [self._term()]
        while self._take("&&"):
            terms.append(self._term())
        if len(terms) == 1:
            return terms[0]
        return lambda item, document: all(term(item, document) for term in terms)

    def _term(self) -> Predicate:
        start = self.at
        if self._take("!"):
            if self.skip_blanks() not in ("$", "@"):
                negated = self._term()
                return lambda item, document: not negated(item, document)
            self.at = start
        if self._take("("):
            inner = self.alternatives()
            if not self._take(")"):
                raise ValueError(f"Expected character: ) in filter {self.text} at position {self.at}")
            return inner
        return self._comparison()

    def _comparison(self) -> Predicate:
        is_negated = self._take("!")
        path_text = self._path() if self.skip_blanks() in ("$", "@") else None
        left = self._literal() if path_text is None else self._path_value(path_text)
        start = self.at
        operator = self._operator()
        if operator is not None and self.skip_blanks():
            return _compare(left, operator, self._operand())
        self.at = start
        if path_text is None:
            raise ValueError(f"Expected path node in filter {self.text} at position {start}")
        return self._exists(path_text, expected=not is_negated)

    def _operator(self) -> Callable[[Any, Any], bool] | None:
        self.skip_blanks()
        start = self.at
        if self.text[start : start + 1] in _SYMBOLS:
            while self.text[self.at : self.at + 1] in _SYMBOLS and self.at < len(self.text):
                self.at += 1
        else:
            while self.at < len(self.text) and self.text[self.at] != " ":
                self.at += 1
        return _OPERATORS.get(self.text[start : self.at].upper())

    def _operand(self) -> _Operand:
        return self._path_value(self._path()) if self.skip_blanks() in ("$", "@") else self._literal()

    def _path(self) -> str:
        """The text of a path: up to a blank, a comparison, or the parenthesis that closes the filter."""
        text, start = self.text, self.at
        self.at += 1
        while self.at < len(text):
            if text[self.at] == "[":
                end = closing(text, self.at, "[", "]")
                if end < 0:
                    raise ValueError(f"Square brackets does not match in filter {text}")
                self.at = end + 1
                continue
            if text[self.at] == "(":
                end = closing(text, self.at, "(", ")")
                if end < 0:
                    raise ValueError(f"Brackets are not balanced in filter {text}")
                self.at = end + 1
                continue
            if text[self.at] in " )" or text[self.at] in _SYMBOLS:
                break
            self.at += 1
        return text[start : self.at]

    def _path_value(self, path: str) -> _Operand:
        definite, walk = self.read_path(path, False)
        of_document = path.startswith("$")

        def value(item: JSON, document: JSON) -> Any:
            try:
                found = walk(document if of_document else item, document)
            except PathNotFound:
                return _UNDEFINED
            if not definite:
                return found
            return found[0] if found else _UNDEFINED

        return value

    def _exists(self, path: str, *, expected: bool) -> Predicate:
        definite, walk = self.read_path(path, True)
        of_document = path.startswith("$")

        def test(item: JSON, document: JSON) -> bool:
            try:
                found = walk(document if of_document else item, document)
            except PathNotFound:
                return not expected
            return (bool(found) or not definite) == expected

        return test

    def _literal(self) -> _Operand:
        text, start = self.text, self.at
        character = text[start : start + 1]
        value: Any
        if character in ("'", '"'):
            value = unescape(self._quoted(character, "String"))
        elif character in ("[", "{"):
            self.at = closing(text, start, character, "]" if character == "[" else "}") + 1
            if self.at == 0:
                raise ValueError(f"String not closed. Expected ' in {text}")
            value = _Literal(_permissive_json(text[start : self.at]))
        elif character == "/":
            value = self._regexp()
        else:
            value = self._word_or_number()
        return lambda item, document: value

    def _quoted(self, quote: str, kind: str) -> str:
        end = next_unescaped(self.text, self.at, quote)
        if end < 0:
            raise ValueError(f"{kind} not closed. Expected {quote} in {self.text}")
        inside = self.text[self.at + 1 : end]
        self.at = end + 1
        return inside

    def _regexp(self) -> re.Pattern[str]:
        source = self._quoted("/", "Pattern")
        flags = 0
        while self.at < len(self.text) and self.text[self.at] in _FLAGS:
            flags |= _FLAGS[self.text[self.at]]
            self.at += 1
        try:
            return re.compile(source, flags)
        except re.error as error:
            raise ValueError(f"Pattern /{source}/ in filter {self.text}: {error}") from None

    def _word_or_number(self) -> JSON:
        for word, value in (("true", True), ("false", False), ("null", None)):
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return value
        match = _NUMBER.match(self.text, self.at)
        if match is None:
            raise ValueError(f"Failed to parse filter: {self.text}, error on position: {self.at}")
        self.at = match.end()
        return float(match[0]) if match[1] or match[2] else int(match[0])


def _permissive_json(text: str) -> JSON:
    """JSON whose strings may stand in single quotes."""
    try:
        return decode(text)
    except ValueError:
        return decode(re.sub(r"'((?:[^'\\]|\\.)*)'", _double_quoted, text))


def _double_quoted(match: re.Match[str]) -> str:
    return '"' + match[1].replace("\\'", "'").replace('"', '\\"') + '"'


def _compare(left: _Operand, operator: Callable[[Any, Any], bool], right: _Operand) -> Predicate:
    return lambda item, document: operator(left(item, document), right(item, document))


def _kind(value: Any) -> type:
    """The type that decides how a value is compared."""
    kind = type(value)
    if kind is int or kind is Double:
        return float
    return list if kind is dict or kind is _Literal else kind


def _equal(left: Any, right: Any) -> bool:
    left_kind, right_kind = _kind(left), _kind(right)
    if left_kind is list and right_kind is list:
        return type(left) is not _Literal and java_equal(left, _content(right))
    if left_kind is str and right_kind is float:
        return bool(left == str(right))
    if left_kind is float and right_kind is str:
        return _NUMBER.fullmatch(right) is not None and bool(left == float(right))
    return left_kind is right_kind and left_kind is not _Undefined and bool(left == right)


def _type_safe_equal(left: Any, right: Any) -> bool:
    return _kind(left) is _kind(right) and _equal(left, right)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def test(left: Any, right: Any) -> bool:
        kind = _kind(left)
        return (kind is float or kind is str) and kind is _kind(right) and compare(left, right)

    return test


def _content(value: Any) -> Any:
    return value.value if type(value) is _Literal else value


def _items(value: Any) -> list[JSON]:
    """The elements of an array operand; what is no array cannot be asked."""
    content = _content(value)
    if type(content) is list:
        return content
    raise _NotComparable


def _is_in(left: Any, right: Any) -> bool:
    return type(_content(right)) is not dict and any(_equal(left, item) for item in _items(right))


def _contains(left: Any, right: Any) -> bool:
    left = _content(left)
    if type(left) is str and type(right) is str:
        return right in left
    return type(left) is list and any(_equal(right, item) for item in left)


def _size(left: Any, right: Any) -> bool:
    left = _content(left)
    return _kind(right) is float and isinstance(left, str | list) and len(left) == int(right)


def _empty(left: Any, right: Any) -> bool:
    left = _content(left)
    if not isinstance(left, str | list | dict):
        return False
    if type(right) is not bool:
        raise _NotComparable
    return (not left) == right


def _subset_of(left: Any, right: Any) -> bool:
    allowed = _items(right)
    return all(any(_equal(item, other) for other in allowed) for item in _items(left))


def _any_of(left: Any, right: Any) -> bool:
    allowed = _items(right)
    return any(any(_equal(item, other) for other in allowed) for item in _items(left))


def _none_of(left: Any, right: Any) -> bool:
    return not _any_of(left, right)


def _matches(left: Any, right: Any) -> bool:
    if isinstance(left, re.Pattern) == isinstance(right, re.Pattern):
        return False
    pattern, subject = (left, right) if isinstance(left, re.Pattern) else (right, left)
    subjects = subject if type(subject) is list else [subject]
    return any(pattern.fullmatch(_input(item)) is not None for item in subjects)


def _input(value: Any) -> str:
    """What a regular expression sees of a value."""
    if type(value) is bool:
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""


def _never(left: Any, right: Any) -> bool:
    """Operators that the library's text form accepts, and that no operand in a text can satisfy."""
    raise _NotComparable


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": _equal,
    "===": _type_safe_equal,
    "!=": lambda left, right: not _equal(left, right),
    "!==": lambda left, right: not _type_safe_equal(left, right),
    "<": _ordered(lambda left, right: bool(left < right)),
    "<=": _ordered(lambda left, right: bool(left <= right)),
    ">": _ordered(lambda left, right: bool(left > right)),
    ">=": _ordered(lambda left, right: bool(left >= right)),
    "=~": _matches,
    "IN": _is_in,
    "NIN": lambda left, right: not _is_in(left, right),
    "CONTAINS": _contains,
    "SIZE": _size,
    "EMPTY": _empty,
    "SUBSETOF": _subset_of,
    "ANYOF": _any_of,
    "NONEOF": _none_of,
    "ALL": _never,
    "TYPE": _never,
    "MATCHES": _never,
}
