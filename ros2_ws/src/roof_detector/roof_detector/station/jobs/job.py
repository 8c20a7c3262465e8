# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A job: its request, state and progress."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Literal

from roof_detector.station.errors import StationError

JOB_FILE = 'job.json'
# Default output formats for each kind of job.
DEFAULT_FORMATS: dict[str, tuple[str, ...]] = {
    'images': ('csv', 'xlsx', 'json', 'images'),
    'video': ('csv', 'xlsx', 'json', 'video'),
    'flight': ('csv', 'xlsx', 'json', 'video'),
    'export': ('csv', 'xlsx', 'json', 'video'),
    'inspect': (),
}
JobKind = Literal['images', 'video', 'flight', 'export', 'inspect']


class JobState(str, Enum):
    """The state of a job."""

    QUEUED = 'queued'
    RUNNING = 'running'
    DONE = 'done'
    FAILED = 'failed'
    CANCELLED = 'cancelled'


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """What a job does: detect or inspect, or export the detections that a flight contains.

    `title` is the name of the source for people; an export needs no model. Findings of an
    inspection have a place if `flight_height_m`, over the roof, is not 0.
    """

    kind: JobKind
    title: str
    source: str
    model: str = ''
    confidence: float = 0.25
    iou: float = 0.45
    flight_height_m: float = 0.0
    formats: tuple[str, ...] = ()
    requested_at_s: float = field(default_factory=time.time)

    def arguments(self, folder: Path) -> list[str]:
        """Return the arguments of the command that writes the results to a folder."""
        formats = [
            '--formats',
            *(self.formats or DEFAULT_FORMATS[self.kind]),
            '--progress',
            'json',
        ]
        if self.kind == 'export':
            output = folder / Path(self.source).name
            return ['export', self.source, '--output', str(output), '--overwrite', *formats]
        thresholds = ['--confidence', f'{self.confidence:g}', '--iou', f'{self.iou:g}']
        if self.kind == 'inspect':
            # Again over the same folder, it continues; results are tables of findings.
            return [
                *('inspect', self.source, '--output', str(folder), '--model', self.model),
                *(*thresholds, '--progress', 'json'),
                *(
                    ['--flight-height', f'{self.flight_height_m:g}']
                    if self.flight_height_m
                    else []
                ),
            ]
        return [
            'detect',
            self.source,
            *('--output', str(folder), '--model', self.model, '--resume'),
            *thresholds,
            *formats,
        ]


@dataclass(kw_only=True)
class Progress:
    """The progress of a job; `frames` and `left_s` are None if they are unknown.

    `unit` is what is counted: frames, or the tiles of an orthophoto.
    """

    done: int = 0
    frames: int | None = None
    unit: str = 'frames'
    rate_hz: float = 0.0
    left_s: float | None = None

    @property
    def share(self) -> float | None:
        """Return the completed share, None if it is unknown."""
        return min(1.0, self.done / self.frames) if self.frames else None


@dataclass(kw_only=True)
class Job:
    """A job; `reason` says why it failed, or what was lost."""

    id: str
    folder: Path
    request: JobRequest
    state: JobState = JobState.QUEUED
    reason: str = ''
    seconds: float = 0.0
    progress: Progress = field(default_factory=Progress)

    def save(self) -> None:
        """Write request and state beside the results, atomically."""
        content = {
            'request': asdict(self.request),
            'state': self.state.value,
            'reason': self.reason,
            'seconds': round(self.seconds, 1),
        }
        text = json.dumps(content, indent=2, ensure_ascii=False)
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f'{JOB_FILE}.part'
        part.write_text(text + '\n', encoding='utf-8')
        part.replace(self.folder / JOB_FILE)

    @classmethod
    def read(cls, folder: Path) -> Job:
        """Read the file of `save`; raise StationError if it is missing or damaged."""
        path = folder / JOB_FILE
        try:
            content = json.loads(path.read_text(encoding='utf-8'))
            return cls(
                id=folder.name,
                folder=folder,
                request=_request(content.get('request') or content['order']),
                state=JobState(content['state']),
                reason=content['reason'],
                seconds=float(content['seconds']),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            msg = f'{path} is not a job file of the station ({error}); the job is left out.'
            raise StationError(msg) from error


def _request(content: dict[str, Any]) -> JobRequest:
    """Return the request of a job file, also as the versions before 1.0 wrote it."""
    formats = tuple('images' if name == 'pictures' else name for name in content['formats'])
    values = {**content, 'formats': formats}
    if 'ordered_at_s' in values:
        values['requested_at_s'] = values.pop('ordered_at_s')
    if values['kind'] == 'pictures':
        values['kind'] = 'images'
    if values['kind'] not in DEFAULT_FORMATS:
        msg = f'kind is {values["kind"]!r}'
        raise ValueError(msg)
    return JobRequest(**values)
