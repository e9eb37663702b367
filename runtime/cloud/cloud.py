"""The simulated account, put together: moto's state, the gate, and the hook that brings handlers' calls to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import cache
from types import TracebackType
from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError, UnknownServiceError
from moto.core.models import botocore_stubber

from stepsim.runtime.cloud import account_state, dynamodb, s3, secrets_manager, sqs
from stepsim.runtime.cloud.account_state import LeavesTheAccount
from stepsim.runtime.cloud.boto import UNTOUCHED, BotoHook
from stepsim.runtime.cloud.call import DEFAULT_REGION, Answer, ApiError, CallSite, Unsupported
from stepsim.runtime.cloud.capacity import Capacity
from stepsim.runtime.cloud.faults import Faults
from stepsim.runtime.cloud.gate import Gate, Operation
from stepsim.runtime.cloud.hosts import host_of
from stepsim.runtime.cloud.latency import Latency
from stepsim.runtime.cloud.moto_sqs import Queues, scaled_queues
from stepsim.runtime.cloud.queue_store import QueueCounts
from stepsim.runtime.cloud.s3_store import S3Store
from stepsim.runtime.dice import Dice


def _describe_ecs_tasks(params: dict[str, Any], region: str) -> dict[str, Any]:
    from stepsim.runtime.cloud.ecs_tasks import describe_tasks  # moto's ECS is heavy, and seldom needed

    return describe_tasks(params, region)


def _publish(params: dict[str, Any], region: str) -> dict[str, Any]:
    from stepsim.runtime.cloud.sns import publish  # as heavy

    return publish(params, region)


FAST_PATHS: Mapping[str, Mapping[str, Operation]] = {
    "s3": s3.OPERATIONS,
    "dynamodb": dynamodb.OPERATIONS,
    "ecs": {"DescribeTasks": _describe_ecs_tasks},
    "secretsmanager": secrets_manager.OPERATIONS,
    "sns": {"Publish": _publish},
}
"""What is answered without moto's HTTP layer, by service and operation."""


@cache
def _session() -> Any:
    """The session of all accounts' own clients: it keeps the models of services, which take long to read."""
    return boto3.session.Session()


