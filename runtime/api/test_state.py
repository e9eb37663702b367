"""TestState: one state run by itself, really or with a mock, with what happened to its data on the way."""

from __future__ import annotations

from typing import Any

from stepsim.asl.payload import JSON, decode, encode
from stepsim.runtime.api.records import Params, Reply, Response
from stepsim.runtime.api.registry import Registry
from stepsim.runtime.api.starting import read_input
from stepsim.runtime.api.state_inspection import inspected
from stepsim.runtime.api.test_state_mock import check_type, check_unmocked_task, read_circumstances, refuse
from stepsim.runtime.api.test_state_subject import Subject, compile_subject, find_subject
from stepsim.runtime.engine import PerformTask
from stepsim.runtime.frame import ROLE_ARN
from stepsim.runtime.trial import LIMIT_MS, Trial, TrialIdentity, run_trial
from stepsim.runtime.trial_http import traced
from stepsim.runtime.trial_mocks import Circumstances, Notes, mocked
from stepsim.runtime.waits import Cancel

_TRACED = ("request", "response")
"""What only TRACE shows."""


def test_state(registry: Registry, params: Params, reply: Reply) -> Cancel:
    """TestState. Raises ApiError InvalidDefinition, InvalidExecutionInput or ValidationException."""
    subject = find_subject(params)
    check_type(subject, params)
    machine = compile_subject(subject)
    state = machine.states[subject.name]
    circumstances = read_circumstances(subject, state, params)
    if circumstances.mock is None:
        check_unmocked_task(state, params)
    me = _identity(registry, params)
    variables = _variables(params.get("variables"))
    notes: Notes = {"input": me.input.text}
    state = inspected(state, subject.fields, notes, jsonata=subject.jsonata)
    perform = _work(registry, subject, state, circumstances, notes, reveal=params.get("revealSecrets", False))
    scheduler = registry.account.scheduler

    def ended(trial: Trial, error: Exception | None) -> None:
        if error is not None:
            raise error
        reply(refuse(trial.refusal) if trial.refusal is not None else _response(trial, notes, params))

    program = run_trial(state, machine, me, variables, registry.account.engine, circumstances, perform)
    fiber = scheduler.spawn(program, ended, registry.now_ms + LIMIT_MS)
    return lambda: scheduler.cancel(fiber)


def _identity(registry: Registry, params: Params) -> TrialIdentity:
    """An execution made up for the test."""
    machine_name, name = registry.new_uuid("test-state-machine"), registry.new_uuid("test-state")
    return TrialIdentity(
        registry.home.arn(f"express:{machine_name}:{name}"),
        name,
        registry.home.arn(f"stateMachine:{machine_name}"),
        machine_name,
        read_input(params),
        registry.now_ms,
        express=True,
        role_arn=params.get("roleArn") or ROLE_ARN,
    )


def _work(
    registry: Registry, subject: Subject, state: Any, circumstances: Circumstances, notes: Notes, *, reveal: bool
) -> PerformTask:
    """What does the work of the state."""
    if circumstances.mock is None:
        return traced(registry.account.engine.perform_task, notes, reveal=reveal)
    return mocked(state, circumstances.mock, circumstances, notes, jsonata=subject.jsonata)


def _variables(text: str | None) -> dict[str, JSON]:
    if text is None:
        return {}
    try:
        variables: JSON = decode(text)
    except ValueError:
        variables = None
    if not isinstance(variables, dict):
        raise refuse("Variables must be a JSON object")
    return variables


def _response(trial: Trial, notes: Notes, params: Params) -> Response:
    response: Response = {"status": trial.status}
    for name, value in (("nextState", trial.next), ("error", trial.error), ("cause", trial.cause)):
        if value is not None:
            response[name] = value
    if trial.output is not None:
        response["output"] = trial.output.text
    level = params.get("inspectionLevel", "INFO")
    if level != "INFO":
        inspection = {name: note for name, note in notes.items() if level == "TRACE" or name not in _TRACED}
        if trial.variables:
            inspection["variables"] = encode(trial.variables)
        if trial.details:
            inspection["errorDetails"] = trial.details
        response["inspectionData"] = inspection
    return response
