"""Where a function's code is: references such as ``functions/reconcile:handler``, and loading what they name.

Files are loaded under a module name of their own, so that the ``functions/x.py`` of two scenarios can live in one
process; so are the modules that they import from their own folder.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from types import ModuleType
from typing import Any

from stepsim.workers.variables import NONE, shown

Handler = Callable[[Any, Any], object]
"""A Lambda handler: called with the event and the context, returns what JSON can hold."""

_FORMS = "write path/to/file:function (relative to the scenario) or package.module:function"

_siblings: dict[Path, dict[str, ModuleType]] = {}
"""The modules that files of a folder imported from that folder: shared by them, hidden from everybody else."""


class HandlerError(Exception):
    """A handler reference is malformed, or what it names cannot be loaded. The message says which, where and what to
    write instead."""


@dataclass(frozen=True, slots=True)
class HandlerReference:
    """Which function of which file or module is called."""

    text: str
    """The reference as it was written."""
    base: Path
    """The folder that paths are relative to."""
    module: str
    """The module's dotted name; for a file, the name it is loaded under."""
    file: Path | None
    """The file to load; None where the module is imported from Python's path."""
    function: str
    """The function's name, dotted for an attribute of a class."""

    @classmethod
    def parse(cls, text: str, base: Path) -> HandlerReference:
        """The reference that a text means: ``functions/reconcile:handler`` (with or without .py),
        ``package.module:handler``, or Lambda's own ``package.module.handler`` and ``folder/file.handler``.

        A dotted module that exists as a file below `base` is that file. Raises HandlerError for a malformed text and
        for a path where no file is.
        """
        location, function = _split(text)
        if location.endswith(".py") or "/" in location:
            file = base / (location if location.endswith(".py") else location + ".py")
            if not file.is_file():
                raise HandlerError(f"handler {text!r}: there is no file {file}; {_FORMS}")
        else:
            candidate = base.joinpath(*location.split(".")).with_suffix(".py")
            if not candidate.is_file():
                return cls(text, base, location, None, function)
            file = candidate
        file = file.resolve()
        digest = blake2b(str(file).encode(), digest_size=6).hexdigest()
        return cls(text, base, f"_function_{digest}_{file.stem}", file, function)

    def load(self, variables: Mapping[str, str] = NONE) -> Handler:
        """The function itself. Its module runs with these environment variables, once for each set of them, and is
        kept. Raises HandlerError naming what is missing."""
        try:
            with shown(variables):
                module = self._load(variables)
        except (Exception, SystemExit) as error:
            where = self.file or f"module {self.module}"
            raise HandlerError(
                f"handler {self.text!r}: {where} cannot be loaded: {type(error).__name__}: {error}; {_FORMS}"
            ) from error
        target: Any = module
        for name in self.function.split("."):
            target = getattr(target, name, None)
        if not callable(target):
            raise HandlerError(f"handler {self.text!r}: {_lacking(module, self)}")
        found: Handler = target
        return found

    def _load(self, variables: Mapping[str, str]) -> ModuleType:
        file = self.file
        if file is None:
            return importlib.import_module(self.module)
        name = self.module
        if variables:
            text = "\0".join(f"{key}={value}" for key, value in sorted(variables.items()))
            name += "_" + blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
        loaded = sys.modules.get(name)
        if loaded is not None:
            return loaded
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            raise ImportError(f"{file} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            _run_among_siblings(partial(spec.loader.exec_module, module), file.parent, self.base)
        except BaseException:
            del sys.modules[name]
            raise
        return module


def _split(text: str) -> tuple[str, str]:
    location, colon, function = text.rpartition(":")
    if not colon:
        location, _, function = text.rpartition(".")
        if function == "py":
            raise HandlerError(f"handler {text!r} names no function; {_FORMS}")
    if not location or not function or not all(part.isidentifier() for part in function.split(".")):
        raise HandlerError(f"handler {text!r} names no function; {_FORMS}")
    return location, function


def _lacking(module: ModuleType, reference: HandlerReference) -> str:
    where = reference.file or f"module {reference.module}"
    if getattr(module, reference.function.split(".")[0], None) is not None:
        return f"{reference.function} in {where} is not a function"
    defined = [
        name
        for name, value in vars(module).items()
        if callable(value) and not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]
    return f"{where} has no function {reference.function!r}" + (f"; it defines {', '.join(defined)}" if defined else "")


def _run_among_siblings(run: Callable[[], None], folder: Path, base: Path) -> None:
    """Run a module's code with its folder, then the base, first on Python's path.

    What it imports from there leaves sys.modules again, and comes back for the next file of that folder. Modules of the
    same names that somebody has imported from elsewhere are out of sight meanwhile. The folder stays at the path's end,
    for imports made while a handler runs.
    """
    own = _siblings.setdefault(folder, {})
    strange = {name for name in _importable(folder) if name in sys.modules and not _lies_in(sys.modules[name], folder)}
    hidden = {name: module for name, module in sys.modules.items() if name in own or name.partition(".")[0] in strange}
    for name in hidden:
        del sys.modules[name]
    sys.modules.update(own)
    before = set(sys.modules)
    paths = [str(folder), str(base.resolve())]
    sys.path[:0] = paths
    try:
        run()
    finally:
        for path in paths:
            sys.path.remove(path)
        if paths[0] not in sys.path:
            sys.path.append(paths[0])
        for name in [name for name in sys.modules if name not in before]:
            if _lies_in(sys.modules[name], folder):
                own[name] = sys.modules[name]
        for name in own:
            sys.modules.pop(name, None)
        sys.modules.update(hidden)


def _lies_in(module: ModuleType, folder: Path) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and Path(file).is_relative_to(folder)


def _importable(folder: Path) -> set[str]:
    """The names of a folder's modules and packages. Python's own go before them, as they are imported already."""
    found = {
        entry.name.removesuffix(".py")
        for entry in folder.iterdir()
        if entry.suffix == ".py" or (entry / "__init__.py").is_file()
    }
    return found - sys.stdlib_module_names
