"""DescribeStateMachineForExecution: the machine as it was when an execution was started."""

from __future__ import annotations

from stepsim.asl.payload import JSON, encode
from stepsim.asl.validate_transitions import sub_machines
from stepsim.runtime.api.arns import parse_arn
from stepsim.runtime.api.machines import show_revision
from stepsim.runtime.api.records import ExecutionRecord, Params, Response, moment
from stepsim.runtime.api.registry import Registry
from stepsim.runtime.api.variable_references import variable_references


def describe_state_machine_for_execution(registry: Registry, params: Params) -> Response:
    """DescribeStateMachineForExecution. A map run's child has its state's ItemProcessor, and its map run's ARN."""
    arn = parse_arn(params["executionArn"], "execution", "express")
    record = registry.execution(arn.text)
    shown: Response = {
        "stateMachineArn": record.execution.me.machine_arn,
        "name": record.record.name,
        "updateDate": moment(record.revision.changed_ms),
        **show_revision(record.revision, params),
    }
    if record.map_run is not None:
        processor = _processor(record, record.map_run.state.name)
        shown |= {"mapRunArn": record.map_run.arn, "label": record.map_run.label}
        shown["variableReferences"] = variable_references(processor)
        if params.get("includedData") != "METADATA_ONLY":
            shown["definition"] = encode(processor)
        if not shown["variableReferences"]:
            del shown["variableReferences"]
    return shown


def _processor(record: ExecutionRecord, name: str) -> JSON:
    """The ItemProcessor of a distributed Map as a machine of its own: without its ProcessorConfig (recorded)."""
    machines = [record.revision.machine.definition]
    while machines:
        states = machines.pop()["States"]
        if name in states:
            processor = states[name].get("ItemProcessor") or states[name]["Iterator"]
            return {field: value for field, value in processor.items() if field != "ProcessorConfig"}
        machines += [machine for key, state in states.items() for _, machine, _ in sub_machines(key, state)]
    raise LookupError(name)
