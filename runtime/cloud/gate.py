"""The one way into the account: faults, limits, latency, fast path or moto, meter.

A task integration's call comes in through `Gate.perform` and is answered at once: whoever asked waits `latency_ms` on
the scheduler. A handler's boto3 call comes in through `stepsim.runtime.cloud.boto` in the same steps (`admit`, then
`serve`), and waits inside the handler.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from stepsim.runtime.cloud.billed_units import WEIGHTS, Weigh
from stepsim.runtime.cloud.call import (
    DEFAULT_REGION,
    Answer,
    ApiError,
    CallCounts,
    CallSite,
    FallThrough,
)
from stepsim.runtime.cloud.capacity import Capacity
from stepsim.runtime.cloud.fault_effects import StruckCall
from stepsim.runtime.cloud.faults import Faults, Refusal
from stepsim.runtime.cloud.latency import Latency, Spread
from stepsim.runtime.cloud.limits import Limit, limit_of
from stepsim.runtime.cloud.meter import Meter
from stepsim.runtime.cloud.s3_transfer import Transfer, transfer_of

Operation: TypeAlias = Callable[[dict[str, Any], str], dict[str, Any]]
"""A fast path: boto3's parameters and the region in, boto3's response out (without ``ResponseMetadata``).

It raises ApiError, or FallThrough for parameters that it does not cover; it never changes its parameters."""

Moto: TypeAlias = Callable[[str, str, dict[str, Any], str, str | None], dict[str, Any]]
"""Service, operation, parameters, region and account in: moto's response, or ApiError."""

HANG_MS = 366 * 24 * 3600 * 1000
"""The latency of a call that never answers: longer than an execution may last (one year)."""


def _outside_any_run() -> CallSite | None:
    return None


def _no_wait(_latency_ms: int) -> None:
    """On the system clock a call takes the time that it takes."""


class Route:
    """An operation, with everything that the gate looks up for it."""

    __slots__ = (
        "constant_ms",
        "counts",
        "fast",
        "limit",
        "name",
        "operation",
        "service",
        "spread",
        "transfer",
        "weigh",
    )

    def __init__(
        self,
        service: str,
        operation: str,
        fast: Operation | None,
        spread: Spread,
        counts: CallCounts,
        limit: Limit | None,
        transfer: Transfer | None,
    ) -> None:
        self.service = service
        self.operation = operation
        self.name = f"{service}.{operation}"
        self.fast = fast
        self.spread = spread
        self.constant_ms = spread[0] if type(spread) is tuple and spread[0] == spread[1] else None
        self.counts = counts
        self.limit = limit
        self.transfer = transfer
        """What a body's size adds to its latency."""
        self.weigh: Weigh | None = WEIGHTS.get(self.name)
        """How many billed units a call is; None: one."""


