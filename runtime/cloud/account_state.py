"""Starts and stops the account that moto holds, and keeps every AWS call inside it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias
from unittest.mock import patch

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session
from botocore.session import Session
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.config import DefaultConfig, default_user_config
from moto.core.models import botocore_stubber
from moto.moto_api._internal import mock_random

from stepsim.runtime.cloud.hosts import host_of, is_aws_host, is_aws_url, is_loopback
from stepsim.runtime.cloud.moto_s3 import empty_buckets, scaled_buckets

# Whatever a shell says about AWS (profiles, endpoints, roles, retry modes) must neither lead out of the account nor
# change what a run does. moto reads switches of its own.
_CLEARED = ("AWS_", "MOTO_", "TEST_SERVER_MODE", "TEST_PROXY_MODE", "S3_IGNORE_SUBDOMAIN_BUCKETNAME")

_MOTO_CONFIG: DefaultConfig = {
    "batch": {"use_docker": False},
    "lambda": {"use_docker": False},
    "core": {"mock_credentials": True, "passthrough": {"urls": [], "services": []}, "reset_boto3_session": True},
}


class LeavesTheAccount(Exception):
    """A request would have gone to a host that is neither this machine nor one that an ``endpoint_url`` names."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"A request to {host} was stopped: it would leave the simulated account. "
            f"To reach a service of your own, name it in the client's endpoint_url."
        )


def safe_environment(region: str) -> Mapping[str, str]:
    """The variables under which no AWS library looks for credentials or endpoints elsewhere."""
    return {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_SESSION_TOKEN": "testing",
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


Answer: TypeAlias = Callable[[AWSPreparedRequest], AWSResponse | None]
"""Answers a request; None leaves it to whoever comes next."""


def nobody(_request: AWSPreparedRequest) -> None:
    """Answers no request."""


@contextmanager
def account(seed: int, region: str, answer: Answer, front: Answer = nobody, *, join: bool = False) -> Iterator[None]:
    """An empty account in moto, for as long as it lasts.

    `answer` may answer a request before moto does, and `front` after it, but still before moto. RuntimeError where
    there is an account already; with `join`, moto's own `mock_aws` is no obstacle: what it holds is the account, and it
    stays when this is left. The environment, boto3's default session and botocore are afterwards as they were.
    """
    joined = join and botocore_stubber.enabled and not _is_confined()
    if botocore_stubber.enabled and not joined:
        raise RuntimeError("A simulated account, or moto itself, is open already: there can be one at a time.")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_CLEARED)}
    environment = {**kept, **safe_environment(region)}
    with patch.dict(os.environ, environment, clear=True):
        if joined:
            with patch.dict(default_user_config, _MOTO_CONFIG), _confined(answer, front):
                yield
            return
        with mock_aws(config=_MOTO_CONFIG):
            mock_random.seed(seed)
            with scaled_buckets(), _confined(answer, front):
                try:
                    yield
                finally:
                    empty_buckets()


def _is_confined() -> bool:
    """Whether `account` is open, and not only moto."""
    return URLLib3Session.send.__qualname__.startswith(_confined.__name__)


@contextmanager
def _confined(answer: Answer, front: Answer) -> Iterator[None]:
    """The last line: what is about to be sent. botocore's clients from before the account started end here, too."""
    send, create_client, getaddrinfo = URLLib3Session.send, Session.create_client, socket.getaddrinfo
    stub = BotocoreStubber.__call__
    named: set[str] = set()

    def before_moto(stubber: BotocoreStubber, event_name: str, request: AWSPreparedRequest, **rest: Any) -> Any:
        response = front(request) if is_aws_url(request.url) else None
        return response if response is not None else stub(stubber, event_name, request, **rest)

    def confined_send(http: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        host = host_of(request.url)
        if is_aws_url(request.url):
            response = answer(request) or botocore_stubber("before-send", request)
            if response is None:
                raise LeavesTheAccount(host)
            return response
        if is_loopback(host) or any(host == name or host.endswith(f".{name}") for name in named):
            return send(http, request)
        raise LeavesTheAccount(host)

    def noting_create_client(session: Session, *args: Any, **named_args: Any) -> Any:
        client = create_client(session, *args, **named_args)
        if not is_aws_url(client.meta.endpoint_url):
            # Environment and configuration files are out of the way, so it was said in the code.
            named.add(host_of(client.meta.endpoint_url))
        return client

    def confined_getaddrinfo(host: Any, *args: Any, **named_args: Any) -> Any:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        if isinstance(name, str) and is_aws_host(name.lower()):
            raise LeavesTheAccount(name)
        return getaddrinfo(host, *args, **named_args)

    with (
        # Whatever else opens connections (urllib with a presigned URL) asks here where to.
        patch.object(socket, "getaddrinfo", confined_getaddrinfo),
        patch.object(BotocoreStubber, "__call__", before_moto),
        patch.object(URLLib3Session, "send", confined_send),
        patch.object(Session, "create_client", noting_create_client),
    ):
        yield
