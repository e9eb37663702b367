"""Takes files from the queue, and starts an execution for each. What is no settlement file goes to the dead letters."""

from __future__ import annotations

import json
import os
from typing import Any

import boto3
from botocore.exceptions import ClientError
from settlement_file import header_of

step_functions = boto3.client("stepfunctions")


def handler(event: dict[str, Any], _context: object) -> None:
    """One message, one file. With NAME_BY=file, a file that is delivered twice is started once while it is known."""
    for record in event["Records"]:
        detail = json.loads(record["body"])["detail"]
        bucket, file = detail["bucket"]["name"], detail["object"]
        header = header_of(bucket, file["key"])
        payload = {
            "bucket": bucket,
            "key": file["key"],
            "size": file["size"],
            "shards": int(os.environ.get("SHARDS", "1")),
            "largeAbove": int(os.environ.get("LARGE_ABOVE", "0")),
            "programId": header.program_id,
            "fileDate": header.file_date,
            "sequence": header.sequence,
        }
        name = {"name": f"{header.program_id}-{file['etag']}"} if os.environ.get("NAME_BY") == "file" else {}
        try:
            step_functions.start_execution(
                stateMachineArn=os.environ["STATE_MACHINE_ARN"], input=json.dumps(payload), **name
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                raise
