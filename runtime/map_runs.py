"""Opens map runs: evaluates a distributed Map's fields, reads its data set, and writes the parent's events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from stepsim.asl.errors import DATA_LIMIT_EXCEEDED, ITEM_READER_FAILED, StatesError, runtime_error
from stepsim.asl.expression import Expression
from stepsim.asl.machine import DistributedMap, ItemBatcher, MapState, ResultWriter
from stepsim.asl.payload import JSON, MAX_BYTES, Payload
from stepsim.runtime.branches import select
from stepsim.runtime.cloud.call import ApiError, CallSite
from stepsim.runtime.cloud.streamed import FileBody
from stepsim.runtime.dice import name_uuid
from stepsim.runtime.effects import Expired, Program, Sleep, Stopped
from stepsim.runtime.frame import Frame
from stepsim.runtime.history import failure_details
from stepsim.runtime.item_source import ItemSource, PerformCall, source_of_data, source_of_reader
from stepsim.runtime.items import Item
from stepsim.runtime.items_batches import Batch, batches, single
from stepsim.runtime.items_config import reader_failed
from stepsim.runtime.map_children import Keeper, StoppedRun
from stepsim.runtime.map_counts import Tolerance
from stepsim.runtime.map_quotas import NO_MAP_QUOTAS, MapQuotas, Openings
from stepsim.runtime.map_results import ExportedResults, InlineResults, MapResults, writer_failed
from stepsim.runtime.map_run import MapRun
from stepsim.runtime.own_s3_calls import patient
from stepsim.runtime.result_writer import ResultFiles
from stepsim.runtime.resume import ResumePoint
from stepsim.runtime.services.failures import refused_parameters


class MapRuns:
    """The map runs of an account. `opened` are those of a run, in their order; a server has somebody else keep them."""

    def __init__(self, perform: PerformCall, quotas: MapQuotas = NO_MAP_QUOTAS) -> None:
        self._quotas = quotas
        self._openings: Openings | None = None
        self._perform = patient(perform)
        self.opened: list[MapRun] = []
        self.keeper: Keeper | None = None
        self.listed = True
        """False where `opened` would only grow."""

    def run(self, state: MapState, distributed: DistributedMap, effective: Payload, frame: Frame) -> Program:
        """Run one attempt of a distributed Map. Returns the result `Payload`; raises StatesError."""
        trail = frame.trail
        concurrency = state.max_concurrency(effective.value, frame)
        # With an ItemReader AWS ignores ItemsPath altogether, even an invalid one (recorded).
        data = None if distributed.reader is not None else state.items(effective.value, frame)
        point = frame.take_resume()
        stopped = None if point is None else self._stopped(point)
        run: MapRun | None
        if stopped is not None:
            run = self._revived(stopped, state, frame)
        else:
            run = None if point is None else self._redriven(point, frame)
        if run is None:
            trail.add("MapStateStarted", {"length": 0 if data is None else len(data)})
        # These are looked up when the state has started, and before there is a map run (recorded).
        tolerance = tolerance_of(distributed, effective.value, frame)
        batcher = Batching(distributed.batcher, effective.value, frame)
        max_items = 0
        if distributed.reader is not None and distributed.reader.max_items is not None:
            max_items = distributed.reader.max_items(effective.value, frame)
        if run is None:
            run = self._open(state, distributed, frame, tolerance, concurrency)
            started_id = trail.add("MapRunStarted", {"mapRunArn": run.arn})
        else:
            trail.previous = run.started_id
            details = {"mapRunArn": run.arn, "redriveCount": run.redrive_count}
            started_id = trail.add("MapRunRedriven", details)

        def source() -> ItemSource:
            return self._source(distributed, data, effective.value, max_items, frame)

        def inputs(source: ItemSource) -> Iterator[Batch]:
            if source.records is not None and state.item_selector is None and batcher.only_items:
                return batcher.written(source.records())
            return batcher.batches(child_inputs(state, source, effective.value, frame))

        try:
            if self._quotas.open_runs is not None:
                yield from self._enter(run, self._quotas.open_runs, frame)
            if stopped is not None:
                run.restore_children(stopped, self._results(run, distributed.writer, effective.value, frame))
            if run.begun:
                if run.to_be_read:
                    # What is known of them stands at the beginning of the items.
                    run.go_on(islice(inputs(_read_again(source)), run.counts.executions.total, None))
                result = yield from run.run_again()
            else:
                yield from self._pause("map-run-start", self._quotas.opening_ms, frame)
                results = self._results(run, distributed.writer, effective.value, frame)
                if run.redrive_count:
                    results.reopen()
                items = source()
                result = yield from run.run(items, inputs(items), results)
            yield from self._pause("map-run-close", self._quotas.closing_ms, frame)
        except StatesError as error:
            run.fail()
            if error.terminal or error.error == DATA_LIMIT_EXCEEDED:
                # A redrive opens a new run (developer guide).
                frame.map_run = None
            if not error.terminal:
                trail.add("MapRunFailed", failure_details(error))
            raise
        except (Expired, Stopped, GeneratorExit):
            run.abort()
            raise
        finally:
            if self._openings is not None:
                self._openings.leave(run)
        frame.map_run = None
        trail.add("MapRunSucceeded")
        trail.block_succeeded("MapStateSucceeded", started_id)
        return result

    def _pause(self, purpose: str, bounds_ms: tuple[int, int], frame: Frame) -> Program:
        """Take as long as Step Functions does, where the scenario asks for that."""
        least_ms, most_ms = bounds_ms
        if most_ms:
            drawn = frame.engine.dice.draw(purpose, *frame.names)
            yield Sleep(frame.engine.scheduler.now_ms + least_ms + int(drawn * (most_ms - least_ms + 1)))

    def _enter(self, run: MapRun, limit: int, frame: Frame) -> Program:
        """Wait in the backlog until fewer map runs are open than may be."""
        if self._openings is None:
            self._openings = Openings(limit, frame.engine.scheduler)
        yield from self._openings.enter(run)

    def _open(
        self, state: MapState, distributed: DistributedMap, frame: Frame, tolerance: Tolerance, concurrency: int
    ) -> MapRun:
        label = distributed.label or name_uuid(f"{frame.me.machine_arn}/{state.name}")
        uuid = frame.engine.dice.uuid4("map-run", *frame.names)
        run = MapRun(frame, state, label, uuid, tolerance, concurrency, self.keeper, self._quotas)
        if self.listed:
            self.opened.append(run)
        if self.keeper is not None:
            self.keeper.opened(run)
            # A Map that was retried opens a new run when it is redriven (developer guide).
            frame.map_run = run if frame.retry_count == 0 else None
        return run

    def _stopped(self, point: ResumePoint) -> StoppedRun | None:
        """The map run to go on with, where it is not in memory any more."""
        if self.keeper is None or point.map_run_arn is None or self.keeper.map_run(point.map_run_arn) is not None:
            return None
        return self.keeper.stopped_map_run(point.map_run_arn)

    def _revived(self, stopped: StoppedRun, state: MapState, frame: Frame) -> MapRun:
        assert self.keeper is not None
        run = MapRun(
            frame,
            state,
            stopped.label,
            stopped.uuid,
            stopped.tolerance,
            stopped.max_concurrency,
            self.keeper,
            self._quotas,
        )
        run.restore(stopped)
        run.reopen(frame)
        frame.map_run = run
        if self.listed:
            self.opened.append(run)
        self.keeper.opened(run)
        return run

    def _redriven(self, point: ResumePoint, frame: Frame) -> MapRun | None:
        if self.keeper is None or point.map_run_arn is None:
            return None
        run = self.keeper.map_run(point.map_run_arn)
        if run is not None:
            run.reopen(frame)
            frame.map_run = run
        return run

    def _source(
        self, distributed: DistributedMap, data: JSON, effective: JSON, max_items: int, frame: Frame
    ) -> ItemSource:
        reader = distributed.reader
        if reader is None:
            return source_of_data(data)
        arguments = reader.arguments(effective, frame)
        scheduler = frame.engine.scheduler
        return source_of_reader(reader, arguments, max_items, self._perform, frame.site(), lambda: scheduler.now_ms)

    def _results(self, run: MapRun, writer: ResultWriter | None, effective: JSON, frame: Frame) -> MapResults:
        if writer is None or writer.arguments is None:
            return InlineResults(run, "COMPACT" if writer is None else writer.transformation)
        arguments = writer.arguments(effective, frame)
        bucket, prefix = arguments.get("Bucket"), arguments.get("Prefix", "")
        if not isinstance(bucket, str) or not isinstance(prefix, str):
            raise writer_failed("The ResultWriter's Bucket is required, and Bucket and Prefix must be strings.")
        upload = _Upload(self._perform, bucket, frame.site())
        upload.check()
        files = ResultFiles(
            bucket,
            prefix,
            run.uuid,
            upload.put,
            transformation=writer.transformation,  # type: ignore[arg-type]  # validated: NONE, COMPACT or FLATTEN
            output_type=writer.output_type,  # type: ignore[arg-type]  # validated: JSON or JSONL
        )
        return ExportedResults(run, bucket, files, upload.take_failure)


def _read_again(source: Callable[[], ItemSource]) -> ItemSource:
    """A map run's items, once more. Raises States.ItemReaderFailed where they are not there any more."""
    try:
        return source()
    except StatesError as error:
        if error.error != ITEM_READER_FAILED:
            raise
        cause = f"Items that were never started have to be read again, and cannot be: {error.cause}"
        raise reader_failed(cause) from error


