"""The metadata of the first SDK."""

from __future__ import annotations

import pytest

from stepsim.runtime.services.metadata import response_body, sdk_metadata

ID = "362db4ce-0fc5-42d8-8948-71883be055b7"
NOW_MS = 1_767_578_400_000


def test_sqs_answers_with_five_headers() -> None:
    """In one order as lists, in another as texts (recorded)."""
    metadata = sdk_metadata("sqs", "{}", NOW_MS, ID)
    assert metadata["SdkResponseMetadata"] == {"RequestId": ID}
    http = metadata["SdkHttpMetadata"]
    assert list(http) == ["AllHttpHeaders", "HttpHeaders", "HttpStatusCode"]
    assert http["AllHttpHeaders"] == {
        "x-amzn-RequestId": [ID],
        "connection": ["keep-alive"],
        "Content-Length": ["2"],
        "Date": ["Mon, 05 Jan 2026 02:00:00 GMT"],
        "Content-Type": ["application/x-amz-json-1.0"],
    }
    assert list(http["HttpHeaders"]) == ["connection", "Content-Length", "Content-Type", "Date", "x-amzn-RequestId"]


@pytest.mark.parametrize(
    ("service", "headers"),
    [
        ("dynamodb", ["Server", "Connection", "x-amzn-RequestId", "x-amz-crc32", "Content-Length", "Date"]),
        ("lambda", ["X-Amz-Executed-Version", "x-amzn-Remapped-Content-Length", "Connection", "x-amzn-RequestId"]),
    ],
)
def test_other_services_have_more(service: str, headers: list[str]) -> None:
    """Each its own (recorded)."""
    all_headers = sdk_metadata(service, "{}", NOW_MS, ID)["SdkHttpMetadata"]["AllHttpHeaders"]
    assert list(all_headers)[: len(headers)] == headers


def test_sns_answers_in_xml() -> None:
    """Of the length recorded."""
    assert len(response_body("sns", {"MessageId": ID}, ID)) == 294
    assert response_body("sqs", {"MessageId": ID}, ID) == f'{{"MessageId":"{ID}"}}'
