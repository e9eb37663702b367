"""Functions that answer step by step."""

from __future__ import annotations

from stepsim.workers.modelled import Model, ModelledError
from stepsim.workers.scripted import Script, ScriptedModel


def test_a_script_has_no_result_of_every_invocation() -> None:
    """Each invocation gets the answer whose turn it is, whatever a model without a script could tell beforehand."""
    steps = (Model(returns=1), Model(errors=[ModelledError("Busy", 1.0, "")]))
    script = ScriptedModel(Script(steps, lambda number: IndexError(number)))
    assert script.always is None
    answers = [script.answer(lambda purpose: 0.5, "{}")[1] for _ in steps]
    assert [answer.function_error for answer in answers] == [None, "Unhandled"]
