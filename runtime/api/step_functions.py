"""The Step Functions service: every operation by its name, its input checked first.

`call` is what the skins use. An operation is a plain function ``operation(registry, params) -> response``; the three
that wait for something are ``operation(registry, params, reply)``, and may return what calls them off.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from stepsim.runtime.account import Account
from stepsim.runtime.api.activities import (
    create_activity,
    delete_activity,
    describe_activity,
    get_activity_task,
    list_activities,
)
from stepsim.runtime.api.aliases import (
    create_state_machine_alias,
    delete_state_machine_alias,
    describe_state_machine_alias,
    list_state_machine_aliases,
    update_state_machine_alias,
)
from stepsim.runtime.api.definitions import validate_state_machine_definition
from stepsim.runtime.api.execution_keeper import ExecutionKeeper, MapRunsKept
from stepsim.runtime.api.executions import (
    describe_execution,
    list_executions,
    start_execution,
    start_sync_execution,
    stop_execution,
)
from stepsim.runtime.api.histories import get_execution_history
from stepsim.runtime.api.logs import ExecutionLogs
from stepsim.runtime.api.machines import (
    create_state_machine,
    delete_state_machine,
    describe_state_machine,
    list_state_machines,
    update_state_machine,
)
from stepsim.runtime.api.map_runs import describe_map_run, list_map_runs, update_map_run
from stepsim.runtime.api.own_calls import OwnCalls
from stepsim.runtime.api.records import Home, Params, Reply, Response
from stepsim.runtime.api.redrive import redrive_execution
from stepsim.runtime.api.registry import Registries, Registry
from stepsim.runtime.api.state_machine_for_execution import describe_state_machine_for_execution
from stepsim.runtime.api.status_events import StatusEvents
from stepsim.runtime.api.tags import list_tags_for_resource, tag_resource, untag_resource
from stepsim.runtime.api.task_tokens import send_task_failure, send_task_heartbeat, send_task_success
from stepsim.runtime.api.test_state import test_state
from stepsim.runtime.api.validation import check_input
from stepsim.runtime.api.versions import (
    delete_state_machine_version,
    list_state_machine_versions,
    publish_state_machine_version,
)
from stepsim.runtime.cloud.call import ACCOUNT_ID, ApiError
from stepsim.runtime.cloud.gate import Gate
from stepsim.runtime.waits import Cancel, nothing_to_cancel

Operation: TypeAlias = Callable[[Registry, Params], Response]
Waiting: TypeAlias = Callable[[Registry, Params, Reply], Cancel | None]
"""Returns what is to be called when whoever waits for the reply has gone; None where that changes nothing."""

OPERATIONS: dict[str, Operation] = {
    "CreateActivity": create_activity,
    "CreateStateMachine": create_state_machine,
    "CreateStateMachineAlias": create_state_machine_alias,
    "DeleteActivity": delete_activity,
    "DeleteStateMachine": delete_state_machine,
    "DeleteStateMachineAlias": delete_state_machine_alias,
    "DeleteStateMachineVersion": delete_state_machine_version,
    "DescribeActivity": describe_activity,
    "DescribeExecution": describe_execution,
    "DescribeMapRun": describe_map_run,
    "DescribeStateMachine": describe_state_machine,
    "DescribeStateMachineAlias": describe_state_machine_alias,
    "DescribeStateMachineForExecution": describe_state_machine_for_execution,
    "GetExecutionHistory": get_execution_history,
    "ListActivities": list_activities,
    "ListExecutions": list_executions,
    "ListMapRuns": list_map_runs,
    "ListStateMachineAliases": list_state_machine_aliases,
    "ListStateMachineVersions": list_state_machine_versions,
    "ListStateMachines": list_state_machines,
    "ListTagsForResource": list_tags_for_resource,
    "PublishStateMachineVersion": publish_state_machine_version,
    "RedriveExecution": redrive_execution,
    "SendTaskFailure": send_task_failure,
    "SendTaskHeartbeat": send_task_heartbeat,
    "SendTaskSuccess": send_task_success,
    "StartExecution": start_execution,
    "StopExecution": stop_execution,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "UpdateMapRun": update_map_run,
    "UpdateStateMachine": update_state_machine,
    "UpdateStateMachineAlias": update_state_machine_alias,
    "ValidateStateMachineDefinition": validate_state_machine_definition,
}

WAITING: dict[str, Waiting] = {
    "GetActivityTask": get_activity_task,
    "StartSyncExecution": start_sync_execution,
    "TestState": test_state,
}


class StepFunctions:
    """The service of all accounts and regions, on one scheduler."""

    def __init__(self, account: Account, gate: Gate | None = None, *, map_runs: MapRunsKept = "all") -> None:
        """With a gate, what executions call of the service is counted, delayed and struck by faults there.

        Where no `map_runs` are kept, nobody can ask for them and their children: these are only counted, and cost no
        memory.
        """
        self.registries = Registries(account)
        ExecutionKeeper(self.registries, map_runs=map_runs)
        ExecutionLogs(self.registries)
        StatusEvents(self.registries)
        account.performer.own = OwnCalls(self, gate)

    def call(self, operation: str, params: Params, home: Home, reply: Reply) -> Cancel:
        """Perform an operation; `reply` gets the response or the ApiError, at once or later.

        Returns what is to be called when whoever waits for the reply has gone.
        """
        try:
            if operation not in OPERATIONS and operation not in WAITING:
                raise ApiError("UnknownOperationException", "", 400)
            check_input(operation, params)
            if operation in WAITING:
                return WAITING[operation](self.registries[home], params, reply) or nothing_to_cancel
            response = OPERATIONS[operation](self.registries[home], params)
        except ApiError as error:
            reply(error)
        else:
            reply(response)
        return nothing_to_cancel

    def gate_operations(self) -> dict[str, Callable[[Params, str], Response]]:
        """The operations that answer at once, as the gate serves them to code in the account; others are refused."""

        def at_the_gate(name: str, operation: Operation) -> Callable[[Params, str], Response]:
            def perform(params: Params, region: str) -> Response:
                check_input(name, params)
                return operation(self.registries[Home(ACCOUNT_ID, region)], params)

            return perform

        def refused(name: str) -> Callable[[Params, str], Response]:
            def refuse(params: Params, region: str) -> Response:  # noqa: ARG001
                raise ApiError("UnsupportedOperation", f"stepsim does not support {name} from a function's code yet")

            return refuse

        return {
            **{name: at_the_gate(name, operation) for name, operation in OPERATIONS.items()},
            **{name: refused(name) for name in WAITING},
        }
