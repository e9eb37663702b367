"""The language, expression by expression, in every engine: `cases/` has a file for each part of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stepsim.asl.jsonata.engine import EngineError, Special

HERE = Path(__file__).parent
DATA = json.loads((HERE / "data.json").read_text())
OUTCOMES = ("result", "nothing", "function", "error", "message")
TABLE: list[dict[str, Any]] = [
    {**case, "part": file.stem}
    for file in sorted((HERE / "cases").glob("*.json"))
    for case in json.loads(file.read_text())
]
CASES = [pytest.param(case, id=f"{case['part']}: {case['expression']}") for case in TABLE]


def outcome(evaluate: Any, text: str) -> dict[str, Any]:
    """What comes of an expression, in the words of the cases."""
    try:
        value = evaluate(text, d=DATA)
    except EngineError as error:
        return {"error": error.code, "message": error.message}
    if isinstance(value, Special):
        return {"nothing" if value is Special.UNDEFINED else "function": True}
    return {"result": value}


@pytest.mark.parametrize("case", CASES)
def test_an_expression(case: dict[str, Any], engine_name: str, evaluate: Any) -> None:
    """Gives its value, nothing, a function, or fails with JSONata's code and text; jsonata2py may differ by name."""
    expected = {name: value for name, value in case.get(engine_name, case).items() if name in OUTCOMES}
    found = outcome(evaluate, case["expression"])
    assert found == expected
    assert type(found.get("result")) is type(expected.get("result"))


def test_where_engines_differ_is_little() -> None:
    """The second engine gives the same value, or the same code of another text, but for a handful of cases."""
    others = [case for case in TABLE if "jsonata2py" in case]
    different = [case for case in others if case.get("error") != case["jsonata2py"].get("error")]
    assert len(different) <= 10
