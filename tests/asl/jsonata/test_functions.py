"""The functions that Step Functions adds to JSONata and that draw; `cases/step_functions.json` has the others."""

from __future__ import annotations

import pytest

from stepsim.asl.expression import Scope
from stepsim.asl.jsonata.engine import EngineError
from stepsim.asl.jsonata.functions import OF_SCOPE
from stepsim.asl.jsonata.java_random import first_double


def test_javas_random() -> None:
    """new Random(42).nextDouble(), as measured on AWS."""
    assert first_double(42) == 0.7275636800328681


def test_chance_belongs_to_the_scope() -> None:
    """$random and $uuid draw from its dice; a seed takes their place."""
    scope = Scope(lambda: None, {}, lambda purpose: 0.25)
    random, uuid4 = OF_SCOPE["random"](scope), OF_SCOPE["uuid"](scope)
    assert random() == 0.25
    assert random(42.9) == first_double(42)
    assert uuid4()[14] == "4"


@pytest.mark.parametrize(("name", "arguments"), [("random", ("a",)), ("random", (1, 2)), ("uuid", (1,))])
def test_what_they_do_not_take(name: str, arguments: tuple[object, ...]) -> None:
    """Another type, and an argument too many, are T0410 (measured)."""
    with pytest.raises(EngineError) as caught:
        OF_SCOPE[name](Scope(lambda: None, {}, lambda purpose: 0.5))(*arguments)
    assert caught.value.code == "T0410"
