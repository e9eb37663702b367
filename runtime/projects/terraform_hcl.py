"""Terraform's ``.tf`` files as a project: references resolved to what the local account has, modules included."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stepsim.asl.errors import Problem
from stepsim.asl.parse import is_hole, placeholders
from stepsim.asl.payload import JSON
from stepsim.runtime.cloud.call import ACCOUNT_ID, DEFAULT_REGION
from stepsim.runtime.definition_source import Place
from stepsim.runtime.projects.builder import ProjectBuilder
from stepsim.runtime.projects.findings import UNKNOWN_NAME, UNREADABLE, UNRESOLVED, Finding, ProjectError, Site
from stepsim.runtime.projects.hcl import Attribute, Block, parse_file
from stepsim.runtime.projects.hcl_expressions import parse_template
from stepsim.runtime.projects.hcl_functions import FUNCTIONS
from stepsim.runtime.projects.hcl_tokens import HclError
from stepsim.runtime.projects.hcl_values import Scope, as_text, member
from stepsim.runtime.projects.host import mapping, read_text
from stepsim.runtime.projects.local_names import attribute, default_name, filled, naming_of, queue_url
from stepsim.runtime.projects.project import Project
from stepsim.runtime.projects.terraform_resources import CLOUDFORMATION, TerraformResource, add_resources
from stepsim.runtime.scenario_check import did_you_mean

_DATA: Mapping[str, Mapping[str, JSON]] = {
    "aws_caller_identity": {"account_id": ACCOUNT_ID, "id": ACCOUNT_ID, "arn": f"arn:aws:iam::{ACCOUNT_ID}:root"},
    "aws_region": {"name": DEFAULT_REGION, "id": DEFAULT_REGION, "region": DEFAULT_REGION},
    "aws_partition": {"partition": "aws", "dns_suffix": "amazonaws.com", "id": "aws"},
    "aws_iam_policy_document": {"json": "{}"},
    "aws_availability_zones": {"names": [f"{DEFAULT_REGION}{letter}" for letter in "abc"]},
}
_REFERENCE = re.compile(r"[a-z_]\w*(\.[\w-]+)+")
_ARNS = ("arn", "qualified_arn", "state_machine_arn", "layer_arn")
_DEPTH_MAX = 10


def load_hcl(path: Path, given: Mapping[str, JSON]) -> Project:
    """The project of a folder of .tf files, or of one of them. Raises ProjectError for what is no HCL."""
    folder = path if path.is_dir() else path.parent
    files = sorted(folder.glob("*.tf")) if path.is_dir() else [path]
    module = _Module(folder, files, {**_tfvars(folder), **given}, "")
    resources = [*module.resources()]
    unknown = [name for name in given if name not in module.variables and name not in module.used]
    if unknown:
        site = Site(files[0], 1, 1, "")
        known = module.variables
        raise ProjectError(
            [
                site.error(UNKNOWN_NAME, f"no variable {name!r}: nothing asks for it", did_you_mean(name, known))
                for name in unknown
            ]
        )
    builder = ProjectBuilder()
    add_resources(builder, resources)
    builder.findings += module.findings
    return builder.built(path, "terraform")


def _tfvars(folder: Path) -> dict[str, JSON]:
    """The values that Terraform takes without being told to."""
    values: dict[str, JSON] = {}
    for file in [folder / "terraform.tfvars", *sorted(folder.glob("*.auto.tfvars"))]:
        if file.is_file():
            block = _read(file)[1]
            module = _Module(folder, [], {}, "")
            values |= {name: one.expr(_Names(module, {})) for name, one in block.attributes.items()}
    return values


def _read(file: Path) -> tuple[str, Block]:
    text = read_text(file)
    try:
        return text, parse_file(text)
    except HclError as error:
        line, column = _place(text, error.offset)
        raise ProjectError([Finding(file, Problem(UNREADABLE, f"is no HCL: {error}", "", line, column))]) from None


def _place(text: str, offset: int) -> Place:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


@dataclass(frozen=True, slots=True)
class _Found:
    """A block and the file that it stands in."""

    block: Block
    file: Path
    text: str

    def site(self, offset: int, address: str) -> Site:
        """A place in the file."""
        return Site(self.file, *_place(self.text, offset), address, f"/{address}" if address else "")


class _Module:
    """A folder of .tf files with values for its variables."""

    def __init__(
        self, folder: Path, files: Sequence[Path], given: Mapping[str, JSON], prefix: str, depth: int = 0
    ) -> None:
        self.folder = folder
        self.given = given
        self.prefix = prefix
        self.depth = depth
        self.used: set[str] = set()
        self.findings: list[Finding] = []
        self.variables: dict[str, _Found] = {}
        self._locals: dict[str, tuple[Attribute, _Found]] = {}
        self._blocks: dict[tuple[str, str], _Found] = {}
        self._data: dict[tuple[str, str], _Found] = {}
        self._outputs: dict[str, _Found] = {}
        self._calls: dict[str, _Found] = {}
        self._modules: dict[str, _Module | None] = {}
        self._known: dict[str, JSON] = {}
        self._under_way: set[str] = set()
        self.archives: dict[str, Path] = {}
        """The folders that archives are made of, by the archive's path."""
        for file in files:
            text, root = _read(file)
            for block in root.blocks:
                self._sort(_Found(block, file, text))

    def _sort(self, found: _Found) -> None:
        block = found.block
        if block.type == "locals":
            self._locals |= {name: (one, found) for name, one in block.attributes.items()}
        elif block.type in ("resource", "data") and len(block.labels) == 2:
            places = self._blocks if block.type == "resource" else self._data
            places[block.labels[0], block.labels[1]] = found
        elif len(block.labels) == 1:
            places_of = {"variable": self.variables, "output": self._outputs, "module": self._calls}
            if block.type in places_of:
                places_of[block.type][block.labels[0]] = found

    # -- resources ------------------------------------------------------------------------------------------------

    def resources(self) -> Iterator[TerraformResource]:
        """Everything that is made, instance by instance, with that of the modules that are called."""
        for (kind, name), found in self._data.items():
            if kind == "archive_file":
                self._archive(name, found)
        for (kind, name), found in self._blocks.items():
            for key, names in self._instances(found):
                yield self._resource(kind, name, found, key, names)
        for name in self._calls:
            inner = self._module(name)
            if inner is not None:
                yield from inner.resources()
                self.findings += inner.findings
                self.used |= inner.used

    def _instances(self, found: _Found) -> list[tuple[str, Mapping[str, JSON]]]:
        """The instances of a resource: their keys, and what ``each`` and ``count`` are in them."""
        attributes = found.block.attributes
        scope = _Names(self, {})
        if "count" in attributes:
            count = attributes["count"].expr(scope)
            number = count if isinstance(count, int) else 1
            return [(f"[{index}]" if number > 1 else "", {"count": {"index": index}}) for index in range(number)]
        if "for_each" in attributes:
            each = attributes["for_each"].expr(scope)
            if isinstance(each, list):
                each = {as_text(one): one for one in each}
            if isinstance(each, dict):
                return [(f'["{key}"]', {"each": {"key": key, "value": value}}) for key, value in each.items()]
        return [("", {})]

    def _resource(self, kind: str, name: str, found: _Found, key: str, names: Mapping[str, JSON]) -> TerraformResource:
        address = f"{self.prefix}{kind}.{name}{key}"
        place = found.block.attributes.get("definition")
        site = found.site(place.offset if place else found.block.offset, address)
        scope = _Names(self, names)
        values = _values(found.block, scope)
        filename = values.get("filename")
        shift = None
        if place is not None and place.text_offset is not None:
            shift = _shift(found.text, place.text_offset)
        return TerraformResource(
            kind,
            address,
            self.name_of(kind, name, found, scope) + _suffix(key, found, kind),
            values,
            site,
            self.archives.get(str(filename)) if filename is not None else None,
            shift,
            self._holes(kind, found, names, site),
        )

    def _holes(self, kind: str, found: _Found, names: Mapping[str, JSON], site: Site) -> tuple[Finding, ...]:
        """What only AWS knows of what is run: a machine's definition, a function's environment."""
        scope = _Names(self, names)
        definition = found.block.attributes.get("definition")
        if kind == "aws_sfn_state_machine" and definition is not None:
            with suppress(LookupError, ValueError, TypeError):
                left = placeholders(definition.expr(scope))
                # What a module was given may have holes, too.
                scope.holes += [name for name in left if _REFERENCE.fullmatch(name)]
        elif kind == "aws_lambda_function":
            for block in found.block.blocks:
                if block.type == "environment":
                    _values(block, scope)
        return tuple(
            site.error(UNRESOLVED, f"{hole} is known to AWS only", f"say what it is: --parameter '{hole}=VALUE'")
            for hole in dict.fromkeys(hole.removeprefix("var.") for hole in scope.holes)
        )

    def name_of(self, kind: str, name: str, found: _Found, scope: Scope) -> str:
        """What a resource is called in the account: as it says, else as the files call it."""
        cfn, named_by = CLOUDFORMATION.get(kind, ("", "name"))
        written = found.block.attributes.get(named_by)
        if written is not None:
            value = written.expr(scope)
            if isinstance(value, str) and not is_hole(value):
                return value
        return default_name(cfn, name)

    def _archive(self, name: str, found: _Found) -> None:
        scope = _Names(self, {})
        values = _values(found.block, scope)
        source, file = values.get("source_dir"), values.get("source_file")
        folder = Path(str(source)) if source else Path(str(file)).parent if file else None
        if folder is not None:
            output = values.get("output_path", f"data.archive_file.{name}")
            self.archives[str(output)] = self.folder / folder

    # -- references -----------------------------------------------------------------------------------------------

    def look_up(self, steps: list[str | int], scope: _Names) -> JSON:
        """What a reference means."""
        head = str(steps[0])
        full = ".".join(map(str, steps))
        if head == "var" and len(steps) > 1:
            return _walk(self._variable(str(steps[1]), scope), steps[2:], full)
        if head == "local" and len(steps) > 1:
            return _walk(self._local(str(steps[1]), scope), steps[2:], full)
        if head == "path":
            return str(self.folder.resolve())
        if head == "terraform":
            return "default"
        if head == "data" and len(steps) > 2:
            return self._of_data(str(steps[1]), str(steps[2]), steps[3:], full, scope)
        if head == "module" and len(steps) > 2:
            return self._of_module(
                str(steps[1]), [step for step in steps[2:] if not isinstance(step, int)], full, scope
            )
        found = self._blocks.get((head, str(steps[1]))) if len(steps) > 1 else None
        if found is not None:
            return self._of_resource(head, str(steps[1]), found, steps[2:], full, scope)
        return self._unknown(full, scope)

    def _unknown(self, full: str, scope: _Names) -> str:
        for name in (full, full.removeprefix("var.")):
            if name in self.given:
                self.used.add(name)
                return as_text(self.given[name])
        scope.holes.append(full)
        return f"${{{full}}}"

    def _variable(self, name: str, scope: _Names) -> JSON:
        if name in self.given:
            self.used.add(name)
            return self.given[name]
        found = self.variables.get(name)
        default = found.block.attributes.get("default") if found is not None else None
        if default is None or found is None:
            return self._unknown(f"var.{name}", scope)
        return default.expr(_Names(self, {}))

    def _local(self, name: str, scope: _Names) -> JSON:
        if name in self._known:
            return self._known[name]
        if name not in self._locals or name in self._under_way:
            return self._unknown(f"local.{name}", scope)
        written, found = self._locals[name]
        self._under_way.add(name)
        inner = _Names(self, {})
        value = written.expr(inner)
        self._under_way.discard(name)
        scope.holes += inner.holes
        if not inner.holes:
            self._known[name] = value
        return value

    def _of_data(self, kind: str, name: str, rest: list[str | int], full: str, scope: _Names) -> JSON:
        found = self._data.get((kind, name))
        wanted = str(rest[-1]) if rest else ""
        if kind in _DATA:
            return _DATA[kind].get(wanted, full)
        if found is None:
            return self._unknown(full, scope)
        if kind == "archive_file":
            written = found.block.attributes.get("output_path")
            if wanted == "output_path":
                return written.expr(scope) if written else f"data.archive_file.{name}"
            return "archive"
        if kind == "template_file" and wanted == "rendered":
            values = _values(found.block, scope)
            return parse_template(as_text(values.get("template", "")))(scope.inside(mapping(values.get("vars"))))
        return self._attribute(kind, name, found, wanted, full, scope)

    def _of_resource(
        self, kind: str, name: str, found: _Found, rest: list[str | int], full: str, scope: _Names
    ) -> JSON:
        key: str | None = None
        if rest and (isinstance(rest[0], int) or ("for_each" in found.block.attributes and len(rest) > 1)):
            key, rest = str(rest[0]), rest[1:]
        if not rest:
            return {"id": name, "arn": self._attribute(kind, name, found, "arn", full, scope)}
        inner = scope
        suffix = ""
        if key is not None:
            instances = self._instances(found)
            named = [(one, names) for one, names in instances if one in (f"[{key}]", f'["{key}"]')]
            if named:
                inner = _Names(self, named[0][1], scope.holes)
                suffix = _suffix(named[0][0], found, kind)
        value = self._attribute(kind, name, found, str(rest[0]), full, inner, suffix)
        return _walk(value, rest[1:], full)

    def _attribute(
        self, kind: str, name: str, found: _Found, wanted: str, full: str, scope: _Names, suffix: str = ""
    ) -> JSON:
        """An attribute of a resource: as it says, else as the local account has it."""
        cfn, named_by = CLOUDFORMATION.get(kind, ("", "name"))
        written = found.block.attributes.get(wanted)
        if written is not None and wanted != named_by:
            return written.expr(scope)
        own = self.name_of(kind, name, found, scope) + suffix
        if wanted in _ARNS or (wanted == "id" and kind in ("aws_sfn_state_machine", "aws_sns_topic")):
            arn = filled(naming_of(cfn or f"AWS::{kind.split('_')[1].title()}::{name}").arn, own)
            return f"{arn}:1" if wanted == "qualified_arn" else arn
        if wanted == "url" or (wanted == "id" and kind == "aws_sqs_queue"):
            return queue_url(own)
        if wanted in ("id", "name", "family", "bucket", named_by):
            return own
        known = attribute(cfn, own, wanted) if cfn else None
        return self._unknown(full, scope) if known is None else known

    # -- modules --------------------------------------------------------------------------------------------------

    def _of_module(self, name: str, rest: list[str | int], full: str, scope: _Names) -> JSON:
        inner = self._module(name)
        wanted = str(rest[0]) if rest else ""
        output = inner._outputs.get(wanted) if inner is not None else None
        written = output.block.attributes.get("value") if output is not None else None
        if inner is None or output is None or written is None:
            return self._unknown(full, scope)
        value = written.expr(_Names(inner, {}, scope.holes))
        return _walk(value, rest[1:], full)

    def _module(self, name: str) -> _Module | None:
        """A module that lies below; None for one of a registry, which Terraform would have to fetch."""
        if name in self._modules:
            return self._modules[name]
        self._modules[name] = None
        found = self._calls.get(name)
        source = found.block.attributes.get("source") if found is not None else None
        if found is None or source is None or self.depth > _DEPTH_MAX:
            return None
        scope = _Names(self, {})
        where = as_text(source.expr(scope))
        folder = self.folder / where
        if not where.startswith(".") or not folder.is_dir():
            folder = self.folder / ".terraform" / "modules" / name
        site = found.site(found.block.offset, f"{self.prefix}module.{name}")
        if not folder.is_dir():
            advice = "run terraform init, or name the plan's JSON: terraform show -json"
            self.findings.append(site.warning(UNRESOLVED, f"the module {where} is not at hand", advice))
            return None
        given = {key: one.expr(scope) for key, one in found.block.attributes.items() if key != "source"}
        given = {key: value for key, value in given.items() if value is not None}
        self._modules[name] = _Module(
            folder, sorted(folder.glob("*.tf")), given, f"{self.prefix}module.{name}.", self.depth + 1
        )
        return self._modules[name]


