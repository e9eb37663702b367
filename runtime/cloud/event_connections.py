"""EventBridge connections, as moto holds them: how an HTTP task authorizes itself, and what it adds to each request."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from moto.events.models import events_backends

from stepsim.runtime.cloud.call import ACCOUNT_ID, DEFAULT_REGION, CallSite
from stepsim.runtime.cloud.outbound_http import HttpCall


@dataclass(frozen=True, slots=True)
class Connection:
    """What a connection puts into a request; it goes before what the task says."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, str]
    token_call: HttpCall | None = None
    """The request for an access token, where the connection is one of OAuth."""


def connection(arn: str, site: CallSite) -> Connection | None:
    """The connection of an ARN; None where the account has none."""
    parts = arn.split(":", 5)
    if len(parts) < 6 or not parts[5].startswith("connection/"):
        return None
    name = parts[5].split("/")[1]
    backend = events_backends[site.account or ACCOUNT_ID][parts[3] or site.region or DEFAULT_REGION]
    found = backend.connections.get(name)
    if found is None:
        return None
    given: Mapping[str, Any] = found.auth_parameters
    common = given.get("InvocationHttpParameters", {})
    headers = _named(common.get("HeaderParameters"))
    token_call = None
    if "BasicAuthParameters" in given:
        basic = given["BasicAuthParameters"]
        pair = f"{basic['Username']}:{basic['Password']}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    elif "ApiKeyAuthParameters" in given:
        key = given["ApiKeyAuthParameters"]
        headers[key["ApiKeyName"]] = key["ApiKeyValue"]
    elif "OAuthParameters" in given:
        token_call = _token_call(given["OAuthParameters"])
    query, body = _named(common.get("QueryStringParameters")), _named(common.get("BodyParameters"))
    return Connection(headers, query, body, token_call)


def _token_call(oauth: Mapping[str, Any]) -> HttpCall:
    """The client's own credentials, and whatever the connection adds, for an access token."""
    client = oauth["ClientParameters"]
    added = oauth.get("OAuthHttpParameters", {})
    credentials = {
        "grant_type": "client_credentials",
        "client_id": client["ClientID"],
        "client_secret": client["ClientSecret"],
        **_named(added.get("BodyParameters")),
    }
    query = _named(added.get("QueryStringParameters"))
    headers = _named(added.get("HeaderParameters"))
    method = oauth["HttpMethod"]
    if method == "GET":
        return _call(method, oauth["AuthorizationEndpoint"], {**query, **credentials}, headers, None)
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    return _call(method, oauth["AuthorizationEndpoint"], query, headers, urlencode(credentials).encode())


def _call(method: str, url: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes | None) -> HttpCall:
    return HttpCall.to(method, url, {name: [value] for name, value in query.items()}, headers, body, 60.0)


def _named(parameters: list[dict[str, Any]] | None) -> dict[str, str]:
    return {one["Key"]: one["Value"] for one in parameters or []}
