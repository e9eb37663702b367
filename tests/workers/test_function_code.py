"""workers/function_code.py: a handler reference is checked before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepsim.workers.function_code import FunctionCode, locate_handler, packaged_handler
from stepsim.workers.handler import HandlerError


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A folder with a module, a package and a folder that is no package."""
    folder = tmp_path / "base"
    (folder / "package").mkdir(parents=True)
    (folder / "functions").mkdir()
    (folder / "package" / "__init__.py").touch()
    (folder / "package" / "module.py").touch()
    (folder / "functions" / "reconcile.py").touch()
    (tmp_path / "outside.py").touch()
    return folder


@pytest.mark.parametrize(
    ("handler", "module", "label"),
    [
        ("functions/reconcile:handler", "functions.reconcile", "functions/reconcile"),
        ("functions/reconcile.py:handler", "functions.reconcile", "functions/reconcile"),
        ("functions/reconcile.handler", "functions.reconcile", "functions/reconcile"),
        ("package.module:handler", "package.module", "package.module"),
        ("package.module.handler", "package.module", "package.module"),
        ("json.decoder:handler", "json.decoder", "json.decoder"),
    ],
)
def test_forms_of_a_reference(base: Path, handler: str, module: str, label: str) -> None:
    """Files and modules, in the project's own spelling and in Lambda's."""
    location = locate_handler(FunctionCode("f", handler, base))
    assert (location.module, location.function, location.label) == (module, "handler", label)
    assert location.task_root == base
    assert location.paths[0] == base


def test_a_file_outside_the_base_has_its_own_root(base: Path) -> None:
    """Its folder is its task root, and its name its module."""
    location = locate_handler(FunctionCode("f", "../outside:handler", base, (base / "package",)))
    assert (location.module, location.task_root) == ("outside", base.parent)
    assert location.paths == (base.parent, base / "package")


@pytest.mark.parametrize(
    "handler",
    [
        "functions/absent:handler",
        "no_such_package_at_all.module:handler",
        "functions.absent:handler",
        "handler",
        ":",
        "",
    ],
)
def test_a_reference_to_nothing_is_an_error(base: Path, handler: str) -> None:
    """The error quotes the reference."""
    with pytest.raises(HandlerError) as raised:
        locate_handler(FunctionCode("f", handler, base))
    assert repr(handler) in str(raised.value)


@pytest.mark.parametrize(
    ("handler", "module", "function"),
    [
        ("index.handler", "index", "handler"),
        ("src/app.main", "src.app", "main"),
        ("src.app.main", "src.app", "main"),
        ("handler", "", ""),
    ],
)
def test_a_packages_handler_is_not_looked_for(tmp_path: Path, handler: str, module: str, function: str) -> None:
    """Lambda finds out when it invokes the function."""
    location = packaged_handler(FunctionCode("f", handler, tmp_path, (tmp_path / "opt",)))
    assert (location.module, location.function) == (module, function)
    assert location.paths == (tmp_path, tmp_path / "opt")
