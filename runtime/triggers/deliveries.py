"""Events on their way to a queue, a machine or a function: delivered at least once, and tried again where refused.

EventBridge and the scheduler retry for 24 hours or 185 times, "with exponential back off and jitter", and then send the
event to the target's dead-letter queue, or drop it (EventBridge user guide, "Event retry policy"). Refusals that time
does not change are not tried again. While who delivers is down itself (a fault of ``events``, ``s3`` or ``scheduler``),
no target is asked, and the event is kept and tried again in the same way.
"""

from __future__ import annotations

from typing import Any

from stepsim.asl.payload import encode
from stepsim.runtime.cloud.call import ACCOUNT_ID, ApiError, CallSite
from stepsim.runtime.cloud.faults import Refusal
from stepsim.runtime.cloud.latency import drawn_ms
from stepsim.runtime.cloud.meter import THROTTLES
from stepsim.runtime.cloud.moto_sqs import send
from stepsim.runtime.effects import Invoke, Program
from stepsim.runtime.requests import InvokeFunction, InvokeOptions
from stepsim.runtime.triggers.event_texts import Event
from stepsim.runtime.triggers.specs import ScheduleSource, Target, TriggerSpec
from stepsim.runtime.triggers.world import REGION, TriggerCounts, World

_ATTEMPTS_MAX = 186
_AGE_MS_MAX = 86_400_000
_FIRST_PAUSE_MS, _LONGEST_PAUSE_MS = 1_000, 480_000
"""Twice as long each time: 185 retries come to about 24 hours."""

_LOST = ApiError("InternalException", "The delivery was interrupted.", 500)
"""What becomes of an attempt whose connection broke."""

_PASSING = THROTTLES | {"ExecutionLimitExceeded", "OverLimit", "RequestTimeout", "TooManyRequestsException"}


class Delivery:
    """One event on its way to one target."""

    __slots__ = ("attempts", "begun_ms", "event", "number", "unheard")

    def __init__(self, event: Event, number: int, begun_ms: int) -> None:
        self.event = event
        self.number = number
        self.begun_ms = begun_ms
        self.attempts = 0
        self.unheard = False
        """That the target has taken it, nobody hears of."""


