"""One resource of a template: its properties, worked out one by one as somebody asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stepsim.asl.parse import Path as Steps
from stepsim.asl.payload import JSON
from stepsim.runtime.projects.findings import Site
from stepsim.runtime.projects.host import mapping
from stepsim.runtime.projects.resolver import Resolver


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource that is made."""

    resolver: Resolver
    logical_id: str
    id: str
    """The same, with the nested stacks that it stands in before it."""
    type: str
    properties: Mapping[str, JSON]
    metadata: Mapping[str, JSON]
    site: Site
    siblings: Mapping[str, Resource] = field(repr=False, compare=False)
    """What its template makes, by logical id."""

    @property
    def name(self) -> str:
        """What it is called in the account."""
        return self.resolver.name(self.logical_id)

    def steps(self, *names: str | int) -> Steps:
        """Where a property stands."""
        return ("Resources", self.logical_id, "Properties", *names)

    def site_of(self, *names: str | int) -> Site:
        """The same as a place for messages."""
        return self.resolver.host.site(self.steps(*names), self.id)

    def value(self, *names: str) -> JSON:
        """What a property is worth, by the names that lead to it; None where there is none."""
        value: JSON = self.properties
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        return None if value is None else self.resolver.resolve(value, self.steps(*names))

    def text(self, *names: str) -> str | None:
        """A property that is a text; None where there is none."""
        value: JSON = self.properties
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        return None if value is None else self.resolver.text(value, self.steps(*names))

    def integer(self, name: str, default: int) -> int:
        """A property that is a whole number."""
        text = self.text(name)
        return int(text) if text is not None and text.isdigit() else default

    def mapping(self, name: str) -> Mapping[str, JSON]:
        """A property as it is written; one that a function gives (Fn::If, Fn::Transform) is what it gives."""
        value = self.properties.get(name)
        if isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith("Fn::"):
            value = self.resolver.resolve(value, self.steps(name))
        return mapping(value)
