"""moto's answers to requests: passed on as if they had been sent to AWS, and what of it a local client must not see."""

from __future__ import annotations

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders

from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.endpoint.request import HttpRequest, HttpResponse
from stepsim.runtime.endpoint.routing import Address

_NOT_PASSED_ON = frozenset({"host", "content-length", "transfer-encoding", "connection", "expect", "x-moto-account-id"})

_FORM = "application/x-www-form-urlencoded"

_NO_SERVICE = b"Not yet implemented"
"""moto's whole answer for a host that it doesn't know."""


def moto_answer(cloud: Cloud, request: HttpRequest, address: Address) -> HttpResponse:
    """moto's answer. Raises NotImplementedError, which says why, where it has none."""
    try:
        answer = cloud.moto_http(_prepared(request, address))
    except ModuleNotFoundError as error:
        raise NotImplementedError(
            f"moto needs the module {error.name} for {address.service}, which is not installed: "
            f"pip install 'moto[{address.service}]', or 'moto[all]'"
        ) from error
    if answer is None:
        raise NotImplementedError(f"there is no service at {address.host}")
    status, headers, body = answer
    content = body.encode() if isinstance(body, str) else bytes(body)
    # moto answers with nothing at all where it knows the service and not the operation.
    if status == 404 and content in (b"", _NO_SERVICE) and address.service != "s3" and request.method != "HEAD":
        raise NotImplementedError(f"moto has nothing at {address.host}{address.target.partition('?')[0]}")
    passed = {str(name).lower(): str(value) for name, value in headers.items()}
    if address.service == "sqs" and request.host != address.host:
        content = _local_queue_urls(content, request, address)
    return HttpResponse(int(status), passed, content)


def _prepared(request: HttpRequest, address: Address) -> AWSPreparedRequest:
    headers = HTTPHeaders()
    for name, value in request.headers.items():
        if name not in _NOT_PASSED_ON:
            headers[name] = value
    if address.service == "s3" and request.method == "PUT" and request.headers.get("content-type", "") == _FORM:
        # What urllib and curl send with any body; moto would take the object for a form, and keep nothing of it.
        del headers["content-type"]
    headers["Host"] = address.host
    if address.named_account:
        headers["x-moto-account-id"] = address.home.account_id
    if request.body:
        headers["content-length"] = str(len(request.body))
    return AWSPreparedRequest(request.method, address.url, headers, request.body, False)


def _local_queue_urls(content: bytes, request: HttpRequest, address: Address) -> bytes:
    """Queue URLs lead back here: several SDKs send a message to where its queue's URL points."""
    here = f"http://{request.headers['host']}/" if "host" in request.headers else address.url
    return content.replace(f"https://{address.host}/".encode(), here.encode())
