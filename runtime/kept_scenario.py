"""A failing run as a scenario to keep: the scenario as it was changed, its seed, and the few faults that break it."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stepsim.asl.payload import JSON
from stepsim.runtime.cloud.fault_rules import FaultRule, written
from stepsim.runtime.scenario_sets import apply_sets


def kept_scenario(
    file: Path, sets: Iterable[str], name: str, seed: int, faults: Iterable[FaultRule], folder: Path, about: str
) -> str:
    """The YAML of a scenario that is to lie in `folder`; `about` is the comment on top of it.

    `file` can be read, and `sets` can be made: it has been run. Comments of its own are not kept.
    """
    from stepsim.asl.yaml_reader import read  # most commands read no YAML

    value, _, _ = read(file.read_text(encoding="utf-8"))
    changed, _, _ = apply_sets(value, sets)
    base = file.parent / changed.get("relative_to", ".")
    relative_to = os.path.relpath(base.resolve(), folder.resolve())
    kept: dict[str, JSON] = {"name": name}
    if relative_to != ".":
        kept["relative_to"] = relative_to
    kept |= {key: member for key, member in changed.items() if key not in ("name", "relative_to", "seed", "faults")}
    kept |= {"seed": seed, "faults": [written(rule) for rule in faults]}
    return _commented(about) + _yaml(kept)


def _commented(about: str) -> str:
    return "".join(f"# {line}".rstrip() + "\n" for line in about.splitlines())


def _yaml(value: dict[str, JSON]) -> str:
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap

    faults = []
    for fault in value["faults"]:
        line = CommentedMap(fault)
        line.fa.set_flow_style()
        faults.append(line)
    yaml: Any = YAML()
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    text = io.StringIO()
    yaml.dump({**value, "faults": faults}, text)
    return text.getvalue()
