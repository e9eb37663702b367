"""The Step Functions service: every operation by its name, its input checked first.

`call` is what the skins use. An operation is a plain function ``operation(registry, params) -> response``; the three
that wait for something are ``operation(registry, params, reply)``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from stepsim.runtime.account import Account
from stepsim.runtime.api.executions import (
    describe_execution,
    start_execution,
    start_sync_execution,
    stop_execution,
)
from stepsim.runtime.api.histories import get_execution_history
from stepsim.runtime.api.machines import create_state_machine
from stepsim.runtime.api.records import Home, Params, Response
from stepsim.runtime.api.registry import Registries, Registry
from stepsim.runtime.cloud.call import ACCOUNT_ID, ApiError

Reply: TypeAlias = Callable[[Response | ApiError], None]
"""Called once, at once or later."""

Operation: TypeAlias = Callable[[Registry, Params], Response]
Waiting: TypeAlias = Callable[[Registry, Params, Reply], None]

OPERATIONS: dict[str, Operation] = {
    "CreateStateMachine": create_state_machine,
    "DescribeExecution": describe_execution,
    "GetExecutionHistory": get_execution_history,
    "StartExecution": start_execution,
    "StopExecution": stop_execution,
}

WAITING: dict[str, Waiting] = {"StartSyncExecution": start_sync_execution}


class StepFunctions:
    """The service of all accounts and regions, on one scheduler."""

    def __init__(self, account: Account) -> None:
        self.registries = Registries(account)

    def call(self, operation: str, params: Params, home: Home, reply: Reply) -> None:
        """Perform an operation; `reply` gets the response or the ApiError, at once or later."""
        try:
            if operation in WAITING:
                WAITING[operation](self.registries[home], params, reply)
                return
            if operation not in OPERATIONS:
                raise ApiError("UnknownOperationException", "", 400)
            response = OPERATIONS[operation](self.registries[home], params)
        except ApiError as error:
            reply(error)
        else:
            reply(response)

    def gate_operations(self) -> dict[str, Callable[[Params, str], Response]]:
        """The operations that answer at once, as the gate serves them to code in the account."""

        def at_the_gate(operation: Operation) -> Callable[[Params, str], Response]:
            return lambda params, region: operation(self.registries[Home(ACCOUNT_ID, region)], params)

        return {name: at_the_gate(operation) for name, operation in OPERATIONS.items()}
