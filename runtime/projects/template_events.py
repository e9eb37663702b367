"""Events of a template as a scenario's triggers: SAM's Events, rules, schedules, pipes, mappings, notifications."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from stepsim.asl.payload import JSON, decode
from stepsim.runtime.projects.builder import ProjectBuilder
from stepsim.runtime.projects.findings import NOT_SUPPORTED, Site
from stepsim.runtime.projects.host import mapping
from stepsim.runtime.projects.project import ProjectApi
from stepsim.runtime.projects.resource import Resource
from stepsim.runtime.projects.stores import bucket_name

Written: TypeAlias = dict[str, JSON]
Target: TypeAlias = Mapping[str, JSON]
"""``{start: NAME}`` or ``{invoke: NAME}``."""

_IN_TEMPLATE = re.compile(r'"(?:[^"\\]|\\.)*"|<[\w.-]+>')
_NAMED = re.compile(r"<([\w.-]+)>")
_HTTP = frozenset({"Api", "HttpApi"})
_WINDOW_S = "MaximumBatchingWindowInSeconds"


def arn_target(arn: JSON) -> Target | None:
    """What an ARN names that a trigger can start or invoke; None for anything else."""
    text = str(arn)
    if ":states:" in text and ":stateMachine:" in text:
        return {"start": text.split(":stateMachine:", 1)[1].partition(":")[0]}
    if ":lambda:" in text and ":function:" in text:
        return {"invoke": text.split(":function:", 1)[1].partition(":")[0]}
    return None


def queue_name(value: JSON) -> str | None:
    """The queue that an ARN or a URL names."""
    text = str(value)
    if ":sqs:" in text:
        return text.rpartition(":")[2]
    return text.rpartition("/")[2] if text.startswith("https://sqs") else None


# -- resources ----------------------------------------------------------------------------------------------------


def of_machine(builder: ProjectBuilder, resource: Resource) -> None:
    """The Events of an AWS::Serverless::StateMachine."""
    _of_events(builder, resource, {"start": resource.name})


def of_function(builder: ProjectBuilder, resource: Resource) -> None:
    """The Events of an AWS::Serverless::Function."""
    _of_events(builder, resource, {"invoke": resource.name})


def of_bucket(builder: ProjectBuilder, resource: Resource) -> None:
    """What an AWS::S3::Bucket notifies."""
    bucket = bucket_name(resource.name)
    configuration = mapping(resource.value("NotificationConfiguration"))
    site = resource.site_of("NotificationConfiguration")
    for one in _list(configuration.get("LambdaConfigurations")):
        target = arn_target(mapping(one).get("Function"))
        if target is not None and _on_creation(mapping(one).get("Event")):
            builder.trigger(site, {**_bucket_source(bucket, one), **target})
    for one in _list(configuration.get("QueueConfigurations")):
        queue = queue_name(mapping(one).get("Queue"))
        if queue is not None and _on_creation(mapping(one).get("Event")):
            builder.trigger(site, {**_bucket_source(bucket, one), "via": [{"sqs": queue}]})


def of_rule(builder: ProjectBuilder, resource: Resource) -> None:
    """An AWS::Events::Rule: a schedule, or a pattern of S3's events."""
    if resource.text("State") == "DISABLED":
        return
    source = _rule_source(builder, resource.site, resource.value("EventPattern"), resource.text("ScheduleExpression"))
    for one in _list(resource.value("Targets")) if source is not None else ():
        _to_target(builder, resource.site, source or {}, mapping(one))


def of_schedule(builder: ProjectBuilder, resource: Resource) -> None:
    """An AWS::Scheduler::Schedule."""
    expression = resource.text("ScheduleExpression")
    target = mapping(resource.value("Target"))
    if expression is not None and resource.text("State") != "DISABLED":
        _to_target(builder, resource.site, {"schedule": expression}, target)


