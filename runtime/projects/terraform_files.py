"""The ``.tf`` files of a module: what they declare, by name, and where each block stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from stepsim.asl.errors import Problem
from stepsim.runtime.definition_source import Place
from stepsim.runtime.projects.findings import UNREADABLE, Finding, ProjectError, Site
from stepsim.runtime.projects.hcl import Attribute, Block, parse_file
from stepsim.runtime.projects.hcl_tokens import HclError
from stepsim.runtime.projects.host import read_text


@dataclass(frozen=True, slots=True)
class Found:
    """A block and the file that it stands in."""

    block: Block
    file: Path
    text: str

    @property
    def type(self) -> str:
        """Of a resource or a data source: ``aws_lambda_function``."""
        return self.block.labels[0]

    @property
    def name(self) -> str:
        """Of a resource or a data source: what the files call it."""
        return self.block.labels[1]

    def site(self, offset: int, address: str) -> Site:
        """A place in the file."""
        return Site(self.file, *_place(self.text, offset), address, f"/{address}" if address else "")

    def shift(self, offset: int) -> Callable[[int, int], Place]:
        """What gives the file's lines and columns for those of the text that begins at an offset."""
        first, _ = _place(self.text, offset)
        lines = self.text[offset:].splitlines()
        content = next((line for line in lines if line.strip()), "")
        trimmed = self.text[:offset].rstrip().rpartition("<<")[2].startswith("-")
        indent = len(content) - len(content.lstrip()) if trimmed else 0
        return lambda line, column: (first + line - 1, indent + column)


@dataclass(frozen=True, slots=True)
class Declared:
    """What the files of a module declare."""

    variables: dict[str, Found] = field(default_factory=dict)
    outputs: dict[str, Found] = field(default_factory=dict)
    calls: dict[str, Found] = field(default_factory=dict)
    """The modules that it calls."""
    resources: dict[tuple[str, str], Found] = field(default_factory=dict)
    """By type and name, as data sources are."""
    data: dict[tuple[str, str], Found] = field(default_factory=dict)
    locals: dict[str, Attribute] = field(default_factory=dict)

    def add(self, found: Found) -> None:
        """Add a block; one that declares nothing is nothing."""
        block = found.block
        if block.type == "locals":
            self.locals.update(block.attributes)
        elif block.type in ("resource", "data") and len(block.labels) == 2:
            places = self.resources if block.type == "resource" else self.data
            places[block.labels[0], block.labels[1]] = found
        elif len(block.labels) == 1:
            places_of = {"variable": self.variables, "output": self.outputs, "module": self.calls}
            if block.type in places_of:
                places_of[block.type][block.labels[0]] = found


def declared_in(files: Iterable[Path]) -> Declared:
    """What files declare. Raises ProjectError for what is no HCL."""
    declared = Declared()
    for file in files:
        root = read_blocks(file)
        for block in root.block.blocks:
            declared.add(Found(block, file, root.text))
    return declared


def read_blocks(file: Path) -> Found:
    """A file's blocks and attributes, as one block. Raises ProjectError for what is no HCL."""
    text = read_text(file)
    try:
        return Found(parse_file(text), file, text)
    except HclError as error:
        raise no_hcl(file, text, error) from None


def no_hcl(file: Path, text: str, error: HclError) -> ProjectError:
    """What is wrong with a file, where it stands."""
    line, column = _place(text, error.offset)
    return ProjectError([Finding(file, Problem(UNREADABLE, f"is no HCL: {error}", "", line, column))])


def _place(text: str, offset: int) -> Place:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
