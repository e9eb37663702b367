"""DynamoDB's expression language: text to a tree. What a tree means is `dynamodb_conditions` and `dynamodb_updates`.

One grammar for ConditionExpression, FilterExpression, KeyConditionExpression, ProjectionExpression and
UpdateExpression. Attribute names (``#n``) are resolved here; attribute values (``:v``) stay names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.cloud.dynamodb_values import invalid

Path = tuple[str | int, ...]
"""Attribute names and list indexes, from the outside in."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class PathOperand:
    """The value at a document path of the item."""

    path: Path


@dataclass(frozen=True, slots=True)
class ValueOperand:
    """An expression attribute value, ``:name``."""

    name: str


@dataclass(frozen=True, slots=True)
class Function:
    """``name(argument, …)``, in a condition or in a SET."""

    name: str
    arguments: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``left + right`` or ``left - right``, in a SET."""

    operator: str
    left: Operand
    right: Operand


Operand = PathOperand | ValueOperand | Function | Arithmetic


@dataclass(frozen=True, slots=True)
class Comparison:
    """``left operator right``."""

    operator: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Between:
    """``operand BETWEEN low AND high``."""

    operand: Operand
    low: Operand
    high: Operand


@dataclass(frozen=True, slots=True)
class In:
    """``operand IN (option, …)``."""

    operand: Operand
    options: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class And:
    """Both hold."""

    left: Condition
    right: Condition


@dataclass(frozen=True, slots=True)
class Or:
    """One of both holds."""

    left: Condition
    right: Condition


@dataclass(frozen=True, slots=True)
class Not:
    """It doesn't hold."""

    condition: Condition


Condition = Comparison | Between | In | Function | And | Or | Not


@dataclass(frozen=True, slots=True)
class Action:
    """One action of an update: `section` is SET, REMOVE, ADD or DELETE; a REMOVE has no operand."""

    section: str
    path: Path
    operand: Operand | None


@dataclass(frozen=True, slots=True)
class Names:
    """The placeholders that an expression uses."""

    names: frozenset[str]
    values: frozenset[str]


_TOKEN = re.compile(
    r"\s*(?:([A-Za-z_][A-Za-z0-9_]*)|(#[A-Za-z0-9_]+)|(:[A-Za-z0-9_]+)|(\d+)|(<>|<=|>=|[=<>()\[\],.+-])|(\S))"
)
_COMPARATORS = frozenset(["=", "<>", "<", "<=", ">", ">="])
_ARGUMENTS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
    "size": 1,
    "if_not_exists": 2,
    "list_append": 2,
}
_IN_CONDITIONS = frozenset(list(_ARGUMENTS)[:6])
_IN_UPDATES = frozenset(list(_ARGUMENTS)[6:])
_SECTIONS = frozenset(["SET", "REMOVE", "ADD", "DELETE"])
_END = "<EOF>"
_IN_OPTIONS_MAX = 100


def parse_condition(text: str, names: Mapping[str, str], kind: str) -> tuple[Condition, Names]:
    """Returns the tree of a condition; `kind` is its parameter's name, for the message of a ``ValidationException``."""
    parser = _Parser(text, names, kind)
    condition = parser.disjunction()
    parser.expect(_END)
    return condition, parser.used()


def parse_projection(text: str, names: Mapping[str, str]) -> tuple[tuple[Path, ...], Names]:
    """Returns the paths of a ProjectionExpression; raises ``ValidationException`` as AWS words it."""
    parser = _Parser(text, names, "ProjectionExpression")
    paths = parser.separated(parser.path)
    parser.expect(_END)
    refuse_overlaps(paths, "ProjectionExpression")
    return paths, parser.used()


def parse_update(text: str, names: Mapping[str, str]) -> tuple[tuple[Action, ...], Names]:
    """Returns the actions of an UpdateExpression in the order written; raises ``ValidationException``."""
    parser = _Parser(text, names, "UpdateExpression")
    actions: list[Action] = []
    seen: set[str] = set()
    while parser.token != _END:
        section = parser.token.upper()
        if section not in _SECTIONS:
            raise parser.unexpected()
        if section in seen:
            raise parser.wrong(f'The "{section}" section can only be used once in an update expression;')
        seen.add(section)
        parser.take()
        actions.extend(parser.separated(lambda section=section: parser.action(section)))  # type: ignore[misc]
    refuse_overlaps(tuple(action.path for action in actions), "UpdateExpression")
    return tuple(actions), parser.used()


def refuse_overlaps(paths: tuple[Path, ...], kind: str) -> None:
    """Raises ``ValidationException`` where one path is another, or leads to it."""
    for i, first in enumerate(paths):
        for second in paths[i + 1 :]:
            shorter = min(len(first), len(second))
            if first[:shorter] == second[:shorter]:
                one, two = (", ".join(f"[{s}]" if isinstance(s, int) else s for s in path) for path in (first, second))
                raise invalid(
                    f"Invalid {kind}: Two document paths overlap with each other; must remove or rewrite one of these "
                    f"paths; path one: [{one}], path two: [{two}]"
                )


