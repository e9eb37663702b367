"""A template's file: its value, and where everything in it stands. CloudFormation's short tags are what they mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stepsim.asl.errors import DefinitionError, Problem
from stepsim.asl.parse import Document, parse
from stepsim.asl.parse import Path as Steps
from stepsim.asl.payload import JSON
from stepsim.runtime.definition_source import EmbeddedDefinition, Place
from stepsim.runtime.projects.findings import UNREADABLE, Finding, ProjectError, Site

if TYPE_CHECKING:
    from stepsim.asl.yaml_reader import Places

_FUNCTIONS = (
    "And",
    "Base64",
    "Cidr",
    "Equals",
    "FindInMap",
    "GetAZs",
    "If",
    "ImportValue",
    "Join",
    "Length",
    "Not",
    "Or",
    "Select",
    "Split",
    "Sub",
    "ToJsonString",
    "Transform",
)


def _get_att(value: JSON) -> JSON:
    """``!GetAtt A.B.C`` is A's attribute B.C."""
    return {"Fn::GetAtt": value.split(".", 1) if isinstance(value, str) else value}


def _wrap(name: str) -> Callable[[JSON], JSON]:
    return lambda value: {name: value}


SHORT_TAGS: Mapping[str, Callable[[JSON], JSON]] = {
    "!Ref": _wrap("Ref"),
    "!Condition": _wrap("Condition"),
    "!GetAtt": _get_att,
    **{f"!{name}": _wrap(f"Fn::{name}") for name in _FUNCTIONS},
}


@dataclass(frozen=True, slots=True)
class HostFile:
    """A file that holds more than a definition."""

    path: Path
    value: JSON
    document: Document
    places: Places | None = None
    """What knows the blocks of a YAML file."""

    def site(self, steps: Steps, name: str) -> Site:
        """Where something stands."""
        line, column = self.document.position(steps)
        return Site(self.path, line, column, name, "".join(f"/{step}" for step in steps))

    def embedded(self, value: JSON, steps: Steps, text_steps: Steps | None = None) -> EmbeddedDefinition:
        """The definition at a place. `text_steps` lead to its text, where that stands there as it is."""
        shift = None
        if text_steps is not None:
            shift = self._shift(text_steps)
        return EmbeddedDefinition(self.path, value, Below(self.document, steps), shift)

    def _shift(self, steps: Steps) -> Callable[[int, int], Place] | None:
        first = None if self.places is None else self.places.block_start(steps)
        if first is None:
            return None
        lines = self.document.text.splitlines()
        content = next((line for line in lines[first - 1 :] if line.strip()), "")
        indent = len(content) - len(content.lstrip())
        return lambda line, column: (first + line - 1, indent + column)


@dataclass(frozen=True, slots=True)
class Below:
    """Positions of what stands at a place in a file."""

    document: Document
    steps: Steps

    def position(self, path: Steps) -> tuple[int, int]:
        """Line and column in the file."""
        return self.document.position((*self.steps, *path))


def read_text(path: Path) -> str:
    """A file's text. Raises ProjectError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        reason = "it is not UTF-8"
    except OSError as error:
        reason = error.strerror or str(error)
    raise ProjectError([Finding(path, Problem(UNREADABLE, f"cannot be read: {reason}", "", 1, 1))])


def read_host(path: Path, text: str | None = None) -> HostFile:
    """The file, JSON or YAML as its text says. Raises ProjectError where it is neither."""
    text = read_text(path) if text is None else text
    if text.lstrip().startswith("{"):
        try:
            document = parse(text, str(path), form="json")
        except DefinitionError as error:
            raise ProjectError([Finding(path, problem) for problem in error.problems]) from None
        return HostFile(path, document.value, document)
    return _read_yaml(path, text)


def _read_yaml(path: Path, text: str) -> HostFile:
    # Imported here: reading JSON must not pay for a YAML library.
    from stepsim.asl.yaml_reader import YamlError, read

    if not text.strip():
        raise ProjectError([Finding(path, Problem(UNREADABLE, "is empty", "", 1, 1))])
    try:
        value, places, _ = read(text, SHORT_TAGS)
    except YamlError as error:
        problem = Problem("INVALID_YAML", str(error), "", error.line, error.column, suggestion=error.suggestion)
        raise ProjectError([Finding(path, problem)]) from None
    return HostFile(path, value, Document(value, str(path), text, places=places), places)


def mapping(value: JSON) -> Mapping[str, JSON]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}
