"""moto's records of AWS Batch jobs and Glue job runs, made to tell what really became of them.

moto ends a job the moment that it is submitted. Here it begins again, and ends when its work does; the call site says
in which account and region.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.batch.models import BatchBackend, Job, batch_backends
from moto.glue.models import FakeJobRun, GlueBackend, glue_backends

from stepsim.runtime.cloud.call import ACCOUNT_ID, DEFAULT_REGION, CallSite


@dataclass(frozen=True, slots=True)
class BatchDefinition:
    """What a job takes from its definition."""

    name: str
    type: str
    container: dict[str, Any] | None
    """Its containerProperties; None where it has nodes, or runs on EKS or ECS of its own."""
    parameters: dict[str, str]
    attempts: int
    timeout_s: int | None


def batch_definition(reference: str, site: CallSite) -> BatchDefinition | None:
    """A job definition by name, ``name:revision`` or ARN; None where there is none."""
    found = _batch(site).get_job_definition(reference)
    if found is None:
        return None
    retry, timeout = found.retry_strategy or {}, found.timeout or {}
    return BatchDefinition(
        found.name,
        found.type,
        found.container_properties if found.eks_properties is None else None,
        dict(found.parameters),
        int(retry.get("attempts", 1)),
        timeout.get("attemptDurationSeconds"),
    )


def batch_job_begins(job_id: str, site: CallSite, now_ms: int) -> tuple[str, str]:
    """Let a job that moto has ended run: it, and its children. Returns the ARNs of its definition and its queue."""
    job = _batch(site)._jobs[job_id]
    for one in (job, *(job._child_jobs or ())):
        one._transitions = []
        one.job_created_at = one.job_started_at = _moment(now_ms)
        one.job_stopped = False
        one.status = "RUNNING"
        one.attempts = []
    return job.job_definition.arn, job.job_queue.arn


def batch_job_ends(
    job_id: str, site: CallSite, now_ms: int, *, status: str, reason: str, attempts: list[dict[str, Any]]
) -> None:
    """Note how a job, or a child of one, has ended."""
    job: Job = _batch(site)._jobs[job_id]
    job.job_stopped = True
    job.job_stopped_at = _moment(now_ms)
    job.job_stopped_reason = reason
    job.status = status
    job.attempts = attempts
    if attempts:
        job.exit_code = attempts[-1]["container"].get("exitCode")


def glue_run_begins(job_name: str, run_id: str, site: CallSite, now_ms: int) -> dict[str, Any]:
    """Let a job run that moto would end at the first look run on. Returns its JobRun, as GetJobRun has it."""
    run = _glue_run(job_name, run_id, site)
    run._transitions = []
    run.status = "RUNNING"
    run.started_on = run.modified_on = _moment(now_ms)
    glue_version = getattr(_glue(site).get_job(job_name), "glue_version", None)
    described: dict[str, Any] = run.as_dict()
    del described["CompletedOn"], described["ExecutionTime"]
    return described | {"LogGroupName": "/aws-glue/jobs", "GlueVersion": glue_version or "0.9"}


def glue_run_ends(job_name: str, run_id: str, site: CallSite, now_ms: int, state: str) -> None:
    """Note how a job run has ended."""
    run = _glue_run(job_name, run_id, site)
    run.status = state
    run.completed_on = run.modified_on = _moment(now_ms)


def has_glue_job(job_name: str, site: CallSite) -> bool:
    """True where the account has a job of this name."""
    return job_name in _glue(site).jobs


def _glue_run(job_name: str, run_id: str, site: CallSite) -> FakeJobRun:
    runs = _glue(site).get_job(job_name).job_runs
    return next(run for run in runs if run.job_run_id == run_id)


def _batch(site: CallSite) -> BatchBackend:
    return batch_backends[site.account or ACCOUNT_ID][site.region or DEFAULT_REGION]


def _glue(site: CallSite) -> GlueBackend:
    return glue_backends[site.account or ACCOUNT_ID][site.region or DEFAULT_REGION]


def _moment(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)
