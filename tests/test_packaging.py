"""What is packaged is what is there."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_every_package_of_the_tree_is_declared() -> None:
    """Each folder with an __init__.py is a package of the distribution, and each package is a folder."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = [
        ".".join(("stepsim", *init.parent.relative_to(ROOT).parts))
        for top in ("asl", "runtime", "workers")
        for init in (ROOT / top).rglob("__init__.py")
    ]
    assert sorted(declared) == sorted(folders)


def test_every_top_level_package_is_typed() -> None:
    """Type checkers of users read our annotations."""
    assert all((ROOT / top / "py.typed").is_file() for top in ("asl", "runtime", "workers"))
