"""Activities: create, describe, delete, list, and the workers' long poll."""

from __future__ import annotations

from stepsim.runtime.activities import HandedOut
from stepsim.runtime.api.arns import parse_arn
from stepsim.runtime.api.encryption import read_encryption
from stepsim.runtime.api.names import check_name
from stepsim.runtime.api.paging import page
from stepsim.runtime.api.records import ActivityRecord, Params, Reply, Response, moment
from stepsim.runtime.api.registry import Registry
from stepsim.runtime.api.tags import with_tags
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.waits import Cancel

MAX_ACTIVITIES = 100_000
"""How many activities there may be in a home (quota)."""


def create_activity(registry: Registry, params: Params) -> Response:
    """CreateActivity. The same name again is the same activity (recorded), unless it is to be encrypted otherwise.

    Raises ApiError InvalidName, ActivityAlreadyExists, ActivityLimitExceeded, InvalidEncryptionConfiguration or
    TooManyTags.
    """
    name: str = params["name"]
    check_name(name)
    arn = registry.home.arn(f"activity:{name}")
    encryption = read_encryption(params.get("encryptionConfiguration"))
    record = registry.activities.get(arn)
    if record is None:
        if len(registry.activities) >= MAX_ACTIVITIES:
            raise ApiError("ActivityLimitExceeded", f"Activity Limit Exceeded: '{arn}'")
        tags = with_tags({}, params.get("tags"), arn)
        record = registry.activities[arn] = ActivityRecord(arn, name, registry.now_ms, encryption, tags)
        registry.account.activities.create(arn)
        for observer in registry.observers.activity_changed:
            observer(record)
    elif record.encryption != encryption:
        raise ApiError("ActivityAlreadyExists", f"Activity Already Exists: '{arn}'")
    return {"activityArn": arn, "creationDate": moment(record.creation_ms)}


def describe_activity(registry: Registry, params: Params) -> Response:
    """DescribeActivity. Raises ApiError InvalidArn or ActivityDoesNotExist."""
    record = _activity(registry, params["activityArn"])
    return {**_listed(record), "encryptionConfiguration": record.encryption}


def delete_activity(registry: Registry, params: Params) -> Response:
    """DeleteActivity. It may be gone already (recorded). Raises ApiError InvalidArn."""
    arn = parse_arn(params["activityArn"], "activity").text
    record = registry.activities.pop(arn, None)
    if record is not None:
        registry.account.activities.delete(arn)
        for observer in registry.observers.activity_deleted:
            observer(record)
    return {}


def list_activities(registry: Registry, params: Params) -> Response:
    """ListActivities: newest first."""
    newest_first = reversed(registry.activities.values())
    shown, token = page(
        newest_first, params, key=lambda record: record.arn, operation="ListActivities", now_ms=registry.now_ms
    )
    listed: Response = {"activities": [_listed(record) for record in shown]}
    return listed if token is None else {**listed, "nextToken": token}


def get_activity_task(registry: Registry, params: Params, reply: Reply) -> Cancel:
    """GetActivityTask: a task as soon as there is one, nothing after 60 seconds.

    Raises ApiError InvalidArn, ActivityDoesNotExist or ActivityWorkerLimitExceeded.
    """

    def hand(task: HandedOut | None) -> None:
        reply({} if task is None else {"taskToken": task.token, "input": task.input})

    record = _activity(registry, params["activityArn"])
    return registry.account.activities.poll(record.arn, params.get("workerName"), hand)


def _activity(registry: Registry, arn: str) -> ActivityRecord:
    record = registry.activities.get(parse_arn(arn, "activity").text)
    if record is None:
        raise ApiError("ActivityDoesNotExist", f"Activity Does Not Exist: '{arn}'")
    return record


def _listed(record: ActivityRecord) -> Response:
    return {"activityArn": record.arn, "name": record.name, "creationDate": moment(record.creation_ms)}
