"""A Terraform module with values for its variables: what its references mean in the local account."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from stepsim.asl.parse import is_hole
from stepsim.asl.payload import JSON
from stepsim.runtime.cloud.call import ACCOUNT_ID, DEFAULT_REGION
from stepsim.runtime.projects.findings import UNRESOLVED, Finding
from stepsim.runtime.projects.hcl import Attribute
from stepsim.runtime.projects.hcl_expressions import parse_expression
from stepsim.runtime.projects.hcl_tokens import HclError
from stepsim.runtime.projects.hcl_values import FAILURES, Scope, as_text, number
from stepsim.runtime.projects.local_names import attribute, default_name, filled, naming_of, queue_url
from stepsim.runtime.projects.terraform_files import Found, declared_in
from stepsim.runtime.projects.terraform_resources import CLOUDFORMATION
from stepsim.runtime.projects.terraform_scope import Names, values_of, walk

_DATA: Mapping[str, Mapping[str, JSON]] = {
    "aws_caller_identity": {"account_id": ACCOUNT_ID, "id": ACCOUNT_ID, "arn": f"arn:aws:iam::{ACCOUNT_ID}:root"},
    "aws_region": {"name": DEFAULT_REGION, "id": DEFAULT_REGION, "region": DEFAULT_REGION},
    "aws_partition": {"partition": "aws", "dns_suffix": "amazonaws.com", "id": "aws"},
    "aws_iam_policy_document": {"json": "{}"},
    "aws_availability_zones": {"names": [f"{DEFAULT_REGION}{letter}" for letter in "abc"]},
}
_ARNS = ("arn", "qualified_arn", "state_machine_arn", "layer_arn")
_DEPTH_MAX = 10
_TYPE = re.compile(r'type\s*=\s*"?(\w+)')
_BOOLS: Mapping[str, JSON] = {"true": True, "false": False}

Instance: TypeAlias = tuple[str, Mapping[str, JSON]]
"""What tells an instance of a resource from the others, ``[0]``; what ``count`` and ``each`` are in it."""


class Module:
    """A folder of .tf files with values for its variables. Raises ProjectError for what is no HCL."""

    def __init__(
        self,
        folder: Path,
        files: Sequence[Path],
        given: Mapping[str, JSON],
        prefix: str = "",
        parent: Module | None = None,
    ) -> None:
        self.folder = folder
        self.given = given
        self.prefix = prefix
        """What stands before the addresses of what it makes: ``module.store.``."""
        self.declared = declared_in(files)
        self.used: set[str] = set()
        """The given values that something asked for."""
        self.findings: list[Finding] = []
        self._root: Module = self if parent is None else parent._root
        self._depth: int = 0 if parent is None else parent._depth + 1
        self._children: dict[str, Module | None] = {}
        self._known: dict[str, JSON] = {}
        self._under_way: set[str] = set()

    def scope(self, names: Mapping[str, JSON] | None = None, holes: list[str] | None = None) -> Names:
        """What its expressions are evaluated in. `holes` is added to; a list of its own unless it is given."""
        return Names(self.folder, self.look_up, names or {}, [] if holes is None else holes)

    def instances(self, found: Found) -> list[Instance]:
        """The instances of a resource: their keys, and what ``each`` and ``count`` are in them."""
        attributes = found.block.attributes
        scope = self.scope()
        if "count" in attributes:
            count = _value(attributes["count"], scope)
            many = count if isinstance(count, int) else 1
            return [(f"[{index}]" if many > 1 else "", {"count": {"index": index}}) for index in range(many)]
        if "for_each" in attributes:
            each = _value(attributes["for_each"], scope)
            if isinstance(each, list):
                each = {as_text(one): one for one in each}
            if isinstance(each, dict):
                return [(f'["{key}"]', {"each": {"key": key, "value": value}}) for key, value in each.items()]
        return [("", {})]

    def name_of(self, found: Found, scope: Scope) -> str:
        """What a resource is called in the account: as it says, else as the files call it."""
        cfn, named_by = CLOUDFORMATION.get(found.type, ("", "name"))
        written = found.block.attributes.get(named_by)
        if written is not None:
            value = _value(written, scope)
            if isinstance(value, str) and not is_hole(value):
                return value
        return default_name(cfn, found.name)

    def look_up(self, steps: list[str | int], scope: Names) -> JSON:
        """What a reference means."""
        head = str(steps[0])
        full = ".".join(map(str, steps))
        if head == "var" and len(steps) > 1:
            return walk(self._variable(str(steps[1]), scope), steps[2:], full)
        if head == "local" and len(steps) > 1:
            return walk(self._local(str(steps[1]), scope), steps[2:], full)
        if head == "path":
            return str((self.folder if steps[1:] == ["module"] else self._root.folder).resolve())
        if head == "terraform":
            return "default"
        if head == "data" and len(steps) > 2:
            return self._of_data(str(steps[1]), str(steps[2]), steps[3:], full, scope)
        if head == "module" and len(steps) > 2:
            return self._of_module(
                str(steps[1]), [step for step in steps[2:] if not isinstance(step, int)], full, scope
            )
        found = self.declared.resources.get((head, str(steps[1]))) if len(steps) > 1 else None
        if found is not None:
            return self._of_resource(found, steps[2:], full, scope)
        return self._unknown(full, scope)

    def _unknown(self, full: str, scope: Names) -> str:
        for name in (full, full.removeprefix("var.")):
            # Of a module below, too, --parameter says what only AWS knows.
            if name in self._root.given:
                self._root.used.add(name)
                return as_text(self._root.given[name])
        scope.holes.append(full)
        return f"${{{full}}}"

    def _variable(self, name: str, scope: Names) -> JSON:
        if name in self.given:
            self.used.add(name)
            return _as_declared(self.given[name], self.declared.variables.get(name))
        found = self.declared.variables.get(name)
        default = found.block.attributes.get("default") if found is not None else None
        if default is None or found is None:
            return self._unknown(f"var.{name}", scope)
        return default.expr(self.scope())

    def _local(self, name: str, scope: Names) -> JSON:
        if name in self._known:
            return self._known[name]
        if name not in self.declared.locals or name in self._under_way:
            return self._unknown(f"local.{name}", scope)
        self._under_way.add(name)
        inner = self.scope()
        try:
            value = self.declared.locals[name].expr(inner)
        finally:
            self._under_way.discard(name)
        scope.holes += inner.holes
        if not inner.holes:
            self._known[name] = value
        return value

    def _of_data(self, kind: str, name: str, rest: list[str | int], full: str, scope: Names) -> JSON:
        found = self.declared.data.get((kind, name))
        if rest and (isinstance(rest[0], int) or (found is not None and "for_each" in found.block.attributes)):
            # Each instance of a data source reads the same.
            rest = rest[1:]
        wanted = str(rest[0]) if rest else ""
        if wanted in _DATA.get(kind, {}):
            return walk(_DATA[kind][wanted], rest[1:], full)
        if found is None or not rest:
            return self._unknown(full, scope)
        if kind == "archive_file":
            written = found.block.attributes.get("output_path")
            if wanted == "output_path":
                return written.expr(scope) if written else f"data.archive_file.{name}"
            return "archive"
        if kind == "template_file" and wanted == "rendered":
            values = values_of(found.block, scope)
            return scope.call("templatestring", [values.get("template", ""), values.get("vars")])
        return self._attribute(found, rest, full, scope)

    def _of_resource(self, found: Found, rest: list[str | int], full: str, scope: Names) -> JSON:
        if not rest:
            return self._all(found)
        instance: Instance = ("", {})
        if isinstance(rest[0], int) or "for_each" in found.block.attributes:
            instance = self._by_key(found).get(str(rest[0]), instance)
            rest = rest[1:]
        if not rest:
            return self._whole(found, instance)
        where, names = instance
        return self._attribute(
            found, rest, full, self.scope({**scope.names, **names}, scope.holes), suffix_of(where, found)
        )

    def _by_key(self, found: Found) -> dict[str, Instance]:
        """The instances of a resource by index, or by key; none of one that has neither."""
        by_key: dict[str, Instance] = {}
        for instance in self.instances(found):
            names = instance[1]
            if names:
                by_key[str(names["count"]["index"] if "count" in names else names["each"]["key"])] = instance
        return by_key

    def _all(self, found: Found) -> JSON:
        """A resource as a value: a list of its instances, or a mapping, where it has several."""
        wholes = {key: self._whole(found, instance) for key, instance in self._by_key(found).items()}
        if "count" in found.block.attributes:
            return [*wholes.values()]
        return wholes if "for_each" in found.block.attributes else self._whole(found, ("", {}))

    def _whole(self, found: Found, instance: Instance) -> JSON:
        where, names = instance
        # What only AWS knows of it is told if it is used.
        inner = self.scope(names)
        values = values_of(found.block, inner)
        _, named_by = CLOUDFORMATION.get(found.type, ("", "name"))
        for name in filter(None, ("id", "arn", named_by)):
            values[name] = self._attribute(found, [name], "", inner, suffix_of(where, found))
        return values

    def _attribute(self, found: Found, steps: list[str | int], full: str, scope: Names, suffix: str = "") -> JSON:
        """An attribute of a resource, or what is in it: as it says, else as the local account has it."""
        kind, wanted = found.type, str(steps[0])
        cfn, named_by = CLOUDFORMATION.get(kind, ("", "name"))
        written = found.block.attributes.get(wanted)
        if written is not None and wanted != named_by:
            return walk(written.expr(scope), steps[1:], full)
        own = self.name_of(found, scope) + suffix
        if wanted in _ARNS or (wanted == "id" and kind in ("aws_sfn_state_machine", "aws_sns_topic")):
            arn = filled(naming_of(cfn or f"AWS::{kind.split('_')[1].title()}::{found.name}").arn, own)
            return f"{arn}:1" if wanted == "qualified_arn" else arn
        if wanted == "url" or (wanted == "id" and kind == "aws_sqs_queue"):
            return queue_url(own)
        if wanted in ("id", "name", "family", "bucket", named_by):
            return own
        known = attribute(cfn, own, wanted) if cfn else None
        return self._unknown(full, scope) if known is None else known

    def _of_module(self, name: str, rest: list[str | int], full: str, scope: Names) -> JSON:
        inner = self.child(name)
        wanted = str(rest[0]) if rest else ""
        output = inner.declared.outputs.get(wanted) if inner is not None else None
        written = output.block.attributes.get("value") if output is not None else None
        if inner is None or output is None or written is None:
            return self._unknown(full, scope)
        value = written.expr(inner.scope(holes=scope.holes))
        return walk(value, rest[1:], full)

    def child(self, name: str) -> Module | None:
        """A module that lies below; None for one of a registry, which Terraform would have to fetch."""
        if name in self._children:
            return self._children[name]
        self._children[name] = None
        found = self.declared.calls.get(name)
        source = found.block.attributes.get("source") if found is not None else None
        if found is None or source is None or self._depth > _DEPTH_MAX:
            return None
        scope = self.scope()
        where = as_text(source.expr(scope))
        folder = self.folder / where
        if not where.startswith(".") or not folder.is_dir():
            folder = self.folder / ".terraform" / "modules" / name
        site = found.site(found.block.offset, f"{self.prefix}module.{name}")
        if not folder.is_dir():
            advice = "run terraform init, or name the plan's JSON: terraform show -json"
            self.findings.append(site.warning(UNRESOLVED, f"the module {where} is not at hand", advice))
            return None
        given = {key: _value(one, scope) for key, one in found.block.attributes.items() if key != "source"}
        given = {key: value for key, value in given.items() if value is not None}
        self._children[name] = Module(folder, sorted(folder.glob("*.tf")), given, f"{self.prefix}module.{name}.", self)
        return self._children[name]


def _as_declared(value: JSON, variable: Found | None) -> JSON:
    """A value as Terraform converts it to the type of a variable: --parameter gives texts."""
    declared = None if variable is None else variable.block.attributes.get("type")
    if variable is None or declared is None or not isinstance(value, str):
        return value
    match = _TYPE.match(variable.text, declared.offset)
    kind = "" if match is None else match[1]
    try:
        if kind == "bool":
            return _BOOLS[value]
        if kind == "number":
            return number(value)
        if kind != "string" and value.lstrip().startswith(("[", "{")):
            return parse_expression(value)(Names(variable.file.parent, _no_names, {}, []))
    except (HclError, *FAILURES):
        # It is told where it is used.
        pass
    return value


def _no_names(steps: list[str | int], _: Names) -> JSON:
    raise LookupError(".".join(map(str, steps)))


def _value(written: Attribute, scope: Scope) -> JSON:
    """What an attribute is worth; None where it cannot be worked out."""
    try:
        return written.expr(scope)
    except FAILURES:
        return None


def suffix_of(key: str, found: Found) -> str:
    """What tells instances apart whose names don't."""
    _, named_by = CLOUDFORMATION.get(found.type, ("", "name"))
    return "" if named_by in found.block.attributes or not key else "-" + "".join(c for c in key if c.isalnum())
