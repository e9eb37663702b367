"""Where a definition comes from: a file of its own, or a place in a template, a stack or a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from stepsim.asl.errors import DefinitionError, Problem
from stepsim.asl.parse import Document, Positions, parse, substitute
from stepsim.asl.parse import Path as Steps
from stepsim.asl.payload import JSON, decode, encode

Place: TypeAlias = tuple[int, int]
"""Line and column, both from 1."""


@dataclass(frozen=True, slots=True)
class EmbeddedDefinition:
    """A definition that stands in another file: as an object, or as the text of one."""

    host: Path
    """The file."""
    value: JSON
    """A string is the definition's JSON text; anything else the definition itself."""
    positions: Positions
    """Where the members of an object stand in the host. Of a text, ``()`` is where it begins."""
    shift: Callable[[int, int], Place] | None = None
    """Of a text: the place in the host of a line and a column of the text; None where its lines are not the host's."""

    @property
    def name(self) -> str:
        """The host's name, for messages."""
        return self.host.name

    def __str__(self) -> str:
        return str(self.host)

    def document(self, substitutions: Mapping[str, JSON]) -> Document:
        """The definition, its positions those in the host. Raises DefinitionError where a text is no JSON."""
        source = str(self.host)
        if not isinstance(self.value, str):
            value = decode(substitute(encode(self.value), substitutions)) if substitutions else self.value
            return Document(value, source, encode(value), places=self.positions)
        text = substitute(self.value, substitutions) if substitutions else self.value
        try:
            inner = parse(text, source, form="json")
        except DefinitionError as error:
            raise DefinitionError([self._shifted(problem) for problem in error.problems], source) from None
        document = Document(inner.value, source, text, places=_Shifted(inner, self._place))
        document.problems = tuple(self._shifted(problem) for problem in inner.problems)
        return document

    def _place(self, line: int, column: int) -> Place:
        return self.positions.position(()) if self.shift is None else self.shift(line, column)

    def _shifted(self, problem: Problem) -> Problem:
        line, column = self._place(problem.line, problem.column)
        return replace(problem, line=line, column=column)


@dataclass(frozen=True, slots=True)
class _Shifted:
    """The positions of a text, as those of the file that it stands in."""

    inner: Document
    place: Callable[[int, int], Place]

    def position(self, path: Steps) -> Place:
        return self.place(*self.inner.position(path))


DefinitionSource: TypeAlias = Path | EmbeddedDefinition


def read_definition(source: DefinitionSource, substitutions: Mapping[str, JSON]) -> Document:
    """The definition with ``${Names}`` filled in. Raises DefinitionError where it cannot be read."""
    if isinstance(source, EmbeddedDefinition):
        return source.document(substitutions)
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise DefinitionError([Problem("MISSING_FILE", f"cannot be read: {reason}", "/", 1, 1)], str(source)) from None
    return parse(substitute(text, substitutions) if substitutions else text, str(source))
