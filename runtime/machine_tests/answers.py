"""What tests answer for services and functions: values, errors, silence, Python; one for all, or one an attempt."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from stepsim.asl.payload import JSON, Payload, decode
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.mocks.answers import Answer, MockedState, Origin
from stepsim.runtime.scenario_types import FunctionSpec
from stepsim.workers.durations import Duration, parse_duration, parse_time
from stepsim.workers.modelled import Model, ModelledError
from stepsim.workers.scripted import Script, Step

if TYPE_CHECKING:
    from stepsim.runtime.services.task import TaskCall

FUNCTION_TIMEOUT_MS = 900_000
"""How long a function of a test may take that does not say: as long as Lambda lets any."""

NO_TIME = "0s"

_SCHEMA_ERROR = "Mock result schema validation error: "


class Given:
    """What comes of a state's or a function's work, in a test: it returns, fails or hangs."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Returns(Given):
    """What a state's work gives, in a test: a Task's raw result, a Map's array, a Parallel's outputs, one a branch.

    A Task's result is compared with botocore's model of the call's response: `STRICT` wants required members,
    `PRESENT` looks at those that are there, `NONE` at nothing. Of a function it is what the function returns. In whole
    runs it comes after `delay` of virtual time (``"90s"``).
    """

    result: JSON
    validation: Literal["STRICT", "PRESENT", "NONE"] = "STRICT"
    delay: str = NO_TIME


@dataclass(frozen=True, slots=True)
class Fails(Given):
    """The error that a state's work ends with, in a test; `caused_by` names the state within a Map or Parallel."""

    error: str
    cause: str | None = None
    caused_by: str | None = None
    delay: str = NO_TIME


@dataclass(frozen=True, slots=True)
class Hangs(Given):
    """No answer comes: TimeoutSeconds, HeartbeatSeconds or the function's own time end the attempt."""


@dataclass(frozen=True, slots=True)
class MockedCall:
    """The attempt that a mock in Python answers."""

    state: str
    parameters: JSON
    """What the Task sends."""
    attempt: int
    """Counted from 0 through the whole execution: retries, further visits and iterations of a Map."""
    retry: int
    """How often this visit's work was tried before."""
    item: int | None
    """The index of the Map's item or batch."""
    context: JSON
    """The context object."""


MockFunction: TypeAlias = "Callable[[JSON], JSON | Given] | Callable[[JSON, MockedCall], JSON | Given]"
OneMock: TypeAlias = "Given | MockFunction"
Mock: TypeAlias = "OneMock | Sequence[OneMock]"
"""What answers a mocked state: the same for every attempt, or one after the other."""