class _Names:
    """A module's names, and those of a ``for`` or a template."""

    def __init__(
        self,
        module: _Module,
        names: Mapping[str, JSON],
        holes: list[str] | None = None,
    ) -> None:
        self.module = module
        self.names = names
        self.holes: list[str] = [] if holes is None else holes
        """The references that only AWS knows."""

    def look_up(self, steps: list[str | int]) -> JSON:
        """What a reference means; a hole where only AWS knows."""
        if steps[0] in self.names:
            return _walk(self.names[str(steps[0])], steps[1:], ".".join(map(str, steps)))
        return self.module.look_up(steps, self)

    def inside(self, names: Mapping[str, JSON]) -> Scope:
        """The same with further names."""
        return _Names(self.module, {**self.names, **names}, self.holes)

    def call(self, name: str, arguments: list[JSON]) -> JSON:
        """What a function gives; a hole where it is not known here, or cannot work on holes."""
        read = _FILES.get(name)
        try:
            if read is not None:
                return read(self, arguments)
            if name in FUNCTIONS:
                return FUNCTIONS[name](*arguments)
        except (ValueError, TypeError, LookupError, AttributeError, OSError):
            pass
        self.holes.append(f"{name}()")
        return f"${{{name}()}}"


def _file(scope: _Names, arguments: list[JSON]) -> JSON:
    return (scope.module.folder / str(arguments[0])).read_text("utf-8")


