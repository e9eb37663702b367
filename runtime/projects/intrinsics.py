"""CloudFormation's intrinsic functions, worked out offline: to the names that the local account has.

What only AWS knows (an export of another stack, a parameter without a value, an endpoint) becomes a hole, ``${Name}``,
and is noted with its place and what to do instead: ``--parameter Name=value`` fills each of them.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from stepsim.asl.errors import DefinitionError
from stepsim.asl.parse import Path as Steps
from stepsim.asl.payload import JSON, encode
from stepsim.runtime.cloud.call import ACCOUNT_ID, DEFAULT_REGION
from stepsim.runtime.projects.findings import NOT_SUPPORTED, UNKNOWN_NAME, UNRESOLVED, Finding, ProjectError
from stepsim.runtime.projects.host import HostFile, mapping, read_host
from stepsim.runtime.projects.local_names import attribute, default_name, filled, naming_of, ref
from stepsim.runtime.scenario_check import did_you_mean

_SUB = re.compile(r"\$\{(!?)([^}]*)\}")
_DYNAMIC = re.compile(r"\{\{resolve:[^}]*\}\}")
_LISTS = ("CommaDelimitedList", "List<")
_ZONES = ("a", "b", "c")


class _NoValue:
    """What AWS::NoValue is: the member it stands for is not there."""


NO_VALUE: Any = _NoValue()

_PSEUDO: Mapping[str, JSON] = {
    "AWS::AccountId": ACCOUNT_ID,
    "AWS::Region": DEFAULT_REGION,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::NotificationARNs": [],
    "AWS::NoValue": NO_VALUE,
}


class Resolver:
    """Works out the values of one template."""

    def __init__(
        self,
        host: HostFile,
        given: Mapping[str, JSON],
        exports: Callable[[str], JSON | None] = lambda _: None,
        stack_name: str | None = None,
    ) -> None:
        template = mapping(host.value)
        self.host = host
        self._given = given
        self._exports = exports
        self.parameters = mapping(template.get("Parameters"))
        self.resources = mapping(template.get("Resources"))
        self._mappings = mapping(template.get("Mappings"))
        self._conditions = mapping(template.get("Conditions"))
        self._decided: dict[str, bool] = {}
        self._names: dict[str, str] = {}
        self._under_way: set[str] = set()
        self.nested: dict[str, Mapping[str, JSON]] = {}
        """The outputs of nested stacks, by logical id."""
        self.aliases: dict[str, str] = {}
        """Further names of resources, and their logical ids."""
        self.findings: list[Finding] = []
        self.used: set[str] = set()
        """The given values that something asked for."""
        self._stack_name = stack_name or host.path.stem.split(".")[0]

    @contextmanager
    def collecting(self) -> Iterator[list[Finding]]:
        """What could not be worked out inside the block."""
        outer, self.findings = self.findings, []
        try:
            yield self.findings
        finally:
            self.findings = outer

    # -- values ---------------------------------------------------------------------------------------------------

    def resolve(self, value: JSON, steps: Steps) -> JSON:
        """The value that is meant, holes where only AWS knows. NO_VALUE where there is none."""
        if isinstance(value, str):
            return self._text(value, steps)
        if isinstance(value, list):
            items = [self.resolve(item, (*steps, index)) for index, item in enumerate(value)]
            return [item for item in items if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            function = _FUNCTIONS.get(name)
            if function is not None:
                return function(self, argument, (*steps, name))
            if name.startswith("Fn::"):
                self._note(NOT_SUPPORTED, f"{name} cannot be worked out offline", steps, "write what it gives")
                return f"${{{name}}}"
        members = {name: self.resolve(member, (*steps, name)) for name, member in value.items()}
        return {name: member for name, member in members.items() if member is not NO_VALUE}

    def text(self, value: JSON, steps: Steps) -> str | None:
        """A value that is used as a text; None where there is none."""
        resolved = self.resolve(value, steps)
        if resolved is NO_VALUE or resolved is None:
            return None
        if isinstance(resolved, bool):
            return "true" if resolved else "false"
        return resolved if isinstance(resolved, str) else encode(resolved)

    def is_there(self, resource: Mapping[str, JSON], steps: Steps) -> bool:
        """Whether a resource's Condition lets it be made."""
        condition = resource.get("Condition")
        return not isinstance(condition, str) or self.condition(condition, (*steps, "Condition"))

    def name(self, logical_id: str) -> str:
        """What a resource is called in the account."""
        known = self._names.get(logical_id)
        if known is not None:
            return known
        resource = mapping(self.resources.get(logical_id))
        type_name = str(resource.get("Type", ""))
        own = default_name(type_name, logical_id)
        named_by = naming_of(type_name).property
        properties = mapping(resource.get("Properties"))
        if named_by in properties and logical_id not in self._under_way:
            self._under_way.add(logical_id)
            with self.collecting() as unknown:
                written = self.text(properties[named_by], ("Resources", logical_id, "Properties", named_by))
            self._under_way.discard(logical_id)
            # A name that only AWS knows is as good as none.
            if written and not unknown:
                own = written
        elif "true" in (str(properties.get(kind, "")).lower() for kind in ("FifoQueue", "FifoTopic")):
            own += ".fifo"
        self._names[logical_id] = own
        return own

    def _text(self, text: str, steps: Steps) -> str:
        if "{{resolve:" not in text:
            return text

        def given(match: re.Match[str]) -> str:
            reference = match.group()[2:-2].removeprefix("resolve:")
            value = self._given_value(reference)
            if value is not None:
                return str(value)
            self._unknown(reference, f"{match.group()} is known to AWS only", steps)
            return f"${{{reference}}}"

        return _DYNAMIC.sub(given, text)

    def _given_value(self, name: str) -> JSON | None:
        if name not in self._given:
            return None
        self.used.add(name)
        return self._given[name]

    def _unknown(self, name: str, message: str, steps: Steps) -> str:
        self._note(UNRESOLVED, message, steps, f"say what it is: --parameter '{name}=VALUE'")
        return f"${{{name}}}"

    def _note(self, code: str, message: str, steps: Steps, suggestion: str | None) -> None:
        owner = str(steps[1]) if len(steps) > 1 and steps[0] == "Resources" else ""
        self.findings.append(self.host.site(steps, owner).error(code, message, suggestion))

    # -- references -----------------------------------------------------------------------------------------------

    def _ref(self, name: JSON, steps: Steps) -> JSON:
        if not isinstance(name, str):
            self._note(UNKNOWN_NAME, "Ref takes a name", steps, None)
            return "${Ref}"
        if name in _PSEUDO:
            return _PSEUDO[name]
        name = self.aliases.get(name, name)
        if name in ("AWS::StackName", "AWS::StackId"):
            stack = self._stack_name
            return (
                stack
                if name == "AWS::StackName"
                else filled("arn:aws:cloudformation:{region}:{account}:stack/{name}/0", stack)
            )
        if name in self.parameters:
            return self._parameter(name, mapping(self.parameters[name]), steps)
        if name in self.resources:
            type_name = str(mapping(self.resources[name]).get("Type", ""))
            if type_name in ("AWS::Lambda::Version", "AWS::Lambda::Alias"):
                return self._version(name, type_name, steps)
            return ref(type_name, self.name(name))
        generated = self._generated(name)
        if generated is not None:
            return generated
        value = self._given_value(name)
        if value is not None:
            return value
        known = [*self.parameters, *self.resources]
        self._note(UNKNOWN_NAME, f"there is no parameter or resource {name!r}", steps, did_you_mean(name, known))
        return f"${{{name}}}"

    def _parameter(self, name: str, declared: Mapping[str, JSON], steps: Steps) -> JSON:
        kind = str(declared.get("Type", "String"))
        value = self._given_value(name)
        if value is None and not kind.startswith("AWS::SSM::Parameter::Value"):
            value = declared.get("Default")
        if value is None:
            return self._unknown(name, f"the parameter {name} has no value", steps)
        if kind.startswith(_LISTS) or "<List<" in kind:
            return [item.strip() for item in str(value).split(",")] if not isinstance(value, list) else value
        return value if isinstance(value, str) else encode(value)

    def _version(self, name: str, type_name: str, steps: Steps) -> JSON:
        properties = mapping(mapping(self.resources[name]).get("Properties"))
        function = self.text(
            properties.get("FunctionName"), (*steps[:0], "Resources", name, "Properties", "FunctionName")
        )
        function = (function or name).rpartition(":")[2]
        qualifier = "1" if type_name.endswith("Version") else self.text(properties.get("Name"), steps) or "1"
        return filled("arn:aws:lambda:{region}:{account}:function:{name}", f"{function}:{qualifier}")

    def _generated(self, name: str) -> str | None:
        """What SAM makes besides the resources of the template: roles, versions, aliases, implicit APIs."""
        if name.startswith(("ServerlessRestApi", "ServerlessHttpApi")):
            return name.lower()
        owner, dot, what = name.partition(".")
        if dot and owner in self.resources:
            return self._qualified(owner, what)
        for logical_id in self.resources:
            if not name.startswith(logical_id):
                continue
            rest = name[len(logical_id) :]
            if rest.startswith("Alias"):
                return self._arn(logical_id) + f":{rest.removeprefix('Alias')}"
            if rest.startswith("Version"):
                return self._arn(logical_id) + ":1"
            if rest:
                return name
        return None

    def _qualified(self, owner: str, what: str) -> str | None:
        """``Function.Alias`` and ``Function.Version``, as SAM has them."""
        properties = mapping(mapping(self.resources[owner]).get("Properties"))
        if what == "Alias":
            alias = self.text(properties.get("AutoPublishAlias"), ("Resources", owner)) or "live"
            return f"{self._arn(owner)}:{alias}"
        if what == "Version":
            return f"{self._arn(owner)}:1"
        return f"{owner}{what}" if what in ("Stage", "Deployment", "DomainName") else None

    def _arn(self, logical_id: str) -> str:
        type_name = str(mapping(self.resources[logical_id]).get("Type", ""))
        return filled(naming_of(type_name).arn, self.name(logical_id))

    def _get_att(self, argument: JSON, steps: Steps) -> JSON:
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        if not isinstance(parts, list) or len(parts) != 2 or not isinstance(parts[0], str):
            self._note(UNKNOWN_NAME, "Fn::GetAtt takes a resource and an attribute", steps, None)
            return "${GetAtt}"
        owner, wanted = self.aliases.get(parts[0], parts[0]), str(self.resolve(parts[1], steps))
        full = f"{owner}.{wanted}"
        value = self._given_value(full)
        if value is not None:
            return value
        if owner not in self.resources:
            made = self._generated(owner)
            if made is not None:
                return filled("arn:aws:iam::{account}:role/{name}", made) if made.endswith("Role") else made
            self._note(UNKNOWN_NAME, f"there is no resource {owner!r}", steps, did_you_mean(owner, self.resources))
            return f"${{{full}}}"
        if owner in self.nested and wanted.startswith("Outputs."):
            outputs = self.nested[owner]
            if wanted[8:] in outputs:
                return outputs[wanted[8:]]
        type_name = str(mapping(self.resources[owner]).get("Type", ""))
        if type_name == "AWS::Lambda::Alias" and wanted == "AliasArn":
            return self._version(owner, type_name, steps)
        found = self._qualified(owner, wanted) or attribute(type_name, self.name(owner), wanted)
        if found is None:
            return self._unknown(full, f"{wanted} of {owner} ({type_name}) is known to AWS only", steps)
        return found

    def _sub(self, argument: JSON, steps: Steps) -> JSON:
        variables: Mapping[str, JSON] = {}
        if isinstance(argument, list) and len(argument) == 2:
            argument, written = argument
            variables = mapping(self.resolve(written, (*steps, 1)))
        if not isinstance(argument, str):
            self._note(UNKNOWN_NAME, "Fn::Sub takes a text", steps, None)
            return "${Sub}"

        def replaced(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return f"${{{name}}}"
            name = name.strip()
            if name in variables:
                value = variables[name]
            elif "." in name and name not in self.parameters:
                value = self._get_att(name, steps)
            else:
                value = self._ref(name, steps)
            return "" if value is NO_VALUE else value if isinstance(value, str) else encode(value)

        return self._text(_SUB.sub(replaced, argument), steps)

    def _import(self, argument: JSON, steps: Steps) -> JSON:
        name = self.text(argument, steps) or ""
        exported = self._exports(name)
        if exported is not None:
            return exported
        value = self._given_value(name)
        if value is not None:
            return value
        return self._unknown(name, f"{name!r} is exported by another stack", steps)

    # -- texts and lists ------------------------------------------------------------------------------------------

    def _join(self, argument: JSON, steps: Steps) -> JSON:
        if not isinstance(argument, list) or len(argument) != 2:
            return self._wrong("Fn::Join takes a delimiter and a list", steps)
        items = self.resolve(argument[1], (*steps, 1))
        if not isinstance(items, list):
            return items
        return str(argument[0]).join(item if isinstance(item, str) else encode(item) for item in items)

    def _select(self, argument: JSON, steps: Steps) -> JSON:
        argument = self.resolve(argument, steps)
        if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], list):
            index = str(argument[0])
            if index.isdigit() and int(index) < len(argument[1]):
                return argument[1][int(index)]
            if argument[1]:
                return self._wrong(f"Fn::Select finds no element {index}", steps)
        return "${Select}"

    def _split(self, argument: JSON, steps: Steps) -> JSON:
        if not isinstance(argument, list) or len(argument) != 2:
            return self._wrong("Fn::Split takes a delimiter and a text", steps)
        text = self.text(argument[1], (*steps, 1)) or ""
        return text.split(str(argument[0]))

    def _base64(self, argument: JSON, steps: Steps) -> JSON:
        return base64.b64encode((self.text(argument, steps) or "").encode()).decode()

    def _find_in_map(self, argument: JSON, steps: Steps) -> JSON:
        if not isinstance(argument, list) or len(argument) not in (3, 4):
            return self._wrong("Fn::FindInMap takes a map and two keys", steps)
        names = [str(self.resolve(name, (*steps, index))) for index, name in enumerate(argument[:3])]
        value: JSON = self._mappings
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None:
            return self.resolve(value, ("Mappings", *names))
        if len(argument) == 4 and isinstance(argument[3], dict) and "DefaultValue" in argument[3]:
            return self.resolve(argument[3]["DefaultValue"], (*steps, 3, "DefaultValue"))
        full = ".".join(names)
        given = self._given_value(full)
        return self._unknown(full, f"Mappings has no {full}", steps) if given is None else given

    def _zones(self, _: JSON, __: Steps) -> JSON:
        return [f"{DEFAULT_REGION}{letter}" for letter in _ZONES]

    def _length(self, argument: JSON, steps: Steps) -> JSON:
        items = self.resolve(argument, steps)
        return len(items) if isinstance(items, list) else self._wrong("Fn::Length takes a list", steps)

    def _to_json(self, argument: JSON, steps: Steps) -> JSON:
        return encode(self.resolve(argument, steps))

    def _transform(self, argument: JSON, steps: Steps) -> JSON:
        transform = mapping(argument)
        location = mapping(transform.get("Parameters")).get("Location")
        if transform.get("Name") == "AWS::Include" and location is not None:
            name = self.text(location, steps) or ""
            file = self.host.path.parent / name
            if file.is_file():
                try:
                    return self.resolve(read_host(file).value, steps)
                except (ProjectError, DefinitionError) as error:
                    return self._wrong(f"{file} cannot be included: {error}", steps)
            return self._wrong(f"there is no file {file} to include", steps)
        return self._wrong(f"the macro {transform.get('Name')} runs on AWS only", steps)

    def _wrong(self, message: str, steps: Steps) -> str:
        self._note(NOT_SUPPORTED, message, steps, None)
        return f"${{{steps[-1]}}}"

    # -- conditions -----------------------------------------------------------------------------------------------

    def condition(self, name: str, steps: Steps) -> bool:
        """Whether one of the template's Conditions holds. One that depends on what only AWS knows does not."""
        known = self._decided.get(name)
        if known is not None:
            return known
        if name not in self._conditions:
            self._note(UNKNOWN_NAME, f"there is no condition {name!r}", steps, did_you_mean(name, self._conditions))
            return False
        self._decided[name] = False
        self._decided[name] = self._holds(self._conditions[name], ("Conditions", name))
        return self._decided[name]

    def _holds(self, value: JSON, steps: Steps) -> bool:
        if isinstance(value, dict) and len(value) == 1:
            name, argument = next(iter(value.items()))
            if name == "Condition":
                return self.condition(str(argument), steps)
            arguments = argument if isinstance(argument, list) else [argument]
            if name == "Fn::Not":
                return not self._holds(arguments[0], steps)
            if name == "Fn::And":
                return all(self._holds(one, steps) for one in arguments)
            if name == "Fn::Or":
                return any(self._holds(one, steps) for one in arguments)
            if name == "Fn::Equals" and len(arguments) == 2:
                left, right = (self.text(one, (*steps, name, index)) for index, one in enumerate(arguments))
                return left == right
        resolved = self.resolve(value, steps)
        return str(resolved).lower() == "true"

    def _if(self, argument: JSON, steps: Steps) -> JSON:
        if not isinstance(argument, list) or len(argument) != 3:
            return self._wrong("Fn::If takes a condition and two values", steps)
        chosen = 1 if self.condition(str(argument[0]), steps) else 2
        return self.resolve(argument[chosen], (*steps, chosen))

    def _logical(self, argument: JSON, steps: Steps) -> JSON:
        return self._holds({steps[-1]: argument}, steps[:-1])


_FUNCTIONS: Mapping[str, Callable[[Resolver, JSON, Steps], JSON]] = {
    "Ref": Resolver._ref,
    "Fn::GetAtt": Resolver._get_att,
    "Fn::Sub": Resolver._sub,
    "Fn::Join": Resolver._join,
    "Fn::Select": Resolver._select,
    "Fn::Split": Resolver._split,
    "Fn::If": Resolver._if,
    "Fn::FindInMap": Resolver._find_in_map,
    "Fn::ImportValue": Resolver._import,
    "Fn::Base64": Resolver._base64,
    "Fn::GetAZs": Resolver._zones,
    "Fn::Length": Resolver._length,
    "Fn::ToJsonString": Resolver._to_json,
    "Fn::Transform": Resolver._transform,
    "Fn::And": Resolver._logical,
    "Fn::Or": Resolver._logical,
    "Fn::Not": Resolver._logical,
    "Fn::Equals": Resolver._logical,
}
