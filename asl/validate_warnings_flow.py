"""Results that are kept with care, and dropped before anything could read them."""

from __future__ import annotations

from stepsim.asl.fields import Language
from stepsim.asl.jsonpath import compile_reference_path
from stepsim.asl.parse import Path, is_hole
from stepsim.asl.payload import JSON
from stepsim.asl.validate_findings import Findings
from stepsim.asl.validate_states import language_of

_REPLACES = ("Task", "Pass", "Parallel", "Map")
_PASSES_ON = ("Choice", "Wait", "Succeed")
_Keys = tuple[str | int, ...]


def check_lost_results(states: dict[str, JSON], path: Path, findings: Findings, inherited: Language) -> None:
    """Warn where OutputPath, or the InputPath of the only state that follows, leaves out what ResultPath put in."""
    for name, state in states.items():
        kept = _kept(state, inherited)
        if kept is None:
            continue
        text = state["ResultPath"]
        if "OutputPath" in state:
            if _apart(kept, _place(state["OutputPath"])):
                message = f"OutputPath leaves out what ResultPath puts at '{text}'"
                hint = 'Write "ResultPath": null if the result is not needed.'
                findings.warning("LOST_RESULT", message, (*path, "States", name, "OutputPath"), hint)
            continue
        follower = states.get(state.get("Next")) if type(state.get("Next")) is str else None
        if _drops(follower, kept, inherited):
            message = f"What {name} puts at '{text}' is left out here, and nothing has read it"
            hint = f'Read it, or write "ResultPath": null in {name}.'
            findings.warning("LOST_RESULT", message, (*path, "States", state["Next"], "InputPath"), hint)


def _kept(state: JSON, inherited: Language) -> _Keys | None:
    """Where a state keeps its result beside its input; None where it does not, or where it cannot be told."""
    if type(state) is not dict or state.get("Type") not in _REPLACES or language_of(state, inherited) != "JSONPath":
        return None
    return _place(state.get("ResultPath")) or None


def _drops(state: JSON, kept: _Keys, inherited: Language) -> bool:
    if type(state) is not dict or "Catch" in state or language_of(state, inherited) != "JSONPath":
        return False
    if not _apart(kept, _place(state.get("InputPath"))):
        return False
    kind = state.get("Type")
    return kind in _PASSES_ON or (kind in _REPLACES and state.get("ResultPath", "$") == "$")


def _place(text: JSON) -> _Keys | None:
    if type(text) is not str or is_hole(text):
        return None
    try:
        return compile_reference_path(text).keys
    except ValueError:
        return None


def _apart(one: _Keys, other: _Keys | None) -> bool:
    if other is None:
        return False
    shared = min(len(one), len(other))
    return one[:shared] != other[:shared]
