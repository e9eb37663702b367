"""How a comparison that fails is shown: paths with what was special about each visit, results by what has changed."""

from __future__ import annotations

from stepsim.runtime.machine_tests.golden import Golden
from stepsim.runtime.machine_tests.path import Path
from stepsim.runtime.machine_tests.result import MachineResult


def explain(op: str, left: object, right: object) -> list[str] | None:
    """The lines that pytest shows below ``assert left == right``; None where it is none of ours."""
    if op != "==":
        return None
    if isinstance(right, Path) and isinstance(left, list):
        left, right = right, left
    if isinstance(left, Path) and isinstance(right, list):
        return ["the path is another one (- expected, + taken)", *left.difference([str(name) for name in right])]
    if isinstance(right, MachineResult):
        left, right = right, left
    if isinstance(left, MachineResult) and isinstance(right, Golden):
        return right.explain(left)
    return None