class _Parser:
    """A recursive descent over tokens; the methods are named after what they read."""

    def __init__(self, text: str, names: Mapping[str, str], kind: str) -> None:
        self.names, self.kind = names, kind
        self.tokens = [next(filter(None, groups)) for groups in _TOKEN.findall(text)]
        self.index = 0
        self.names_used: set[str] = set()
        self.values_used: set[str] = set()
        if not self.tokens:
            raise self.wrong("The expression can not be empty;")

    @property
    def token(self) -> str:
        return self.tokens[self.index] if self.index < len(self.tokens) else _END

    def take(self) -> str:
        token = self.token
        self.index += 1
        return token

    def expect(self, token: str) -> None:
        if self.token != token:
            raise self.unexpected()
        self.index += 1

    def word(self, word: str) -> bool:
        """Takes a keyword, whatever its case, if it comes next."""
        if self.token.upper() != word:
            return False
        self.index += 1
        return True

    def separated(self, one: Callable[[], _T]) -> tuple[_T, ...]:
        found = [one()]
        while self.token == ",":
            self.take()
            found.append(one())
        return tuple(found)

    def used(self) -> Names:
        return Names(frozenset(self.names_used), frozenset(self.values_used))

    def wrong(self, detail: str) -> ApiError:
        return invalid(f"Invalid {self.kind}: {detail}")

    def unexpected(self) -> ApiError:
        near = " ".join(self.tokens[max(0, self.index - 1) : self.index + 2])
        return self.wrong(f'Syntax error; token: "{self.token}", near: "{near}"')

    # ---------------------------------------------------------------------------------------------------- conditions

    def disjunction(self) -> Condition:
        condition = self.conjunction()
        while self.word("OR"):
            condition = Or(condition, self.conjunction())
        return condition

    def conjunction(self) -> Condition:
        condition = self.negation()
        while self.word("AND"):
            condition = And(condition, self.negation())
        return condition

    def negation(self) -> Condition:
        return Not(self.negation()) if self.word("NOT") else self.primary()

    def primary(self) -> Condition:
        if self.token == "(":
            self.take()
            start = self.index
            condition = self.disjunction()
            # "((a))" is refused, "((a) AND b)" is not: the inner pair must not end where the outer one does.
            redundant = self.tokens[start] == "(" and self._closes(start) == self.index - 1
            self.expect(")")
            if redundant:
                raise self.wrong("The expression has redundant parentheses;")
            return condition
        operand = self.operand(_IN_CONDITIONS)
        if isinstance(operand, Function) and operand.name != "size":
            return operand
        if self.token in _COMPARATORS:
            return Comparison(self.take(), operand, self.condition_operand())
        if self.word("BETWEEN"):
            low = self.condition_operand()
            if not self.word("AND"):
                raise self.unexpected()
            return Between(operand, low, self.condition_operand())
        if self.word("IN"):
            self.expect("(")
            options = self.separated(self.condition_operand)
            self.expect(")")
            if len(options) > _IN_OPTIONS_MAX:
                raise self.wrong(
                    f"The IN operator is provided with too many operands; number of operands: {len(options)}"
                )
            return In(operand, options)
        raise self.unexpected()

    def _closes(self, opening: int) -> int:
        depth = 0
        for index in range(opening, len(self.tokens)):
            depth += {"(": 1, ")": -1}.get(self.tokens[index], 0)
            if depth == 0:
                return index
        return -1

    def condition_operand(self) -> Operand:
        operand = self.operand(_IN_CONDITIONS)
        if isinstance(operand, Function) and operand.name != "size":
            raise self.wrong(
                f"The function is not allowed to be used this way in an expression; function: {operand.name}"
            )
        return operand

    # ------------------------------------------------------------------------------------------------------- operands

    def operand(self, functions: frozenset[str]) -> Operand:
        token = self.token
        if token.startswith(":"):
            self.take()
            self.values_used.add(token)
            return ValueOperand(token)
        following = self.tokens[self.index + 1] if self.index + 1 < len(self.tokens) else _END
        if following != "(" or token.upper() in ("AND", "OR", "NOT", "IN"):
            return PathOperand(self.path())
        if token not in functions:
            allowed = token in _ARGUMENTS
            detail = "The function is not allowed in this kind of expression" if allowed else "Invalid function name"
            raise self.wrong(f"{detail}; function: {token}")
        self.take()
        self.expect("(")
        arguments = self.separated(lambda: self.operand(functions))
        self.expect(")")
        if len(arguments) != _ARGUMENTS[token]:
            raise self.wrong(
                "Incorrect number of operands for operator or function; "
                f"operator or function: {token}, number of operands: {len(arguments)}"
            )
        if token in ("attribute_exists", "attribute_not_exists", "if_not_exists", "size") and not (
            isinstance(arguments[0], PathOperand) or token == "size"
        ):
            raise self.wrong(f"Operator or function requires a document path; operator or function: {token}")
        return Function(token, arguments)

    def path(self) -> Path:
        steps: list[str | int] = [self.name()]
        while self.token in (".", "["):
            if self.take() == ".":
                steps.append(self.name())
                continue
            if not self.token.isdigit():
                raise self.unexpected()
            steps.append(int(self.take()))
            self.expect("]")
        return tuple(steps)

    def name(self) -> str:
        token = self.token
        if token.startswith("#"):
            if token not in self.names:
                raise self.wrong(
                    f"An expression attribute name used in the document path is not defined; attribute name: {token}"
                )
            self.names_used.add(token)
            self.take()
            return self.names[token]
        if not (token[0].isalpha() or token[0] == "_"):
            raise self.unexpected()
        if token.upper() in ReservedKeywords.get_reserved_keywords():
            raise self.wrong(f"Attribute name is a reserved keyword; reserved keyword: {token}")
        return self.take()

    # -------------------------------------------------------------------------------------------------------- updates

    def action(self, section: str) -> Action:
        path = self.path()
        if section == "REMOVE":
            return Action(section, path, None)
        if section != "SET":
            operand = self.operand(frozenset())
            if not isinstance(operand, ValueOperand):
                raise self.unexpected()
            return Action(section, path, operand)
        self.expect("=")
        value = self.operand(_IN_UPDATES)
        if self.token in ("+", "-"):
            value = Arithmetic(self.take(), value, self.operand(_IN_UPDATES))
        return Action(section, path, value)
