"""A test case held against its machine: whether there are such states, and whether what is mocked can happen there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from stepsim.asl.errors import TIMEOUT, StatesError
from stepsim.asl.machine import ChoiceState, MapState, ParallelState, State, StateMachine, TaskState
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.mocks.answers import Finding, MockedCase, MockedState, Response, Span
from stepsim.runtime.mocks.reading import MockConfigError
from stepsim.runtime.retry import RetryCounters
from stepsim.runtime.scenario_check import INVALID_VALUE, MISSING_KEY, did_you_mean

UNKNOWN_STATE = "UNKNOWN_STATE"
INVALID_RESPONSE = "INVALID_RESPONSE"

_SCHEMA_ERROR = "Mock result schema validation error: "

_LOOKED_AT = 100_000
"""So many attempts are followed, and no more."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A state, and how often an execution may come to it."""

    state: State
    machine: StateMachine
    again: bool = False
    """Its surroundings may be entered more than once."""
    again_for_item: bool = False
    """… for the same item of the innermost Map."""
    in_map: bool = False


def checked(case: MockedCase, machine: StateMachine) -> list[Finding]:
    """The warnings about a test case of a machine. Raises MockConfigError where it cannot be run."""
    findings = check_case(case, machine)
    if any(finding.severity == "error" for finding in findings):
        raise MockConfigError([finding for finding in findings if finding.severity == "error"])
    return findings


def check_case(case: MockedCase, machine: StateMachine) -> list[Finding]:
    """Everything wrong with a test case of a machine."""
    places = {place.state.name: place for place in _places(machine)}
    findings: list[Finding] = []
    for name, mocked in case.states.items():
        place = places.get(name)
        if place is None:
            tasks = [known for known, place in places.items() if isinstance(place.state, TaskState)]
            message = f"the state machine {case.machine!r} has no state {name!r}"
            findings.append(Finding(UNKNOWN_STATE, message, mocked.origin, did_you_mean(name, tasks)))
        elif not isinstance(place.state, TaskState):
            message = f"{name!r} is a {place.state.type} state, and only Tasks can be mocked"
            hint = "mock the Tasks in it" if place.state.type in ("Map", "Parallel") else None
            findings.append(Finding(INVALID_VALUE, message, mocked.origin, hint))
        else:
            findings += _of_task(mocked, place, place.state, shapes=case.validate_responses)
    return findings


def _of_task(mocked: MockedState, place: _Place, state: TaskState, *, shapes: bool) -> Iterator[Finding]:
    for response in (*(rule.response for rule in mocked.rules), mocked.response):
        if shapes and response is not None:
            yield from _of_shapes(response, state)
    loops = _comes_back(place.machine, state.name)
    if mocked.response is not None:
        yield from _of_response(mocked.response, state, place.again or loops)
    for rule in mocked.rules:
        if not place.in_map:
            message = f"{state.name!r} is in no Map: it has no items to be told apart"
            yield Finding(INVALID_VALUE, message, rule.origin, "write its response without rules")
        yield from _of_response(rule.response, state, place.again_for_item or loops)


def _of_response(response: Response, state: TaskState, again: bool) -> Iterator[Finding]:
    if not response.spans:
        message = f"the response is empty: the state {state.name!r} fails with States.Runtime"
        yield Finding(MISSING_KEY, message, response.origin, 'write {"0": {"Return": …}}', "warning")
    for span in response.spans:
        yield from _of_span(span, state)
    yield from _gaps(response, state) if again else _of_attempts(response, state)


def _of_shapes(response: Response, state: TaskState) -> Iterator[Finding]:
    """What is returned that the API would not return, as TestState says it of its mocks."""
    # botocore's models are loaded by those who need them.
    from stepsim.runtime.api.test_state_result import check_result

    for span in response.spans:
        if span.answer.returns is None:
            continue
        try:
            check_result(state.resource, span.answer.returns.value, required=True)
        except ApiError as error:
            message = f"{state.resource.arn} returns no such thing: {error.message.removeprefix(_SCHEMA_ERROR)}"
            yield Finding(
                INVALID_RESPONSE, message, span.origin, "write what the API returns, as Step Functions spells it"
            )


