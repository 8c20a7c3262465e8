# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The jobs of the station: one at a time, remembered across restarts."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import shutil
import time
from pathlib import Path
from typing import Any

from roof_detector.station.disk_budget import DiskBudget
from roof_detector.station.errors import StationError
from roof_detector.station.folders import StationFolders
from roof_detector.station.jobs.command_process import LOG, CommandProcess, reason_of
from roof_detector.station.jobs.job import (
    CANCELLED,
    DONE,
    FAILED,
    JOB_FILE,
    QUEUED,
    RUNNING,
    Job,
    JobOrder,
    Progress,
)

_log = logging.getLogger(__name__)
_DISK_PERIOD_S = 1.0
_ENDED_MEANWHILE = 'The station ended while this was processed. Again goes on where it was.'


def new_id() -> str:
    """Return a name for a folder that nobody can guess and that sorts by time."""
    return f'{time.strftime("%Y%m%d_%H%M%S")}_{secrets.token_hex(4)}'


def is_id(name: str) -> bool:
    """Return whether `new_id` may have made a name."""
    return re.fullmatch(r'[0-9]{8}_[0-9]{6}_[0-9a-f]{8}', name) is not None


class JobQueue:
    """Work on one job after the other, in the page's event loop, which alone calls this."""

    def __init__(self, folders: StationFolders, *, disk: DiskBudget | None = None) -> None:
        self._folders = folders
        self._disk = disk or DiskBudget(folders.root)
        self._jobs: dict[str, Job] = {}
        self._news = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._closed = False
        self._process: CommandProcess | None = None
        for path in sorted(folders.results.glob(f'*/{JOB_FILE}')):
            if not path.parent.is_symlink() and not path.is_symlink():
                self._remember(path.parent)

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Return all jobs, the newest first."""
        return tuple(
            sorted(self._jobs.values(), key=lambda job: job.order.ordered_at_s, reverse=True)
        )

    def job(self, job_id: str) -> Job:
        """Return a job; raise StationError where there is none of this name."""
        if job_id not in self._jobs:
            raise StationError(f'There is no job {job_id!r} here.', status=404)
        return self._jobs[job_id]

    def add(self, order: JobOrder, *, job_id: str = '') -> Job:
        """Queue an order."""
        job_id = job_id or new_id()
        job = Job(job_id, self._folders.results / job_id, order)
        job.save()
        self._jobs[job_id] = job
        self._news.set()
        return job

    def again(self, job_id: str) -> None:
        """Queue a job that failed or was cancelled once more; what is done is not done again."""
        job = self.job(job_id)
        if job.state in (FAILED, CANCELLED):
            self._set(job, QUEUED)
            self._news.set()

    async def cancel(self, job_id: str) -> None:
        """Take a job out of the queue, or stop it."""
        job = self.job(job_id)
        if job.state in (QUEUED, RUNNING):
            was_running = job.state == RUNNING
            self._set(job, CANCELLED)
            if was_running and self._process is not None:
                await self._process.stop()

    async def delete(self, job_id: str) -> None:
        """Delete a job with what was uploaded for it and what came of it."""
        await self.cancel(job_id)
        job = self._jobs.pop(job_id)
        for folder in (job.folder, self._folders.uploads / job.id):
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def check_unused(self, source: Path) -> None:
        """Raise StationError while a job that is not over needs a source."""
        for job in self._jobs.values():
            if job.state in (QUEUED, RUNNING) and job.order.source == str(source):
                msg = f'{source.name} is being processed; cancel that first.'
                raise StationError(msg, status=409)

    @property
    def has_died(self) -> bool:
        """Return whether its worker ended, which it never should."""
        return self._worker is not None and self._worker.done() and not self._closed

    async def start(self) -> None:
        """Begin to work, again where the worker has died: its job is told to have failed."""
        for job in self._jobs.values():
            if job.state == RUNNING:
                self._set(job, FAILED, reason=_ENDED_MEANWHILE)
        self._worker = asyncio.get_running_loop().create_task(self._work())

    async def close(self) -> None:
        """Stop the job at hand; it can go on after the next start."""
        self._closed = True
        if self._worker is not None:
            self._worker.cancel()
        if self._process is not None:
            await self._process.stop()

    async def _work(self) -> None:
        while True:
            waiting = [job for job in reversed(self.jobs) if job.state == QUEUED]
            if waiting:
                await self._try(waiting[0])
            else:
                self._news.clear()
                await self._news.wait()

    async def _try(self, job: Job) -> None:
        """Work on a job; whatever goes wrong is that job's, and the next one has its turn."""
        try:
            self._disk.check()
            await self._do(job)
        except StationError as error:
            self._set(job, FAILED, reason=str(error))
        except Exception as error:
            _log.exception('The job %s ended with an error of the station.', job.id)
            job.state, job.reason = FAILED, f'{type(error).__name__}: {error}'

    async def _watch_disk(self, process: CommandProcess, shortage: list[str]) -> None:
        """Stop a job, and note why, once it takes the disk that a recording needs."""
        while not shortage:
            await asyncio.sleep(_DISK_PERIOD_S)
            try:
                self._disk.check()
            except StationError as error:
                shortage.append(str(error))
                await process.stop()

    async def _do(self, job: Job) -> None:
        job.progress = Progress()
        self._set(job, RUNNING)
        outcome: dict[str, Any] = {}

        def hear(event: dict[str, Any]) -> None:
            if event.pop('event') == 'progress':
                event.pop('input')
                job.progress = Progress(**event)
            else:
                outcome.update(event)

        started_s = time.monotonic()
        process = CommandProcess(job.order.arguments(job.folder), log=job.folder / LOG)
        self._process = process
        shortage: list[str] = []
        watch = asyncio.get_running_loop().create_task(self._watch_disk(process, shortage))
        try:
            code = await process.run(hear)
            reason = '' if code == 0 else reason_of(code, process.last_words())
        except OSError as error:
            reason = f'The process cannot be started ({error}).'
        finally:
            self._process = None
            watch.cancel()
        job.seconds += time.monotonic() - started_s
        if shortage:
            self._set(job, FAILED, reason=shortage[0])
            return
        if process.is_unwanted:
            return  # cancelled, and perhaps queued again or deleted meanwhile
        reason = outcome.get('failure') or ' '.join(outcome.get('warnings', [])) or reason
        is_whole = bool(outcome) and not outcome['failure']
        self._set(job, DONE if is_whole else FAILED, reason=_without_folders(reason, job))

    def _set(self, job: Job, state: str, *, reason: str = '') -> None:
        job.state, job.reason = state, reason
        job.save()

    def _remember(self, folder: Path) -> None:
        try:
            job = Job.read(folder)
        except StationError as error:
            _log.warning(str(error))
            return
        self._jobs[job.id] = job
        if job.state == RUNNING:
            self._set(job, FAILED, reason=_ENDED_MEANWHILE)


def _without_folders(sentence: str, job: Job) -> str:
    """Return a sentence in which files are called by their names, as the page calls them."""
    source = Path(job.order.source)
    for folder in (source, source.parent, job.folder):
        sentence = sentence.replace(f'{folder}/', '')
    return sentence
