"""Tags of machines and activities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stepsim.runtime.api.arns import parse_arn
from stepsim.runtime.api.records import ActivityRecord, MachineRecord, Params, Response
from stepsim.runtime.api.registry import Registry
from stepsim.runtime.cloud.call import ApiError

MAX_TAGS = 50
"""How many tags a resource may have."""


def tag_resource(registry: Registry, params: Params) -> Response:
    """TagResource: a key that is there already gets the new value."""
    tagged = _tagged(registry, params["resourceArn"])
    tagged.tags = with_tags(tagged.tags, params["tags"], tagged.arn)
    _changed(registry, tagged)
    return {}


def untag_resource(registry: Registry, params: Params) -> Response:
    """UntagResource: keys that are not there make no difference."""
    tagged = _tagged(registry, params["resourceArn"])
    gone = set(params["tagKeys"])
    tagged.tags = {key: value for key, value in tagged.tags.items() if key not in gone}
    _changed(registry, tagged)
    return {}


def list_tags_for_resource(registry: Registry, params: Params) -> Response:
    """ListTagsForResource."""
    tagged = _tagged(registry, params["resourceArn"])
    return {"tags": [{"key": key, "value": value} for key, value in tagged.tags.items()]}


def with_tags(tags: Mapping[str, str], added: Iterable[Mapping[str, str]] | None, arn: str) -> dict[str, str]:
    """Tags and those of a TagList. Raises ApiError TooManyTags beyond 50."""
    together = {**tags, **{tag.get("key", ""): tag.get("value", "") for tag in added or ()}}
    if len(together) > MAX_TAGS:
        message = f"You cannot tag a resource with more than {MAX_TAGS} tags."
        raise ApiError("TooManyTags", message, extra={"resourceName": arn})
    return together


def _tagged(registry: Registry, arn: str) -> MachineRecord | ActivityRecord:
    """The machine or activity of an ARN; versions and aliases have no tags (recorded)."""
    parse_arn(arn)
    found = registry.machines.get(arn) or registry.activities.get(arn)
    if found is None:
        raise ApiError("ResourceNotFound", f"Resource not found: '{arn}'", extra={"resourceName": arn})
    return found


def _changed(registry: Registry, tagged: MachineRecord | ActivityRecord) -> None:
    if isinstance(tagged, MachineRecord):
        registry.machine_changed(tagged)
    else:
        for observer in registry.observers.activity_changed:
            observer(tagged)
