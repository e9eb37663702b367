"""Mails a link to the merged file."""

from __future__ import annotations

from typing import Any

import boto3

s3 = boto3.client("s3")
ses = boto3.client("ses")

HOURS = 24


def handler(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Presign a URL that is good for a day, and send it; tells the message's id."""
    file = event["file"]
    where = {"Bucket": file["bucket"], "Key": file["key"]}
    link = s3.generate_presigned_url("get_object", Params=where, ExpiresIn=HOURS * 3600)
    text = (
        f"Your file has been processed: {file['written']:,} rows were written, {file['rejected']:,} were rejected.\n\n"
        f"Download it within {HOURS} hours:\n{link}\n"
    )
    sent = ses.send_email(
        Source=event["sender"],
        Destination={"ToAddresses": [event["recipient"]]},
        Message={"Subject": {"Data": "Your file has been processed"}, "Body": {"Text": {"Data": text}}},
    )
    return {"message_id": sent["MessageId"]}
