"""YAML to JSON with positions. YAML 1.2: ``No`` is a word, a date is a string, and tags beyond JSON's are refused.

Who knows what other tags stand for names them: ``!Ref X`` is ``{"Ref": X}`` to the reader of a template.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from stepsim.asl.json_scanner import read_number
from stepsim.asl.payload import JSON

_TAG = "tag:yaml.org,2002:"
_WORDS = {"true": True, "false": False}
_STRINGS = ("str", "timestamp", "binary", "value")

Wrap = Callable[[JSON], JSON]
"""What the value below a tag means."""
_NO_TAGS: Mapping[str, Wrap] = {}


class YamlError(Exception):
    """The text is not YAML, or holds what JSON cannot say."""

    def __init__(self, message: str, line: int, column: int, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column
        self.suggestion = suggestion


class YamlDuplicate(NamedTuple):
    """A name that stands twice in one mapping; line and column from 1."""

    name: str
    line: int
    column: int


@dataclass(slots=True)
class Places:
    """Where each member and element stands."""

    root: Any

    def position(self, path: tuple[str | int, ...]) -> tuple[int, int]:
        """Line and column, both from 1, of the last step of the path that there is."""
        node = self.root
        mark = node.start_mark
        for step in path:
            found = _member(node, step)
            if found is None:
                break
            mark, node = found
        return mark.line + 1, mark.column + 1

    def block_start(self, path: tuple[str | int, ...]) -> int | None:
        """The first line, from 1, of the text at a path; None where it does not stand in a literal block (``|``)."""
        node = self.root
        for step in path:
            found = _member(node, step)
            if found is None:
                return None
            node = found[1]
        if not isinstance(node, ScalarNode) or node.style != "|":
            return None
        line: int = node.start_mark.line
        return line + 2


def _member(node: Any, step: str | int) -> tuple[Any, Any] | None:
    if isinstance(step, str) and str(node.tag).startswith("!") and _names(str(node.tag), step):
        # The tag is what the step leads through: !Sub and Fn::Sub are the same.
        return node.start_mark, node
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark, node.value[step]
    if isinstance(node, MappingNode):
        for key, value in reversed(node.value):
            if key.value == step:
                return key.start_mark, value
        for key, value in node.value:
            if key.tag == f"{_TAG}merge":
                found = _member(value, step)
                if found is not None:
                    return found
    return None


def _names(tag: str, step: str) -> bool:
    return step in (tag[1:], f"Fn::{tag[1:]}")


def read(text: str, tags: Mapping[str, Wrap] = _NO_TAGS) -> tuple[JSON, Places, list[YamlDuplicate]]:
    """The value of a YAML text, where everything stands, and the names that stand twice. Raises YamlError.

    `tags` says what tags beyond JSON's mean, by name (``!Ref``).
    """
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message = ": ".join(part for part in (error.context, error.problem) if part)
        raise YamlError(message, line, column) from None
    except YAMLError as error:
        raise YamlError(str(error).splitlines()[0], 1, 1) from None
    if root is None:
        raise YamlError("Definition must be a valid JSON object", 1, 1)
    builder = _Builder(tags)
    return builder.build(root), Places(root), builder.duplicates


class _Builder:
    def __init__(self, tags: Mapping[str, Wrap]) -> None:
        self.tags = tags
        self.duplicates: list[YamlDuplicate] = []
        self.built: dict[int, JSON] = {}
        self.open: set[int] = set()

    def build(self, node: Node) -> JSON:
        """The JSON value of a node. A node with an alias is built once and shared."""
        key = id(node)
        if key in self.built:
            return self.built[key]
        if key in self.open:
            raise _error(node, "An alias may not stand inside what it names")
        self.open.add(key)
        wrap = self.tags.get(str(node.tag))
        if isinstance(node, MappingNode):
            if wrap is None:
                _refuse_tag(node, "map")
            value: JSON = self._mapping(node)
        elif isinstance(node, SequenceNode):
            value = [self.build(item) for item in node.value]
        else:
            value = _scalar(node) if wrap is None else node.value
        if wrap is not None:
            value = wrap(value)
        self.open.discard(key)
        self.built[key] = value
        return value

    def _mapping(self, node: Any) -> dict[str, JSON]:
        value: dict[str, JSON] = {}
        merged: dict[str, JSON] = {}
        for name, member in node.value:
            if name.tag == f"{_TAG}merge":
                for part in member.value if isinstance(member, SequenceNode) else [member]:
                    merged = {**self.build(part), **merged}
                continue
            if not isinstance(name, ScalarNode):
                raise _error(name, "A name must be a string")
            if name.value in value:
                mark = name.start_mark
                self.duplicates.append(YamlDuplicate(name.value, mark.line + 1, mark.column + 1))
            value[name.value] = self.build(member)
        return {**merged, **value} if merged else value


def _scalar(node: Any) -> JSON:
    text: str = node.value
    kind = str(node.tag).removeprefix(_TAG)
    if kind in _STRINGS:
        return text
    if kind == "null":
        return None
    if kind == "bool":
        return _WORDS.get(text.lower(), text)
    if kind == "int":
        return _integer(node, text.replace("_", ""))
    if kind == "float":
        return _float(node, text.replace("_", ""))
    _refuse_tag(node, "str")
    return text


def _integer(node: Any, text: str) -> JSON:
    try:
        return int(text, 0) if re.match(r"[-+]?0[xob]", text) else int(text)
    except ValueError:
        return node.value


def _float(node: Any, text: str) -> JSON:
    if text.lower().lstrip("+-") in (".inf", ".nan"):
        raise _error(node, f"{text} is not JSON")
    try:
        return read_number(text)
    except ValueError as error:
        raise _error(node, str(error)) from None


def _refuse_tag(node: Any, expected: str) -> None:
    if str(node.tag) != f"{_TAG}{expected}":
        raise _error(
            node,
            f"The tag {node.tag} is not supported",
            "Write plain values; a name that is known later is written ${Name}.",
        )


def _error(node: Any, message: str, suggestion: str | None = None) -> YamlError:
    return YamlError(message, node.start_mark.line + 1, node.start_mark.column + 1, suggestion)
