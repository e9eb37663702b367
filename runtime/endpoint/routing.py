"""Who a request is for: which service, in which account and region, and which URL AWS would have for it.

A client that was given our address says little of that in the URL. What it signed says the most (SigV4's credential
scope: ``KEY/date/region/service/aws4_request``), then the target of a JSON service, the version of a query service, the
host's name, and the path. Signatures are not checked: nobody here has a secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from stepsim.runtime.api.records import Home
from stepsim.runtime.cloud.call import ACCOUNT_ID, DEFAULT_REGION
from stepsim.runtime.cloud.hosts import host_of, is_aws_host
from stepsim.runtime.endpoint.request import HttpRequest


class Address(NamedTuple):
    """Where a request belongs."""

    service: str
    """By the name that AWS signs with: ``states``, ``s3``, ``execute-api``."""
    home: Home
    host: str
    """AWS's own host for it."""
    target: str
    """Path and query at that host."""

    named_account: bool
    """Whether the access key names the account; otherwise it may be a role's, of another account."""

    @property
    def url(self) -> str:
        """AWS's own URL for it."""
        return f"https://{self.host}{self.target}"


@dataclass(frozen=True, slots=True)
class _Scope:
    """What a request's signature names; empty where there is none."""

    key: str = ""
    region: str = ""
    service: str = ""


_TARGETS: Mapping[str, str] = {
    "AWSStepFunctions": "states",
    "AWSEvents": "events",
    "AWSGlue": "glue",
    "AWSCognitoIdentityProviderService": "cognito-idp",
    "AWSCognitoIdentityService": "cognito-identity",
    "AmazonAthena": "athena",
    "AmazonEC2ContainerRegistry_V20150921": "ecr",
    "AmazonEC2ContainerServiceV20141113": "ecs",
    "AmazonSQS": "sqs",
    "AmazonSSM": "ssm",
    "CodeBuild_20161006": "codebuild",
    "Comprehend_20171127": "comprehend",
    "DynamoDBStreams_20120810": "dynamodb",
    "DynamoDB_20111205": "dynamodb",
    "DynamoDB_20120810": "dynamodb",
    "Firehose_20150804": "firehose",
    "GraniteServiceVersion20100801": "monitoring",
    "Kinesis_20131202": "kinesis",
    "Logs_20140328": "logs",
    "RedshiftData": "redshift-data",
    "RekognitionService": "rekognition",
    "ResourceGroupsTaggingAPI_20170126": "tagging",
    "SageMaker": "sagemaker",
    "Textract": "textract",
    "Transcribe": "transcribe",
    "TrentService": "kms",
    "secretsmanager": "secretsmanager",
}
"""The services that speak JSON, by what stands before the dot in X-Amz-Target."""

_VERSIONS: Mapping[str, str] = {
    "2010-03-31": "sns",
    "2010-05-08": "iam",
    "2010-05-15": "cloudformation",
    "2010-08-01": "monitoring",
    "2010-12-01": "ses",
    "2011-01-01": "autoscaling",
    "2011-06-15": "sts",
    "2012-11-05": "sqs",
    "2012-12-01": "redshift",
    "2014-10-31": "rds",
    "2015-02-02": "elasticache",
    "2015-12-01": "elasticloadbalancing",
    "2016-11-15": "ec2",
}
"""The services that speak in forms, by their version."""

_PATHS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"/_aws/execute-api/"), "execute-api"),
    (re.compile(r"/restapis/[^/]+/[^/]+/_user_request_"), "execute-api"),
    (re.compile(r"/20\d\d-\d\d-\d\d/(functions|layers|event-source-mappings|tags|account-settings)\b"), "lambda"),
    (re.compile(r"/(restapis|apikeys|usageplans)\b"), "apigateway"),
    (re.compile(r"/schedules\b|/schedule-groups\b"), "scheduler"),
)
"""Services that are known by the beginning of the path."""

_ACCOUNT = re.compile(r"\d{12}")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d+")
_LABEL = re.compile(r"[a-z0-9][a-z0-9.-]*")

_HOSTS: Mapping[str, str] = {
    "budgets": "budgets.amazonaws.com",
    "cloudfront": "cloudfront.amazonaws.com",
    "eventbridge": "events.{region}.amazonaws.com",
    "iotdata": "data-ats.iot.{region}.amazonaws.com",
    "memorydb": "memory-db.{region}.amazonaws.com",
    "mobiletargeting": "pinpoint.{region}.amazonaws.com",
    "payment-cryptography": "controlplane.payment-cryptography.{region}.amazonaws.com",
    "sagemaker": "api.sagemaker.{region}.amazonaws.com",
    "timestream": "ingest.timestream.{region}.amazonaws.com",
}
"""The hosts of services whose host is not called as their signature is."""

_HOSTS_BY_PATH: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("sagemaker", re.compile(r"/endpoints/[^/]+/invocations"), "runtime.sagemaker.{region}.amazonaws.com"),
    ("sagemaker", re.compile(r"/BatchPutMetrics"), "metrics.sagemaker.{region}.amazonaws.com"),
    ("bedrock", re.compile(r"/model/|/guardrail/|/async-invoke"), "bedrock-runtime.{region}.amazonaws.com"),
    (
        "bedrock",
        re.compile(r"/agents\b|/knowledgebases\b|/tags/.*(agent|knowledge-base)"),
        "bedrock-agent.{region}.amazonaws.com",
    ),
    ("s3", re.compile(r"/v20180820/"), "s3-control.{region}.amazonaws.com"),
)
"""The hosts of what one signature covers several services for."""


