"""JSONPath: text -> closure, by the rules of Jayway's library, which is what AWS evaluates paths with.

98 of 100 paths in real definitions are definite (``$.a.b[0]['c']``): those become a chain of look-ups. The others are
read by `jsonpath_parse`, and run by `jsonpath_walk` and `jsonpath_filter`.

There is one engine for both, and it is ours. jsonpath-ng was tried for the indefinite ones: it answers otherwise than
Jayway on a fifth to a third of the comparisons (it tests an object's members where Jayway tests the object, honours a
slice's step, flattens ``['a','b']``, does not know ``in`` or ``=~ /re/i``, does not say whether a path is definite) and
takes 0.5 ms to parse one. Two engines would disagree about the same path by its length. It stays as an independent
witness: the tests hold our answers against it where both follow the same rules.
"""

# The closures and table entries here share one shape; not each of them reads all that it is given.
# ruff: noqa: ARG001

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from stepsim.asl.errors import RESULT_PATH_MATCH_FAILURE, PathNotFound, StatesError, runtime_error
from stepsim.asl.expression import Expression, Scope
from stepsim.asl.jsonpath_evaluation import Evaluation
from stepsim.asl.jsonpath_parse import Index, Member, Step, parse_steps
from stepsim.asl.jsonpath_walk import compile_walk, explain, is_definite, no_results
from stepsim.asl.payload import JSON, encode

Key: TypeAlias = str | int

_VARIABLE = re.compile(r"\$([^\W\d][\w]*)")


class Path:
    """A compiled path: called with (subject, scope), it returns one value if definite, else the list of all matches.

    Raises PathNotFound, with Jayway's text, where a definite path leads nowhere, and States.Runtime for an unknown
    variable.
    """

    __slots__ = ("definite", "evaluate", "is_context", "steps", "text", "variable")

    def __init__(self, text: str, steps: tuple[Step, ...], variable: str | None = None) -> None:
        self.text = text
        self.steps = steps
        self.definite = is_definite(steps)
        self.is_context = text.lstrip().startswith("$$")
        self.variable = variable
        """The name of the variable that the path starts at, None for ``$`` and ``$$``."""
        self.evaluate = _from_root(_reader(steps), is_context=self.is_context, variable=variable)
        """The same as calling the path, a little faster."""

    def __call__(self, subject: JSON, scope: Scope) -> JSON:
        return self.evaluate(subject, scope)

    def failing(self, missing: Callable[[JSON], Exception]) -> Expression:
        """The same expression, which raises what `missing` makes of its subject in place of PathNotFound."""
        read = self.evaluate

        def evaluate(subject: JSON, scope: Scope) -> JSON:
            try:
                return read(subject, scope)
            except PathNotFound:
                raise missing(subject) from None

        return evaluate

    def __repr__(self) -> str:
        return f"Path({self.text!r})"


def compile_path(text: str) -> Path:
    """The path of ``text``: ``$…`` in the subject, ``$$…`` in the context object, ``$name…`` in a variable.

    Without a root it starts at ``$``, as Jayway has it (AWS's own check refuses such a definition before).
    Raises ValueError, with the position, where it is not a path.
    """
    stripped = text.strip(" ")
    variable = None
    if not stripped.startswith("$"):
        stripped = f"$.{stripped}"
    elif stripped.startswith("$$"):
        stripped = stripped[1:]
    elif match := _VARIABLE.match(stripped):
        variable = match[1]
        stripped = "$" + stripped[match.end() :]
    return Path(text, parse_steps(stripped), variable)


def template_reference(path: Path) -> Expression:
    """The path as a template's plain reference, which is more lenient than a path elsewhere.

    A last index past the end of its array gives null (observed), and a path that may match several places gives the
    empty array where even its definite beginning leads nowhere (recorded).
    """
    if not path.definite:
        return _empty_for_nothing(path.evaluate)
    if not (path.steps and isinstance(path.steps[-1], Index)):
        return path.evaluate
    array = Path(path.text, path.steps[:-1], path.variable).evaluate
    index = path.steps[-1].indexes[0]
    strict = path.evaluate

    def evaluate(subject: JSON, scope: Scope) -> JSON:
        items = array(subject, scope)
        if type(items) is list:
            return items[index] if -len(items) <= index < len(items) else None
        return strict(subject, scope)

    return evaluate


def _empty_for_nothing(read: Expression) -> Expression:
    def evaluate(subject: JSON, scope: Scope) -> JSON:
        try:
            return read(subject, scope)
        except PathNotFound:
            return []

    return evaluate


def _from_root(read: Expression, *, is_context: bool, variable: str | None) -> Expression:
    if is_context:
        return lambda subject, scope: read(scope.context, scope)
    if variable is None:
        return read

    def evaluate(subject: JSON, scope: Scope) -> JSON:
        try:
            value = scope.variables[variable]
        except KeyError:
            raise runtime_error(f"The variable '${variable}' is not defined") from None
        return read(value, scope)

    return evaluate


