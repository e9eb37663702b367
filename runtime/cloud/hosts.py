"""Which hosts are AWS's, which are this machine, and which the user named on purpose."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

_AWS_DOMAINS = (
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".amazonaws.eu",
    ".api.aws",
    ".aws.dev",
    ".on.aws",
    ".api.amazonwebservices.com.cn",
    ".api.amazonwebservices.eu",
    ".c2s.ic.gov",
    ".sc2s.sgov.gov",
    ".csp.hci.ic.gov",
    ".cloud.adc-e.uk",
    ".aws.ic.gov",
    ".aws.scloud",
    ".aws.hci.ic.gov",
    ".aws.adc-e.uk",
)

_METADATA_SERVICES = frozenset({"169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23"})


@lru_cache(maxsize=1024)
def host_of(url: str) -> str:
    """The host of a URL, in lower case."""
    return (urlsplit(url).hostname or "").lower()


@lru_cache(maxsize=1024)
def is_aws_url(url: str) -> bool:
    """True for AWS's own endpoints, and for the addresses that hand out credentials on AWS's machines."""
    return is_aws_host(host_of(url))


def is_aws_host(host: str) -> bool:
    """True for the hosts of `is_aws_url`."""
    return f".{host}".endswith(_AWS_DOMAINS) or host in _METADATA_SERVICES


def is_loopback(host: str) -> bool:
    """True for this machine's own addresses."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
