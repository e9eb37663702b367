"""CloudFormation's intrinsic functions, by the names that they have in templates."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping

from stepsim.asl.errors import DefinitionError
from stepsim.asl.parse import Path as Steps
from stepsim.asl.parse import is_hole
from stepsim.asl.payload import JSON, encode
from stepsim.runtime.cloud.call import DEFAULT_REGION
from stepsim.runtime.projects.findings import UNKNOWN_NAME, ProjectError
from stepsim.runtime.projects.host import mapping, read_host
from stepsim.runtime.projects.resolver import NO_VALUE, Function, Resolver

_SUB = re.compile(r"\$\{(!?)([^}]*)\}")
_ZONES = [f"{DEFAULT_REGION}{letter}" for letter in "abc"]


def _sub(resolver: Resolver, argument: JSON, steps: Steps) -> JSON:
    variables: Mapping[str, JSON] = {}
    if isinstance(argument, list) and len(argument) == 2:
        argument, written = argument
        variables = mapping(resolver.resolve(written, (*steps, 1)))
    if not isinstance(argument, str):
        resolver.note(UNKNOWN_NAME, "Fn::Sub takes a text", steps, None)
        return "${Sub}"

    def replaced(match: re.Match[str]) -> str:
        literal, name = match.groups()
        if literal:
            return f"${{{name}}}"
        name = name.strip()
        if name in variables:
            value = variables[name]
        elif "." in name and name not in resolver.parameters:
            value = resolver.get_att(name, steps)
        else:
            value = resolver.ref(name, steps)
        return "" if value is NO_VALUE else value if isinstance(value, str) else encode(value)

    return resolver.dynamic(_SUB.sub(replaced, argument), steps)


def _if(resolver: Resolver, argument: JSON, steps: Steps) -> JSON:
    if not isinstance(argument, list) or len(argument) != 3:
        return resolver.wrong("Fn::If takes a condition and two values", steps)
    chosen = 1 if resolver.condition(str(argument[0]), steps) else 2
    return resolver.resolve(argument[chosen], (*steps, chosen))


def _logical(resolver: Resolver, argument: JSON, steps: Steps) -> JSON:
    return resolver.holds({steps[-1]: argument}, steps[:-1])


def _join(resolver: Resolver, argument: JSON, steps: Steps) -> JSON:
    if not isinstance(argument, list) or len(argument) != 2:
        return resolver.wrong("Fn::Join takes a delimiter and a list", steps)
    items = resolver.resolve(argument[1], (*steps, 1))
    if not isinstance(items, list):
        return items
    return str(argument[0]).join(item if isinstance(item, str) else encode(item) for item in items)


def _select(resolver: Resolver, argument: JSON, steps: Steps) -> JSON:
    argument = resolver.resolve(argument, steps)
    if not isinstance(argument, list) or len(argument) != 2:
        return resolver.wrong("Fn::Select takes an index and a list", steps)
    index, items = str(argument[0]), argument[1]
    if isinstance(items, list) and index.isdigit() and int(index) < len(items):
        return items[int(index)]
    if isinstance(items, str) and is_hole(items):
        # It has been noted with the reason.
        return items
    return resolver.wrong(f"Fn::Select finds no element {index}", steps)


def _split(resolver: Resolver, argument: JSON, steps: Steps) -> JSON:
    if not isinstance(argument, list) or len(argument) != 2:
        return resolver.wrong("Fn::Split takes a delimiter and a text", steps)
    text = resolver.text(argument[1], (*steps, 1)) or ""
    return text.split(str(argument[0]))


def _base64(resolver: Resolver, argument: JSON, steps: Steps) -> JSON:
    return base64.b64encode((resolver.text(argument, steps) or "").encode()).decode()


def _find_in_map(resolver: Resolver, argument: JSON, steps: Steps) -> JSON:
    if not isinstance(argument, list) or len(argument) not in (3, 4):
        return resolver.wrong("Fn::FindInMap takes a map and two keys", steps)
    names = [str(resolver.resolve(name, (*steps, index))) for index, name in enumerate(argument[:3])]
    value: JSON = resolver.mappings
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    if value is not None:
        return resolver.resolve(value, ("Mappings", *names))
    if len(argument) == 4 and isinstance(argument[3], dict) and "DefaultValue" in argument[3]:
        return resolver.resolve(argument[3]["DefaultValue"], (*steps, 3, "DefaultValue"))
    full = ".".join(names)
    given = resolver.given(full)
    return resolver.unknown(full, f"Mappings has no {full}", steps) if given is None else given


def _length(resolver: Resolver, argument: JSON, steps: Steps) -> JSON:
    items = resolver.resolve(argument, steps)
    return len(items) if isinstance(items, list) else resolver.wrong("Fn::Length takes a list", steps)


def _to_json(resolver: Resolver, argument: JSON, steps: Steps) -> JSON:
    return encode(resolver.resolve(argument, steps))


def _import(resolver: Resolver, argument: JSON, steps: Steps) -> JSON:
    name = resolver.text(argument, steps) or ""
    exported = resolver.exported(name)
    if exported is not None:
        return exported
    value = resolver.given(name)
    if value is not None:
        return value
    return resolver.unknown(name, f"{name!r} is exported by another stack", steps)


def _transform(resolver: Resolver, argument: JSON, steps: Steps) -> JSON:
    transform = mapping(argument)
    location = mapping(transform.get("Parameters")).get("Location")
    if transform.get("Name") == "AWS::Include" and location is not None:
        name = resolver.text(location, steps) or ""
        file = resolver.host.path.parent / name
        if file.is_file():
            try:
                return resolver.resolve(read_host(file).value, steps)
            except (ProjectError, DefinitionError) as error:
                return resolver.wrong(f"{file} cannot be included: {error}", steps)
        return resolver.wrong(f"there is no file {file} to include", steps)
    return resolver.wrong(f"the macro {transform.get('Name')} runs on AWS only", steps)


FUNCTIONS: Mapping[str, Function] = {
    "Ref": Resolver.ref,
    "Fn::GetAtt": Resolver.get_att,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::If": _if,
    "Fn::FindInMap": _find_in_map,
    "Fn::ImportValue": _import,
    "Fn::Base64": _base64,
    "Fn::GetAZs": lambda resolver, argument, steps: _ZONES,
    "Fn::Length": _length,
    "Fn::ToJsonString": _to_json,
    "Fn::Transform": _transform,
    "Fn::And": _logical,
    "Fn::Or": _logical,
    "Fn::Not": _logical,
    "Fn::Equals": _logical,
}
