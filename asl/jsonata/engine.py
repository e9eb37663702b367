"""The seam to a JSONata engine: what every engine is asked for, and which one answers.

Whatever the engine, an expression is compiled once, is given only the variables that it reads, and ends (`limits`).
jlens runs unless it is not there, or the environment variable ``STEPSIM_JSONATA`` says ``jsonata2py``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from functools import cache
from importlib.util import find_spec
from typing import Any, Protocol, TypeAlias

from stepsim.asl.jsonata.limits import LAST, Limits
from stepsim.asl.payload import JSON

CHOICE = "STEPSIM_JSONATA"
"""The environment variable that names an engine."""

ENGINES = ("jlens", "jsonata2py")
"""The engines, the preferred one first. Each is the name of a package."""

Reads: TypeAlias = "Mapping[str, Any]"
"""Names that are read, each with what is read of it: True for all of it, or again names."""

Function: TypeAlias = Callable[..., Any]


class Special(Enum):
    """Results that are not JSON."""

    UNDEFINED = "undefined"
    FUNCTION = "function"


class EngineError(Exception):
    """An expression cannot be compiled or evaluated: JSONata's code (``T1006``) and text.

    The code is empty where AWS writes none: where a bound is reached, and in our own functions.
    """

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(code, message)


class Compiled(Protocol):
    """A compiled expression."""

    @property
    def variables(self) -> Reads:
        """The variables that it reads, functions included."""
        ...

    @property
    def context(self) -> Reads:
        """The names that it reads from the input document, which Step Functions does not have."""
        ...

    def evaluate(self, bindings: dict[str, Any], now_ms: int, limits: Limits = LAST) -> JSON | Special:
        """The value, given variables and functions by name, within limits. Raises EngineError."""
        ...


class Engine(Protocol):
    """Compiles expressions. Raises EngineError with the code and text of JSONata's parser.

    `functions` are the names of those that an expression will be given: they read nothing but their arguments.
    """

    def __call__(self, text: str, functions: Iterable[str] = (), /) -> Compiled: ...


@cache
def chosen_engine() -> str:
    """The name of the engine that runs; decided once. Raises ImportError where the one asked for is not there."""
    wanted = os.environ.get(CHOICE, "")
    if wanted and wanted not in ENGINES:
        raise ImportError(f"{CHOICE}={wanted}: there is no such JSONata engine; write {' or '.join(ENGINES)}")
    for name in (wanted,) if wanted else ENGINES:
        if find_spec(name) is not None:
            return name
    raise ImportError(f"No JSONata engine is installed: pip install {wanted or ENGINES[0]}")


@cache
def engine(name: str) -> Engine:
    """The engine of a name, loaded when it is first asked for."""
    if name == "jlens":
        from stepsim.asl.jsonata.engine_jlens import JlensExpression

        return JlensExpression
    from stepsim.asl.jsonata.engine_python import PythonExpression

    return PythonExpression
