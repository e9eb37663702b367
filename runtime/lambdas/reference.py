"""What names a function: its name, a partial ARN or an ARN, with a version or an alias or without."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from stepsim.runtime.cloud.call import ACCOUNT_ID, DEFAULT_REGION, ApiError
from stepsim.runtime.requests import InvokeFunction

Home: TypeAlias = tuple[str, str]
"""An account and one of its regions."""

LATEST = "$LATEST"

_PATTERN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
    r"([a-zA-Z0-9-_\.]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?"
)
"""Lambda's own, as its messages quote it."""

_REFERENCE = re.compile(
    r"(?:arn:(?P<partition>aws[a-zA-Z-]*):lambda:(?P<region>[a-z]{2,}(?:-[a-z]+)+-\d):)?(?:(?P<account>\d{12}):)?"
    r"(?:function:)?(?P<name>[a-zA-Z0-9_.-]+)(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9_-]+))?"
)


@dataclass(frozen=True, slots=True)
class FunctionReference:
    """One function, and the version or alias that is asked for."""

    home: Home
    name: str
    qualifier: str | None

    @property
    def arn(self) -> str:
        """The function's ARN, without a qualifier."""
        account, region = self.home
        return f"arn:{partition_of(region)}:lambda:{region}:{account}:function:{self.name}"

    @property
    def invoked_arn(self) -> str:
        """The ARN that the handler is told: with a qualifier where the caller gave one."""
        return self.arn if self.qualifier is None else f"{self.arn}:{self.qualifier}"

    def not_found(self) -> ApiError:
        """Lambda's answer where there is no such function, version or alias."""
        arn = f"{self.arn}:{self.qualifier or LATEST}"
        return ApiError("ResourceNotFoundException", f"Function not found: {arn}", 404, {"Type": "User"})


def parse_reference(text: str, qualifier: str | None, home: Home) -> FunctionReference:
    """The function that a reference means to a caller who is at `home`.

    Raises ApiError ValidationException for what is no reference, and InvalidParameterValueException where the
    reference names another version than the qualifier.
    """
    match = _REFERENCE.fullmatch(text)
    if match is None:
        raise ApiError(
            "ValidationException",
            f"1 validation error detected: Value '{text}' at 'functionName' failed to satisfy constraint: "
            f"Member must satisfy regular expression pattern: {_PATTERN}",
        )
    account, region = home
    own = match["qualifier"]
    if own is not None and qualifier is not None and own != qualifier:
        raise ApiError(
            "InvalidParameterValueException",
            "The derived qualifier from the function name does not match the specified qualifier.",
            extra={"Type": "User"},
        )
    return FunctionReference((match["account"] or account, match["region"] or region), match["name"], own or qualifier)


def home_of(request: InvokeFunction) -> Home:
    """Where the caller of a request is at home."""
    site = request.site
    if request.caller:
        _, _, _, region, account, _ = request.caller.split(":", 5)
    else:
        account, region = ACCOUNT_ID, DEFAULT_REGION
    return site.account or account, site.region or region


def partition_of(region: str) -> str:
    """``aws``, or that of China or of the US government."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
