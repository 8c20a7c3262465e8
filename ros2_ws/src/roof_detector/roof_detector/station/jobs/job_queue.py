# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The queue of jobs, which runs one at a time and survives restarts."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roof_detector.station.disk_budget import DiskBudget
from roof_detector.station.errors import StationError
from roof_detector.station.jobs.command_process import LOG, CommandProcess, reason_of
from roof_detector.station.jobs.job import (
    JOB_FILE,
    Job,
    JobRequest,
    JobState,
    Progress,
)

if TYPE_CHECKING:
    from roof_detector.station.folders import StationFolders

_log = logging.getLogger(__name__)
_DISK_PERIOD_S = 1.0
_INTERRUPTED = 'The station ended during this job. Retry continues it.'


def new_id() -> str:
    """Return a folder name that cannot be guessed and sorts by time."""
    return f'{time.strftime("%Y%m%d_%H%M%S")}_{secrets.token_hex(4)}'


def is_id(name: str) -> bool:
    """Return whether a name has the format of `new_id`."""
    return re.fullmatch(r'[0-9]{8}_[0-9]{6}_[0-9a-f]{8}', name) is not None


class JobQueue:
    """The jobs and the worker that runs them one by one; for the page's event loop only."""

    def __init__(self, folders: StationFolders, *, disk: DiskBudget | None = None) -> None:
        self._folders = folders
        self._disk = disk or DiskBudget(folders.root)
        self._jobs: dict[str, Job] = {}
        self._updates = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._closed = False
        self._process: CommandProcess | None = None
        for path in sorted(folders.results.glob(f'*/{JOB_FILE}')):
            if not path.parent.is_symlink() and not path.is_symlink():
                self._load(path.parent)

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Return all jobs, newest first."""
        return tuple(
            sorted(self._jobs.values(), key=lambda job: job.request.requested_at_s, reverse=True)
        )

    def job(self, job_id: str) -> Job:
        """Return a job; raise StationError if there is none with this id."""
        if job_id not in self._jobs:
            msg = f'There is no job {job_id!r} here.'
            raise StationError(msg, status=404)
        return self._jobs[job_id]

    def add(self, request: JobRequest, *, job_id: str = '') -> Job:
        """Queue a job."""
        job_id = job_id or new_id()
        job = Job(id=job_id, folder=self._folders.results / job_id, request=request)
        job.save()
        self._jobs[job_id] = job
        self._updates.set()
        return job

    def retry(self, job_id: str) -> None:
        """Queue a failed or cancelled job again; finished frames are not repeated."""
        job = self.job(job_id)
        if job.state in (JobState.FAILED, JobState.CANCELLED):
            self._set(job, JobState.QUEUED)
            self._updates.set()

    async def cancel(self, job_id: str) -> None:
        """Remove a job from the queue, or stop it."""
        job = self.job(job_id)
        if job.state in (JobState.QUEUED, JobState.RUNNING):
            was_running = job.state == JobState.RUNNING
            self._set(job, JobState.CANCELLED)
            if was_running and self._process is not None:
                await self._process.stop()

    async def delete(self, job_id: str) -> None:
        """Delete a job with its uploads and results."""
        await self.cancel(job_id)
        job = self._jobs.pop(job_id)
        for folder in (job.folder, self._folders.uploads / job.id):
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def check_unused(self, source: Path) -> None:
        """Raise StationError while a queued or running job needs a source."""
        for job in self._jobs.values():
            if job.state in (JobState.QUEUED, JobState.RUNNING) and job.request.source == str(
                source
            ):
                msg = f'{source.name} is being processed; cancel the job first.'
                raise StationError(msg, status=409)

    @property
    def has_died(self) -> bool:
        """Return whether the worker has ended unexpectedly."""
        return self._worker is not None and self._worker.done() and not self._closed

    async def start(self) -> None:
        """Start a worker; a job that was running before is marked as failed."""
        for job in self._jobs.values():
            if job.state == JobState.RUNNING:
                self._set(job, JobState.FAILED, reason=_INTERRUPTED)
        self._worker = asyncio.get_running_loop().create_task(self._work())

    async def close(self) -> None:
        """Stop the running job; it can be continued after the next start."""
        self._closed = True
        if self._worker is not None:
            self._worker.cancel()
        if self._process is not None:
            await self._process.stop()

    async def _work(self) -> None:
        while True:
            waiting = [job for job in reversed(self.jobs) if job.state == JobState.QUEUED]
            if waiting:
                await self._run_safely(waiting[0])
            else:
                self._updates.clear()
                await self._updates.wait()

    async def _run_safely(self, job: Job) -> None:
        """Run a job; an error fails that job only, and the next one follows."""
        try:
            self._disk.check()
            await self._run(job)
        except StationError as error:
            self._set(job, JobState.FAILED, reason=str(error))
        except Exception as error:
            _log.exception('Job %s ended with an internal error.', job.id)
            job.state, job.reason = JobState.FAILED, f'{type(error).__name__}: {error}'

    async def _watch_disk(self, process: CommandProcess, shortage: list[str]) -> None:
        """Stop a job, and note the reason, when it uses disk space that a recording needs."""
        while not shortage:
            await asyncio.sleep(_DISK_PERIOD_S)
            try:
                self._disk.check()
            except StationError as error:
                shortage.append(str(error))
                await process.stop()

    async def _run(self, job: Job) -> None:
        job.progress = Progress()
        self._set(job, JobState.RUNNING)
        outcome: dict[str, Any] = {}

        def on_event(event: dict[str, Any]) -> None:
            if event.pop('event') == 'progress':
                event.pop('input')
                job.progress = Progress(**event)
            else:
                outcome.update(event)

        started_s = time.monotonic()
        process = CommandProcess(job.request.arguments(job.folder), log=job.folder / LOG)
        self._process = process
        shortage: list[str] = []
        watch = asyncio.get_running_loop().create_task(self._watch_disk(process, shortage))
        try:
            code = await process.run(on_event)
            reason = '' if code == 0 else reason_of(code, process.last_line())
        except OSError as error:
            reason = f'The process cannot be started ({error}).'
        finally:
            self._process = None
            watch.cancel()
        job.seconds += time.monotonic() - started_s
        if shortage:
            self._set(job, JobState.FAILED, reason=shortage[0])
            return
        if process.was_stopped:
            return  # cancelled, and possibly queued again or deleted since
        reason = outcome.get('failure') or ' '.join(outcome.get('warnings', [])) or reason
        is_whole = bool(outcome) and not outcome['failure']
        self._set(
            job,
            JobState.DONE if is_whole else JobState.FAILED,
            reason=_without_folders(reason, job),
        )

    def _set(self, job: Job, state: JobState, *, reason: str = '') -> None:
        job.state, job.reason = state, reason
        job.save()

    def _load(self, folder: Path) -> None:
        try:
            job = Job.read(folder)
        except StationError as error:
            _log.warning(str(error))
            return
        self._jobs[job.id] = job
        if job.state == JobState.RUNNING:
            self._set(job, JobState.FAILED, reason=_INTERRUPTED)


def _without_folders(message: str, job: Job) -> str:
    """Return a message with file names in place of the job's absolute paths."""
    source = Path(job.request.source)
    for folder in (source, source.parent, job.folder):
        message = message.replace(f'{folder}/', '')
    return message