class Router:
    """Finds the address of a request, for a server that goes by certain names."""

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        """`names` are further host names of this server, beside ``localhost`` and bare addresses."""
        self._domains = ("localhost", "localhost.localstack.cloud", *(name.lower() for name in names))

    def knows(self, host: str) -> bool:
        """Whether a request to this host may be meant for us.

        A web page that had its own name point here (DNS rebinding) would come under that name.
        """
        return not host or is_aws_host(host) or self._prefix(host) is not None

    def stranger(self, request: HttpRequest) -> str | None:
        """The name by which a request shows that it isn't meant for us, or comes from a web page that isn't ours."""
        if not self.knows(request.host):
            return request.host
        origin = request.headers.get("origin")
        if origin is None:
            return None
        source = host_of(origin)
        return None if source and self._prefix(source) is not None else origin

    def address(self, request: HttpRequest) -> Address:
        """Where a request belongs; without any sign it is S3's, whose paths may be anything."""
        scope = _scope(request)
        host = request.host
        labels = _labels(host) if is_aws_host(host) else self._prefix(host) or ()
        region = scope.region or next((label for label in labels if _REGION.fullmatch(label)), DEFAULT_REGION)
        home = Home(_account(scope.key), region)
        named = home.account_id == scope.key
        if "execute-api" in labels:
            return Address(
                "execute-api", home, f"{labels[0]}.execute-api.{region}.amazonaws.com", request.target, named
            )
        service = scope.service or _service_of_host(labels) or _unsigned_service(request)
        target = request.target
        if is_aws_host(host):
            return Address(service, home, host, target, named)
        if service == "s3":
            bucket = _bucket(labels)
            target = f"/{bucket}{target}" if bucket else target
        return Address(service, home, _aws_host(service, region, request), target, named)

    def _prefix(self, host: str) -> tuple[str, ...] | None:
        """What stands before one of our names, as labels: () for the name itself; None where it is not ours."""
        bare = host.removeprefix("sync-")
        if _is_address(bare):
            return ()
        for domain in sorted(self._domains, key=len, reverse=True):
            if bare == domain:
                return ()
            if host.endswith(f".{domain}"):
                return tuple(host[: -len(domain) - 1].split("."))
        return None


def _account(key: str) -> str:
    """The account of an access key: a key of twelve digits is one; one that STS handed out is known by moto's IAM."""
    if _ACCOUNT.fullmatch(key):
        return key
    if key.startswith(("ASIA", "LSIA", "AKIA", "LKIA")):
        from moto.iam.models import get_account_id_from

        return str(get_account_id_from(key))
    return ACCOUNT_ID


def _is_address(host: str) -> bool:
    return ":" in host or re.fullmatch(r"[\d.]+", host) is not None


def _labels(host: str) -> tuple[str, ...]:
    """What stands before AWS's own domain."""
    return tuple(host.partition(".amazonaws.com")[0].split("."))


def _scope(request: HttpRequest) -> _Scope:
    authorization = request.headers.get("authorization", "")
    found = re.search(r"Credential=([^,\s]+)", authorization)
    if found is not None:
        parts = found[1].split("/")
    elif "X-Amz-Credential=" in request.target:
        parts = request.query.get("X-Amz-Credential", "").split("/")
    else:
        # What S3 knew before SigV4, in a header or in a presigned URL, names no more than the key.
        legacy = re.match(r"AWS ([^:]+):", authorization)
        key = legacy[1] if legacy else request.query.get("AWSAccessKeyId", "")
        return _Scope(key, "", "s3" if key else "")
    if len(parts) < 5 or not _LABEL.fullmatch(parts[-3]) or not _LABEL.fullmatch(parts[-2].lower()):
        return _Scope(parts[0])
    return _Scope("/".join(parts[:-4]), parts[-3], parts[-2].lower())


def _service_of_host(labels: tuple[str, ...]) -> str | None:
    """The service that a host names: ``sqs.us-east-1``, ``sync-states.us-east-1``, ``bucket.s3``."""
    names = [label for label in labels if not _REGION.fullmatch(label)]
    if not names:
        return None
    last = names[-1].removeprefix("sync-")
    if last in ("s3", "s3-accelerate") or last.startswith("s3-"):
        return "s3"
    return last if len(names) == 1 and last in _NAMED_HOSTS else None


_NAMED_HOSTS = frozenset({*_TARGETS.values(), *_VERSIONS.values(), "lambda", "apigateway", "scheduler", "batch"})


def _unsigned_service(request: HttpRequest) -> str:
    target = request.headers.get("x-amz-target")
    if target is not None:
        prefix = target.rpartition(".")[0]
        return _TARGETS.get(prefix, prefix.lower() or "states")
    version = request.form.get("Version") or (request.query.get("Version") if "Version=" in request.target else None)
    if version is not None and version in _VERSIONS:
        return _VERSIONS[version]
    return next((service for pattern, service in _PATHS if pattern.match(request.path)), "s3")


def _bucket(labels: tuple[str, ...]) -> str:
    """The bucket of a virtual-hosted style request: ``bucket.s3.us-east-1``, ``a.bucket.s3``, ``bucket``."""
    kept = list(labels)
    if kept and _REGION.fullmatch(kept[-1]):
        kept.pop()
    if kept and kept[-1] == "s3":
        kept.pop()
    return ".".join(kept)


def _aws_host(service: str, region: str, request: HttpRequest) -> str:
    if service == "dynamodb" and request.headers.get("x-amz-target", "").startswith("DynamoDBStreams"):
        return f"streams.dynamodb.{region}.amazonaws.com"
    for name, pattern, host in _HOSTS_BY_PATH:
        if service == name and pattern.match(request.path):
            return host.format(region=region)
    if not _LABEL.fullmatch(service):
        service = "unknown"
    return _HOSTS.get(service, f"{service}.{{region}}.amazonaws.com").format(region=region)
