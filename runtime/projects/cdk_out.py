"""What ``cdk synth`` leaves: a cloud assembly, its stacks read as templates, its assets as their code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from stepsim.asl.payload import JSON
from stepsim.runtime.projects.builder import ProjectBuilder
from stepsim.runtime.projects.cloudformation import TemplateReader, refuse_unknown
from stepsim.runtime.projects.findings import UNREADABLE, ProjectError
from stepsim.runtime.projects.host import HostFile, mapping, read_host
from stepsim.runtime.projects.project import Project

_DEPTH_MAX = 8


def load_cdk(folder: Path, given: Mapping[str, JSON]) -> Project:
    """The project of a ``cdk.out`` folder: all stacks of the app. Raises ProjectError where none can be read."""
    hosts = list(_templates(folder, 0))
    if not hosts:
        host = read_host(folder / "manifest.json")
        raise ProjectError([host.site((), "").error(UNREADABLE, "names no stack", "run cdk synth again")])
    exports: dict[str, JSON] = {}
    # Once for what stacks export, then for good: a stack may import from a later one.
    for host in hosts:
        reader = TemplateReader(ProjectBuilder(), host, given, exports.get)
        exports |= reader.exported()
    builder = ProjectBuilder()
    used: set[str] = set()
    declared: dict[str, JSON] = {}
    for host in hosts:
        reader = TemplateReader(builder, host, given, exports.get)
        reader.read()
        used |= reader.used
        declared |= reader.resolver.parameters
    refuse_unknown(hosts[0], given, used, declared)
    return builder.built(folder, "cdk")


def _templates(folder: Path, depth: int) -> Iterator[HostFile]:
    """The templates of an assembly and of those nested in it (stages)."""
    manifest = read_host(folder / "manifest.json")
    for artifact in map(mapping, mapping(mapping(manifest.value).get("artifacts")).values()):
        properties = mapping(artifact.get("properties"))
        kind = artifact.get("type")
        if kind == "aws:cloudformation:stack" and isinstance(properties.get("templateFile"), str):
            yield read_host(folder / properties["templateFile"])
        elif kind == "cdk:cloud-assembly" and depth < _DEPTH_MAX:
            yield from _templates(folder / str(properties.get("directoryName")), depth + 1)