class Gate:
    """Answers AWS calls, one at a time, on one thread."""

    def __init__(
        self,
        *,
        latency: Latency,
        faults: Faults | None,
        capacity: Capacity | None = None,
        operations: Mapping[str, Mapping[str, Operation]],
        moto: Moto,
        region: str = DEFAULT_REGION,
    ) -> None:
        self.current_site: Callable[[], CallSite | None] = _outside_any_run
        """Set by the worker's side: the handler invocation now running; None outside any run."""
        self.pause: Callable[[int], None] = _no_wait
        """Set by the driver: makes the running handler wait so many milliseconds."""
        self.redirect: Callable[[dict[str, Any], str], None] | None = None
        """Raises ApiError where a task integration asks S3 for a bucket of another region."""
        self._meter = Meter()
        self._latency = latency
        self._faults = faults
        self._capacity = capacity
        self._operations = operations
        self._moto = moto
        self._region = region
        self._routes: dict[tuple[str, str], Route] = {}

    @property
    def calls(self) -> dict[str, CallCounts]:
        """What was asked so far, by ``service.Operation``, as in ``s3.GetObject``."""
        return self._meter.calls

    def perform(self, service: str, operation: str, params: dict[str, Any], *, site: CallSite) -> Answer:
        """The answer to a task integration's own call, in its site's region and account. It never waits or retries.

        `service` is boto3's name for it (``s3``, ``events``), `params` are boto3's. Parameters that do not fit the
        operation raise botocore's ParamValidationError; an unknown service or operation raises botocore's own error.
        """
        route = self.route(service, operation)
        latency_ms, refusal = (0, None) if site.goes_on else self.admit(route, params, site)
        if refusal is not None:
            if refusal.hang:
                return Answer(None, refusal.api_error(), HANG_MS)
            if refusal.refuses:
                return Answer(None, refusal.api_error(), latency_ms)
        where = site.region or self._region
        try:
            if service == "s3" and self.redirect is not None:
                self.redirect(params, where)
            try:
                if refusal is not None and refusal.effect is not None:
                    response = self.serve_struck(route, refusal, params, where, site.account)
                elif site.account is not None:
                    # The fast paths know one account.
                    raise FallThrough
                else:
                    response = self.serve(route, params, where)
            except FallThrough:
                response = self._moto(service, operation, params, where, site.account)
        except ApiError as error:
            self.failed(route, error.code)
            return Answer(None, error, latency_ms)
        if route.transfer is not None:
            latency_ms += route.transfer.received_ms(response)
        return Answer(response, None, latency_ms)

    def route(self, service: str, operation: str) -> Route:
        """The route of an operation, made when first asked for."""
        route = self._routes.get((service, operation))
        if route is None:
            fast = self._operations.get(service, {}).get(operation)
            spread = self._latency.spread(service, operation)
            limit = None if self._capacity is None else limit_of(self._capacity.limits, service, operation)
            transfer = None if self._latency.off else transfer_of(self._latency, service, operation)
            counts = self._meter.counts(f"{service}.{operation}")
            route = Route(service, operation, fast, spread, counts, limit, transfer)
            if self._capacity is not None and route.name in self._capacity.weights:
                route.weigh = self._capacity.weights[route.name]
            self._routes[service, operation] = route
        return route

    def admit(self, route: Route, params: dict[str, Any], site: CallSite) -> tuple[int, Refusal | None]:
        """Count one attempt; how long AWS takes to answer it in ms, and what refuses it: a fault, or a limit."""
        number = next(site.calls)
        counts = route.counts
        counts.count += 1
        by_state = counts.by_state
        by_state[site.state] = by_state.get(site.state, 0) + (1 if route.weigh is None else route.weigh(params))
        constant_ms = route.constant_ms
        latency_ms = self._latency.draw(route.spread, site, number) if constant_ms is None else constant_ms
        if route.transfer is not None:
            latency_ms += route.transfer.sent_ms(params)
        refusal = None if self._faults is None else self._faults.strike_call(route.name, params, site, number)
        if refusal is not None:
            counts.faults += 1
            latency_ms += refusal.delay_ms
            if refusal.code is not None:
                self._meter.error(counts, refusal.code)
            if refusal.refuses:
                return latency_ms, refusal
        if route.limit is None or self._capacity is None:
            return latency_ms, refusal
        error = route.limit(route.operation, params, site, self._capacity.clock())
        if error is None:
            return latency_ms, refusal
        self._meter.error(counts, error.code)
        return latency_ms, Refusal(error.code, error.message, error.status)

    def strike(self, name: str, site: CallSite) -> Refusal | None:
        """What a fault does to what a service does by itself, by its name among latencies: ``events.delivery``.

        It is no call, so none is counted.
        """
        return None if self._faults is None else self._faults.strike_call(name, {}, site, 0)

    def serve(self, route: Route, params: dict[str, Any], region: str) -> dict[str, Any]:
        """The fast path's response; FallThrough where there is none for this call."""
        if route.fast is None:
            raise FallThrough
        return route.fast(params, region)

    def serve_struck(
        self, route: Route, refusal: Refusal, params: dict[str, Any], region: str, account: str | None = None
    ) -> dict[str, Any]:
        """The response to a call that a fault lets pass in its own way: from the fast path, or else from moto."""

        def serve(sent: dict[str, Any]) -> dict[str, Any]:
            try:
                if account is None:
                    return self.serve(route, sent, region)
            except FallThrough:
                pass
            return self._moto(route.service, route.operation, sent, region, account)

        assert refusal.effect is not None
        assert refusal.draw is not None
        return refusal.effect(StruckCall(route.name, params, region, account, refusal.draw), serve)

    def failed(self, route: Route, code: str) -> None:
        """Count an attempt that the account itself answered with an error."""
        self._meter.error(route.counts, code)
