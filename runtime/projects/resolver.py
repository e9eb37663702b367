"""The values of one CloudFormation template, worked out offline: to the names that the local account has.

What only AWS knows (an export of another stack, a parameter without a value, an endpoint) becomes a hole, ``${Name}``,
and is noted with its place and what to do instead: ``--parameter Name=value`` fills each of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

from stepsim.asl.parse import Path as Steps
from stepsim.asl.payload import JSON, encode
from stepsim.runtime.cloud.call import ACCOUNT_ID, DEFAULT_REGION
from stepsim.runtime.projects.findings import NOT_SUPPORTED, UNKNOWN_NAME, UNRESOLVED, Finding
from stepsim.runtime.projects.host import HostFile, mapping
from stepsim.runtime.projects.local_names import attribute, default_name, filled, naming_of
from stepsim.runtime.projects.local_names import ref as ref_of
from stepsim.runtime.scenario_check import did_you_mean

_DYNAMIC = re.compile(r"\{\{resolve:[^}]*\}\}")
_COUNTED = {"Fn::Not": "one condition", "Fn::Equals": "two values"}
_LISTS = ("CommaDelimitedList", "List<")


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
    """Works out the values of one template, with functions by the names that they have there."""

    def __init__(
        self,
        host: HostFile,
        given: Mapping[str, JSON],
        functions: Mapping[str, Function],
        exports: Callable[[str], JSON | None] = lambda _: None,
        stack_name: str | None = None,
    ) -> None:
        template = mapping(host.value)
        self.host = host
        self._given = given
        self.exported = exports
        """What another stack exports by a name; None where that is not known."""
        self._functions = functions
        self.parameters = mapping(template.get("Parameters"))
        self.resources = mapping(template.get("Resources"))
        self.mappings = mapping(template.get("Mappings"))
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

    # -- values -------------------------------------------------------------------------------------------------------

    def resolve(self, value: JSON, steps: Steps) -> JSON:
        """The value that is meant, holes where only AWS knows. NO_VALUE where there is none."""
        if isinstance(value, str):
            return self.dynamic(value, steps)
        if isinstance(value, list):
            items = [self.resolve(item, (*steps, index)) for index, item in enumerate(value)]
            return [item for item in items if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            function = self._functions.get(name)
            if function is not None:
                return function(self, argument, (*steps, name))
            if name.startswith("Fn::"):
                self.note(NOT_SUPPORTED, f"{name} cannot be worked out offline", steps, "write what it gives")
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

    def dynamic(self, text: str, steps: Steps) -> str:
        """A text with its dynamic references, ``{{resolve:…}}``, given or holes."""
        if "{{resolve:" not in text:
            return text

        def given(match: re.Match[str]) -> str:
            reference = match.group()[2:-2].removeprefix("resolve:")
            value = self.given(reference)
            if value is not None:
                return str(value)
            self.unknown(reference, f"{match.group()} is known to AWS only", steps)
            return f"${{{reference}}}"

        return _DYNAMIC.sub(given, text)

    def given(self, name: str) -> JSON | None:
        """The value that was given for a name; None where none was."""
        if name not in self._given:
            return None
        self.used.add(name)
        return self._given[name]

    def unknown(self, name: str, message: str, steps: Steps) -> str:
        """The hole of what only AWS knows, noted with what fills it."""
        self.note(UNRESOLVED, message, steps, f"say what it is: --parameter '{name}=VALUE'")
        return f"${{{name}}}"

    def wrong(self, message: str, steps: Steps) -> str:
        """The hole of a function that cannot be worked out, noted with the reason."""
        self.note(NOT_SUPPORTED, message, steps, None)
        return f"${{{steps[-1]}}}"

    def note(self, code: str, message: str, steps: Steps, suggestion: str | None) -> None:
        """Note what is wrong at a place."""
        owner = str(steps[1]) if len(steps) > 1 and steps[0] == "Resources" else ""
        self.findings.append(self.host.site(steps, owner).error(code, message, suggestion))

    # -- references ---------------------------------------------------------------------------------------------------

    def ref(self, name: JSON, steps: Steps) -> JSON:
        """What ``Ref`` gives: a parameter's value, or what a resource goes by."""
        if not isinstance(name, str):
            self.note(UNKNOWN_NAME, "Ref takes a name", steps, None)
            return "${Ref}"
        if name in _PSEUDO:
            return _PSEUDO[name]
        name = self.aliases.get(name, name)
        if name == "AWS::StackName":
            return self._stack_name
        if name == "AWS::StackId":
            return filled("arn:aws:cloudformation:{region}:{account}:stack/{name}/0", self._stack_name)
        if name in self.parameters:
            return self._parameter(name, mapping(self.parameters[name]), steps)
        if name in self.resources:
            type_name = str(mapping(self.resources[name]).get("Type", ""))
            if type_name in ("AWS::Lambda::Version", "AWS::Lambda::Alias"):
                return self._version(name, type_name, steps)
            return ref_of(type_name, self.name(name))
        generated = self._generated(name)
        if generated is not None:
            return generated
        value = self.given(name)
        if value is not None:
            return value
        known = [*self.parameters, *self.resources]
        self.note(UNKNOWN_NAME, f"there is no parameter or resource {name!r}", steps, did_you_mean(name, known))
        return f"${{{name}}}"

    def _parameter(self, name: str, declared: Mapping[str, JSON], steps: Steps) -> JSON:
        kind = str(declared.get("Type", "String"))
        value = self.given(name)
        if value is None and not kind.startswith("AWS::SSM::Parameter::Value"):
            value = declared.get("Default")
        if value is None:
            return self.unknown(name, f"the parameter {name} has no value", steps)
        if kind.startswith(_LISTS) or "<List<" in kind:
            return [item.strip() for item in str(value).split(",")] if not isinstance(value, list) else value
        return value if isinstance(value, str) else encode(value)

    def _version(self, name: str, type_name: str, steps: Steps) -> JSON:
        properties = mapping(mapping(self.resources[name]).get("Properties"))
        function = self.text(properties.get("FunctionName"), ("Resources", name, "Properties", "FunctionName"))
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

    def get_att(self, argument: JSON, steps: Steps) -> JSON:
        """What ``Fn::GetAtt`` gives: an attribute of a resource."""
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        if not isinstance(parts, list) or len(parts) != 2 or not isinstance(parts[0], str):
            self.note(UNKNOWN_NAME, "Fn::GetAtt takes a resource and an attribute", steps, None)
            return "${GetAtt}"
        owner, wanted = self.aliases.get(parts[0], parts[0]), str(self.resolve(parts[1], steps))
        full = f"{owner}.{wanted}"
        value = self.given(full)
        if value is not None:
            return value
        if owner not in self.resources:
            made = self._generated(owner)
            if made is not None:
                return filled("arn:aws:iam::{account}:role/{name}", made) if made.endswith("Role") else made
            self.note(UNKNOWN_NAME, f"there is no resource {owner!r}", steps, did_you_mean(owner, self.resources))
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
            return self.unknown(full, f"{wanted} of {owner} ({type_name}) is known to AWS only", steps)
        return found

    # -- conditions ---------------------------------------------------------------------------------------------------

    def condition(self, name: str, steps: Steps) -> bool:
        """Whether one of the template's Conditions holds. One that depends on what only AWS knows does not."""
        known = self._decided.get(name)
        if known is not None:
            return known
        if name not in self._conditions:
            self.note(UNKNOWN_NAME, f"there is no condition {name!r}", steps, did_you_mean(name, self._conditions))
            return False
        self._decided[name] = False
        self._decided[name] = self.holds(self._conditions[name], ("Conditions", name))
        return self._decided[name]

    def holds(self, value: JSON, steps: Steps) -> bool:
        """Whether a condition holds: of ``Fn::And`` and the like, or the value of another function."""
        if isinstance(value, dict) and len(value) == 1:
            name, argument = next(iter(value.items()))
            if name == "Condition":
                return self.condition(str(argument), steps)
            arguments = argument if isinstance(argument, list) else [argument]
            if name == "Fn::Not" and len(arguments) == 1:
                return not self.holds(arguments[0], steps)
            if name == "Fn::And":
                return all(self.holds(one, steps) for one in arguments)
            if name == "Fn::Or":
                return any(self.holds(one, steps) for one in arguments)
            if name == "Fn::Equals" and len(arguments) == 2:
                left, right = (self.text(one, (*steps, name, index)) for index, one in enumerate(arguments))
                return left == right
            if name in _COUNTED:
                self.wrong(f"{name} takes {_COUNTED[name]}", (*steps, name))
                return False
        resolved = self.resolve(value, steps)
        return str(resolved).lower() == "true"


Function: TypeAlias = Callable[[Resolver, JSON, Steps], JSON]
"""Gives what a function is worth, of its argument as it stands in the template, and of where that stands."""
