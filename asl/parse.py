"""Text to JSON: a definition as it was written, what it holds, and where everything in it stands.

Nothing here knows what a state is. A text that cannot be read raises DefinitionError; what can be read but should not
be accepted (a name twice in one object) waits in ``Document.problems`` for whoever validates.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Mapping
from typing import Literal, NoReturn, Protocol

from stepsim.asl.errors import DefinitionError, Problem
from stepsim.asl.json_scanner import JsonSyntaxError, Layout, line_and_column, read_number, scan, source_location
from stepsim.asl.payload import JSON, encode

Path = tuple[str | int, ...]
"""Where something stands in a document: names of members and indexes of elements, from the outside in."""

MAX_CHARACTERS = 1_048_576
"""The longest definition that AWS takes."""

_PLACEHOLDER = re.compile(r"\$\{([^{}]*)\}")
_EMPTY = 'Write an object with StartAt and States: {"StartAt": …, "States": {…}}.'


class Positions(Protocol):
    """Knows where everything stands in a text."""

    def position(self, path: Path) -> tuple[int, int]:
        """Line and column, both from 1, of the last step of the path that there is."""
        ...


class Document:
    """A definition's text and value. Positions are found when somebody first asks for one."""

    __slots__ = ("_layout", "_lines", "_places", "problems", "source", "text", "value")

    def __init__(
        self,
        value: JSON,
        source: str,
        text: str,
        *,
        layout: Layout | None = None,
        places: Positions | None = None,
    ) -> None:
        self.value = value
        self.source = source
        self.text = text
        self.problems: tuple[Problem, ...] = ()
        """What is wrong with the text itself, although it could be read."""
        self._layout = layout
        self._places = places
        self._lines: list[int] | None = None

    @classmethod
    def of_value(cls, value: JSON, source: str = "definition") -> Document:
        """The document of a value that was never text (a CloudFormation ``Definition`` object, a test)."""
        return cls(value, source, encode(value))

    def position(self, path: Path) -> tuple[int, int]:
        """Line and column, both from 1, of a member's name or of an element; ``()`` is the document's first character.

        A path that leads nowhere gives the place of the last step that there is.
        """
        if self._places is not None:
            return self._places.position(path)
        if self._layout is None and isinstance(self.value, (dict, list)):
            self._layout = scan(self.text).layout
        offset = len(self.text) - len(self.text.lstrip())
        layout = self._layout
        for step in path:
            if isinstance(layout, dict) and step in layout:
                place = layout[str(step)]
            elif isinstance(layout, list) and isinstance(step, int) and step < len(layout):
                place = layout[step]
            else:
                break
            offset, layout = place
        return self._line_and_column(offset)

    def _line_and_column(self, offset: int) -> tuple[int, int]:
        if self._lines is None:
            self._lines = [0, *(match.end() for match in re.finditer("\n", self.text))]
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def __repr__(self) -> str:
        return f"Document({self.source})"


def parse(text: str, source: str = "definition", *, form: Literal["json", "yaml"] | None = None) -> Document:
    """Read a definition, JSON or YAML; without a form the source's suffix decides, and JSON it is if that is unknown.

    Raises DefinitionError with one Problem where the text cannot be read: INVALID_JSON_DESCRIPTION in the words of
    AWS's parser, its path being AWS's location (``[Source: (String)"…"; line: 1, column: 4]``), or AWS's text for an
    empty definition.
    """
    if form is None:
        form = "yaml" if source.lower().endswith((".yaml", ".yml")) else "json"
    if not text.strip():
        _refuse_empty(source)
    document = _parse_yaml(text, source) if form == "yaml" else _parse_json(text, source)
    if len(text) > MAX_CHARACTERS:
        document.problems = (_too_long(text), *document.problems)
    return document


