"""A scenario's ``cloud.apis``: as they are written, and made into what the account is filled with."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta, Struct

from stepsim.runtime.key_path import KeyPath
from stepsim.runtime.scenario_check import INVALID_VALUE, Checker, did_you_mean

_ROUTE = re.compile(r"(?P<method>GET|POST|PUT|DELETE|PATCH|HEAD|OPTIONS|ANY) (?P<path>(/[\w.~-]+|/\{\w+\+?\})+|/)")
_ID = re.compile(r"[a-z0-9]+")
_STAGE = re.compile(r"\w{1,128}")


class Throttle(Struct, frozen=True, forbid_unknown_fields=True):
    """What a stage lets through, of each method by itself."""

    burst: Annotated[int, Meta(ge=0, description="requests at once")]
    rate: Annotated[float, Meta(ge=0, description="requests a second")]


class Api(Struct, frozen=True, forbid_unknown_fields=True):
    """A REST API of API Gateway, with one stage."""

    routes: Annotated[
        dict[str, str], Meta(description='the function that answers, by method and path: {"GET /prices/{item}": Price}')
    ]
    stage: str = "prod"
    throttle: Annotated[Throttle | None, Meta(description="as the account's quotas, unless given")] = None


@dataclass(frozen=True, slots=True)
class Route:
    """A method of a resource, answered by a function."""

    method: str
    path: str
    function: str


@dataclass(frozen=True, slots=True)
class ApiSpec:
    """A REST API; its id is its name."""

    routes: tuple[Route, ...]
    stage: str = "prod"
    throttle: Throttle | None = None


def api_of(api: Api, path: KeyPath, functions: Collection[str], checker: Checker) -> ApiSpec:
    """The API that is meant. The checker is told of what AWS would not take, and of functions that there are not."""
    if not _ID.fullmatch(str(path[-1])):
        message = f"small letters and digits expected, as {path[-1]!r} is the API's id and begins its host name"
        checker.add(INVALID_VALUE, message, path)
    if not api.routes:
        checker.add(INVALID_VALUE, "an API without routes answers nothing", (*path, "routes"))
    if not _STAGE.fullmatch(api.stage):
        checker.add(INVALID_VALUE, f"AWS takes no such name of a stage: {api.stage!r}", (*path, "stage"))
    return ApiSpec(tuple(_routes(api.routes, (*path, "routes"), functions, checker)), api.stage, api.throttle)


def _routes(routes: Mapping[str, str], path: KeyPath, functions: Collection[str], checker: Checker) -> list[Route]:
    meant = []
    for written, function in routes.items():
        at = (*path, written)
        found = _ROUTE.fullmatch(written)
        if found is None:
            message = f"a method and a path such as 'GET /prices/{{item}}' expected, not {written!r}"
            checker.add(INVALID_VALUE, message, at)
            continue
        if function not in functions:
            checker.add(INVALID_VALUE, f"there is no function {function!r}", at, did_you_mean(function, functions))
        meant.append(Route(found["method"], found["path"], function))
    return meant
