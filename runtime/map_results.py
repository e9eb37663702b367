"""What becomes of the children's outputs: the state's own result, or files in S3."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from stepsim.asl.errors import DATA_LIMIT_EXCEEDED, RESULT_WRITER_FAILED, StatesError
from stepsim.asl.payload import MAX_BYTES, Payload
from stepsim.runtime.items_batches import Batch
from stepsim.runtime.map_counts import MapCounts
from stepsim.runtime.result_writer import ChildOutcome, ResultFiles, execution_record, writer_details

if TYPE_CHECKING:
    from stepsim.runtime.child import Child
    from stepsim.runtime.execution import Execution
    from stepsim.runtime.map_children import StoppedRun
    from stepsim.runtime.map_run import MapRun


class MapResults(Protocol):
    """Takes the outcomes of children as they come."""

    def succeeded(self, child: Child, index: int, output: Payload) -> None: ...

    def failed(self, child: Child, outcome: ChildOutcome) -> None: ...

    def pending(self, batch: Batch) -> None: ...

    def close(self, counts: MapCounts) -> Payload:
        """Everything has come: returns the state's result. Raises StatesError where there can be none."""
        ...

    def give_up(self, counts: MapCounts) -> None:
        """As `close`, of a run that was stopped or has failed otherwise: nobody takes a result or a failure."""
        ...

    def reopen(self) -> None:
        """The run was redriven: more comes, beside what has succeeded."""
        ...

    def restore(self, stopped: StoppedRun, children: Iterator[tuple[Child, Execution]]) -> None:
        """Go on where another process stopped: `children` are those of the run, all of which are drawn."""
        ...

    @property
    def exported(self) -> list[tuple[str, int]]:
        """The files of what had succeeded when the results were written last, and their sizes."""
        ...

    @property
    def refused(self) -> bool:
        """True where the results could not be written."""
        ...


class InlineResults:
    """No ResultWriter, or one that only transforms: the state's result is the array of outputs, in item order.

    With a Transformation of NONE it has the children as a file would hold them. Within the tolerance, failed children
    are left out; what AWS puts there is unconfirmed. Beyond 262,144 bytes there can be no result, and nothing more is
    kept.
    """

    def __init__(self, run: MapRun, transformation: str) -> None:
        self._run = run
        self._name = run.state.name
        self._records = transformation == "NONE"
        self._flatten = transformation == "FLATTEN"
        self._outputs: dict[int, Payload] = {}
        self._size = 2

    def succeeded(self, child: Child, index: int, output: Payload) -> None:
        self._take(index, self._shown(child, output, None))

    def _shown(self, child: Child, output: Payload, stop_ms: int | None) -> Payload:
        if not self._records:
            return output
        outcome = self._run.outcome(child, "SUCCEEDED", output, None)
        return Payload(execution_record(outcome if stop_ms is None else outcome._replace(stop_ms=stop_ms)))

    def _take(self, index: int, output: Payload) -> None:
        if self._size <= MAX_BYTES:
            self._size += output.size + 1
            self._outputs[index] = output
        else:
            self._outputs.clear()

    def failed(self, child: Child, outcome: ChildOutcome) -> None:
        """Failed children have no place in the result."""

    def pending(self, batch: Batch) -> None:
        """Nor have those that were never started."""

    def close(self, counts: MapCounts) -> Payload:
        counts.written()
        if self._size - 1 > MAX_BYTES:
            raise StatesError(
                DATA_LIMIT_EXCEEDED,
                f"The state/task '{self._name}' returned a result with a size exceeding the maximum number of bytes "
                "service limit.",
            )
        values: list[Any] = []
        for index in sorted(self._outputs):
            value = self._outputs[index].value
            if self._flatten and isinstance(value, list):
                values.extend(value)
            else:
                values.append(value)
        return Payload(values)

    def give_up(self, counts: MapCounts) -> None:
        counts.written()

    def reopen(self) -> None:
        """What has succeeded is still here."""

    def restore(
        self,
        stopped: StoppedRun,  # noqa: ARG002 - a MapResults takes it
        children: Iterator[tuple[Child, Execution]],
    ) -> None:
        for child, execution in children:
            if execution.output is not None:
                self._take(child.item or 0, self._shown(child, execution.output, execution.stop_ms))

    @property
    def exported(self) -> list[tuple[str, int]]:
        return []

    @property
    def refused(self) -> bool:
        return False


class ExportedResults:
    """A ResultWriter with a Resource: files and a manifest in S3."""

    def __init__(self, run: MapRun, bucket: str, files: ResultFiles, flush: Callable[[], StatesError | None]) -> None:
        self._run = run
        self._bucket = bucket
        self._files = files
        self._flush = flush
        self.exported: list[tuple[str, int]] = []

    def succeeded(self, child: Child, index: int, output: Payload) -> None:  # noqa: ARG002 - a MapResults takes it
        self._files.succeeded(self._run.outcome(child, "SUCCEEDED", output, None))

    def failed(self, child: Child, outcome: ChildOutcome) -> None:  # noqa: ARG002 - a MapResults takes it
        self._files.failed(outcome)

    def pending(self, batch: Batch) -> None:
        self._files.pending(batch.payload.text)

    def close(self, counts: MapCounts) -> Payload:
        manifest_key = self._files.close(self._run.arn)
        self._note_exported()
        error = self._flush()
        if error is not None:
            raise error
        counts.written()
        return Payload(writer_details(self._run.arn, self._bucket, manifest_key))

    def give_up(self, counts: MapCounts) -> None:
        with suppress(StatesError):
            self.close(counts)

    def reopen(self) -> None:
        self._files.reopen(self._run.redrive_count)

    def restore(self, stopped: StoppedRun, children: Iterator[tuple[Child, Execution]]) -> None:
        """Where the process ended without a word, its attempt's files are written now, as they would have been."""
        attempt_ms = stopped.start_ms
        if stopped.redrive_count:
            self._files.reopen(stopped.redrive_count)
            attempt_ms = stopped.redrive_ms or attempt_ms
        self.exported = list(stopped.exported)
        self._files.restore(self.exported)
        for child, execution in children:
            stop_ms = execution.stop_ms
            # One of an earlier attempt may have ended when this one began already: Express children outlive a stop.
            begun_ms = max(child.start_ms, child.redrive_ms or 0)
            if stopped.settled or stop_ms is None or begun_ms < attempt_ms:
                continue
            error = None if execution.output is not None else StatesError(execution.error, execution.cause)
            outcome = self._run.outcome(child, execution.status, execution.output, error)
            outcome = outcome._replace(stop_ms=stop_ms)
            (self._files.failed if execution.output is None else self._files.succeeded)(outcome)
        if not stopped.settled:
            self._files.close(self._run.arn)
            self._note_exported()

    def _note_exported(self) -> None:
        # Whoever goes on in another process writes all of an attempt again, if a file of it is missing.
        if not self.refused:
            self.exported = self._files.exported

    @property
    def refused(self) -> bool:
        return self._files.refused


def writer_failed(cause: str) -> StatesError:
    """The failure of a ResultWriter."""
    return StatesError(RESULT_WRITER_FAILED, cause)
