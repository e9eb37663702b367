"""One HTTP request, and its response, as the endpoint sees them: data, without a connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request, complete with its body."""

    method: str
    target: str
    """Path and query as they were sent: ``/bucket/a%20key?uploads``."""
    headers: Mapping[str, str]
    """By lower-case names."""
    body: bytes = b""

    @property
    def host(self) -> str:
        """The name that the client called: lower case, without a port; empty where it said none."""
        try:
            return (urlsplit(f"//{self.headers.get('host', '')}").hostname or "").rstrip(".")
        except ValueError:
            return ""

    @property
    def path(self) -> str:
        """The path as it was sent."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; of one that is given twice, the last."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    @property
    def form(self) -> dict[str, str]:
        """The body's parameters, where it is a form."""
        if not self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return {}
        try:
            return dict(parse_qsl(self.body.decode(), keep_blank_values=True))
        except ValueError:
            return {}


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response, complete with its body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


Headers: TypeAlias = Mapping[str, str]