def _template_file(scope: _Names, arguments: list[JSON]) -> JSON:
    return parse_template(as_text(_file(scope, arguments)))(scope.inside(mapping(arguments[1])))


def _template_text(scope: _Names, arguments: list[JSON]) -> JSON:
    return parse_template(as_text(arguments[0]))(scope.inside(mapping(arguments[1])))


def _file_exists(scope: _Names, arguments: list[JSON]) -> JSON:
    return (scope.module.folder / str(arguments[0])).is_file()


_FILES: Mapping[str, Callable[[_Names, list[JSON]], JSON]] = {
    "file": _file,
    "templatefile": _template_file,
    "templatestring": _template_text,
    "fileexists": _file_exists,
}


def _values(block: Block, scope: Scope) -> dict[str, JSON]:
    """A block's attributes, and its blocks as lists of mappings."""
    values: dict[str, JSON] = {}
    for name, one in block.attributes.items():
        if name in ("count", "for_each", "depends_on", "provider"):
            continue
        try:
            values[name] = one.expr(scope)
        except (LookupError, ValueError, TypeError) as error:
            values[name] = f"${{{name}: {error}}}"
    for inner in block.blocks:
        if inner.type in ("lifecycle", "provisioner", "timeouts"):
            continue
        values[inner.type] = [*values.get(inner.type, []), _values(inner, scope)]
    return {name: value for name, value in values.items() if value is not None}


def _walk(value: JSON, steps: Sequence[str | int], full: str) -> JSON:
    for step in steps:
        if isinstance(value, list) and not isinstance(step, int):
            # A reference through [*], or to the only one of several.
            value = value[0] if value else f"${{{full}}}"
        value = member(value, step)
    return value


def _suffix(key: str, found: _Found, kind: str) -> str:
    """What tells instances apart whose names don't."""
    _, named_by = CLOUDFORMATION.get(kind, ("", "name"))
    return "" if named_by in found.block.attributes or not key else "-" + "".join(c for c in key if c.isalnum())


def _shift(text: str, offset: int) -> Callable[[int, int], Place]:
    first, _ = _place(text, offset)
    lines = text[offset:].splitlines()
    content = next((line for line in lines if line.strip()), "")
    trimmed = text[:offset].rstrip().rpartition("<<")[2].startswith("-")
    indent = len(content) - len(content.lstrip()) if trimmed else 0
    return lambda line, column: (first + line - 1, indent + column)