Handler: TypeAlias = "Callable[[JSON, JSON], object]"
OneAnswer: TypeAlias = "Given | Handler"


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function of a test that has more to it than what answers."""

    code: str | OneAnswer | Sequence[OneAnswer]
    """As a function is given without all this."""
    timeout_s: float = FUNCTION_TIMEOUT_MS / 1000
    memory_mb: int = 128
    env: Mapping[str, str] = field(default_factory=dict)
    duration: str = NO_TIME
    """What its code takes besides what its calls and sleeps take."""


FunctionAnswer: TypeAlias = "Function | str | OneAnswer | Sequence[OneAnswer]"
"""A function: its code as ``module:function`` or as Python; or what it returns, at every invocation or one by one."""


class Unanswered(AssertionError):
    """A run asked for something that its test has given no answer to, or a wrong one: what, where, and what to do."""


# ------------------------------------------------------------------------------------------------------------- mocks


def mocked_state(name: str, mock: Mock) -> MockedState:
    """A state as it is mocked. Raises TypeError for what is no mock."""
    several = isinstance(mock, Sequence) and not isinstance(mock, str | bytes)
    mocks: Sequence[OneMock] = mock if several else [mock]  # type: ignore[assignment,list-item]
    answering = [_answering(name, one) for one in mocks]

    def ask(call: TaskCall, attempt: int) -> Answer:
        if several and attempt >= len(answering):
            raise Unanswered(
                f"the state {name!r} was given {len(answering)} answers, and this is attempt {attempt + 1}: give as "
                f"many as there are attempts, or a single one, not in a list, for all of them"
            )
        return answering[attempt if several else 0](call, attempt)

    return MockedState(Origin("mocks", 0, 0, name), ask=ask)


def _answering(state: str, mock: OneMock) -> Callable[[TaskCall, int], Answer]:
    if isinstance(mock, Given):
        answer = _answer(mock)
        if not isinstance(mock, Returns):
            return lambda call, attempt: answer
        return lambda call, attempt: _checked(call, mock, answer)
    if not callable(mock):
        raise TypeError(
            f"mocks[{state!r}]: {type(mock).__name__} is no answer: write Returns(…), Fails(…), Hangs(), a function of "
            f"the parameters, or a list of those, one an attempt"
        )
    function: Callable[..., JSON] = mock
    wants_call = _takes(function, 2) and not _takes(function, 1)

    def ask(call: TaskCall, attempt: int) -> Answer:
        parameters = decode(call.input.text)
        more = [_mocked_call(call, parameters, attempt)] if wants_call else []
        given = function(parameters, *more)
        if not isinstance(given, Given):
            given = Returns(given, "NONE")
        return _checked(call, given, _answer(given)) if isinstance(given, Returns) else _answer(given)

    return ask


def _mocked_call(call: TaskCall, parameters: JSON, attempt: int) -> MockedCall:
    frame = call.frame
    return MockedCall(call.state.name, parameters, attempt, frame.retry_count or 0, frame.site().item, frame.context)


def _answer(given: Given) -> Answer:
    if isinstance(given, Returns):
        return Answer(Payload(given.result), delay_ms=parse_time(given.delay))
    if isinstance(given, Fails):
        return Answer(error=given.error, cause=given.cause, delay_ms=parse_time(given.delay))
    return Answer(never=True)


def _checked(call: TaskCall, given: Returns, answer: Answer) -> Answer:
    """The answer, if it is one that the service could give."""
    if given.validation == "NONE":
        return answer
    # botocore's models are loaded by those who need them.
    from stepsim.runtime.api.test_state_result import check_result

    resource = call.resource
    if resource.kind != "integration" or resource.pattern == "waitForTaskToken":
        return answer
    try:
        check_result(resource, given.result, required=given.validation == "STRICT")
    except ApiError as error:
        raise Unanswered(
            f"the mock of {call.state.name!r} is not what {resource.arn} returns: "
            f"{error.message.removeprefix(_SCHEMA_ERROR)} (write what the API returns, as Step Functions spells it, or "
            f"Returns(…, validation='NONE'))"
        ) from None
    return answer


def _takes(function: Callable[..., object], count: int) -> bool:
    try:
        inspect.signature(function).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:
        # Built-in functions may tell nothing of themselves.
        return count == 1
    return True


# --------------------------------------------------------------------------------------------------------- functions


def function_spec(name: str, answer: FunctionAnswer) -> FunctionSpec:
    """A function as a scenario has it. Raises TypeError for what is none."""
    function = answer if isinstance(answer, Function) else Function(answer)
    spec = {
        "memory_mb": function.memory_mb,
        "timeout_ms": round(function.timeout_s * 1000),
        "env": function.env,
        "duration": parse_duration(function.duration),
    }
    if isinstance(function.code, str):
        return FunctionSpec(handler=function.code, **spec)  # type: ignore[arg-type]
    several = isinstance(function.code, Sequence)
    steps: Sequence[OneAnswer] = function.code if several else [function.code]  # type: ignore[assignment,list-item]

    def exhausted(number: int) -> Exception:
        return Unanswered(
            f"the function {name!r} was given {len(steps)} answers, and this is invocation {number}: give as many as "
            f"there are invocations, or a single one, not in a list, for all of them"
        )

    if function.duration != NO_TIME and any(isinstance(step, Given) for step in steps):
        raise ValueError(f"functions[{name!r}]: a duration is for code; write Returns(…, delay={function.duration!r})")
    script = Script(tuple(_step(name, step) for step in steps), exhausted, repeats=not several)
    return FunctionSpec(script=script, **spec)  # type: ignore[arg-type]


def unanswered_function(name: str, states: Sequence[str]) -> FunctionSpec:
    """A function that a definition calls and a test does not give: whoever invokes it is told."""
    called_in = ", ".join(map(repr, states))
    told = (
        f"the state {called_in} calls the function {name!r}, which this test does not give: add "
        f"functions={{{name!r}: …}}, or mocks={{{states[0]!r}: …}} for the state"
    )
    return FunctionSpec(script=Script((), lambda number: Unanswered(told)))


def codeless_function(name: str, reason: str, states: Sequence[str]) -> FunctionSpec:
    """A template's function that cannot be run here: whoever invokes it is told why, and what to do."""
    for_state = f", or mocks={{{states[0]!r}: …}} for the state" if states else ""
    told = f"the test must answer for the function {name!r} ({reason}): add functions={{{name!r}: …}}{for_state}"
    return FunctionSpec(script=Script((), lambda number: Unanswered(told)))


def _step(name: str, answer: OneAnswer) -> Step:
    if isinstance(answer, Returns):
        return Model(returns=answer.result, duration=_delay(answer.delay))
    if isinstance(answer, Fails):
        return Model(errors=[ModelledError(answer.error, 1.0, answer.cause or "")], duration=_delay(answer.delay))
    if isinstance(answer, Hangs):
        return Model(duration=parse_duration(f"{FUNCTION_TIMEOUT_MS + 1}ms"))
    if not callable(answer):
        raise TypeError(
            f"functions[{name!r}]: {type(answer).__name__} is no function: write Python that takes (event, context), "
            f"'module:function', Returns(…), Fails(…), Hangs(), or a list of those, one an invocation"
        )
    if not _takes(answer, 2):
        raise TypeError(f"functions[{name!r}] does not take (event, context), as handlers of Lambda do")
    return answer


def _delay(delay: str) -> Duration:
    return parse_duration(f"{parse_time(delay)}ms")
