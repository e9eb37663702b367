"""State machines of CloudFormation stacks: moto builds the stack, and its ``AWS::StepFunctions::StateMachine`` is ours.

While `installed`, the class that moto makes such resources with makes ours instead. Ref gives the machine's ARN;
Fn::GetAtt knows Arn, Name and StateMachineRevisionId.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, NoReturn
from unittest.mock import patch

from stepsim.asl.errors import DefinitionError
from stepsim.asl.parse import parse, substitute
from stepsim.asl.payload import JSON, encode
from stepsim.runtime.api.machines import create_state_machine, delete_state_machine, update_state_machine
from stepsim.runtime.api.records import Home, MachineRecord, Params
from stepsim.runtime.api.registry import Registries, Registry
from stepsim.runtime.api.tags import with_tags
from stepsim.runtime.api.validation import check_input
from stepsim.runtime.cloud.call import ApiError

ReadObject = Callable[[str, str, str | None], bytes]
"""The body of an S3 object: bucket, key, version."""

_DEFINITIONS = ("Definition", "DefinitionString", "DefinitionS3Location")
_CONFIGURATIONS = ("LoggingConfiguration", "TracingConfiguration", "EncryptionConfiguration")
_OTHERS = ("DefinitionSubstitutions", "RoleArn", "StateMachineName", "StateMachineType", "Tags")
_PROPERTIES = frozenset((*_DEFINITIONS, *_CONFIGURATIONS, *_OTHERS))
_ATTRIBUTES: dict[str, Callable[[MachineRecord], str]] = {
    "Arn": lambda record: record.arn,
    "Name": lambda record: record.name,
    "StateMachineRevisionId": lambda record: record.revision.id or "INITIAL",
}
_HOOKS = ("create_from_cloudformation_json", "update_from_cloudformation_json", "delete_from_cloudformation_json")


@contextmanager
def installed(registries: Registries, read_object: ReadObject) -> Iterator[None]:
    """Make stacks' state machines in these registries; `read_object` is asked for a DefinitionS3Location."""
    from moto.cloudformation.models import CloudFormationBackend, Stack
    from moto.stepfunctions.models import StateMachine

    resources = _Resources(registries, read_object)
    names = (*_HOOKS, "has_cfn_attr")
    kept = {name: StateMachine.__dict__[name] for name in names}
    ours: tuple[Callable[..., Any], ...] = (resources.create, resources.update, resources.delete, has_attribute)
    for name, function in zip(names, ours, strict=True):
        setattr(StateMachine, name, staticmethod(function))
    try:
        with (
            patch.object(CloudFormationBackend, "execute_change_set", _with_outputs(CloudFormationBackend)),
            patch.object(Stack, "outputs", _sorted_outputs(Stack.__dict__["outputs"])),
        ):
            yield
    finally:
        for name, function in kept.items():
            setattr(StateMachine, name, function)


def _sorted_outputs(outputs: property) -> property:
    """A stack's outputs in the order of their names, as AWS lists them (recorded)."""

    def of_stack(stack: Any) -> Any:
        listed = outputs.__get__(stack)
        return listed and sorted(listed, key=lambda output: str(output["OutputKey"]))

    return property(of_stack)


def _with_outputs(backends: Any) -> Callable[..., None]:
    """moto forgets the Outputs of a stack that a change set makes, which is how SAM deploys."""
    execute = backends.execute_change_set

    def execute_change_set(backend: Any, change_set_name: str, stack_name: str | None = None) -> None:
        execute(backend, change_set_name, stack_name)
        stack = backend.stacks[backend.describe_change_set(change_set_name).stack_id]
        stack._parse_template()
        stack.output_map = stack._create_output_map()

    return execute_change_set


def has_attribute(name: str) -> bool:
    """Whether Fn::GetAtt knows an attribute."""
    return name in _ATTRIBUTES


class StackMachine:
    """A machine as moto's CloudFormation sees a resource."""

    cf_resource_type: str
    logical_resource_id: str

    def __init__(self, registry: Registry, record: MachineRecord) -> None:
        self.registry = registry
        self.record = record

    def is_created(self) -> bool:
        """True at once: a machine that could not be made is none."""
        return True

    @property
    def physical_resource_id(self) -> str:
        """What Ref gives."""
        return self.record.arn

    def get_cfn_attribute(self, name: str) -> str:
        """What Fn::GetAtt gives."""
        if not has_attribute(name):
            from moto.cloudformation.exceptions import UnformattedGetAttTemplateException

            raise UnformattedGetAttTemplateException
        return _ATTRIBUTES[name](self.record)

    def delete(self, account_id: str, region_name: str) -> None:  # noqa: ARG002 - moto's arguments
        """Delete the machine with its stack."""
        delete_state_machine(self.registry, {"stateMachineArn": self.record.arn})


