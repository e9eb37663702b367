"""Functions that answer one invocation after the other."""

from __future__ import annotations

import pytest

from stepsim.workers.modelled import Model, ModelledError
from stepsim.workers.scripted import Script, ScriptedModel, ScriptedWorker
from stepsim.workers.worker import Done, Invocation, InvocationResult


class Named:
    """A worker that answers with its name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def invoke(self, invocation: Invocation, done: Done) -> None:
        done(InvocationResult(f'"{self.name}"'))


def exhausted(number: int) -> Exception:
    """What ends a run."""
    return LookupError(f"invocation {number}")


def test_a_script_without_code_is_a_model() -> None:
    """Its steps are asked in their order, and nothing is made up behind the last."""
    steps = (Model(errors=[ModelledError("Busy", 1.0)]), Model(returns=7))
    model = ScriptedModel(Script(steps, exhausted))
    answers = [model.answer(lambda purpose: 0.5, "{}")[1] for _ in steps]
    assert [answer.function_error for answer in answers] == ["Unhandled", None]
    assert answers[1].payload == "7"
    with pytest.raises(LookupError, match="invocation 3"):
        model.answer(lambda purpose: 0.5, "{}")


def test_one_that_repeats_has_one_answer_for_all() -> None:
    """Each place in a script is a run's own."""
    script = Script((Model(returns=7),), exhausted, repeats=True)
    model = ScriptedModel(script)
    assert {model.answer(lambda purpose: 0.5, "{}")[1].payload for _ in range(3)} == {"7"}
    assert not script.has_code
    assert Script((lambda event, context: event,), exhausted).has_code


def test_a_script_with_code_has_a_worker_for_each_step() -> None:
    """Invoked in their order."""
    worker = ScriptedWorker(Script((Model(), Model()), exhausted), [Named("first"), Named("second")])
    invocation = Invocation("id", "f", "arn", "{}", 1_000, 128)
    results: list[str] = []
    for _ in range(2):
        worker.invoke(invocation, lambda result: results.append(result.payload))
    assert results == ['"first"', '"second"']
    with pytest.raises(LookupError, match="invocation 3"):
        worker.invoke(invocation, lambda result: None)