class Deliveries:
    """Delivers the events of one trigger."""

    def __init__(self, world: World, trigger: TriggerSpec, counts: TriggerCounts) -> None:
        self._world = world
        self._trigger = trigger
        self._counts = counts
        self._number = 0
        service, operation = ("events", "delivery") if trigger.via_bus else ("s3", "notification")
        if isinstance(trigger.source, ScheduleSource) and not trigger.via_bus:
            service, operation = "scheduler", "delivery"
        self._spread = world.latency.spread(service, operation)
        self._name = f"{service}.{operation}"
        self._send = world.cloud.gate.route("sqs", "SendMessage")

    def happened(self, event: Event) -> None:
        """Take an event on: it is delivered a little later, and perhaps twice."""
        world, counts, trigger = self._world, self._counts, self._trigger
        counts.events += 1
        copies = 1
        if trigger.duplicates and world.dice.of(f"twice/{trigger.name}/{event.id}") < trigger.duplicates:
            counts.duplicates += 1
            copies = 2
        for _ in range(copies):
            self._number += 1
            delivery = Delivery(event, self._number, world.now_ms)
            world.underway += 1
            due_ms = world.now_ms + self._latency_ms(delivery)
            world.scheduler.call_at(due_ms, lambda delivery=delivery: self._invoke(delivery))  # type: ignore[misc]
        if world.scheduler.wake is not None:
            world.scheduler.wake()

    def _latency_ms(self, delivery: Delivery) -> int:
        return drawn_ms(self._spread, self._world.dice.of(f"delivery/{self._trigger.name}/{delivery.number}"))

    def _invoke(self, delivery: Delivery) -> None:
        """Try to deliver once EventBridge's rate of invocations allows it."""
        world = self._world
        if self._trigger.via_bus and world.invocations is not None:
            wait_ms = world.invocations.wait_ms(world.run_ms)
            if wait_ms is None:
                # At a rate of 0 nothing is ever delivered.
                self._give_up(delivery, ApiError("ThrottlingException", "Rate exceeded", 400))
                return
            if wait_ms:
                world.scheduler.call_at(world.now_ms + wait_ms, lambda: self._attempt(delivery))
                return
        self._attempt(delivery)

    def _attempt(self, delivery: Delivery) -> None:
        site = CallSite(self._trigger.name, place=delivery.number, attempt=delivery.attempts)
        delivery.attempts += 1
        refusal = self._world.cloud.gate.strike(self._name, site)
        if refusal is None:
            self._hand_over(delivery, site)
        elif refusal.delay_ms:
            due_ms = self._world.now_ms + refusal.delay_ms
            self._world.scheduler.call_at(due_ms, lambda: self._struck(delivery, site, refusal))
        else:
            self._struck(delivery, site, refusal)

    def _struck(self, delivery: Delivery, site: CallSite, refusal: Refusal) -> None:
        """Go on where a fault has struck who delivers."""
        if refusal.refuses or refusal.crash == "before":
            self._settle(delivery, refusal.api_error() if refusal.refuses else _LOST)
            return
        delivery.unheard = refusal.crash == "after"
        self._hand_over(delivery, site)

    def _hand_over(self, delivery: Delivery, site: CallSite) -> None:
        trigger, world = self._trigger, self._world
        if trigger.polling is not None:
            self._settle(delivery, self._send_message(trigger.polling.queue, delivery.event.text, site))
            return
        assert trigger.target is not None
        program = self._start if trigger.target.kind == "start" else self._send_event
        world.scheduler.spawn(
            program(delivery, trigger.target, site), lambda error, bug: self._ended(delivery, error, bug)
        )

    def _send_message(self, name: str, text: str, site: CallSite) -> ApiError | None:
        """Send a message; returns what it was refused with, or None."""
        cloud = self._world.cloud
        params = {"QueueUrl": name, "MessageBody": text}
        _, refusal = cloud.gate.admit(self._send, params, site)
        if refusal is not None:
            if refusal.refuses:
                return refusal.api_error()
            if refusal.effect is not None:
                return self._send_struck(refusal, params)
        queue = cloud.queues.find(name, REGION)
        if queue is None:
            return ApiError("AWS.SimpleQueueService.NonExistentQueue", f"There is no queue {name}.", 400)
        if len(text) > queue.maximum_message_size:
            return ApiError("InvalidParameterValue", "The message is too large.", 400)
        send(cloud.queues, queue, text, queue.delay_seconds, None)
        return None

    def _send_struck(self, refusal: Refusal, params: dict[str, Any]) -> ApiError | None:
        """Send a message in a fault's own way."""
        try:
            self._world.cloud.gate.serve_struck(self._send, refusal, params, REGION)
        except ApiError as error:
            return error
        return None

    def _ended(self, delivery: Delivery, error: ApiError | None, bug: Exception | None) -> None:
        if bug is not None:
            raise bug
        self._settle(delivery, error)

    def _start(self, delivery: Delivery, target: Target, site: CallSite) -> Program:
        """Start an execution; returns what it was refused with, or None."""
        params = {
            "stateMachineArn": f"arn:aws:states:{REGION}:{ACCOUNT_ID}:stateMachine:{target.name}",
            "name": self._world.dice.uuid4("triggered", self._trigger.name, delivery.number),
            "input": _input(delivery.event, target),
        }
        answer = yield from self._world.call("StartExecution", params, site)
        if isinstance(answer, ApiError):
            return answer
        self._counts.started += 1
        return None

    def _send_event(self, delivery: Delivery, target: Target, site: CallSite) -> Program:
        """Have a function invoked with an event; returns what it was refused with, or None."""
        caller = f"arn:aws:events:{REGION}:{ACCOUNT_ID}:rule/{self._trigger.name}"
        options = InvokeOptions("Event")
        answer: Any = yield Invoke(InvokeFunction(target.name, _input(delivery.event, target), site, caller, options))
        if isinstance(answer, ApiError):
            return answer
        self._counts.invoked += 1
        return None

    # -- what became of it ----------------------------------------------------------------------------------------

    def _settle(self, delivery: Delivery, error: ApiError | None) -> None:
        world = self._world
        if error is None:
            self._counts.delivered += 1
            if not delivery.unheard:
                world.underway -= 1
                return
            delivery.unheard, error = False, _LOST
        passing = error.code in _PASSING or error.status >= 500
        pause_ms = self._pause_ms(delivery)
        too_old = world.now_ms + pause_ms - delivery.begun_ms > _AGE_MS_MAX
        if not passing or delivery.attempts >= _ATTEMPTS_MAX or too_old:
            self._give_up(delivery, error)
            return
        self._counts.retried += 1
        world.scheduler.call_at(world.now_ms + pause_ms, lambda: self._invoke(delivery))

    def _pause_ms(self, delivery: Delivery) -> int:
        longest_ms = min(_FIRST_PAUSE_MS << min(delivery.attempts, 20), _LONGEST_PAUSE_MS)
        names = (self._trigger.name, delivery.number, delivery.attempts)
        return int(longest_ms * (0.5 + self._world.dice.draw("redelivery", *names)))

    def _give_up(self, delivery: Delivery, error: ApiError) -> None:
        world, trigger = self._world, self._trigger
        world.underway -= 1
        if trigger.dlq is None:
            self._counts.dropped += 1
            return
        exhausted = {"ERROR_CODE": error.code, "ERROR_MESSAGE": error.message or error.code}
        exhausted["RULE_ARN"] = f"arn:aws:events:{REGION}:{ACCOUNT_ID}:rule/{trigger.name}"
        params = {
            "QueueUrl": trigger.dlq,
            "MessageBody": delivery.event.text,
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value} for name, value in exhausted.items()
            },
        }
        site = CallSite(trigger.name, place=f"{delivery.number}/dlq")
        if world.cloud.perform("sqs", "SendMessage", params, site=site).error is None:
            self._counts.dead_lettered += 1
        else:
            self._counts.dropped += 1


def _input(event: Event, target: Target) -> str:
    return event.text if target.template is None else encode(target.template.fill(event.value))
