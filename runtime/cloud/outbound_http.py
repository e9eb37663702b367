"""Real HTTP requests, and where they may go: this machine, and hosts that the user named on purpose.

On the system clock a request runs on a thread of its own, so that the scheduler's never waits; its answer comes back on
the event loop's thread. On a virtual clock it is made at once and takes no virtual time.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlencode

import urllib3

from stepsim.runtime.cloud.hosts import host_of, is_aws_host, is_loopback

ALLOW_HOSTS = "STEPSIM_ALLOW_HOSTS"
"""The environment variable that names further hosts, between commas."""

_THREADS = 64


@dataclass(frozen=True, slots=True)
class HttpCall:
    """A request to be sent. Names of headers are as they were written."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    timeout_s: float = 60.0

    @classmethod
    def to(
        cls,
        method: str,
        url: str,
        query: Mapping[str, Sequence[str]],
        headers: Mapping[str, str],
        body: bytes | None,
        timeout_s: float,
    ) -> HttpCall:
        """A call with its query parameters in the URL; one of several values stands there as often."""
        if query:
            url += ("&" if "?" in url else "?") + urlencode(query, doseq=True)
        return cls(method, url, tuple(headers.items()), body, timeout_s)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back."""

    status: int
    headers: Mapping[str, list[str]] = field(default_factory=dict)
    body: bytes = b""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class HttpFailure:
    """Nothing came back: the host may not be called (`refused`), was silent (`late`), or could not be reached."""

    message: str
    refused: bool = False
    late: bool = False


Answered = Callable[[HttpAnswer | HttpFailure], None]


def may_be_called(host: str) -> bool:
    """True for this machine and for hosts that the user named; never for AWS's own."""
    if is_aws_host(host):
        return False
    named = [name.strip().lower() for name in os.environ.get(ALLOW_HOSTS, "").split(",")]
    return is_loopback(host) or (host != "" and host in named)


def send(call: HttpCall) -> HttpAnswer | HttpFailure:
    """Send a request and wait for its answer. Redirects are not followed, and nothing is tried again."""
    host = host_of(call.url)
    if not may_be_called(host):
        return HttpFailure(
            f"stepsim calls no host but this machine: {host or call.url!r} was not called. Name it in the environment "
            f"variable {ALLOW_HOSTS} to let it be called, or model the state under tasks in the scenario",
            refused=True,
        )
    try:
        with urllib3.PoolManager(retries=False) as pool:
            response = pool.request(
                call.method,
                call.url,
                body=call.body,
                headers=dict(call.headers),
                timeout=urllib3.Timeout(total=call.timeout_s),
                redirect=False,
            )
    except urllib3.exceptions.TimeoutError as error:
        return HttpFailure(f"No answer from {host} within {call.timeout_s:g} s: {error}", late=True)
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        return HttpFailure(f"{host or call.url!r} could not be reached: {error}")
    headers: dict[str, list[str]] = {}
    for name, value in response.headers.items():
        headers.setdefault(name, []).append(value)
    return HttpAnswer(response.status, headers, response.data, response.reason or "")


class Outbound:
    """Sends requests: at once and in place, or on threads where an event loop must not wait."""

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None

    def send_in_place(self, call: HttpCall, answered: Answered) -> None:
        """Send it and wait."""
        answered(send(call))

    def send_aside(self, call: HttpCall, answered: Answered) -> None:
        """Send it on a thread; `answered` is called on the running event loop's thread."""
        loop = asyncio.get_running_loop()
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, "stepsim-http")

        def work() -> None:
            answer = send(call)
            # The run may be over by now: then nobody is there to be told.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(answered, answer)

        self._threads.submit(work)
