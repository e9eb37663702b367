"""One state: its Type, the fields of that Type, and what relates them."""

from __future__ import annotations

from stepsim.asl.fields import MAX_NAME, STATES, Language
from stepsim.asl.parse import Path, is_hole
from stepsim.asl.payload import JSON
from stepsim.asl.validate_choices import check_choices
from stepsim.asl.validate_errors import check_error_rules
from stepsim.asl.validate_fields import Where, check_fields, expect_type
from stepsim.asl.validate_findings import Findings
from stepsim.asl.validate_maps import check_map
from stepsim.asl.validate_resources import check_resource
from stepsim.asl.validate_suggestions import did_you_mean


def language_of(state: JSON, inherited: Language) -> Language:
    """The query language in force in a state; AWS takes any other value than JSONPath for JSONata."""
    if type(state) is not dict or "QueryLanguage" not in state or is_hole(state["QueryLanguage"]):
        return inherited
    return "JSONPath" if state["QueryLanguage"] == "JSONPath" else "JSONata"


def check_name(name: str, path: Path, findings: Findings) -> None:
    """Report the name of a state that is too long."""
    if len(name) > MAX_NAME and not is_hole(name):
        message = f"Invalid State name: State '{name}' exceeds the {MAX_NAME}-character limit allowed by the service"
        findings.error(message, path, f"Shorten it: it has {len(name)} characters.", code="INVALID_STATE_NAME")


def check_state(state: JSON, path: Path, findings: Findings, inherited: Language, *, express: bool) -> bool:
    """Report what is wrong with a state, apart from where it leads, from its expressions and from machines inside it.

    False where it is none whose fields can be told.
    """
    if type(state) is not dict:
        expect_type(findings, "[OBJECT]", path, _not_a_state(str(path[-1])))
        return False
    language = language_of(state, inherited)
    if inherited == "JSONata" and language == "JSONPath":
        message = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"
        hint = "Remove it, or let the machine be JSONPath and each state of JSONata say so."
        findings.error(message, path, hint, at=(*path, "QueryLanguage"))
        return False
    kind = state.get("Type")
    owner = STATES.get(kind) if type(kind) is str else None
    if owner is None:
        _report_type(state, path, findings)
        return False
    where = Where(findings, language)
    check_fields(state, owner, path, where)
    if kind == "Task":
        _check_task(state, path, where, express=express)
    elif kind == "Choice":
        check_choices(state.get("Choices", "${none}"), (*path, "Choices"), where)
    elif kind == "Map":
        check_map(state, path, where, express=express)
    if "Retry" in owner.rows:
        check_error_rules(state, path, findings)
    if "End" in owner.rows and state.get("End") is False and "Next" not in state:
        findings.error("This object should have only one of the following fields: [Next, End]", path, _END)
    return True


_END = 'Write Next with the name of the state that follows, or "End": true.'


def _not_a_state(name: str) -> str:
    if name in ("QueryLanguage", "Comment", "StartAt", "TimeoutSeconds", "Version"):
        return f"{name} belongs beside States, not inside."
    return 'A state is an object with a "Type".'


def _report_type(state: dict[str, JSON], path: Path, findings: Findings) -> None:
    kind = state.get("Type")
    if "Type" not in state:
        if not any(map(is_hole, state)):
            hint = f'Write "Type": one of {", ".join(STATES)}.'
            findings.error("The field 'Type' is required", path, hint)
    elif not is_hole(kind):
        message = f"The field 'Type' should have one of these values: [{', '.join(STATES)}]"
        close = did_you_mean(kind, STATES, 0.5) if type(kind) is str else None
        findings.error(message, path, close or f"Write one of {', '.join(STATES)}.", at=(*path, "Type"))


def _check_task(state: dict[str, JSON], path: Path, where: Where, *, express: bool) -> None:
    if "Resource" in state:
        input_field = "Parameters" if where.language == "JSONPath" else "Arguments"
        place = (*path, "Resource")
        check_resource(state["Resource"], place, where.findings, express=express, input_field=input_field)
    timeout, heartbeat = state.get("TimeoutSeconds"), state.get("HeartbeatSeconds")
    if type(timeout) is int and type(heartbeat) is int and heartbeat > timeout:
        message = "HeartbeatSeconds must be smaller than TimeoutSeconds"
        hint = f"Write less than {timeout}: the task would have timed out before its first heartbeat."
        where.findings.error(message, (*path, "HeartbeatSeconds"), hint)
