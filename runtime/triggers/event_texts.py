"""What AWS's services write when an object was created or a schedule is due.

Object events as in the S3 user guide, "EventBridge event message structure" and "Event message structure" (2.1);
those of schedules as the scheduler's default, and as scheduled rules have sent them before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote_plus

from stepsim.asl.payload import JSON, decode, encode
from stepsim.asl.timestamp import format_timestamp
from stepsim.runtime.cloud.call import ACCOUNT_ID, DEFAULT_REGION

_NOTIFIED = {
    "PutObject": "ObjectCreated:Put",
    "POST Object": "ObjectCreated:Post",
    "CopyObject": "ObjectCreated:Copy",
    "CompleteMultipartUpload": "ObjectCreated:CompleteMultipartUpload",
}
"""What notifications call the reason that EventBridge's events name."""

_ADDRESS = "10.0.0.1"


class Event:
    """An event: its text, and its value where somebody looks into it."""

    __slots__ = ("_value", "id", "text")

    def __init__(self, event_id: str, text: str) -> None:
        self.id = event_id
        self.text = text
        self._value: JSON = None

    @property
    def value(self) -> JSON:
        """What the text says."""
        if self._value is None:
            self._value = decode(self.text)
        return self._value


@dataclass(frozen=True, slots=True)
class ObjectCreated:
    """An object that has just landed."""

    bucket: str
    key: str
    size: int
    etag: str
    """Without its quotes."""
    reason: str
    """``PutObject``, ``POST Object``, ``CopyObject`` or ``CompleteMultipartUpload``."""
    at_ms: int
    sequence: int
    """Grows from object to object."""
    event_id: str

    @property
    def sequencer(self) -> str:
        """A hexadecimal number that grows with the time."""
        return f"{self.at_ms:011X}{self.sequence & 0x1FFFFFFF:07X}"

    @property
    def request_id(self) -> str:
        """Sixteen characters."""
        return self.event_id.replace("-", "").upper()[:16]

    def on_bus(self) -> Event:
        """The event that S3 sends to EventBridge."""
        name = encode(self.bucket)
        text = (
            f'{{"version":"0","id":"{self.event_id}","detail-type":"Object Created","source":"aws.s3",'
            f'"account":"{ACCOUNT_ID}","time":"{_seconds(self.at_ms)}","region":"{DEFAULT_REGION}",'
            f'"resources":["arn:aws:s3:::{self.bucket}"],"detail":{{"version":"0","bucket":{{"name":{name}}},'
            f'"object":{{"key":{encode(self.key)},"size":{self.size},"etag":"{self.etag}",'
            f'"sequencer":"{self.sequencer}"}},"request-id":"{self.request_id}","requester":"{ACCOUNT_ID}",'
            f'"source-ip-address":"{_ADDRESS}","reason":"{self.reason}"}}}}'
        )
        return Event(self.event_id, text)

    def as_notification(self, configuration: str) -> Event:
        """The notification that S3 sends to a function or a queue itself; keys are URL-encoded there."""
        record: JSON = {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": DEFAULT_REGION,
            "eventTime": format_timestamp(self.at_ms),
            "eventName": _NOTIFIED[self.reason],
            "userIdentity": {"principalId": f"AWS:{ACCOUNT_ID}"},
            "requestParameters": {"sourceIPAddress": _ADDRESS},
            "responseElements": {"x-amz-request-id": self.request_id, "x-amz-id-2": self.event_id},
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": configuration,
                "bucket": {
                    "name": self.bucket,
                    "ownerIdentity": {"principalId": ACCOUNT_ID},
                    "arn": f"arn:aws:s3:::{self.bucket}",
                },
                "object": {
                    "key": quote_plus(self.key),
                    "size": self.size,
                    "eTag": self.etag,
                    "sequencer": self.sequencer,
                },
            },
        }
        return Event(self.event_id, encode({"Records": [record]}))


def scheduled(event_id: str, name: str, at_ms: int, *, via_bus: bool) -> Event:
    """What the scheduler hands over by itself, or what a scheduled rule of EventBridge does."""
    kind, detail = ("rule", {}) if via_bus else ("schedule/default", "{}")
    service = "events" if via_bus else "scheduler"
    event: JSON = {
        "version": "0",
        "id": event_id,
        "detail-type": "Scheduled Event",
        "source": f"aws.{service}",
        "account": ACCOUNT_ID,
        "time": _seconds(at_ms),
        "region": DEFAULT_REGION,
        "resources": [f"arn:aws:{service}:{DEFAULT_REGION}:{ACCOUNT_ID}:{kind}/{name}"],
        "detail": detail,
    }
    return Event(event_id, encode(event))


def _seconds(at_ms: int) -> str:
    return _second(at_ms // 1000)


@lru_cache(maxsize=16)
def _second(at_s: int) -> str:
    return f"{format_timestamp(at_s * 1000)[:19]}Z"
