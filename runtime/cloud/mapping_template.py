"""API Gateway's mapping templates, as far as they are references: ``$input.json('$.x')``, ``$context.stage``.

The language is Velocity's. What refers to something is replaced by it, as Java would print it; something that is not
there prints as nothing. Directives (``#set``, ``#if``, ``#foreach``) are refused by name.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from stepsim.asl.errors import PathNotFound, StatesError
from stepsim.asl.expression import Scope
from stepsim.asl.jsonpath import compile_path
from stepsim.asl.payload import JSON, decode, encode

_DIRECTIVE = re.compile(r"#\{?(set|if|elseif|else|end|foreach|parse|include|macro|define|stop|break|evaluate)\b")
_COMMENT = re.compile(r"##[^\n]*\n?|#\*.*?\*#", flags=re.DOTALL)
_REFERENCE = re.compile(r"\$!?(?:\{(?=[A-Za-z])|(?=[A-Za-z]))")
_NAME = re.compile(r"[A-Za-z][\w-]*")
_ARGUMENT = re.compile(r"""\s*(?:'([^']*)'|"([^"]*)"|(\d+)|(?=\$))\s*""")


_NOTHING_ELSE = Scope(lambda: {}, {})
"""A path in a template sees the body alone."""


class TemplateError(Exception):
    """A template says something that is not supported."""


@dataclass(frozen=True, slots=True)
class TemplateInput:
    """What a template can refer to."""

    body: str
    path: Mapping[str, str]
    querystring: Mapping[str, str]
    header: Mapping[str, str]
    context: Mapping[str, Any]
    stage_variables: Mapping[str, str]


def render(template: str, given: TemplateInput) -> str:
    """The text that a template makes. Raises TemplateError."""
    text = _COMMENT.sub("", template)
    directive = _DIRECTIVE.search(text)
    if directive is not None:
        raise TemplateError(f"stepsim does not support #{directive[1]} in a mapping template")
    roots: dict[str, Any] = {
        "input": _Input(given),
        "context": given.context,
        "stageVariables": given.stage_variables,
        "util": _UTIL,
    }
    parts: list[str] = []
    position = 0
    while (match := _REFERENCE.search(text, position)) is not None:
        parts.append(text[position : match.start()])
        reader = _Reader(text, match.end(), roots)
        value = reader.reference()
        position = reader.position
        if match[0].endswith("{"):
            if text[position : position + 1] != "}":
                raise TemplateError(f"a mapping template's reference is not closed: {text[match.start() :][:40]!r}")
            position += 1
        parts.append(_printed(value))
    parts.append(text[position:])
    return "".join(parts)


class _Reader:
    """Reads one reference: a name, then members and calls for as long as there are any."""

    def __init__(self, text: str, position: int, roots: Mapping[str, Any]) -> None:
        self.position = position
        self._text = text
        self._roots = roots

    def reference(self) -> Any:
        value = self._roots.get(self._name())
        while self._text[self.position : self.position + 1] == ".":
            match = _NAME.match(self._text, self.position + 1)
            if match is None:
                break
            self.position = match.end()
            if self._text[self.position : self.position + 1] == "(":
                value = _called(value, match[0], self._arguments())
            else:
                value = _member(value, match[0])
        return value

    def _name(self) -> str:
        match = _NAME.match(self._text, self.position)
        assert match is not None
        self.position = match.end()
        return match[0]

    def _arguments(self) -> list[Any]:
        self.position += 1
        arguments: list[Any] = []
        while True:
            while self._text[self.position : self.position + 1] in (" ", ","):
                self.position += 1
            if self._text[self.position : self.position + 1] == ")":
                self.position += 1
                return arguments
            match = _ARGUMENT.match(self._text, self.position)
            if match is None:
                raise TemplateError(
                    f"a mapping template's argument cannot be read: {self._text[self.position :][:40]!r}"
                )
            self.position = match.end()
            if match.lastindex is None:
                self.position += 1
                arguments.append(self.reference())
            else:
                arguments.append(int(match[3]) if match[3] is not None else match[match.lastindex])


class _Input:
    """``$input``."""

    def __init__(self, given: TemplateInput) -> None:
        self._given = given
        self._value: JSON = parse_body(given.body)

    @property
    def body(self) -> str:
        return self._given.body

    def json(self, path: str) -> str:
        """The JSON text of what a path finds."""
        return encode(self.path(path))

    def path(self, path: str) -> JSON:
        """What a path finds; None where it finds nothing."""
        try:
            return compile_path(path)(self._value, _NOTHING_ELSE)
        except (PathNotFound, StatesError):
            return None
        except ValueError as error:
            raise TemplateError(f"a mapping template's path is none: {error}") from error

    def params(self, name: str | None = None) -> Any:
        """All parameters; or one, looked for in path, query string and headers, in this order."""
        given = self._given
        if name is None:
            return {"path": given.path, "querystring": given.querystring, "header": given.header}
        found = (one[name] for one in (given.path, given.querystring, given.header) if name in one)
        return next(found, None)


def parse_body(body: str) -> JSON:
    """A body's JSON value; the text itself where it is no JSON, ``{}`` where there is none."""
    if not body:
        return {}
    try:
        return decode(body)
    except ValueError:
        return body


def _escaped(text: str) -> str:
    return encode(str(text))[1:-1].replace("'", "\\'")


_UTIL: Mapping[str, Callable[[str], str | JSON]] = {
    "escapeJavaScript": _escaped,
    "parseJson": parse_body,
    "urlEncode": quote_plus,
    "urlDecode": unquote_plus,
    "base64Encode": lambda text: base64.b64encode(text.encode()).decode(),
    "base64Decode": lambda text: base64.b64decode(text).decode("utf-8", "replace"),
}

_OF_MAPS: Mapping[str, Callable[..., Any]] = {
    "get": lambda value, key: value.get(key),
    "keySet": lambda value: list(value),
    "size": len,
    "isEmpty": lambda value: not value,
    "containsKey": lambda value, key: key in value,
}


def _called(value: Any, name: str, arguments: list[Any]) -> Any:
    method: Callable[..., Any] | None
    if isinstance(value, _Input):
        of_input: dict[str, Callable[..., Any]] = {"json": value.json, "path": value.path, "params": value.params}
        method = of_input.get(name)
    elif value is _UTIL:
        method = _UTIL.get(name)
    elif isinstance(value, Mapping) and name in _OF_MAPS:
        return _OF_MAPS[name](value, *arguments)
    elif isinstance(value, list) and name == "size":
        return len(value)
    else:
        method = None
    if method is None:
        raise TemplateError(f"stepsim does not support .{name}() in a mapping template")
    return method(*arguments)


def _member(value: Any, name: str) -> Any:
    if isinstance(value, _Input):
        return value.body if name == "body" else None
    return value.get(name) if isinstance(value, Mapping) else None


def _printed(value: Any) -> str:
    """As Java's toString prints it: {a=b, c=d} and [a, b]."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}={_printed(member)}" for key, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_printed, value)) + "]"
    return str(value)
