"""What every expression of the language looks like once compiled, whatever language it was written in.

The interpreter only ever calls ``expression(subject, scope)``. A JSONPath expression reads the subject (``$``), the
context object (``$$``) and variables (``$name``); a query language with other rules reads what it needs from the scope.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from stepsim.asl.payload import JSON


class Scope:
    """What an expression can see besides its subject. Made once a state visit; cheap where nobody looks."""

    __slots__ = ("_build_context", "_context", "variables")

    def __init__(self, build_context: Callable[[], JSON], variables: Mapping[str, JSON]) -> None:
        self._build_context = build_context
        self._context: JSON = None
        self.variables = variables

    @property
    def context(self) -> JSON:
        """The context object (``$$``), built when it is first read."""
        if self._context is None:
            self._context = self._build_context()
        return self._context


class Expression(Protocol):
    """A compiled expression. Raises StatesError (with AWS's text) where it cannot be evaluated."""

    def __call__(self, subject: JSON, scope: Scope, /) -> JSON: ...


class Test(Protocol):
    """A compiled Choice rule."""

    def __call__(self, subject: JSON, scope: Scope, /) -> bool: ...
