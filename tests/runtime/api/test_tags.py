"""`stepsim.runtime.api.tags`."""

from __future__ import annotations

from typing import Any

import pytest

from stepsim.runtime.api.records import ActivityRecord


def tags(**values: str) -> list[dict[str, str]]:
    """A TagList."""
    return [{"key": key, "value": value} for key, value in values.items()]


@pytest.fixture(params=["machine", "activity"])
def arn(service: Any, request: Any) -> Any:
    """A resource that has tags."""
    if request.param == "machine":
        return service.machine(tags=tags(one="1"))
    return service("CreateActivity", name="work", tags=tags(one="1"))["activityArn"]


def test_lifecycle(service: Any, arn: str) -> None:
    """Tags are added and replaced, and taken away, whether they are there or not."""
    listed = [service("ListTagsForResource", resourceArn=arn)["tags"]]
    assert service("TagResource", resourceArn=arn, tags=tags(one="2", two="")) == {}
    listed.append(service("ListTagsForResource", resourceArn=arn)["tags"])
    assert service("UntagResource", resourceArn=arn, tagKeys=["one", "one", "other"]) == {}
    listed.append(service("ListTagsForResource", resourceArn=arn)["tags"])
    assert listed == [tags(one="1"), tags(one="2", two=""), tags(two="")]


def test_nothing_to_do(service: Any, arn: str) -> None:
    """Empty lists change nothing."""
    service("TagResource", resourceArn=arn, tags=[])
    service("UntagResource", resourceArn=arn, tagKeys=[])
    assert service("ListTagsForResource", resourceArn=arn)["tags"] == tags(one="1")


def test_limit(service: Any, arn: str) -> None:
    """A resource has no more than 50 tags; what is too much adds none."""
    many = tags(**{f"key{number}": "" for number in range(49)})
    service("TagResource", resourceArn=arn, tags=many)
    assert service.refusal("TagResource", resourceArn=arn, tags=tags(more=""))[0] == "TooManyTags"
    service("TagResource", resourceArn=arn, tags=tags(one="2"))
    assert len(service("ListTagsForResource", resourceArn=arn)["tags"]) == 50


@pytest.mark.parametrize("end", ["stateMachine:none", "stateMachine:orders:1", "activity:none", "execution:orders:e"])
def test_what_has_no_tags(service: Any, end: str) -> None:
    """Versions have no tags, nor has what is not there."""
    service.machine(publish=True)
    arn = service.home.arn(end)
    for operation, empty in (("TagResource", "tags"), ("UntagResource", "tagKeys")):
        assert service.refusal(operation, resourceArn=arn, **{empty: []}) == (
            "ResourceNotFound",
            f"Resource not found: '{arn}'",
        )
    assert service.refusal("ListTagsForResource", resourceArn="orders")[0] == "InvalidArn"


def test_observers(service: Any) -> None:
    """Whoever watches activities hears of their tags."""
    told: list[ActivityRecord] = []
    arn = service("CreateActivity", name="work")["activityArn"]
    service.operations.registries.observers.activity_changed.append(told.append)
    service("TagResource", resourceArn=arn, tags=tags(one="1"))
    assert [record.tags for record in told] == [{"one": "1"}]