def _reader(steps: tuple[Step, ...]) -> Expression:
    """The quickest closure for these steps."""
    keys = _single_keys(steps)
    if keys is None:
        return _walker(steps)
    if not keys:
        return lambda subject, scope: subject
    return _lookup(keys, steps)


def _single_keys(steps: tuple[Step, ...]) -> tuple[Key, ...] | None:
    """The names and indexes of a path that is nothing but these."""
    keys: list[Key] = []
    for step in steps:
        if isinstance(step, Member) and len(step.names) == 1:
            keys.append(step.names[0])
        elif isinstance(step, Index) and len(step.indexes) == 1:
            keys.append(step.indexes[0])
        else:
            return None
    return tuple(keys)


def _lookup(keys: tuple[Key, ...], steps: tuple[Step, ...]) -> Expression:
    """Look-ups one after the other. What went wrong is only worked out where something did."""
    names = all(type(key) is str for key in keys)
    if names and len(keys) == 1:
        return _one_name(keys[0], steps)
    if names and len(keys) == 2:
        return _two_names(keys[0], keys[1], steps)

    pairs = tuple((key, type(key) is int) for key in keys)

    def many(subject: JSON, scope: Scope) -> JSON:
        value = subject
        try:
            for key, is_index in pairs:
                if is_index and type(value) is not list:  # or "abc"[0] would be "a"
                    raise explain(subject, steps)
                value = value[key]
        except (KeyError, TypeError, IndexError):
            raise explain(subject, steps) from None
        return value

    return many


def _one_name(name: Key, steps: tuple[Step, ...]) -> Expression:
    def one(subject: JSON, scope: Scope) -> JSON:
        try:
            return subject[name]
        except (KeyError, TypeError):
            raise explain(subject, steps) from None

    return one


def _two_names(first: Key, second: Key, steps: tuple[Step, ...]) -> Expression:
    def two(subject: JSON, scope: Scope) -> JSON:
        try:
            return subject[first][second]
        except (KeyError, TypeError):
            raise explain(subject, steps) from None

    return two


def _walker(steps: tuple[Step, ...]) -> Expression:
    walk = compile_walk(steps)
    if not is_definite(steps):
        return lambda subject, scope: walk(subject, Evaluation(subject))

    def only(subject: JSON, scope: Scope) -> JSON:
        found = walk(subject, Evaluation(subject))
        if not found:
            raise no_results(steps)
        return found[0]

    return only


class ReferencePath:
    """A path to one place, which can be read and written: ResultPath, ItemsPath and their like."""

    __slots__ = ("get", "keys", "text")

    def __init__(self, path: Path, keys: tuple[Key, ...]) -> None:
        self.text = path.text
        self.keys = keys
        self.get: Expression = path.evaluate
        """(subject, scope) -> the value there; raises PathNotFound."""

    def put(self, document: JSON, value: JSON) -> JSON:
        """A document with ``value`` in this place. Only what lies on the way is copied; missing objects are made.

        Raises States.ResultPathMatchFailure where the way leads through something that has no such place (spec,
        section "ResultPath"): a scalar, null, an array index that does not exist.
        """
        if not self.keys:
            return value
        root: list[JSON] = [None]
        holder: JSON = root
        place: Key = 0
        current = document
        for key in self.keys:
            copy = self._copy_for(key, current, document)
            holder[place] = copy
            holder, place = copy, key
            current = copy.get(key, _MISSING) if type(copy) is dict else copy[key]
        holder[place] = value
        return root[0]

    def _copy_for(self, key: Key, current: JSON, document: JSON) -> JSON:
        """A copy of ``current``, or a new object, in which ``key`` can be set."""
        if type(key) is str:
            if current is _MISSING:
                return {}
            if type(current) is dict:
                return dict(current)
        elif type(current) is list and type(key) is int and key < len(current):
            return list(current)
        raise StatesError(
            RESULT_PATH_MATCH_FAILURE,
            f"Unable to apply ReferencePath {self.text} to input {encode(document)}",
            by_interpreter=True,
        )


_MISSING = object()


def compile_reference_path(text: str) -> ReferencePath:
    """The reference path of ``text``. Raises ValueError where it is none: it could match several places or none.

    A variable or the context object cannot be written, so neither may be its root.
    """
    if not text.startswith("$"):
        raise ValueError(f"{text!r} is not a reference path: it does not start with '$'")
    path = compile_path(text)
    if path.is_context or path.variable is not None:
        raise ValueError(f"{text!r} is not a reference path: it must start at the state's input")
    keys = _single_keys(path.steps)
    if keys is None or any(type(key) is int and key < 0 for key in keys):
        raise ValueError(f"{text!r} is not a reference path: it must name one place, without @ , : ? * or ..")
    return ReferencePath(path, keys)