class _Upload:
    """Puts result files through the gate, and remembers the first that was refused."""

    __slots__ = ("_bucket", "_failure", "_perform", "_site")

    def __init__(self, perform: PerformCall, bucket: str, site: CallSite) -> None:
        self._perform = perform
        self._bucket = bucket
        self._site = site
        self._failure: StatesError | None = None

    def take_failure(self) -> StatesError | None:
        """The first refusal since somebody asked."""
        failure, self._failure = self._failure, None
        return failure

    def check(self) -> None:
        """Raise States.ResultWriterFailed at once where the bucket is not there, before any work is done."""
        error = self._ask("HeadBucket")
        if error is not None:
            raise writer_failed(f"Failed to write to the S3 bucket {self._bucket}: {error.message}")

    def put(self, key: str, body: bytes | FileBody) -> bool:
        """Store a file; False where that was refused."""
        error = self._ask("PutObject", Key=key, Body=body)
        if error is not None and self._failure is None:
            self._failure = writer_failed(f"Failed to write {key} to {self._bucket}: {error.message}")
        return error is None

    def _ask(self, operation: str, **parameters: str | bytes | FileBody) -> ApiError | None:
        """What the call is refused with, by S3 or by boto3 before it; None where it is not."""
        try:
            return self._perform("s3", operation, {"Bucket": self._bucket, **parameters}, site=self._site).error
        except Exception as error:
            refused = refused_parameters(error)
            if refused is None:
                raise
            return refused


