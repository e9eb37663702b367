"""What a module's expressions are evaluated in: names, functions that read the module's files, and values of blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from stepsim.asl.parse import placeholders
from stepsim.asl.payload import JSON
from stepsim.runtime.projects.hcl import Block
from stepsim.runtime.projects.hcl_expressions import parse_template
from stepsim.runtime.projects.hcl_functions import FUNCTIONS
from stepsim.runtime.projects.hcl_tokens import HclError
from stepsim.runtime.projects.hcl_values import FAILURES, Scope, as_text, member
from stepsim.runtime.projects.host import mapping
from stepsim.runtime.projects.terraform_files import no_hcl


class Names:
    """The names of a ``for``, a template or an instance, and what `look_up` makes of the others."""

    def __init__(self, folder: Path, look_up: LookUp, names: Mapping[str, JSON], holes: list[str]) -> None:
        self.folder = folder
        self.names = names
        self.holes = holes
        """The references that only AWS knows."""
        self._look_up = look_up

    def look_up(self, steps: list[str | int]) -> JSON:
        """What a reference means; a hole where only AWS knows."""
        if steps[0] in self.names:
            return walk(self.names[str(steps[0])], steps[1:], ".".join(map(str, steps)))
        return self._look_up(steps, self)

    def inside(self, names: Mapping[str, JSON]) -> Scope:
        """The same with further names."""
        return Names(self.folder, self._look_up, {**self.names, **names}, self.holes)

    def call(self, name: str, arguments: list[JSON]) -> JSON:
        """What a function gives; a hole where it is not known here, or cannot work on holes.

        Raises ValueError where it cannot work on values.
        """
        read = _FILES.get(name)
        try:
            if read is not None:
                return read(self, arguments)
            if name in FUNCTIONS:
                return FUNCTIONS[name](*arguments)
        except OSError as error:
            if not placeholders(arguments):
                raise ValueError(f"{name}(): {error.strerror}: {error.filename}") from None
        except (*FAILURES, HclError):
            if not placeholders(arguments):
                raise ValueError(f"{name}() cannot work on what it is given") from None
        self.holes.append(f"{name}()")
        return f"${{{name}()}}"


LookUp: TypeAlias = Callable[[list[str | int], Names], JSON]


def _file(scope: Names, arguments: list[JSON]) -> JSON:
    return (scope.folder / str(arguments[0])).read_text("utf-8")


def _template_file(scope: Names, arguments: list[JSON]) -> JSON:
    file = scope.folder / str(arguments[0])
    text = as_text(_file(scope, arguments))
    try:
        template = parse_template(text)
    except HclError as error:
        raise no_hcl(file, text, error) from None
    return template(scope.inside(mapping(arguments[1])))


def _template_text(scope: Names, arguments: list[JSON]) -> JSON:
    return parse_template(as_text(arguments[0]))(scope.inside(mapping(arguments[1])))


def _file_exists(scope: Names, arguments: list[JSON]) -> JSON:
    return (scope.folder / str(arguments[0])).is_file()


_FILES: Mapping[str, Callable[[Names, list[JSON]], JSON]] = {
    "file": _file,
    "templatefile": _template_file,
    "templatestring": _template_text,
    "fileexists": _file_exists,
}


def values_of(block: Block, scope: Scope) -> dict[str, JSON]:
    """A block's attributes, and its blocks as lists of mappings."""
    values: dict[str, JSON] = {}
    for name, one in block.attributes.items():
        if name in ("count", "for_each", "depends_on", "provider"):
            continue
        try:
            values[name] = one.expr(scope)
        except FAILURES as error:
            values[name] = f"${{{name}: {error}}}"
    for inner in block.blocks:
        if inner.type in ("lifecycle", "provisioner", "timeouts"):
            continue
        values[inner.type] = [*values.get(inner.type, []), values_of(inner, scope)]
    return {name: value for name, value in values.items() if value is not None}


def walk(value: JSON, steps: Sequence[str | int], full: str) -> JSON:
    """What stands at some steps into a value. Raises LookupError where nothing does."""
    for step in steps:
        if isinstance(value, list) and not isinstance(step, int):
            # A reference through [*], or to the only one of several.
            value = value[0] if value else f"${{{full}}}"
        value = member(value, step)
    return value
