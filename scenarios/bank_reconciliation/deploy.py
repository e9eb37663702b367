"""Deploys the system as a pipeline would, and runs a day: ``python deploy.py --endpoint-url http://127.0.0.1:4566``.

Nothing but boto3 speaks to the account: buckets and files, tables, a role, the functions from one zip archive, the
state machine, an execution. In the end its totals are held against the truth; exits with 1 where they differ.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import boto3
import data

from stepsim.runtime.dice import Dice
from stepsim.runtime.generators import stream

HERE = Path(__file__).resolve().parent
DEFINITION = HERE.parents[1] / "definitions" / "bank_reconciliation" / "bank_reconciliation.asl.json"
SEED = 42
FUNCTIONS = {
    "FetchThirdPartyDataLambda": ("fetch_third_party.handler", 60, 256),
    "ReconcileFilesLambda": ("reconcile_files.handler", 240, 512),
    "HandleFailedReconciliationLambda": ("handle_failed.handler", 30, 256),
    "AggregateResultsLambda": ("aggregate_results.handler", 600, 1024),
    "GenerateReportsLambda": ("generate_reports.handler", 600, 2048),
}
INPUT = {
    "businessDate": "2026-01-04",
    "bankFiles": {"bucket": "bank-statements", "prefix": "bank_files/"},
    "internalFiles": {"bucket": "internal-files", "prefix": "internal_files/"},
    "thirdParty": {"bucket": "third-party"},
    "table": "reconciliation",
    "summaryTable": "reconciliation-summary",
    "reports": {"bucket": "reports"},
}


def put_files(s3: Any, pairs: int) -> None:
    """The day's files, and what third parties tell."""
    for bucket in ("bank-statements", "internal-files", "third-party", "reports"):
        s3.create_bucket(Bucket=bucket)
    dice = Dice(SEED)
    for n in range(pairs):
        bank = data.bank_file(n, stream(dice, "data", n))
        internal = data.internal_file(n, stream(dice, "data", n))
        s3.put_object(Bucket="bank-statements", Key=f"bank_files/{n:06d}.csv", Body=bank)
        s3.put_object(Bucket="internal-files", Key=f"internal_files/{n:06d}.csv", Body=internal)
    for path in sorted((HERE / "third_party").iterdir()):
        s3.put_object(Bucket="third-party", Key=path.name, Body=path.read_bytes())


def make_tables(dynamodb: Any) -> None:
    """A table for results and one for summaries."""
    keys = {"reconciliation": ("pk", "sk"), "reconciliation-summary": ("runId",)}
    for table, names in keys.items():
        dynamodb.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": n, "KeyType": k} for n, k in zip(names, ("HASH", "RANGE"), strict=False)],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        )


def make_role(iam: Any) -> str:
    """A role for everything; its ARN."""
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}
    role: str = iam.create_role(RoleName="reconciliation", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    return role


def archive() -> bytes:
    """The code of all functions."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as package:
        for path in sorted((HERE / "functions").glob("*.py")):
            package.write(path, path.name)
    return packed.getvalue()


def make_functions(functions: Any, role: str) -> None:
    """The five functions, of one package."""
    package = archive()
    for name, (handler, timeout_s, memory_mb) in FUNCTIONS.items():
        functions.create_function(
            FunctionName=name,
            Runtime="python3.12",
            Role=role,
            Handler=handler,
            Code={"ZipFile": package},
            Timeout=timeout_s,
            MemorySize=memory_mb,
        )


def run_day(states: Any, role: str) -> dict[str, Any]:
    """Make the machine, run it to its end, and describe the execution."""
    machine = states.create_state_machine(
        name="bank-reconciliation", roleArn=role, definition=DEFINITION.read_text(encoding="utf-8")
    )
    started = states.start_execution(stateMachineArn=machine["stateMachineArn"], input=json.dumps(INPUT))
    while True:
        described: dict[str, Any] = states.describe_execution(executionArn=started["executionArn"])
        if described["status"] != "RUNNING":
            return described
        time.sleep(0.2)


def main() -> int:
    """Deploy, run, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint-url", default="http://127.0.0.1:4566")
    parser.add_argument("--pairs", type=int, default=500, help="pairs of files")
    arguments = parser.parse_args()
    session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")

    def client(service: str) -> Any:
        return session.client(service, endpoint_url=arguments.endpoint_url)  # type: ignore[call-overload]

    put_files(client("s3"), arguments.pairs)
    make_tables(client("dynamodb"))
    role = make_role(client("iam"))
    make_functions(client("lambda"), role)
    described = run_day(client("stepfunctions"), role)
    print(described["status"], described.get("error", ""), described.get("cause", ""))
    if described["status"] != "SUCCEEDED":
        return 1
    dice = Dice(SEED)
    totals = json.loads(described["output"])["totals"]
    agree = totals == data.truth_total(arguments.pairs, lambda n: stream(dice, "data", n))
    print("the totals are the truth" if agree else f"the totals are not the truth: {totals}")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