def of_pipe(builder: ProjectBuilder, resource: Resource) -> None:
    """An AWS::Pipes::Pipe from a queue."""
    queue, target = queue_name(resource.value("Source")), arn_target(resource.value("Target"))
    if queue is None or target is None or "Enrichment" in resource.properties:
        message = "only pipes from a queue to a state machine or a function, without enrichment, are simulated"
        builder.findings.append(resource.site.warning(NOT_SUPPORTED, message))
        return
    parameters = mapping(mapping(resource.value("SourceParameters")).get("SqsQueueParameters"))
    written: Written = {"queue": _polled(queue, parameters), **target}
    template = mapping(resource.value("TargetParameters")).get("InputTemplate")
    if isinstance(template, str) and "start" in target:
        _with_input(written, _template(template, {}))
    builder.trigger(resource.site, written)


def of_mapping(builder: ProjectBuilder, resource: Resource) -> None:
    """An AWS::Lambda::EventSourceMapping of a queue."""
    queue = queue_name(resource.value("EventSourceArn"))
    function = str(resource.value("FunctionName")).rpartition(":function:")[2].partition(":")[0]
    if queue is None:
        message = "is a mapping of a stream, which no run has"
        builder.findings.append(resource.site.warning(NOT_SUPPORTED, message))
        return
    properties = mapping(resource.resolver.resolve(dict(resource.properties), resource.steps()))
    builder.trigger(resource.site, {"queue": _polled(queue, properties), "invoke": function})


# -- SAM's events -------------------------------------------------------------------------------------------------


def _of_events(builder: ProjectBuilder, resource: Resource, target: Target) -> None:
    for name in resource.mapping("Events") if resource.type.startswith("AWS::Serverless") else ():
        site = resource.site_of("Events", name)
        with resource.resolver.collecting() as unknown:
            event = mapping(resource.value("Events", name))
        kind, properties = str(event.get("Type")), mapping(event.get("Properties"))
        add = EVENTS.get(kind)
        if kind in _HTTP:
            builder.apis.append(ProjectApi(f"{resource.id}/{name}", site, kind))
        elif add is None:
            builder.findings.append(site.warning(NOT_SUPPORTED, f"no run has events of the type {kind}"))
        elif not unknown and str(properties.get("Enabled", "true")).lower() != "false":
            add(builder, site, properties, target)


def _s3_event(builder: ProjectBuilder, site: Site, properties: Mapping[str, JSON], target: Target) -> None:
    if _on_creation(properties.get("Events")):
        source = _bucket_source(bucket_name(str(properties.get("Bucket"))), properties)
        builder.trigger(site, {**source, **target})


def _sqs_event(builder: ProjectBuilder, site: Site, properties: Mapping[str, JSON], target: Target) -> None:
    queue = queue_name(properties.get("Queue"))
    if queue is not None:
        builder.trigger(site, {"queue": _polled(queue, properties), **target})


def _schedule_event(builder: ProjectBuilder, site: Site, properties: Mapping[str, JSON], target: Target) -> None:
    expression = properties.get("Schedule") or properties.get("ScheduleExpression")
    if isinstance(expression, str) and properties.get("State") != "DISABLED":
        written: Written = {"schedule": expression, **target}
        _with_input(written, _constant(properties.get("Input")))
        builder.trigger(site, written)


def _rule_event(builder: ProjectBuilder, site: Site, properties: Mapping[str, JSON], target: Target) -> None:
    source = _rule_source(builder, site, properties.get("Pattern"), None)
    if source is not None and properties.get("State") != "DISABLED":
        written: Written = {**source, **target}
        _with_input(written, _target_input(properties))
        builder.trigger(site, written)


EVENTS: Mapping[str, Callable[[ProjectBuilder, Site, Mapping[str, JSON], Target], None]] = {
    "S3": _s3_event,
    "SQS": _sqs_event,
    "Schedule": _schedule_event,
    "ScheduleV2": _schedule_event,
    "EventBridgeRule": _rule_event,
    "CloudWatchEvent": _rule_event,
}


# -- parts --------------------------------------------------------------------------------------------------------


