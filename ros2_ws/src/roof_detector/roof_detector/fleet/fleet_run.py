# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Runs all flights of a catalog: pieces to workers, inspections to the store, none twice."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from roof_detector.bags.folder_lock import FolderLock
from roof_detector.fleet.errors import FleetError
from roof_detector.fleet.fleet_store import FleetStore
from roof_detector.fleet.flight_survey import PIECES, FlightSurvey
from roof_detector.fleet.flight_work import (
    clear_scratch,
    earlier_outcome,
    recover_inspections,
)
from roof_detector.fleet.publishing import publish
from roof_detector.fleet.store_lease import StoreLease
from roof_detector.fleet.tasks import TaskFailure, finish, infer, survey_flight
from roof_detector.offline.errors import one_line
from roof_detector.offline.outcome import InputOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from roof_detector.fleet.catalog import CatalogFlight
    from roof_detector.fleet.cluster import RayCluster
    from roof_detector.fleet.fleet_job import FleetJob
    from roof_detector.fleet.fleet_progress import FleetProgress
    from roof_detector.fleet.flight_survey import FlightPiece
    from roof_detector.fleet.publishing import PublishedFlights

# Tasks in flight for each worker: the next one is there when one ends, and few are lost.
_AHEAD = 2
_WAIT_S = 1.0


@dataclass(eq=False)
class _FlightState:
    flight: CatalogFlight
    survey: FlightSurvey | None = None
    waiting: deque[FlightPiece] = field(default_factory=deque)
    running: int = 0
    losses: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Task:
    state: _FlightState
    kind: str
    piece: FlightPiece | None = None


class FleetRun:
    """One run over a catalog, in the process that started it; workers do the work.

    A run that was killed is continued by the next one with the same store: finished pieces and
    inspections are found by the hash of content, model and settings. Raises FleetError where
    another run writes to the store.
    """

    def __init__(
        self,
        job: FleetJob,
        flights: Sequence[CatalogFlight],
        *,
        cluster: RayCluster,
        progress: FleetProgress,
    ) -> None:
        import ray  # noqa: PLC0415

        self._ray = ray
        self._job = job
        self._cluster = cluster
        self._progress = progress
        self._store = FleetStore.create(job.store)
        self._lock = self._locked()
        recover_inspections(self._store.files)
        self._states = deque(_FlightState(one) for one in flights)
        self._ready: deque[_Task] = deque()
        self._tasks: dict[Any, _Task] = {}
        self._content: dict[str, str] = {}
        self._lost = False
        options = cluster.task_options()
        # Given by value, each once: tasks hold a reference.
        self._job_ref = ray.put(job)
        self._remote: dict[str, Callable[..., Any]] = {
            kind: ray.remote(function).options(**options, name=f'fleet {kind}').remote
            for kind, function in (('survey', survey_flight), ('piece', infer), ('finish', finish))
        }

    def outcomes(self) -> Iterator[InputOutcome]:
        """Work on all flights; yield the outcome of each as it is done."""
        self._progress.begin(len(self._states))
        while self._states or self._ready or self._tasks:
            self._check_lock()
            self._submit()
            if not self._tasks:
                continue
            done, _ = self._ray.wait(list(self._tasks), num_returns=1, timeout=_WAIT_S)
            for reference in done:
                task = self._tasks.pop(reference)
                outcome = self._finished(task, self._result(reference))
                if outcome is not None:
                    self._lost |= bool(outcome.failure)
                    self._progress.flight_done(outcome.source)
                    yield outcome
        self._progress.close()

    def publish(self) -> PublishedFlights:
        """Bring the tables of the store up to date; call it when all flights are done."""
        self._check_lock()
        published = publish(self._store)
        self._check_lock()
        if not self._lost:  # pieces of flights that failed save work when they are tried again
            self._store.files.remove(PIECES)
        clear_scratch(self._store.files)
        return published

    def close(self) -> None:
        """Let another run have the store."""
        self._lock.release()

    def _locked(self) -> FolderLock | StoreLease:
        files = self._store.files
        if files.folder is None:
            return StoreLease(files)
        work = files.folder / 'work'
        work.mkdir(exist_ok=True)
        lock = FolderLock(work)
        if not lock.is_ours:
            msg = f'{files.folder} is being written by another run at this moment; let it finish.'
            raise FleetError(msg)
        return lock

    def _check_lock(self) -> None:
        if isinstance(self._lock, StoreLease):
            self._lock.check()

    def _submit(self) -> None:
        """Hand out tasks: what ends flights first, then pieces of those begun, then new ones."""
        most = _AHEAD * self._cluster.workers
        while len(self._tasks) < most:
            if self._ready:
                task = self._ready.popleft()
            elif self._states:
                task = _Task(self._states.popleft(), 'survey')
            else:
                return
            what = task.state.survey if task.kind == 'finish' else task.piece
            extra = () if what is None else (what,)
            reference = self._remote[task.kind](self._job_ref, task.state.flight, *extra)
            self._tasks[reference] = task

    def _result(self, reference: Any) -> Any:
        """Return the result of a task; a worker that died becomes a failure."""
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.OutOfMemoryError:
            return TaskFailure(
                'Its workers ran out of memory four times. Give fewer workers, or smaller pieces '
                'with --piece-frames.'
            )
        except self._ray.exceptions.WorkerCrashedError:
            return TaskFailure('Its workers died four times; an input may be what kills them.')
        except self._ray.exceptions.RayError as error:
            return TaskFailure(f'Ray could not run it: {one_line(error)[:300]}')

    def _finished(self, task: _Task, result: Any) -> InputOutcome | None:
        """Take the result of a task; return the outcome of a flight that is done with it."""
        state = task.state
        source = state.flight.address
        if task.kind == 'piece':
            state.running -= 1
            assert task.piece is not None
            self._progress.piece_done(state.flight.name)
            if isinstance(result, TaskFailure):
                # Once more in one piece with the others would kill that worker as well.
                state.losses.append(result.sentence)
            if state.running:
                return None
            if state.losses:
                return InputOutcome(source=source, failure=state.losses[0])
            self._ready.appendleft(_Task(state, 'finish'))
            return None
        if isinstance(result, TaskFailure):
            return InputOutcome(source=source, failure=result.sentence)
        if task.kind == 'finish':
            assert isinstance(result, InputOutcome)
            return result
        return self._surveyed(state, result)

    def _surveyed(self, state: _FlightState, found: FlightSurvey) -> InputOutcome | None:
        """Queue the pieces of a flight, unless it is done or another one has the same content."""
        first = self._content.setdefault(found.content_sha256, state.flight.address)
        if first != state.flight.address:
            note = f'It holds the same files as {first}, and counts once.'
            return InputOutcome(source=state.flight.address, notes=(note,), already_done=True)
        state.survey = found
        if found.mark is not None:
            return earlier_outcome(self._store.files, state.flight, found)
        state.running = len(found.pieces)
        self._progress.flight_begun(state.flight.name, len(found.pieces))
        if not found.pieces:
            self._ready.appendleft(_Task(state, 'finish'))
        self._ready += [_Task(state, 'piece', piece) for piece in found.pieces]
        return None


def failed_in_catalog(flights: Sequence[CatalogFlight]) -> list[InputOutcome]:
    """Return the outcomes of flights that the catalog itself shows to be unusable."""
    return [
        InputOutcome(source=one.address, failure=one.failure) for one in flights if one.failure
    ]
