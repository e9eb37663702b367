"""The language of ``[?(...)]``: text -> a predicate of (item, evaluation), by Jayway's rules.

What the operators do stands in `jsonpath_operators`.
"""

# The closures here share one shape; not each of them reads all that it is given.

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

from stepsim.asl.errors import PathNotFound
from stepsim.asl.jsonpath_evaluation import Evaluation
from stepsim.asl.jsonpath_operators import NUMBER, OPERATORS, UNDEFINED, Literal, NotComparable, Operator
from stepsim.asl.jsonpath_parse import closing, next_unescaped, unescape
from stepsim.asl.jsonpath_regex import FLAGS, RegularExpression
from stepsim.asl.payload import JSON, decode

Predicate: TypeAlias = Callable[[JSON, Evaluation], bool]
"""(item, evaluation) -> whether the item passes."""

PathReader: TypeAlias = Callable[[str, bool], tuple[bool, Callable[[JSON, Evaluation], list[JSON]]]]
"""(text, whether missing members are errors) -> (definite, walk)."""

_Operand: TypeAlias = Callable[[JSON, Evaluation], Any]
"""(item, evaluation) -> what an operator compares."""

_SYMBOLS = frozenset("<>=~!")


def compile_filter(criteria: str, read_path: PathReader) -> Predicate:
    """The predicate of ``criteria``, which has its outer parentheses. Raises ValueError where it is not a filter."""
    reader = _Reader(criteria, read_path)
    predicate = reader.alternatives()
    reader.skip_blanks()
    if reader.at < len(criteria):
        raise ValueError(f"Expected end of filter expression instead of: {criteria[reader.at :]}")

    def accepts(item: JSON, run: Evaluation) -> bool:
        try:
            return predicate(item, run)
        except NotComparable:
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
        return lambda item, run: any(choice(item, run) for choice in choices)

    def _conjunction(self) -> Predicate:
        terms = [self._term()]
        while self._take("&&"):
            terms.append(self._term())
        if len(terms) == 1:
            return terms[0]
        return lambda item, run: all(term(item, run) for term in terms)

    def _term(self) -> Predicate:
        start = self.at
        if self._take("!"):
            if self.skip_blanks() not in ("$", "@"):
                negated = self._term()
                return lambda item, run: not negated(item, run)
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
            of_document = not (path_text or "").startswith("@") and self.skip_blanks() != "@"
            test = _compare(left, operator, self._operand())
            return _rooted("$", test) if of_document else test
        self.at = start
        if path_text is None:
            raise ValueError(f"Expected path node in filter {self.text} at position {start}")
        return self._exists(path_text, expected=not is_negated)

    def _operator(self) -> Operator | None:
        self.skip_blanks()
        start = self.at
        if self.text[start : start + 1] in _SYMBOLS:
            while self.text[self.at : self.at + 1] in _SYMBOLS and self.at < len(self.text):
                self.at += 1
        else:
            while self.at < len(self.text) and self.text[self.at] != " ":
                self.at += 1
        return OPERATORS.get(self.text[start : self.at].upper())

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

        def value(start: JSON, run: Evaluation) -> Any:
            try:
                found = walk(start, run)
            except PathNotFound:
                return UNDEFINED
            if not definite:
                return found
            return found[0] if found else UNDEFINED

        return _rooted(path, value)

    def _exists(self, path: str, *, expected: bool) -> Predicate:
        definite, walk = self.read_path(path, True)

        def test(start: JSON, run: Evaluation) -> bool:
            try:
                found = walk(start, run)
            except PathNotFound:
                return not expected
            return (bool(found) or not definite) == expected

        return _rooted(path, test)

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
            value = Literal(_permissive_json(text[start : self.at]))
        elif character == "/":
            value = self._regexp()
        else:
            value = self._word_or_number()
        return lambda item, run: value

    def _quoted(self, quote: str, kind: str) -> str:
        end = next_unescaped(self.text, self.at, quote)
        if end < 0:
            raise ValueError(f"{kind} not closed. Expected {quote} in {self.text}")
        inside = self.text[self.at + 1 : end]
        self.at = end + 1
        return inside

    def _regexp(self) -> RegularExpression:
        source = self._quoted("/", "Pattern")
        start = self.at
        while self.text[self.at : self.at + 1] in FLAGS:
            self.at += 1
        try:
            return RegularExpression(source, frozenset(self.text[start : self.at]))
        except ValueError as error:
            raise ValueError(f"Pattern /{source}/ in filter {self.text}: {error}") from None

    def _word_or_number(self) -> JSON:
        for word, value in (("true", True), ("false", False), ("null", None)):
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return value
        match = NUMBER.match(self.text, self.at)
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


def _rooted(path: str, read: Callable[[JSON, Evaluation], Any]) -> Callable[[JSON, Evaluation], Any]:
    """A reader of the item, counted by the path's length, or of the document, read once."""
    if path.startswith("$"):
        return lambda item, run: run.once(read, read)
    steps = path.count(".") + path.count("[")

    def counted(item: JSON, run: Evaluation) -> Any:
        run.spend(steps)
        return read(item, run)

    return counted


def _compare(left: _Operand, operator: Operator, right: _Operand) -> Predicate:
    def test(item: JSON, run: Evaluation) -> bool:
        run.spend(3)
        return operator(left(item, run), right(item, run), run)

    return test
