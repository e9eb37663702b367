"""The second argument of a handler: Lambda's context object."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class CognitoIdentity:
    """Who called, where a mobile SDK did; always empty for Step Functions' own invocations."""

    cognito_identity_id: str | None = None
    cognito_identity_pool_id: str | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """The mobile application that calls."""

    installation_id: str | None = None
    app_title: str | None = None
    app_version_name: str | None = None
    app_version_code: str | None = None
    app_package_name: str | None = None


@dataclass(frozen=True, slots=True)
class ClientContext:
    """What the caller sent as ClientContext: members by the names of AWS's Python runtime; what is missing is None."""

    custom: Any
    env: Any
    client: Client | None


def client_context(text: str | None) -> ClientContext | None:
    """The client context of its JSON text; None where the caller sent none."""
    value = None if text is None else json.loads(text)
    if not isinstance(value, dict):
        return None
    client = value.get("client")
    named = None
    if isinstance(client, dict):
        named = Client(**{member: client.get(member) for member in Client.__dataclass_fields__})
    return ClientContext(value.get("custom"), value.get("env"), named)


class LambdaContext:
    """What a handler may know about its invocation. The names and types are those of AWS's Python runtime:
    `memory_limit_in_mb` is a string there, too."""

    def __init__(
        self,
        request_id: str,
        function_arn: str,
        timeout_ms: int,
        environment: Mapping[str, str],
        client_context: ClientContext | None = None,
    ) -> None:
        self.aws_request_id = request_id
        self.invoked_function_arn = function_arn
        self.function_name = environment["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = environment["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = environment["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = environment["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = CognitoIdentity()
        self.client_context = client_context
        self.tenant_id: None = None
        self._deadline = time.monotonic() + timeout_ms / 1000

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the invocation is killed; never negative."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))

    def log(self, message: object) -> None:
        """Write a message to the function's log, as it is."""
        sys.stdout.write(str(message))

    def __repr__(self) -> str:
        return (
            f"LambdaContext([aws_request_id={self.aws_request_id},log_group_name={self.log_group_name},"
            f"log_stream_name={self.log_stream_name},function_name={self.function_name},"
            f"memory_limit_in_mb={self.memory_limit_in_mb},function_version={self.function_version},"
            f"invoked_function_arn={self.invoked_function_arn},client_context={self.client_context},"
            f"identity={self.identity},tenant_id={self.tenant_id}])"
        )