class Cloud:
    """One simulated AWS account, 123456789012, from entering to leaving; two cannot be open at once."""

    def __init__(
        self,
        *,
        seed: int = 0,
        latency: Latency | None = None,
        faults: Faults | None = None,
        capacity: Capacity | None = None,
        region: str = DEFAULT_REGION,
        front: account_state.Answer = account_state.nobody,
        join: bool = False,
    ) -> None:
        """`seed` settles every id that moto makes. Without `latency`, the seed figures of `latency.py` hold.

        `front` and `join` are `account_state.account`'s.
        """
        self.region = region
        self.fast_paths: dict[str, Mapping[str, Operation]] = dict(FAST_PATHS)
        """What is answered here, by service and operation; a service added before its first call is served, too."""
        self.before_call: Callable[[], None] = _nothing
        """Called before a task integration's own call: makes the process's clocks show the run's time."""
        self.gate = Gate(
            latency=latency if latency is not None else Latency(Dice(seed)),
            faults=faults,
            capacity=capacity,
            operations=self.fast_paths,
            moto=self._moto,
            region=region,
        )
        self.gate.redirect = s3.check_region
        self.s3 = S3Store(region)
        self.queues = Queues(Dice(seed))
        self.fast_paths["sqs"] = sqs.operations(self.queues, self._pause_of_handler)
        self._seed = seed
        self._capacity = capacity
        self._front = front
        self._join = join
        self._hook = BotoHook(self.gate)
        self._open = ExitStack()
        self._clients: dict[tuple[str, str, str | None], Any] = {}

    def __enter__(self) -> Cloud:
        with ExitStack() as stack:
            if self._join and botocore_stubber.enabled:
                # Buckets and queues from before know nothing of the stores that the fast paths read.
                self.fast_paths.pop("s3")
                self.fast_paths.pop("sqs")
            opened = account_state.account(self._seed, self.region, self._hook.answer, self._front, join=self._join)
            stack.enter_context(opened)
            if "sqs" in self.fast_paths:
                stack.enter_context(scaled_queues(self.queues))
            stack.enter_context(self._hook.installed())
            stack.enter_context(dynamodb.limited(self._capacity))
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clients.clear()
        self._open.__exit__(kind, error, trace)

    def client(self, service: str, region: str | None = None) -> Any:
        """A boto3 client into the account, for set-up: its calls pass untouched, whoever makes them."""
        return self._client(service, region or self.region, None)

    def _client(self, service: str, region: str, account_id: str | None) -> Any:
        client = self._clients.get((service, region, account_id))
        if client is None:
            # One attempt: what moto refuses, it refuses again.
            config = Config(retries={"total_max_attempts": 1})
            client = _session().client(service, region_name=region, config=config)
            setattr(client, UNTOUCHED, True)
            if account_id is not None:
                _move_to_account(client, account_id)
            self._clients[service, region, account_id] = client
        return client

    def perform(self, service: str, operation: str, params: dict[str, Any], *, site: CallSite) -> Answer:
        """The answer to a task integration's own call; see `Gate.perform`."""
        self.before_call()
        return self.gate.perform(service, operation, params, site=site)

    def answer_http(self, request: AWSPreparedRequest) -> AWSResponse:
        """moto's answer to an HTTP request; LeavesTheAccount where it is not AWS's to answer."""
        response: AWSResponse | None = botocore_stubber("before-send", request)
        if response is None:
            raise LeavesTheAccount(host_of(request.url))
        return response

    def moto_http(self, request: AWSPreparedRequest) -> tuple[int, Mapping[str, Any], str | bytes] | None:
        """moto's answer to an HTTP request, past everything that takes calls before it; None where it knows no such."""
        answer: tuple[int, Mapping[str, Any], str | bytes] | None = botocore_stubber.process_request(request)
        return answer

    def tables(self) -> dict[str, dict[str, Any]]:
        """The report's ``tables``: what was consumed of each."""
        return dynamodb.consumed_by_table(self.region)

    def queue_counts(self) -> dict[str, dict[str, Any]]:
        """The report's ``queues``: what happened to each."""
        if "sqs" not in self.fast_paths:
            return {}
        return {name: _queue(counts, left) for name, (counts, left) in self.queues.counts(self.region).items()}

    def _pause_of_handler(self) -> Callable[[int], None] | None:
        """What makes a handler wait in virtual time; None where no handler asks."""
        return None if self.gate.current_site() is None else self.gate.pause

    def items(self, table: str) -> Iterator[dict[str, Any]]:
        """All items of a table, in DynamoDB's own JSON."""
        return dynamodb.items_of(table, self.region)

    def _moto(
        self, service: str, operation: str, params: dict[str, Any], region: str, account_id: str | None
    ) -> dict[str, Any]:
        """moto's response to a call, without ``ResponseMetadata``.

        What moto has no answer to is Unsupported; where moto itself breaks, the service has an internal failure.
        """
        try:
            response: dict[str, Any] = self._client(service, region, account_id)._make_api_call(operation, params)
        except ClientError as error:
            if error.response.get("Error", {}).get("Message") == "Not yet implemented":
                raise Unsupported(f"The simulated account has no {service}.{operation}") from None
            raise _api_error(service, operation, error) from None
        except (ParamValidationError, UnknownServiceError):
            raise
        except (NotImplementedError, LeavesTheAccount) as error:
            raise Unsupported(f"The simulated account cannot answer {service}.{operation}: {error}") from error
        except Exception as error:
            # moto is full of corners where it raises what Python does; on AWS that would be a 500, and so it is here.
            what = f"{type(error).__name__}: {error}"
            raise ApiError("InternalFailure", f"moto failed in {service}.{operation}: {what}", 500) from error
        response.pop("ResponseMetadata", None)
        return response


def _queue(counts: QueueCounts, left: int) -> dict[str, Any]:
    return {
        "sent": counts.sent,
        "received": counts.received,
        "deleted": counts.deleted,
        "dead_lettered": counts.dead_lettered,
        "taken_over": counts.taken_over,
        "duplicates": counts.duplicates,
        "expired": counts.expired,
        "left": left,
        "max_depth": counts.max_depth,
        "max_in_flight": counts.max_in_flight,
        "max_age_s": counts.max_age_ms / 1000,
    }


def _nothing() -> None:
    pass


def _move_to_account(client: Any, account_id: str) -> None:
    """Make a client's calls in another account of moto's."""

    def add_header(request: Any, **_rest: Any) -> None:
        request.headers["x-moto-account-id"] = account_id

    client.meta.events.register("before-sign", add_header)


_HEAD_CODES = {"HeadObject": "NoSuchKey", "HeadBucket": "NoSuchBucket"}


def _api_error(service: str, operation: str, error: ClientError) -> ApiError:
    response: Mapping[str, Any] = error.response
    details = dict(response.get("Error", {}))
    code, message = details.pop("Code", "Unknown"), details.pop("Message", "")
    if service == "s3" and code == "404":
        # The answer to a HEAD request carries no code; AWS's SDKs put the one in that it stands for.
        code = _HEAD_CODES.get(operation, code)
    members = {name: value for name, value in response.items() if name not in ("Error", "ResponseMetadata", "message")}
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    return ApiError(code, message, status, {**details, **members})
