"""``serverless.yml`` with serverless-step-functions: read as the CloudFormation template that it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stepsim.asl.parse import Document
from stepsim.asl.parse import Path as Steps
from stepsim.asl.payload import JSON
from stepsim.runtime.projects.builder import ProjectBuilder
from stepsim.runtime.projects.cloudformation import TemplateReader, refuse_unknown
from stepsim.runtime.projects.findings import UNRESOLVED
from stepsim.runtime.projects.host import HostFile, mapping
from stepsim.runtime.projects.project import Project, ProjectApi
from stepsim.runtime.projects.serverless_variables import Variables
from stepsim.runtime.projects.stores import bucket_name
from stepsim.runtime.projects.template_events import EVENTS, Target

_HTTP = ("http", "httpApi", "websocket", "alb")


@dataclass(frozen=True, slots=True)
class _Moved:
    """Positions in a serverless.yml of what stands elsewhere in the template that is made of it."""

    document: Document
    moves: Mapping[Steps, Steps]

    def position(self, path: Steps) -> tuple[int, int]:
        for length in range(len(path), 0, -1):
            origin = self.moves.get(path[:length])
            if origin is not None:
                return self.document.position((*origin, *path[length:]))
        return self.document.position(path)


def load_serverless(host: HostFile, given: Mapping[str, JSON]) -> Project:
    """The project of a ``serverless.yml``. Raises ProjectError for a given value that nothing asks for."""
    variables = Variables(mapping(host.value), host.path.parent, given)
    service = _Service(host, mapping(_pseudo(variables.fill(host.value))), variables.stage)
    builder = ProjectBuilder()
    for steps, variable in variables.unknown:
        advice = f"say what it is: --parameter '{variable[2:-1].partition(',')[0]}=VALUE'"
        builder.findings.append(host.site(steps, "").warning(UNRESOLVED, f"{variable} has no value here", advice))
    reader = TemplateReader(builder, service.template(), given, stack_name=f"{service.name}-{variables.stage}")
    reader.resolver.aliases.update(service.aliases)
    reader.ids = {logical_id: key for key, logical_id in service.aliases.items()}
    reader.read()
    service.add_events(builder, reader)
    refuse_unknown(host, given, reader.used | variables.used, reader.resolver.parameters)
    return builder.built(host.path, "serverless")


def _pseudo(value: JSON) -> JSON:
    """``#{AWS::Region}`` and ``#{Table.Arn}`` of serverless-pseudo-parameters, as what it makes of them."""
    if isinstance(value, dict):
        return {name: _pseudo(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_pseudo(item) for item in value]
    if isinstance(value, str) and "#{" in value:
        return {"Fn::Sub": value.replace("${", "${!").replace("#{", "${")}
    return value


class _Service:
    """A service with its variables filled in."""

    def __init__(self, host: HostFile, value: Mapping[str, JSON], stage: str) -> None:
        self._host = host
        self._value = value
        self._stage = stage
        written = value.get("service")
        self.name = str(written.get("name", "service")) if isinstance(written, dict) else str(written or "service")
        self._provider = mapping(value.get("provider"))
        self._functions = _members(value.get("functions"))
        self._machines = _members(mapping(value.get("stepFunctions")).get("stateMachines"))
        self._activities = _list(mapping(value.get("stepFunctions")).get("activities"))
        self._moves: dict[Steps, Steps] = {("Resources",): ("resources", "Resources")}
        self.aliases = {
            **{key: function_id(key) for key in self._functions},
            **{key: machine_id(key) for key in self._machines},
        }
        """What a definition may call them, and their logical ids."""

    def template(self) -> HostFile:
        """The template that the framework makes of it, as far as it matters here."""
        given = self._value.get("resources")
        parts = given if isinstance(given, list) else [given]
        template: dict[str, JSON] = {}
        for part in parts:
            for name, members in mapping(part).items():
                if isinstance(members, dict):
                    template[name] = {**mapping(template.get(name)), **members}
        resources = dict(mapping(template.get("Resources")))
        resources |= {function_id(key): self._function(key, value) for key, value in self._functions.items()}
        resources |= {machine_id(key): self._machine(key, value) for key, value in self._machines.items()}
        for name in map(str, self._activities):
            activity = {"Type": "AWS::StepFunctions::Activity", "Properties": {"Name": name}}
            resources[f"{_normal(name)}StepFunctionsActivity"] = activity
        for name in self._buckets():
            resources.setdefault(f"S3Bucket{name}", {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}})
        template["Resources"] = resources
        document = self._host.document
        places = _Moved(document, self._moves)
        return HostFile(self._host.path, template, Document(template, document.source, document.text, places=places))

    def _function(self, key: str, written: Mapping[str, JSON]) -> JSON:
        self._moves["Resources", function_id(key)] = ("functions", key)
        provider = self._provider
        env = {**mapping(provider.get("environment")), **mapping(written.get("environment"))}
        self._moves["Resources", function_id(key), "Properties", "Environment", "Variables"] = (
            "functions",
            key,
            "environment",
        )
        properties: dict[str, JSON] = {
            "FunctionName": written.get("name") or f"{self.name}-{self._stage}-{key}",
            "Handler": written.get("handler"),
            "Runtime": written.get("runtime") or provider.get("runtime") or "nodejs20.x",
            # The framework's own default, and not Lambda's.
            "Timeout": written.get("timeout") or provider.get("timeout") or 6,
            "MemorySize": written.get("memorySize") or provider.get("memorySize") or 1024,
            "Environment": {"Variables": env},
            "Code": ".",
        }
        if "image" in written:
            properties["PackageType"] = "Image"
        if "reservedConcurrency" in written:
            properties["ReservedConcurrentExecutions"] = written["reservedConcurrency"]
        return {"Type": "AWS::Lambda::Function", "Properties": properties}

    def _machine(self, key: str, written: Mapping[str, JSON]) -> JSON:
        steps: Steps = ("Resources", machine_id(key))
        origin: Steps = ("stepFunctions", "stateMachines", key)
        self._moves[steps] = origin
        definition = written.get("definition")
        name = "DefinitionString" if isinstance(definition, str) else "Definition"
        self._moves[*steps, "Properties", name] = (*origin, "definition")
        properties: dict[str, JSON] = {
            "StateMachineName": written.get("name") or key,
            "StateMachineType": written.get("type", "STANDARD"),
        }
        if definition is not None:
            properties[name] = definition
        return {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}

    def _buckets(self) -> list[str]:
        """The buckets that the events of functions name: the framework makes them."""
        found = []
        for function in self._functions.values():
            for event in map(mapping, _list(function.get("events"))):
                written = event.get("s3")
                bucket = written.get("bucket") if isinstance(written, dict) else written
                existing = isinstance(written, dict) and written.get("existing")
                if isinstance(bucket, str) and not existing:
                    found.append(bucket_name(bucket))
        return found

    def add_events(self, builder: ProjectBuilder, reader: TemplateReader) -> None:
        """What starts functions and machines."""
        owners: list[tuple[Steps, Mapping[str, JSON], Target]] = [
            (("functions", key), value, {"invoke": reader.resolver.name(function_id(key))})
            for key, value in self._functions.items()
        ]
        owners += [
            (("stepFunctions", "stateMachines", key), value, {"start": reader.resolver.name(machine_id(key))})
            for key, value in self._machines.items()
        ]
        for steps, owner, target in owners:
            for index, event in enumerate(_list(owner.get("events"))):
                place: Steps = (*steps, "events", index)
                site = self._host.site(place, str(steps[-1]))
                for kind, written in mapping(event).items():
                    with reader.resolver.collecting():
                        value = reader.resolver.resolve(written, place)
                    if kind in _HTTP:
                        builder.apis.append(ProjectApi(str(steps[-1]), site, kind))
                        continue
                    for name, properties in _as_sam(kind, value):
                        EVENTS[name](builder, site, properties, target)


