"""The functions in moto's state: found by reference, with their settings and their code as they are now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.dice import Dice
from stepsim.runtime.lambdas.reference import LATEST, FunctionReference, Home

KEPT = "stepsim_settings"
"""The attribute of moto's functions that holds the settings moto itself drops; see `moto_functions`."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a version of a function is configured to be: an environment that was made for others is of no use to it."""

    code_sha256: str
    package_type: str
    runtime: str | None
    handler: str
    timeout_ms: int
    memory_mb: int
    environment: tuple[tuple[str, str], ...]
    layers: tuple[str, ...]
    log_group: str
    own_log_group: bool
    """The log group is the function's own, and not one that several functions share."""


@dataclass(frozen=True, slots=True)
class FoundVersion:
    """A version of a function, as a reference has found it."""

    reference: FunctionReference
    version: str
    settings: Settings
    state: Any
    """moto's object: its code, and what is read of it seldom."""
    reserved_concurrency: int | None

    @property
    def arn(self) -> str:
        return self.reference.arn


class Catalogue:
    """The functions of all accounts and regions. Aliases with weights are drawn from the dice."""

    def __init__(self, dice: Dice) -> None:
        self._dice = dice

    def find(self, reference: FunctionReference, *names: object) -> FoundVersion:
        """The version that a reference means; `names` are what its dice are named after.

        Raises ApiError ResourceNotFoundException where there is none.
        """
        storage = _storage(reference)
        group = storage._functions.get(reference.name)
        if group is None:
            raise reference.not_found()
        wanted = reference.qualifier or LATEST
        alias = storage._aliases[reference.arn].get(wanted) if wanted != LATEST else None
        if alias is not None:
            wanted = self._routed(alias, reference, names)
        state = group["latest"]
        if wanted != LATEST:
            state = next((version for version in group["versions"] if str(version.version) == wanted), None)
        if state is None:
            raise reference.not_found()
        latest = group["latest"] or state
        return FoundVersion(reference, wanted, _settings(state), state, _whole(latest.reserved_concurrency))

    def _routed(self, alias: Any, reference: FunctionReference, names: tuple[object, ...]) -> str:
        """The version that this call of an alias goes to."""
        weights: Mapping[str, float] = (alias.routing_config or {}).get("AdditionalVersionWeights") or {}
        if weights:
            drawn = self._dice.draw("alias", reference.invoked_arn, *names)
            for version, weight in sorted(weights.items()):
                drawn -= weight
                if drawn < 0:
                    return str(version)
        return str(alias.function_version)

    def reserved(self, home: Home) -> int:
        """The concurrency that functions of an account have reserved in one region."""
        functions = _backend(home)._lambdas._functions.values()
        return sum(_whole(group["latest"].reserved_concurrency) or 0 for group in functions if group["latest"])

    def layer(self, home: Home, arn: str) -> tuple[bytes, str] | None:
        """The package of a layer's version and its digest; None where it was deleted."""
        layer = _backend(home).layers_versions_by_arn(arn)
        return None if layer is None else (layer.code_bytes, layer.code_sha_256)

    def event_settings(self, reference: FunctionReference) -> tuple[Mapping[str, Any], str | None]:
        """The EventInvokeConfig of a function, and the target of its DeadLetterConfig."""
        group = _storage(reference)._functions.get(reference.name)
        latest = None if group is None else group["latest"]
        if latest is None:
            return {}, None
        config = latest.event_invoke_config[-1].config if latest.event_invoke_config else {}
        dead_letter = kept_settings(latest).get("DeadLetterConfig") or {}
        return config, dead_letter.get("TargetArn") or None


def kept_settings(state: Any) -> dict[str, Any]:
    """The settings that moto itself would have dropped."""
    kept: dict[str, Any] = getattr(state, KEPT, {})
    return kept


def _backend(home: Home) -> Any:
    # moto's Lambda is heavy, and not every account has functions.
    from moto.awslambda.utils import get_backend

    account, region = home
    return get_backend(account, region)


def _storage(reference: FunctionReference) -> Any:
    try:
        return _backend(reference.home)._lambdas
    except KeyError:
        # moto knows no such region.
        raise reference.not_found() from None


def _settings(state: Any) -> Settings:
    own_group = f"/aws/lambda/{state.function_name}"
    log_group = (kept_settings(state).get("LoggingConfig") or {}).get("LogGroup") or own_group
    return Settings(
        getattr(state, "code_sha_256", ""),
        state.package_type,
        state.run_time,
        state.handler or "",
        int(state.timeout) * 1000,
        int(state.memory_size),
        tuple(sorted((str(name), str(value)) for name, value in (state.environment_vars or {}).items())),
        tuple(layer["Arn"] for layer in state.layers),
        log_group,
        log_group == own_group,
    )


def _whole(number: Any) -> int | None:
    return None if number is None else int(number)


def unrunnable(found: FoundVersion) -> ApiError | None:
    """Why stepsim cannot run a version, as Lambda would refuse; None where it can."""
    settings = found.settings
    what = "container images" if settings.package_type == "Image" else f"the runtime {settings.runtime}"
    if settings.package_type == "Zip" and (settings.runtime or "").startswith("python3"):
        return None
    return ApiError(
        "InvalidRuntimeException",
        f"stepsim cannot run {what} yet ({found.arn}): it runs functions written in Python. Write the function in "
        "Python (runtime python3.x), or model its task in a scenario: tasks, by the state's name.",
        502,
        {"Type": "Service"},
    )
