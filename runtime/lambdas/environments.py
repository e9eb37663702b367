"""Which worker runs which version of a function: made when it is first invoked, and retired once it has changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from sys import version_info
from typing import TYPE_CHECKING

from stepsim.runtime.cloud.call import ACCOUNT_ID, DEFAULT_REGION, ApiError
from stepsim.runtime.functions import Function, Functions
from stepsim.runtime.lambdas.asynchronous import EventInvoke
from stepsim.runtime.lambdas.catalogue import Catalogue, FoundVersion, Settings, unrunnable
from stepsim.runtime.lambdas.logs import FunctionLogs
from stepsim.runtime.lambdas.packages import Packages
from stepsim.runtime.lambdas.places import Place, Room
from stepsim.runtime.lambdas.reference import FunctionReference, Home, home_of, parse_reference
from stepsim.runtime.lambdas.sources import CodeSources, fingerprint
from stepsim.runtime.requests import InvokeFunction
from stepsim.workers.worker import InvocationResult

if TYPE_CHECKING:
    from stepsim.workers.pool import ProcessPool
    from stepsim.workers.process_worker import ProcessWorker

PoolFactory = Callable[[], "ProcessPool"]
"""The pool, once a function is to be run."""

_NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}
"""In a folder that is edited: compiled modules are told apart by whole seconds."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A version's worker, and what it was made for."""

    made_for: tuple[Settings, str]
    """The settings, and the state of the folder that the code is."""
    reserved_concurrency: int | None
    place: Place
    worker: ProcessWorker


class Environments:
    """The workers of the functions in moto's state; a `Lookup` of `Functions`."""

    def __init__(
        self,
        functions: Functions,
        catalogue: Catalogue,
        sources: CodeSources,
        logs: FunctionLogs,
        pool_factory: PoolFactory,
        event_invoke: Callable[[FunctionReference], EventInvoke],
    ) -> None:
        self._functions = functions
        self._catalogue = catalogue
        self._sources = sources
        self._logs = logs
        self._pool_factory = pool_factory
        self._event_invoke = event_invoke
        self._pool: ProcessPool | None = None
        self._packages = Packages()
        self._kept: dict[tuple[str, str], _Kept] = {}
        """By a function's ARN and version."""
        self._rooms: dict[Home, Room] = {}

    def lookup(self, request: InvokeFunction) -> Place | ApiError:
        """The place of the version that a request means, with a worker for its code as it is now; or why not."""
        site = request.site
        qualifier = None if request.options is None else request.options.qualifier
        try:
            reference = parse_reference(request.function, qualifier, home_of(request))
            found = self._catalogue.find(reference, site.execution, site.state, site.place, site.attempt)
            request.invoked_arn = reference.invoked_arn
            refusal = unrunnable(found)
            if refusal is not None:
                self._tell(found, refusal)
                return refusal
            return self._place(found)
        except ApiError as error:
            return error

    def refresh(self, home: Home, name: str) -> None:
        """Retire what runs old code or old settings of a function that was changed or deleted."""
        arn = FunctionReference(home, name, None).arn
        for key, kept in list(self._kept.items()):
            if key[0] != arn:
                continue
            try:
                found = self._catalogue.find(FunctionReference(home, name, key[1]))
                current = kept.made_for == (found.settings, self._state_of(found))
            except ApiError:
                current = False
            if not current:
                self._retire(key)

    def close(self) -> None:
        """Remove what was unpacked. The pool is not this one's to close."""
        self._kept.clear()
        self._packages.close()

    def _place(self, found: FoundVersion) -> Place:
        key = (found.arn, found.version)
        made_for = (found.settings, self._state_of(found))
        kept = self._kept.get(key)
        if kept is not None and kept.made_for != made_for:
            self._retire(key)
            kept = None
        room = self._room(found.reference.home)
        if kept is None or kept.reserved_concurrency != found.reserved_concurrency:
            worker = self._worker(found) if kept is None else kept.worker
            kept = _Kept(made_for, found.reserved_concurrency, self._new_place(found, worker, room), worker)
            self._kept[key] = kept
        return kept.place

    def _retire(self, key: tuple[str, str]) -> None:
        kept = self._kept.pop(key)
        if self._pool is not None:
            self._pool.retire(kept.worker)

    def _room(self, home: Home) -> Room:
        room = self._rooms.setdefault(home, Room(None))
        concurrency = self._functions.concurrency
        room.unreserved = None if concurrency is None else concurrency - self._catalogue.reserved(home)
        return room

    def _new_place(self, found: FoundVersion, worker: ProcessWorker, room: Room) -> Place:
        reference, settings = found.reference, found.settings
        function = Function(
            reference.name,
            worker,
            settings.timeout_ms,
            settings.memory_mb,
            found.reserved_concurrency,
            own_arn=found.arn,
            version=found.version,
        )
        at_home = reference.home == (ACCOUNT_ID, DEFAULT_REGION)
        place = self._functions.new_place(function, room, reference.name if at_home else found.arn)

        def log(result: InvocationResult) -> None:
            if result.log_stream:
                self._logs.write(
                    reference.home, settings.log_group, result.log_stream, result.log, self._functions.scheduler.now_ms
                )

        place.log = log
        place.event_invoke = lambda: self._event_invoke(reference)
        return place

    def _worker(self, found: FoundVersion) -> ProcessWorker:
        from stepsim.workers.function_code import FunctionCode

        reference, settings = found.reference, found.settings
        folder = self._sources.folder(settings.code_sha256)
        environment = dict(settings.environment)
        shown_root = None
        if folder is None:
            shown_root = "/var/task"
            folder = self._packages.folder(found.state.code_bytes, settings.code_sha256)
        else:
            environment = _NO_BYTECODE | environment
        account = reference.home[0]
        code = FunctionCode(
            reference.name,
            settings.handler,
            folder,
            tuple(self._layer_folders(found)),
            environment,
            version=found.version,
            log_group=settings.log_group,
            new_log_stream=lambda: self._new_log_stream(found),
            shown_root=shown_root,
            account=None if account == ACCOUNT_ID else account,
        )
        return self._the_pool().packaged_worker(code)

    def _layer_folders(self, found: FoundVersion) -> list[Path]:
        """Where modules of a version's layers are imported from."""
        folders = []
        site_packages = f"python/lib/python{version_info.major}.{version_info.minor}/site-packages"
        for arn in found.settings.layers:
            layer = self._catalogue.layer(found.reference.home, arn)
            if layer is None:
                continue
            root = self._packages.folder(*layer)
            folders += [root / "python", root / site_packages]
        return folders

    def _new_log_stream(self, found: FoundVersion) -> str:
        shared = "" if found.settings.own_log_group else found.reference.name
        return self._logs.new_stream(self._functions.scheduler.now_ms, found.version, shared)

    def _state_of(self, found: FoundVersion) -> str:
        """What changes when the code of a folder does; an archive is told by its digest."""
        folder = self._sources.folder(found.settings.code_sha256)
        return "" if folder is None or not folder.is_dir() else fingerprint(folder)

    def _tell(self, found: FoundVersion, refusal: ApiError) -> None:
        """Say in the function's log why it was not run: nobody may wait for the answer."""
        self._logs.write(
            found.reference.home,
            found.settings.log_group,
            f"stepsim/[{found.version}]",
            f"[ERROR] {refusal.code}: {refusal.message}\n",
            self._functions.scheduler.now_ms,
        )

    def _the_pool(self) -> ProcessPool:
        if self._pool is None:
            self._pool = self._pool_factory()
        return self._pool
