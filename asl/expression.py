"""What every expression of the language looks like once compiled, whatever language it was written in.

The interpreter only ever calls ``expression(subject, scope)``. A JSONPath expression reads the subject (``$``), the
context object (``$$``) and variables (``$name``); a query language with other rules reads what it needs from the scope.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from stepsim.asl.payload import EMPTY, JSON, Payload


class Scope:
    """What an expression can see besides its subject. Made once a state visit; cheap where nobody looks."""

    __slots__ = ("_build_context", "_context", "_dice", "_draws", "raw", "variables")

    def __init__(
        self,
        build_context: Callable[[], JSON],
        variables: Mapping[str, JSON],
        dice: Callable[[str], float] | None = None,
        raw: Payload = EMPTY,
    ) -> None:
        """``dice(purpose)`` gives a number in [0, 1) that belongs to this state visit and the purpose."""
        self.raw = raw
        """The state's input as it came."""
        self._build_context = build_context
        self._context: JSON = None
        self._dice = dice
        self._draws = 0
        self.variables = variables

    @property
    def now_ms(self) -> int:
        """The time, in milliseconds since 1970-01-01T00:00Z."""
        return 0

    @property
    def context(self) -> JSON:
        """The context object (``$$``), built when it is first read."""
        if self._context is None:
            self._context = self._build_context()
        return self._context

    def draw(self, purpose: str) -> float:
        """A number in [0, 1), another one for each draw of the visit. An error where the scope was given no dice."""
        if self._dice is None:
            raise RuntimeError(f"{purpose} needs dice, and this scope has none")
        self._draws += 1
        return self._dice(f"{purpose}/{self._draws}")


class Expression(Protocol):
    """A compiled expression. Raises StatesError (with AWS's text) where it cannot be evaluated."""

    def __call__(self, subject: JSON, scope: Scope, /) -> JSON: ...


class Test(Protocol):
    """A compiled Choice rule."""

    def __call__(self, subject: JSON, scope: Scope, /) -> bool: ...
