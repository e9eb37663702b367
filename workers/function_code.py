"""Which code a function runs, and where an environment imports it from: found without running any of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from stepsim.workers.handler import HandlerError, HandlerReference


@dataclass(frozen=True, slots=True)
class FunctionCode:
    """One function: its name, its handler reference, where to look for the code, and its environment variables."""

    name: str
    handler: str
    base_dir: Path = Path()
    """What a file reference is relative to; the function's task root and working directory."""
    search_paths: tuple[Path, ...] = ()
    """Further folders to import from, after the task root."""
    environment: Mapping[str, str] = field(default_factory=dict)
    version: str = "$LATEST"
    log_group: str = ""
    """Where its log goes; ``/aws/lambda/NAME`` where empty."""
    new_log_stream: Callable[[], str] | None = None
    """Names the log stream of each new environment; without it an environment names its own."""
    shown_root: str | None = None
    """What stack traces call the task root; None: by its own name."""
    account: str | None = None
    """The account whose credentials it has; None for the one that everything lives in."""


@dataclass(frozen=True, slots=True)
class HandlerLocation:
    """Where a handler is: the module to import, the function in it, and the folders to import from."""

    module: str
    function: str
    label: str
    """The module as the reference spells it; Lambda's messages quote it."""
    task_root: Path
    paths: tuple[Path, ...]
    """What stands before everything else in sys.path, the task root first."""


def locate_handler(code: FunctionCode) -> HandlerLocation:
    """Where the function's handler is. Raises HandlerError where the reference is malformed or names no file or module.

    A file is imported as Lambda imports it, by its path from the task root; one outside the base folder has its own
    folder as task root.
    """
    base_dir = code.base_dir.resolve()
    reference = HandlerReference.parse(code.handler, base_dir)
    label = code.handler[: -len(reference.function) - 1].removesuffix(".py")
    search_paths = tuple(path.resolve() for path in code.search_paths)
    if reference.file is None:
        paths = (base_dir, *search_paths)
        if not _importable(reference.module, paths):
            raise HandlerError(
                f"handler {code.handler!r}: there is no module {reference.module} in {base_dir} or on Python's path"
            )
        return HandlerLocation(reference.module, reference.function, label, base_dir, paths)
    file = reference.file
    root = base_dir if file.is_relative_to(base_dir) else file.parent
    module = ".".join(file.relative_to(root).with_suffix("").parts)
    paths = tuple(dict.fromkeys((root, file.parent, *search_paths)))
    return HandlerLocation(module, reference.function, label, root, paths)


def packaged_handler(code: FunctionCode) -> HandlerLocation:
    """Where Lambda looks for the handler ``folder/file.function`` of a package: `base_dir` is the package's root.

    Nothing is checked: what is not there fails the invocation, as on AWS. A text without a dot has no function.
    """
    root = code.base_dir.resolve()
    label, _, function = code.handler.rpartition(".")
    paths = (root, *(path.resolve() for path in code.search_paths))
    if not label:
        return HandlerLocation("", "", code.handler, root, paths)
    return HandlerLocation(label.replace("/", "."), function, label, root, paths)


def _importable(module: str, paths: Sequence[Path]) -> bool:
    """Whether the module can be found, as far as that is known without importing its packages."""
    for path in (*paths, *map(Path, sys.path)):
        stem = path.joinpath(*module.split("."))
        if stem.with_name(stem.name + ".py").is_file() or (stem / "__init__.py").is_file():
            return True
    top = module.partition(".")[0]
    if top in sys.modules:
        return True
    spec = find_spec(top)
    # A package without a file of its own is only a folder; the module would have been found in it above.
    return spec is not None and spec.origin is not None
