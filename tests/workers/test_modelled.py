"""Functions without code."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from stepsim.workers.durations import parse_duration
from stepsim.workers.modelled import Model, ModelledError, ModelledWorker
from stepsim.workers.worker import Invocation, InvocationResult

INVOCATION = Invocation("r-1", "Fetch", "arn:aws:lambda:us-east-1:123456789012:function:Fetch", "{}", 3000, 128)


def drawing(**draws: float) -> Callable[[str], float]:
    return draws.__getitem__


def test_what_it_returns_is_made_once() -> None:
    """A constant model draws nothing and shares its result."""
    model = Model(returns={"rates": {"EUR": 1.08}}, duration=parse_duration("120ms"))
    first, second = (model.answer(drawing(), "{}") for _ in range(2))
    assert first == (120, InvocationResult('{"rates":{"EUR":1.08}}'))
    assert first[1] is second[1]


def test_an_echo_returns_the_event_byte_for_byte() -> None:
    """`echo` gives back the event's own text."""
    assert Model(echo=True).answer(drawing(), '{"a": 1.0}')[1].payload == '{"a": 1.0}'


@pytest.mark.parametrize(("draw", "error"), [(0.0, "A"), (0.09, "A"), (0.1, "B"), (0.29, "B"), (0.3, None)])
def test_errors_come_at_their_rates(draw: float, error: str | None) -> None:
    """One draw decides whether it fails and how."""
    model = Model(errors=[ModelledError("A", 0.1, "first"), ModelledError("B", 0.2)])
    _, result = model.answer(drawing(error=draw), "{}")
    assert result.function_error == ("Unhandled" if error else None)
    assert (json.loads(result.payload) or {}).get("errorType") == error


@pytest.mark.parametrize(("event", "duration_ms"), [('{"Items": [1, {}, []]}', 16), ('{"Items": 3}', 12), ("[]", 12)])
def test_a_linear_duration_counts_the_batch(event: str, duration_ms: int) -> None:
    """The items of a batch are counted; any other event is one item."""
    model = Model(duration=parse_duration({"linear": {"base": "10ms", "per_item": "2ms"}}))
    assert model.answer(drawing(duration=0.5), event)[0] == duration_ms


@pytest.mark.parametrize(
    "arguments",
    [
        {"returns": 1, "echo": True},
        {"errors": [ModelledError("A", 1.5)]},
        {"errors": [ModelledError("A", 0.6), ModelledError("B", 0.6)]},
    ],
)
def test_impossible_models_are_refused(arguments: dict[str, Any]) -> None:
    """Two kinds of answer, and probabilities that cannot be."""
    with pytest.raises(ValueError, match=r"both|probabilit"):
        Model(**arguments)


def test_the_worker_answers_after_the_duration(timeline: Any) -> None:
    """As a Worker it takes its time on the timeline."""
    results: list[InvocationResult] = []
    model = Model(returns=1, duration=parse_duration({"uniform": {"min_ms": 0, "max_ms": 100}}))
    ModelledWorker(model, timeline, lambda _invocation, _purpose: 0.5).invoke(INVOCATION, results.append)
    assert results == []
    timeline.run()
    assert (results, timeline.elapsed_ms) == ([InvocationResult("1", duration_ms=50)], 50)


def test_the_functions_timeout_holds(timeline: Any) -> None:
    """What takes longer than the function may is ended then."""
    results: list[InvocationResult] = []
    worker = ModelledWorker(Model(duration=parse_duration("4s")), timeline, lambda _invocation, _purpose: 0.5)
    worker.invoke(INVOCATION, results.append)
    timeline.run()
    [result] = results
    assert (result.duration_ms, result.function_error) == (3000, "Unhandled")
    assert json.loads(result.payload)["errorType"] == "Sandbox.Timedout"


@pytest.mark.parametrize("options", [{"echo": True}, {"errors": [ModelledError("A", 0.1)]}])
def test_what_depends_on_an_event_or_on_chance_is_not_always_the_same(options: Any) -> None:
    """Where nothing does, `always` is the result of `answer`."""
    assert Model(**options).always is None
    model = Model(returns={"a": 1}, duration=parse_duration({"uniform": {"min_ms": 5, "max_ms": 9}}))
    assert model.answer(drawing(duration=0.5), "{}")[1] is model.always
