"""What moto's functions lack as state: settings that it drops, and a word to us when a function changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from stepsim.runtime.lambdas.catalogue import KEPT, kept_settings
from stepsim.runtime.lambdas.reference import Home

_KEPT_MEMBERS = ("DeadLetterConfig", "LoggingConfig")

Changed = Callable[[Home, str], None]
"""Told where a function of that name was changed or deleted."""


@contextmanager
def complete_functions(changed: Changed) -> Iterator[None]:
    """While it lasts, functions keep all that is heeded here, and `changed` is told of what becomes of them."""
    from moto.awslambda import models

    with ExitStack() as stack:
        for owner, name, replacement in (
            (models.LambdaFunction, "__init__", _new_function(models)),
            (models.LambdaFunction, "get_configuration", _get_configuration(models)),
            (models.LambdaFunction, "update_configuration", _update_configuration(models, changed)),
            (models.LambdaFunction, "update_function_code", _update_function_code(models, changed)),
            (models.LambdaStorage, "del_function", _del_function(models, changed)),
            (models.LambdaBackend, "put_function_event_invoke_config", _put_event_invoke_config(models)),
            (models.LambdaBackend, "update_function_event_invoke_config", _update_event_invoke_config),
        ):
            stack.enter_context(patch.object(owner, name, replacement))
        yield


def _new_function(models: Any) -> Callable[..., None]:
    moto = models.LambdaFunction.__init__

    def new(function: Any, account_id: str, spec: dict[str, Any], *args: Any, **named: Any) -> None:
        setattr(function, KEPT, _kept(spec))
        moto(function, account_id, spec, *args, **named)

    return new


def _get_configuration(models: Any) -> Callable[..., dict[str, Any]]:
    moto = models.LambdaFunction.get_configuration

    def get(function: Any, *args: Any, **named: Any) -> dict[str, Any]:
        logging = {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{function.function_name}"}
        kept = kept_settings(function)
        shown: dict[str, Any] = {**moto(function, *args, **named), **kept}
        shown["LoggingConfig"] = logging | (kept.get("LoggingConfig") or {})
        return shown

    return get


def _update_configuration(models: Any, changed: Changed) -> Callable[..., dict[str, Any]]:
    moto = models.LambdaFunction.update_configuration

    def update(function: Any, config_updates: dict[str, Any]) -> dict[str, Any]:
        # A published version shares nothing that is changed in place.
        setattr(function, KEPT, kept_settings(function) | _kept(config_updates))
        configuration: dict[str, Any] = moto(function, config_updates)
        changed((function.account_id, function.region), function.function_name)
        return configuration

    return update


def _update_function_code(models: Any, changed: Changed) -> Callable[..., dict[str, Any]]:
    moto = models.LambdaFunction.update_function_code

    def update(function: Any, updated_spec: dict[str, Any]) -> dict[str, Any]:
        configuration: dict[str, Any] = moto(function, updated_spec)
        changed((function.account_id, function.region), function.function_name)
        return configuration

    return update


def _del_function(models: Any, changed: Changed) -> Callable[..., None]:
    moto = models.LambdaStorage.del_function

    def delete(storage: Any, name_or_arn: str, qualifier: str | None = None) -> None:
        name = storage.get_function_by_name_or_arn_with_qualifier(name_or_arn, qualifier).function_name
        moto(storage, name_or_arn, qualifier)
        changed((storage.account_id, storage.region_name), name)

    return delete


def _put_event_invoke_config(models: Any) -> Callable[..., dict[str, Any]]:
    moto = models.LambdaBackend.put_function_event_invoke_config

    def put(backend: Any, function_name: str, config: dict[str, Any]) -> dict[str, Any]:
        # moto adds one to those that are there, and shows the first.
        response: dict[str, Any] = moto(backend, function_name, config)
        configs = backend.get_function(function_name).event_invoke_config
        del configs[:-1]
        return response

    return put


def _update_event_invoke_config(backend: Any, function_name: str, config: dict[str, Any]) -> dict[str, Any]:
    configs = backend.get_function(function_name).event_invoke_config
    before: Mapping[str, Any] = configs[-1].config if configs else {}
    merged: dict[str, Any] = backend.put_function_event_invoke_config(function_name, {**before, **config})
    return merged


def _kept(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {name: spec[name] for name in _KEPT_MEMBERS if name in spec}
