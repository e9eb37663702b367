"""Input transformers: JSON whose texts have holes, ``<$.detail.object.key>``, filled from an event or a message.

A text that is nothing but a hole becomes what the path finds, whatever type that is, and null where it finds nothing.
Within a longer text a value stands as text, and nothing where there is none (EventBridge user guide, "Input
transformation").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeAlias

from stepsim.asl.errors import PathNotFound, StatesError
from stepsim.asl.expression import Scope
from stepsim.asl.jsonpath import compile_path
from stepsim.asl.payload import JSON, encode

Template: TypeAlias = Callable[[JSON], JSON]
"""An event in, the target's input out."""

_HOLE = re.compile(r"<(\$[^<>]*)>")
_FIRST = re.compile(r"\$(?:\.|\[')([\w-]+)")
_NOWHERE = Scope(lambda: {}, {})


@dataclass(frozen=True, slots=True)
class InputTemplate:
    """What makes a target's input."""

    fill: Template
    looks_around: bool = True
    """Of a message, it needs more than the ``body``."""


def input_template(value: JSON, own: Collection[str] = ()) -> InputTemplate:
    """The template that a JSON value is, as `compile_template` makes it. Raises ValueError."""
    firsts = [_FIRST.match(path) for path in _HOLE.findall(encode(value))]
    looks_around = any(first is None or (first[1] in own and first[1] != "body") for first in firsts)
    return InputTemplate(compile_template(value, own), looks_around)


def compile_template(value: JSON, own: Collection[str] = ()) -> Template:
    """The template that a JSON value is. Raises ValueError for a hole that is no path.

    Of a message, `own` are the names of its members: paths that begin with another name lead into its ``body``.
    """
    if isinstance(value, dict):
        members = [(name, compile_template(member, own)) for name, member in value.items()]
        return lambda event: {name: fill(event) for name, fill in members}
    if isinstance(value, list):
        elements = [compile_template(element, own) for element in value]
        return lambda event: [fill(event) for fill in elements]
    if not isinstance(value, str) or not _HOLE.search(value):
        return lambda _: value
    whole = _HOLE.fullmatch(value)
    return _found(whole[1], own) if whole is not None else _text(value, own)


def _found(path: str, own: Collection[str]) -> Template:
    first = _FIRST.match(path)
    if own and first is not None and first[1] not in own:
        path = f"$.body{path[1:]}"
    names = path.split(".")[1:]
    if path.startswith("$.") and all(name.isidentifier() for name in names):
        return _member(names)
    compiled = compile_path(path)
    if compiled.is_context or compiled.variable is not None:
        raise ValueError(f"{path!r} leads into no event: write $.detail…")

    def find(event: JSON) -> JSON:
        try:
            return compiled(event, _NOWHERE)
        except (PathNotFound, StatesError):
            return None

    return find


def _member(names: list[str]) -> Template:
    """What nearly every path is: names one below the other."""

    def find(event: JSON) -> JSON:
        for name in names:
            if not isinstance(event, dict):
                return None
            event = event.get(name)
        return event

    return find


def _text(template: str, own: Collection[str]) -> Template:
    pieces = _HOLE.split(template)
    texts, paths = pieces[::2], [_found(path, own) for path in pieces[1::2]]

    def fill(event: JSON) -> JSON:
        filled = texts[0]
        for find, text in zip(paths, texts[1:], strict=True):
            filled += _shown(find(event)) + text
        return filled

    return fill


def _shown(value: JSON) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else encode(value)