class _Resources:
    """What moto asks a resource's class for."""

    def __init__(self, registries: Registries, read_object: ReadObject) -> None:
        self._registries = registries
        self._read_object = read_object

    def create(self, name: str, resource: Mapping[str, Any], account_id: str, region: str, **place: Any) -> Any:
        registry = self._registries[Home(account_id, region)]
        properties = resource["Properties"]
        # AWS names a machine after its place in the template, followed by something of its own.
        own = f"{place.get('LogicalId', name)[:67]}-{registry.new_uuid('stack')[-12:]}"
        with _as_stack_error():
            params = self._params(properties) | {"name": properties.get("StateMachineName", own)}
            if "StateMachineType" in properties:
                params["type"] = properties["StateMachineType"]
            if properties.get("Tags"):
                params["tags"] = [{"key": tag["Key"], "value": tag["Value"]} for tag in properties["Tags"]]
            check_input("CreateStateMachine", params)
            if registry.home.arn(f"stateMachine:{params['name']}") in registry.machines:
                _refuse(f"The state machine {params['name']} already exists")
            created = create_state_machine(registry, params)
        return StackMachine(registry, registry.machines[created["stateMachineArn"]])

    def update(
        self,
        original_resource: StackMachine,
        new_resource_name: str,
        cloudformation_json: Mapping[str, Any],
        account_id: str,
        region_name: str,
    ) -> Any:
        registry, record = original_resource.registry, original_resource.record
        properties = cloudformation_json["Properties"]
        asked = (properties.get("StateMachineName", record.name), properties.get("StateMachineType", "STANDARD"))
        if asked != (record.name, record.type):
            place = {"LogicalId": original_resource.logical_resource_id}
            made = self.create(new_resource_name, cloudformation_json, account_id, region_name, **place)
            original_resource.delete(account_id, region_name)
            return made
        with _as_stack_error():
            unset: Params = {"loggingConfiguration": {}, "tracingConfiguration": {}}
            params = unset | self._params(properties) | {"stateMachineArn": record.arn}
            check_input("UpdateStateMachine", params)
            tags = [{"key": tag["Key"], "value": tag["Value"]} for tag in properties.get("Tags", ())]
            record.tags = with_tags({}, tags, record.arn)
            update_state_machine(registry, params)
        return original_resource

    def delete(self, arn: str, _: Mapping[str, Any], account_id: str, region: str) -> None:
        with suppress(ApiError):
            delete_state_machine(self._registries[Home(account_id, region)], {"stateMachineArn": arn})

    def _params(self, properties: Mapping[str, Any]) -> Params:
        """The parameters that CreateStateMachine and UpdateStateMachine share."""
        for name in properties:
            if name not in _PROPERTIES:
                _refuse(f"Encountered unsupported property {name}")
        params: Params = {"definition": self._definition(properties), "roleArn": properties.get("RoleArn")}
        for name in _CONFIGURATIONS:
            if name in properties:
                params[_lower(name)] = _as_api(properties[name])
        return params

    def _definition(self, properties: Mapping[str, Any]) -> str:
        given = [name for name in _DEFINITIONS if name in properties]
        if len(given) != 1:
            _refuse(f"Exactly one of {', '.join(_DEFINITIONS)} is required")
        value = properties[given[0]]
        text = value if isinstance(value, str) else encode(value)
        if given[0] == "DefinitionS3Location":
            body = self._read_object(value["Bucket"], value["Key"], value.get("Version"))
            text = body.decode()
            if value["Key"].lower().endswith((".yaml", ".yml")):
                text = encode(parse(text, value["Key"]).value)
        substitutions = properties.get("DefinitionSubstitutions")
        return substitute(text, substitutions) if substitutions else text


@contextmanager
def _as_stack_error() -> Iterator[None]:
    """What AWS would refuse fails the stack, with the reason."""
    try:
        yield
    except ApiError as error:
        _refuse(f"{error.message} (Service: StepFunctions, Status Code: {error.status}, Error Code: {error.code})")
    except DefinitionError as error:
        _refuse(str(error))


def _refuse(message: str) -> NoReturn:
    from moto.cloudformation.exceptions import ValidationError

    raise ValidationError(message=message)


def _as_api(value: JSON) -> JSON:
    """A configuration of a template in the API's terms: names begin in lower case, truths are no texts."""
    if isinstance(value, dict):
        return {_lower(name): _as_api(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_as_api(item) for item in value]
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]
