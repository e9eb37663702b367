"""Which definitions coverage is about: the files that were named, and what was run of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from stepsim.asl.errors import DefinitionError
from stepsim.asl.parse import Document
from stepsim.asl.validate import validate
from stepsim.runtime.coverage.recorded import Recorded, attributed, merged, of_document
from stepsim.runtime.definition_source import read_definition

PATTERNS = ("*.asl.json", "*.asl.yaml", "*.asl.yml")
"""The definitions of a folder, and of those below it."""


class NoDefinition(Exception):
    """A path that was named and that no definition can be had from: it says which, and why."""


def named(paths: Iterable[Path]) -> list[Recorded]:
    """The definitions that stand at paths, with nothing covered yet. Raises NoDefinition.

    A path is a definition, a template with some, or a folder: its ``*.asl.json`` and ``*.asl.yaml`` at any depth or,
    where it has none, the templates in it.
    """
    return [of_document(document, {}) for path in paths for document in _documents(path)]


def selected(records: Sequence[Recorded], known: Sequence[Recorded], paths: Sequence[Path]) -> list[Recorded]:
    """What to report: of what was run all, or, where paths were named, the definitions there (`known`)."""
    together = attributed(merged([*known, *records]))
    if not paths:
        return together
    within = {record.file for record in known}
    return [record for record in together if record.file in within]


def _documents(path: Path) -> Iterator[Document]:
    if not path.exists():
        raise NoDefinition(f"{path}: there is no such file or folder")
    files = sorted({file for pattern in PATTERNS for file in path.rglob(pattern)}) if path.is_dir() else []
    try:
        if files:
            for file in files:
                yield _valid(read_definition(file, {}))
        else:
            yield from _in_project(path)
    except DefinitionError as error:
        raise NoDefinition(f"{path}: {error}") from None


def _in_project(path: Path) -> Iterator[Document]:
    # Templates are read by those who have some.
    from stepsim.runtime.projects.findings import ProjectError
    from stepsim.runtime.projects.load import load_project

    try:
        project = load_project(path)
    except ProjectError as error:
        raise NoDefinition(f"{path}: {error}") from None
    machines = [machine for machine in project.machines.values() if machine.definition is not None]
    if not machines:
        raise NoDefinition(f"{path}: there is no state machine in it")
    for machine in machines:
        assert machine.definition is not None
        yield _valid(read_definition(machine.definition, machine.substitutions))


def _valid(document: Document) -> Document:
    errors = [problem for problem in validate(document) if problem.severity == "error"]
    if errors:
        raise DefinitionError(errors, os.fspath(document.source))
    return document
