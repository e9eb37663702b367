"""Which execution history events are logged, and where to."""

from __future__ import annotations

from collections.abc import Mapping

from stepsim.asl.payload import JSON
from stepsim.runtime.api.registry import Registry
from stepsim.runtime.cloud.call import ApiError


def read_logging(registry: Registry, given: Mapping[str, JSON] | None) -> Mapping[str, JSON]:
    """A ``loggingConfiguration`` with its defaults: level OFF, no execution data.

    Raises ApiError InvalidLoggingConfiguration for another number of destinations than one (none where the level is
    OFF), and for a log group that is not there, if the registries know whom to ask.
    """
    logging: dict[str, JSON] = {"level": "OFF", "includeExecutionData": False}
    logging |= {name: value for name, value in (given or {}).items() if value is not None}
    destinations = logging.get("destinations") or []
    if len(destinations) > 1 or (logging["level"] != "OFF" and not destinations):
        raise _invalid("Must specify exactly one Log Destination.")
    log_group_exists = registry.registries.log_group_exists
    for destination in destinations:
        arn = (destination.get("cloudWatchLogsLogGroup") or {}).get("logGroupArn")
        if arn is None:
            raise _invalid("Must specify exactly one Log Destination.")
        if not arn.endswith(":*") or (log_group_exists is not None and not log_group_exists(arn.removesuffix(":*"))):
            raise _invalid("Log Destination not found.")
    return logging


def _invalid(reason: str) -> ApiError:
    return ApiError("InvalidLoggingConfiguration", f"Invalid Logging Configuration: {reason}")


def log_group_in_moto(arn: str) -> bool:
    """Whether moto's account has the log group of an ARN (without ``:*``): for `Registries.log_group_exists`."""
    from moto.logs.models import logs_backends

    parts = arn.split(":", 6)
    if len(parts) < 7 or parts[2] != "logs" or parts[5] != "log-group":
        return False
    _, _, _, region, account_id, _, name = parts
    return name in logs_backends[account_id][region].groups