def function_id(key: str) -> str:
    """The logical id of a function: ``say-hello`` is SayDashhelloLambdaFunction."""
    return f"{_normal(key)}LambdaFunction"


def machine_id(key: str) -> str:
    """The logical id of a state machine."""
    return f"{_normal(key)}StepFunctionsStateMachine"


def _normal(key: str) -> str:
    name = key.replace("-", "Dash").replace("_", "Underscore")
    return name[:1].upper() + name[1:]


def _members(value: JSON) -> dict[str, Mapping[str, JSON]]:
    """Functions or machines by key; a list of mappings is joined."""
    parts = value if isinstance(value, list) else [value]
    return {key: mapping(member) for part in parts for key, member in mapping(part).items()}


def _list(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []


def _as_sam(kind: str, written: JSON) -> list[tuple[str, Mapping[str, JSON]]]:
    """An event as SAM has it: its type and its properties; a schedule may have several rates."""
    event = mapping(written)
    if kind == "schedule":
        rates = event.get("rate") if event else written
        constant = {name: event[name] for name in ("input",) if name in event}
        return [
            ("Schedule", {"Schedule": rate, "Enabled": event.get("enabled", True), **_renamed(constant)})
            for rate in (rates if isinstance(rates, list) else [rates])
        ]
    if kind == "s3":
        rules = [{"Name": name, "Value": value} for rule in _list(event.get("rules")) for name, value in rule.items()]
        bucket = event.get("bucket") if event else written
        events = event.get("event", "s3:ObjectCreated:*")
        return [("S3", {"Bucket": bucket, "Events": events, "Filter": {"S3Key": {"Rules": rules}}})]
    if kind == "sqs":
        properties = {
            "Queue": event.get("arn") if event else written,
            "BatchSize": event.get("batchSize", 10),
            "MaximumBatchingWindowInSeconds": event.get("maximumBatchingWindow", 0),
            "FunctionResponseTypes": [event["functionResponseType"]] if "functionResponseType" in event else [],
        }
        return [("SQS", properties)]
    if kind in ("eventBridge", "cloudwatchEvent"):
        pattern = event.get("pattern") or event.get("event")
        if pattern is None and "schedule" in event:
            return [("Schedule", {"Schedule": event["schedule"]})]
        return [("EventBridgeRule", {"Pattern": pattern, **_renamed(event)})]
    return []


def _renamed(event: Mapping[str, JSON]) -> dict[str, JSON]:
    names = {"input": "Input", "inputPath": "InputPath"}
    renamed = {names[name]: value for name, value in event.items() if name in names}
    transformer = mapping(event.get("inputTransformer"))
    if transformer:
        paths, template = transformer.get("inputPathsMap", {}), transformer.get("inputTemplate")
        renamed["InputTransformer"] = {"InputPathsMap": paths, "InputTemplate": template}
    return renamed
