"""What a file or a folder holds, told by what is in it: quickly, and without loading what reads it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, TypeAlias

from stepsim.asl.payload import JSON
from stepsim.runtime.projects.host import mapping, read_host

Kind: TypeAlias = Literal["definition", "cloudformation", "cdk", "terraform", "serverless"]
"""What templates are written in."""

TEMPLATES = ("template.yaml", "template.yml", "template.json", "serverless.yml", "serverless.yaml")
"""What a folder is looked through for, in this order, after the CDK's and Terraform's own."""

_LOOKS = re.compile(
    r"""^[\s{]*["']?(?:AWSTemplateFormatVersion|Transform|Resources|provider|stepFunctions|artifacts|terraform_version"""
    r"""|planned_values)["']?\s*:""",
    re.MULTILINE,
)
"""What a template has, and hardly a definition: so that a definition is not read twice."""
IN_FOLDERS = ("manifest.json", "cdk.out/manifest.json")
FORMS = (
    "a definition (StartAt, States), a CloudFormation or SAM template (Resources), a cdk.out folder, a serverless.yml, "
    "a folder of .tf files or the JSON of `terraform show -json`"
)


def kind_of(value: JSON) -> Kind | None:
    """What a file is by what is in it; None for what is none of these."""
    top = mapping(value)
    if "StartAt" in top or "States" in top:
        return "definition"
    if "terraform_version" in top or "planned_values" in top:
        return "terraform"
    if "artifacts" in top and "version" in top:
        return "cdk"
    if "Resources" in top or "AWSTemplateFormatVersion" in top or "Transform" in top:
        return "cloudformation"
    if "provider" in top and ("service" in top or "functions" in top or "stepFunctions" in top):
        return "serverless"
    if "stepFunctions" in top:
        return "serverless"
    return None


def is_project(path: Path) -> bool:
    """True for templates and for folders of them; False for a definition, a scenario, and what cannot be read.

    Raises ProjectError for what looks like a template and is neither JSON nor YAML.
    """
    if path.is_dir():
        return any((path / name).is_file() for name in (*IN_FOLDERS, *TEMPLATES)) or any(path.glob("*.tf"))
    if path.suffix == ".tf":
        return path.is_file()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return False
    if _LOOKS.search(text) is None:
        return False
    return kind_of(read_host(path, text).value) not in (None, "definition")