def _list(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []


def _on_creation(events: JSON) -> bool:
    """Whether one of S3's events is about objects that land."""
    return any("ObjectCreated" in str(event) for event in (events if isinstance(events, list) else [events]))


def _bucket_source(bucket: str, properties: JSON) -> Written:
    """A bucket with the filter of its notification."""
    holder = mapping(mapping(properties).get("Filter"))
    rules = _list(mapping(holder.get("S3Key") or holder.get("Key")).get("Rules"))
    source: Written = {"bucket": bucket}
    for rule in map(mapping, rules):
        source[str(rule.get("Name")).lower()] = str(rule.get("Value"))
    return {name: value for name, value in source.items() if name in ("bucket", "prefix", "suffix")}


def _polled(queue: str, properties: Mapping[str, JSON]) -> Written:
    """How a queue is polled."""
    polled: Written = {"queue": queue}
    size = str(properties.get("BatchSize", ""))
    window = str(properties.get(_WINDOW_S, ""))
    if size.isdigit():
        polled["batch_size"] = int(size)
    if window.isdigit() and int(window):
        polled["batch_window"] = f"{window}s"
    concurrency = mapping(properties.get("ScalingConfig")).get("MaximumConcurrency")
    if str(concurrency).isdigit():
        polled["maximum_concurrency"] = int(str(concurrency))
    if "ReportBatchItemFailures" in _list(properties.get("FunctionResponseTypes")):
        polled["report_batch_item_failures"] = True
    return polled


def _rule_source(builder: ProjectBuilder, site: Site, pattern: JSON, schedule: str | None) -> Written | None:
    """Where a rule's events come from; None for what no run has."""
    if schedule is not None:
        return {"schedule": schedule, "via": ["eventbridge"]}
    if isinstance(pattern, str):
        try:
            pattern = decode(pattern)
        except ValueError:
            pattern = {}
    rule = mapping(pattern)
    detail = mapping(rule.get("detail"))
    buckets = _list(mapping(detail.get("bucket")).get("name"))
    if rule.get("source") != ["aws.s3"] or "Object Created" not in _list(rule.get("detail-type")) or len(buckets) != 1:
        message = "only schedules and S3's Object Created events of one bucket start something in a run"
        builder.findings.append(site.warning(NOT_SUPPORTED, message, "start what it would start with --input"))
        return None
    source: Written = {"bucket": bucket_name(str(buckets[0])), "via": ["eventbridge"]}
    for test in map(mapping, _list(mapping(detail.get("object")).get("key"))):
        source |= {name: test[name] for name in ("prefix", "suffix") if isinstance(test.get(name), str)}
    return source


def _to_target(builder: ProjectBuilder, site: Site, source: Written, target: Mapping[str, JSON]) -> None:
    """A way from a source to a target of EventBridge or the scheduler."""
    arn = target.get("Arn")
    what, queue = arn_target(arn), queue_name(arn)
    if what is not None:
        written: Written = {**source, **what}
        _with_input(written, _target_input(target))
        builder.trigger(site, written)
    elif queue is not None:
        builder.trigger(site, {**source, "via": [*_list(source.get("via")), {"sqs": queue}]})


def _with_input(written: Written, given: tuple[JSON] | None) -> None:
    if given is not None:
        written["input"] = given[0]


def _constant(text: JSON) -> tuple[JSON] | None:
    """An Input, which is JSON in a text; None where there is none."""
    if text is None:
        return None
    try:
        return (decode(text) if isinstance(text, str) else text,)
    except ValueError:
        return (text,)


def _target_input(target: Mapping[str, JSON]) -> tuple[JSON] | None:
    """What a target gets in place of the event; None where it gets the event."""
    if "Input" in target:
        return _constant(target["Input"])
    path = target.get("InputPath")
    if isinstance(path, str):
        return (f"<{path}>",)
    transformer = mapping(target.get("InputTransformer"))
    template = transformer.get("InputTemplate")
    return _template(template, mapping(transformer.get("InputPathsMap"))) if isinstance(template, str) else None


def _template(text: str, paths: Mapping[str, JSON]) -> tuple[JSON] | None:
    """EventBridge's template as a scenario's: ``<name>`` becomes the path that it stands for, in quotes."""

    def path(name: str) -> str:
        found = paths.get(name, f"${name}" if name.startswith(".") else f"$.{name}")
        return f"<{found}>"

    def replaced(match: re.Match[str]) -> str:
        part = match.group()
        if part.startswith("<"):
            return f'"{path(part[1:-1])}"'
        return _NAMED.sub(lambda inner: path(inner[1]), part)

    try:
        return (decode(_IN_TEMPLATE.sub(replaced, text)),)
    except ValueError:
        return (_NAMED.sub(lambda inner: path(inner[1]), text),)