def _of_span(span: Span, state: TaskState) -> Iterator[Finding]:
    """What an answer says that means nothing to this Task."""
    answer, resource = span.answer, state.resource
    activity, callback = resource.kind == "activity", resource.pattern == "waitForTaskToken"
    said = {
        "heartbeat_every": (answer.heartbeat_ms is not None, activity or callback, "callbacks and activities"),
        "taken_after": (answer.taken_after_ms > 0, activity, "activities"),
        "worker": (answer.worker is not None, activity, "activities"),
        "submitted": (answer.submitted.value != {}, bool(resource.pattern), "callbacks and .sync tasks"),
        "refused": (answer.refused, bool(resource.pattern), "callbacks and .sync tasks"),
    }
    for key, (is_said, fits, of) in said.items():
        if is_said and not fits:
            message = f"{key} is for {of}, and {state.name!r} calls {resource.arn}"
            yield Finding(INVALID_VALUE, message, span.origin, f"remove {key}")


def _gaps(response: Response, state: TaskState) -> Iterator[Finding]:
    """Attempts without an entry before others that have one."""
    following = 0
    for span in response.spans:
        if span.first > following:
            yield _no_entry(following, state, span)
        following = span.last + 1


def _no_entry(attempt: int, state: TaskState, span: Span) -> Finding:
    message = f"attempt {attempt} has no entry: the state {state.name!r} fails with States.Runtime before this one"
    return Finding(MISSING_KEY, message, span.origin, "attempts are counted from 0", "warning")


def _of_attempts(response: Response, state: TaskState) -> Iterator[Finding]:
    """What happens to a state that is entered once: attempts beyond its end never do."""
    counters = RetryCounters()
    following = 0
    for span in response.spans:
        if span.first > following:
            yield _no_entry(following, state, span)
            return
        if _may_be_late(span, state) or span.last >= _LOOKED_AT:
            return
        for attempt in range(span.first, span.last + 1):
            end = _end(span, state, counters)
            if end is not None:
                yield from _beyond(response, attempt, state, end)
                return
        following = span.last + 1
    if following:
        message = (
            f"the Retry of {state.name!r} makes another attempt after {following - 1}, and there is no entry for it: "
            "the state fails with States.Runtime"
        )
        hint = f'write an entry "{following}"'
        yield Finding(MISSING_KEY, message, response.spans[-1].origin, hint, "warning")


def _may_be_late(span: Span, state: TaskState) -> bool:
    """True where an answer may come after the task's time-out, and be tried again."""
    timed = state.timeout_s is not None or state.heartbeat_s is not None
    return span.answer.returns is not None and timed and bool(span.answer.delay_ms or span.answer.taken_after_ms)


def _end(span: Span, state: TaskState, counters: RetryCounters) -> str | None:
    """Why no attempt follows one that is answered so; None where one does."""
    answer = span.answer
    if answer.returns is not None:
        return "returns"
    error = StatesError(TIMEOUT if answer.never else answer.error, answer.cause)
    if error.terminal or counters.next_delay_ms(state.retry, error, lambda _: 0.0) is None:
        return f"fails with {error.error}, which is not retried any more"
    return None


def _beyond(response: Response, attempt: int, state: TaskState, end: str) -> Iterator[Finding]:
    for span in response.spans:
        if span.last > attempt:
            never = Span(max(span.first, attempt + 1), span.last, span.answer, span.origin)
            message = f"attempt {never} of {state.name!r} cannot happen: attempt {attempt} {end}"
            hint = "remove it, or let the state's Retry allow it"
            yield Finding(INVALID_VALUE, message, span.origin, hint, "warning")


def _places(machine: StateMachine, around: _Place | None = None) -> Iterator[_Place]:
    """All states of a machine and of what is nested in it."""
    for state in machine.states.values():
        outer = around or _Place(state, machine)
        yield _Place(state, machine, outer.again, outer.again_for_item, outer.in_map)
        if isinstance(state, MapState):
            inner = _Place(state, machine, True, bool(state.retry), True)
            yield from _places(state.processor, inner)
        elif isinstance(state, ParallelState):
            again = bool(state.retry) or _comes_back(machine, state.name)
            inner = _Place(state, machine, outer.again or again, outer.again_for_item or again, outer.in_map)
            for branch in state.branches:
                yield from _places(branch, inner)


def _comes_back(machine: StateMachine, name: str) -> bool:
    """True where a way leads from a state to itself."""
    seen: set[str] = set()
    waiting = [*_following(machine.states, name)]
    while waiting:
        following = waiting.pop()
        if following == name:
            return True
        if following not in seen:
            seen.add(following)
            waiting += _following(machine.states, following)
    return False


def _following(states: Mapping[str, State], name: str) -> Iterator[str]:
    state = states[name]
    if isinstance(state, ChoiceState):
        yield from (rule.next for rule in state.choices)
        if state.default is not None:
            yield state.default
    elif state.next is not None:
        yield state.next
    if isinstance(state, TaskState | MapState | ParallelState):
        yield from (catcher.next for catcher in state.catch)
