"""workers/lambda_context.py: the context object has the attributes that handlers read."""

from __future__ import annotations

import pytest

from stepsim.workers.lambda_context import LambdaContext, client_context

VARIABLES = {
    "AWS_LAMBDA_FUNCTION_NAME": "f",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
    "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
}


def test_a_context_says_what_runs_and_how_long_it_may() -> None:
    """Names come from Lambda's variables, ids from the invocation, the time left from its timeout."""
    context = LambdaContext("id", "arn", 60_000, VARIABLES)
    assert (context.aws_request_id, context.invoked_function_arn) == ("id", "arn")
    assert (context.function_name, context.function_version, context.memory_limit_in_mb) == ("f", "$LATEST", "512")
    assert (context.log_group_name, context.log_stream_name) == ("/aws/lambda/f", "stream")
    assert 0 < context.get_remaining_time_in_millis() <= 60_000
    assert context.identity.cognito_identity_id is None
    assert context.client_context is None
    assert "aws_request_id=id" in repr(context)


def test_the_time_left_is_never_negative() -> None:
    """An overdue handler has no time left, not less than none."""
    assert LambdaContext("id", "arn", -5, VARIABLES).get_remaining_time_in_millis() == 0


def test_a_client_context_is_shown_by_its_members() -> None:
    """What the caller left out is None."""
    text = '{"client": {"app_title": "shop"}, "custom": {"a": 1}}'
    context = LambdaContext("id", "arn", 60_000, VARIABLES, client_context(text)).client_context
    assert context is not None
    assert context.client is not None
    assert (context.client.app_title, context.client.installation_id) == ("shop", None)
    assert (context.custom, context.env) == ({"a": 1}, None)


@pytest.mark.parametrize("text", [None, "null"])
def test_without_a_client_context_there_is_none(text: str | None) -> None:
    """As in AWS's runtime."""
    assert client_context(text) is None
