"""The Serverless Framework's variables: ``${self:custom.table}``, ``${opt:stage, 'dev'}``, ``${file(x.yml):key}``."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from stepsim.asl.parse import Path as Steps
from stepsim.asl.payload import JSON, encode
from stepsim.runtime.cloud.call import ACCOUNT_ID, DEFAULT_REGION
from stepsim.runtime.projects.findings import ProjectError
from stepsim.runtime.projects.host import mapping, read_host, read_text

_VARIABLE = re.compile(r"\$\{((?:self|opt|env|file|sls|param|cf|ssm|s3|aws|git|strToBool)[:(][^${}]*)\}")
_FILE = re.compile(r"file\(([^)]*)\)(?::(.*))?")
_LITERAL = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_DEPTH_MAX = 40

_NOTHING: Any = object()
"""A source that has no value: the next one is asked."""


class Variables:
    """Fills in the variables of one ``serverless.yml``. What only AWS knows stays as it is, and is noted."""

    def __init__(self, root: Mapping[str, JSON], folder: Path, given: Mapping[str, JSON]) -> None:
        self._root = root
        self._folder = folder
        self._given = given
        self._finds_stage = False
        self.used: set[str] = set()
        self.unknown: list[tuple[Steps, str]] = []
        """Where a variable without a value stands, and the variable."""

    def fill(self, value: JSON, steps: Steps = (), depth: int = 0) -> JSON:
        """The value with its variables filled in."""
        if isinstance(value, dict):
            return {name: self.fill(member, (*steps, name), depth) for name, member in value.items()}
        if isinstance(value, list):
            return [self.fill(item, (*steps, index), depth) for index, item in enumerate(value)]
        return self._text(value, steps, depth) if isinstance(value, str) and "${" in value else value

    def _text(self, text: str, steps: Steps, depth: int) -> JSON:
        if depth > _DEPTH_MAX:
            self.unknown.append((steps, text))
            return text
        unknown: set[str] = set()
        while True:
            match = next((one for one in _VARIABLE.finditer(text) if one.group() not in unknown), None)
            if match is None:
                return text
            value = self._value(match[1])
            if value is _NOTHING:
                unknown.add(match.group())
                self.unknown.append((steps, match.group()))
                continue
            value = self.fill(value, steps, depth + 1)
            if match.group() == text:
                return value
            text = text[: match.start()] + (value if isinstance(value, str) else encode(value)) + text[match.end() :]

    def _value(self, expression: str) -> JSON:
        """The first of its sources that has a value."""
        for source in _split(expression):
            literal = _LITERAL.fullmatch(source)
            if literal is not None:
                return literal[1] if literal[1] is not None else literal[2]
            if source in ("null", "true", "false") or source.isdigit():
                return {"null": None, "true": True, "false": False}.get(source, source)
            value = self._of_source(source)
            if value is not _NOTHING:
                return value
        return _NOTHING

    def _of_source(self, source: str) -> JSON:
        if source in self._given:
            self.used.add(source)
            return self._given[source]
        file = _FILE.fullmatch(source)
        if file is not None:
            return self._of_file(file[1].strip(), file[2])
        kind, _, name = source.partition(":")
        look_up = _SOURCES.get(kind)
        return _NOTHING if look_up is None else look_up(self, name)

    def _of_file(self, name: str, path: str | None) -> JSON:
        file = self._folder / name
        if not file.is_file() or file.suffix in (".js", ".cjs", ".ts"):
            return _NOTHING
        try:
            is_text = file.suffix not in (".json", ".yml", ".yaml")
            value: JSON = read_text(file) if is_text else read_host(file).value
        except ProjectError:
            return _NOTHING
        return value if not path else _member(value, path)

    def _of_self(self, path: str) -> JSON:
        return self._root if not path else self._deep(self._root, path)

    def _deep(self, value: JSON, path: str) -> JSON:
        """A member by its path; a variable on the way is filled in first."""
        for name in path.split("."):
            if isinstance(value, str) and "${" in value:
                value = self.fill(value)
            value = _member(value, name)
            if value is _NOTHING:
                return _NOTHING
        return value

    def _of_option(self, name: str) -> JSON:
        if name in self._given:
            self.used.add(name)
            return self._given[name]
        return DEFAULT_REGION if name == "region" else _NOTHING

    def _of_environment(self, name: str) -> JSON:
        value = self._of_option(name)
        return os.environ.get(name, _NOTHING) if value is _NOTHING else value

    def _of_framework(self, name: str) -> JSON:
        if name == "stage":
            return self.stage
        return "local" if name == "instanceId" else _NOTHING

    def _of_aws(self, name: str) -> JSON:
        return {"accountId": ACCOUNT_ID, "region": DEFAULT_REGION}.get(name, _NOTHING)

    @property
    def stage(self) -> str:
        """The stage: --parameter stage=prod, the provider's, or dev."""
        chosen = self._of_option("stage")
        if chosen is _NOTHING and not self._finds_stage:
            # A stage that asks for itself is none.
            self._finds_stage = True
            noted = len(self.unknown)
            provider = self.fill(self._root.get("provider"))
            chosen = mapping(provider).get("stage")
            del self.unknown[noted:]
            self._finds_stage = False
        return chosen if isinstance(chosen, str) and "${" not in chosen else "dev"


_SOURCES: Mapping[str, Callable[[Variables, str], JSON]] = {
    "self": Variables._of_self,
    "opt": Variables._of_option,
    "param": Variables._of_option,
    "env": Variables._of_environment,
    "sls": Variables._of_framework,
    "aws": Variables._of_aws,
}


def _member(value: JSON, path: str) -> JSON:
    for name in path.split("."):
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            return _NOTHING
    return value


def _split(expression: str) -> list[str]:
    """The sources of a variable: parted by commas outside quotes and parentheses."""
    parts, depth, quote = [""], 0, ""
    for letter in expression:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]
