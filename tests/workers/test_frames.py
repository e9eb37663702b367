"""workers/frames.py: what is sent arrives, however the stream is cut."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from stepsim.workers.frames import (
    Answer,
    ApiReply,
    ApiRequest,
    FrameReader,
    FromEnvironment,
    HttpReply,
    Invoke,
    Result,
    Setup,
    ToEnvironment,
    encode_frame,
)


@given(st.lists(st.text(max_size=40), max_size=5), st.integers(min_value=1, max_value=30))
def test_frames_survive_any_cut(payloads: list[str], piece: int) -> None:
    """A stream read in pieces of any size gives the messages that were written, in order."""
    stream = b"".join(encode_frame(Result(payload, False, 1)) for payload in payloads)
    reader: FrameReader[FromEnvironment] = FrameReader(msgspec.msgpack.Decoder(FromEnvironment))
    read = []
    for start in range(0, len(stream), piece):
        reader.feed(stream[start : start + piece])
        while (message := reader.next()) is not None:
            read.append(message)
    assert read == [Result(payload, False, 1) for payload in payloads]


def test_boto3s_values_arrive_as_they_are() -> None:
    """Bytes, moments and nested values keep their types on the way."""
    moment = datetime(2026, 1, 5, 2, tzinfo=UTC)
    request = ApiRequest(7, "s3", "PutObject", "us-east-1", {"Body": b"\x00\xff", "Expires": moment, "Metadata": {}})
    reader: FrameReader[FromEnvironment] = FrameReader(msgspec.msgpack.Decoder(FromEnvironment))
    reader.feed(encode_frame(request))
    assert reader.next() == request


def test_each_kind_of_message_is_told_apart() -> None:
    """Setup, Invoke and both kinds of Answer come out as what went in."""
    messages = [
        Setup("f", "m", "h", "m", "/", ["/"], {"A": "b"}, 128, "us-east-1", ["s3.GetObject"]),
        Invoke("id", "arn", "{}", 3000),
        Answer(1, ApiReply({"Body": b"x"})),
        Answer(2, HttpReply(200, {}, b"y")),
    ]
    reader: FrameReader[ToEnvironment] = FrameReader(msgspec.msgpack.Decoder(ToEnvironment))
    reader.feed(b"".join(map(encode_frame, messages)))
    assert [reader.next() for _ in messages] == messages
    assert reader.next() is None