def tolerance_of(distributed: DistributedMap, effective: JSON, frame: Frame) -> Tolerance:
    """How many failures a Map tolerates, from its effective input."""
    count, percentage = distributed.tolerated_failure_count, distributed.tolerated_failure_percentage
    return Tolerance(
        None if count is None else count(effective, frame),
        None if percentage is None else percentage(effective, frame),
    )


class Batching:
    """ItemBatcher, evaluated; without one, each item is a batch of its own, and not wrapped."""

    __slots__ = ("_batch_input", "_max_bytes", "_max_items", "_wrap")

    def __init__(self, batcher: ItemBatcher | None, effective: JSON, frame: Frame) -> None:
        self._wrap = batcher is not None
        self._max_items = self._max_bytes = self._batch_input = None
        if batcher is None:
            return
        if batcher.max_items_per_batch is not None:
            self._max_items = batcher.max_items_per_batch(effective, frame) or None
        if batcher.max_input_bytes_per_batch is not None:
            self._max_bytes = batcher.max_input_bytes_per_batch(effective, frame) or None
            if self._max_bytes is not None and self._max_bytes > MAX_BYTES:
                raise runtime_error(f"MaxInputBytesPerBatch must be at most {MAX_BYTES}.")
        if batcher.batch_input is not None:
            self._batch_input = Payload(batcher.batch_input(effective, frame))

    def batches(self, inputs: Iterator[JSON]) -> Iterator[Batch]:
        """The children's inputs."""
        if self._wrap:
            return batches(inputs, self._max_items, self._max_bytes, self._batch_input)
        return single(inputs)

    @property
    def only_items(self) -> bool:
        """True where children are given nothing but items, several at a time."""
        return self._wrap and self._batch_input is None

    def written(self, records: Iterator[object]) -> Iterator[Batch]:
        """The children's inputs, of items that are only to be encoded."""
        return batches(records, self._max_items, self._max_bytes, written=True)


def child_inputs(state: MapState, source: ItemSource, effective: JSON, frame: Frame) -> Iterator[JSON]:
    """The items after ItemSelector, which sees the map's input, the parent's context and the item."""
    if state.item_selector is None:
        if source.inputs is not None:
            return source.inputs
        return (item.value if item.key is None else item.input for item in source.items)
    return _selected(state.item_selector, source.items, effective, frame)


def _selected(selector: Expression, items: Iterator[Item], effective: JSON, frame: Frame) -> Iterator[JSON]:
    for item in items:
        shown: dict[str, JSON] = {"Index": item.index, "Value": item.value, "Source": item.source}
        if item.key is not None:
            shown["Key"] = item.key
        yield select(selector, effective, shown, frame)
