"""What the account can take: the models of capacity of all services, by the quotas that hold.

Each model lives in a file of its own, which says what it limits and where its figures are from. A service's model is
asked at the gate (`limits`), or holds its state beside the service's own.
"""

from __future__ import annotations

from collections.abc import Callable

from stepsim.runtime.cloud import athena, fargate
from stepsim.runtime.cloud.api_throttles import ApiThrottles
from stepsim.runtime.cloud.billed_units import Weigh
from stepsim.runtime.cloud.event_rates import limits as event_limits
from stepsim.runtime.cloud.limits import Limit
from stepsim.runtime.cloud.quotas import Quotas
from stepsim.runtime.cloud.s3_rates import limits as s3_limits

_MODELS: tuple[Callable[[Quotas], dict[str, Limit]], ...] = (
    s3_limits,
    fargate.limits,
    athena.limits,
    event_limits,
)
"""What makes the limits of each service."""


class Capacity:
    """The models of one account. It is told the time by its clock: ms of the run."""

    def __init__(self, quotas: Quotas, clock: Callable[[], int]) -> None:
        self.quotas = quotas
        self.clock = clock
        self.fargate = fargate.Fargate(quotas)
        self.athena = athena.Queries(quotas, clock)
        self.apis = ApiThrottles(quotas)
        self.weights: dict[str, Weigh] = {"athena.StartQueryExecution": self.athena.billed_mb}
        """How many billed units a call is, where what is known of the account says so."""
        self.limits: dict[str, Limit] = {}
        """What the gate asks before it lets a call through."""
        for model in _MODELS:
            self.limits |= model(quotas)