def _parse_json(text: str, source: str) -> Document:
    try:
        return Document(_decode(text), source, text)
    except (ValueError, RecursionError):
        pass  # A mistake, a hole, or a name that stands twice: the scanner can tell.
    try:
        found = scan(text)
    except JsonSyntaxError as error:
        raise DefinitionError([_syntax_problem(text, error)], source) from None
    document = Document(found.value, source, text, layout=found.layout)
    document.problems = tuple(
        _problem(text, f"Duplicate field '{name}'", offset, offset + len(name) + 2, "Rename or remove one of the two.")
        for name, _, offset in found.duplicates
    )
    return document


def _decode(text: str) -> JSON:
    return json.loads(
        text, object_pairs_hook=_object, parse_constant=_refuse, parse_float=read_number, parse_int=read_number
    )


def _object(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name stands twice")
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def _parse_yaml(text: str, source: str) -> Document:
    # Imported here: reading JSON must not pay for a YAML library.
    from stepsim.asl.yaml_reader import YamlError, read

    try:
        value, places, duplicates = read(text)
    except YamlError as error:
        problem = Problem(
            "INVALID_JSON_DESCRIPTION", str(error), "/", error.line, error.column, suggestion=error.suggestion
        )
        raise DefinitionError([problem], source) from None
    document = Document(value, source, text, places=places)
    document.problems = tuple(
        Problem(
            "INVALID_JSON_DESCRIPTION",
            f"Duplicate field '{name}'",
            "/",
            line,
            column,
            suggestion="Rename or remove one of the two.",
        )
        for name, line, column in duplicates
    )
    return document


def _refuse_empty(source: str) -> NoReturn:
    problem = Problem("SCHEMA_VALIDATION_FAILED", "Definition must be a valid JSON object", "", 1, 1, suggestion=_EMPTY)
    raise DefinitionError([problem], source)


def _syntax_problem(text: str, error: JsonSyntaxError) -> Problem:
    return _problem(text, str(error), error.offset, error.read, error.suggestion)


def _problem(text: str, message: str, offset: int, read: int, suggestion: str | None) -> Problem:
    line, column = line_and_column(text, offset)
    location = source_location(text, read)
    return Problem("INVALID_JSON_DESCRIPTION", message, location, line, column, suggestion=suggestion)


def _too_long(text: str) -> Problem:
    message = "Value at 'definition' failed to satisfy constraint: Member must have length less than or equal to "
    return Problem(
        "DEFINITION_TOO_LONG",
        f"{message}{MAX_CHARACTERS}",
        "/",
        1,
        1,
        suggestion=f"It has {len(text)} characters: move a part into a state machine of its own.",
    )


def substitute(text: str, mapping: Mapping[str, JSON]) -> str:
    """The text with each ``${Name}`` of the mapping replaced, as SAM's DefinitionSubstitutions are: as text.

    A string goes in as it is, so ``"${Name}"`` stays a string and ``${Name}`` becomes whatever the string says; any
    other value goes in as its JSON text. Names that the mapping lacks stay as they are: `placeholders` finds them.
    """

    def replacement(match: re.Match[str]) -> str:
        name = match.group(1).strip()
        if name not in mapping:
            return match.group()
        value = mapping[name]
        return value if isinstance(value, str) else encode(value)

    return _PLACEHOLDER.sub(replacement, text)


def is_hole(value: JSON) -> bool:
    """True for a string with a ``${Placeholder}`` in it: it may become anything."""
    return type(value) is str and "${" in value and _PLACEHOLDER.search(value) is not None


def placeholders(value: JSON) -> list[str]:
    """The names of all ``${Placeholders}`` left in a value, in the order of the text, each once."""
    names: dict[str, None] = {}
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if type(item) is str:
            if "${" in item:
                names.update((match.group(1).strip(), None) for match in _PLACEHOLDER.finditer(item))
        elif type(item) is dict:
            for name, member in reversed(item.items()):
                waiting += (member, name)
        elif type(item) is list:
            waiting.extend(reversed(item))
    return list(names)
