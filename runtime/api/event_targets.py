"""Delivers an event on moto's buses: which rules it matches, and what each of their targets does with it.

moto keeps buses, rules and targets, and knows how a pattern matches; it hands events to some kinds of targets only, and
not as AWS writes them, so the delivery is done here. It is best effort, as on AWS for events of its services: a target
that is gone loses the event.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from stepsim.asl.errors import StatesError
from stepsim.asl.payload import JSON
from stepsim.runtime.account import Account
from stepsim.runtime.api.event_input import event_input
from stepsim.runtime.api.executions import start_execution
from stepsim.runtime.api.records import Home
from stepsim.runtime.api.registry import Registries
from stepsim.runtime.cloud.call import ApiError, CallSite
from stepsim.runtime.effects import Invoke, Program
from stepsim.runtime.requests import InvokeFunction, InvokeOptions

if TYPE_CHECKING:
    from moto.events.models import Rule

Event: TypeAlias = dict[str, JSON]
"""An event as targets see it."""

HOPS_MAX = 8
"""Over how many buses an event is passed on: a ring of buses comes to an end."""


def rules(home: Home, bus: str = "default") -> list[Rule]:
    """The rules of a bus that wait for events: enabled ones with a pattern, not schedules."""
    # Nobody has a rule where nobody has imported what holds rules: this costs a look-up.
    module = sys.modules.get("moto.events.models")
    if module is None:
        return []
    # `get` makes no account and no region that nobody has used.
    backend = module.events_backends.get(home.account_id, {}).get(home.region)
    if backend is None or bus not in backend.event_buses:
        return []
    candidates = backend.event_buses[bus].rules.values()
    return [rule for rule in candidates if rule.state == "ENABLED" and rule.event_pattern.get_pattern()]


class EventTargets:
    """Delivers events to the targets of rules."""

    def __init__(self, registries: Registries) -> None:
        self._registries = registries
        self._delivered = 0
        self._refused: set[str] = set()

    def put(self, event: Event, home: Home, bus: str = "default", hops: int = 0) -> None:
        """Put an event on a bus."""
        from moto.core.exceptions import ServiceException
        from werkzeug.exceptions import HTTPException

        message: Any = event  # moto has a type of its own for events
        for rule in rules(home, bus):
            if not rule.event_pattern.matches_event(message):
                continue
            for target in list(rule.targets):
                try:
                    self._hand_over(target, rule, event, hops)
                except (HTTPException, ServiceException, ApiError):
                    # It refuses the event: it is gone, full, or not allowed to take it.
                    continue

    def _hand_over(self, target: Mapping[str, Any], rule: Rule, event: Event, hops: int) -> None:
        arn: str = target["Arn"]
        service = arn.split(":")[2]
        if service == "events" and ":event-bus/" in arn:
            _, _, _, region, account_id, resource = arn.split(":", 5)
            if hops < HOPS_MAX:
                self.put(event, Home(account_id, region), resource.removeprefix("event-bus/"), hops + 1)
            return
        text = event_input(target, event, rule.name, rule.arn)
        if service == "lambda":
            self._invoke(arn, text, rule)
        elif service == "states":
            self._start(arn, text)
        elif service in _SINKS:
            self._delivered += 1
            _SINKS[service](arn, text, target, self._registries.account, self._delivered)
        elif service not in self._refused:
            self._refused.add(service)
            sys.stderr.write(f"Rule {rule.name}: EventBridge targets of {service!r} are not supported ({arn}).\n")

    def _start(self, arn: str, text: str) -> None:
        _, _, _, region, account_id, _ = arn.split(":", 5)
        registry = self._registries[Home(account_id, region)]
        start_execution(registry, {"stateMachineArn": arn, "input": text})

    def _invoke(self, arn: str, text: str, rule: Rule) -> None:
        self._delivered += 1
        site = CallSite("events", rule.name, place=self._delivered)
        request = InvokeFunction(arn, text, site, rule.arn, InvokeOptions("Event"))
        self._registries.account.scheduler.spawn(_invocation(request))


def _invocation(request: InvokeFunction) -> Program:
    try:
        yield Invoke(request)
    except (StatesError, ApiError):
        # An asynchronous invocation: who asked hears of no failure.
        return None


def _send_to_queue(arn: str, text: str, target: Mapping[str, Any], account: Account, number: int) -> None:  # noqa: ARG001
    from moto.sqs.models import sqs_backends

    _, _, _, region, account_id, queue = arn.split(":", 5)
    group = target.get("SqsParameters", {}).get("MessageGroupId")
    sqs_backends[account_id][region].send_message(queue, text, group_id=group)


def _publish(arn: str, text: str, target: Mapping[str, Any], account: Account, number: int) -> None:  # noqa: ARG001
    from moto.sns.models import sns_backends

    _, _, _, region, account_id, _ = arn.split(":", 5)
    sns_backends[account_id][region].publish(text, arn=arn)


def _log(arn: str, text: str, target: Mapping[str, Any], account: Account, number: int) -> None:  # noqa: ARG001
    from moto.logs.models import logs_backends

    _, _, _, region, account_id, _, group = arn.split(":", 6)
    backend, name = logs_backends[account_id][region], group.removesuffix(":*")
    stream = account.dice.uuid4("event-log-stream", name, number)
    backend.create_log_stream(name, stream)
    backend.groups[name].streams[stream].put_log_events([{"timestamp": account.scheduler.now_ms, "message": text}])


_SINKS: Mapping[str, Callable[[str, str, Mapping[str, Any], Account, int], None]] = {
    "sqs": _send_to_queue,
    "sns": _publish,
    "logs": _log,
}
