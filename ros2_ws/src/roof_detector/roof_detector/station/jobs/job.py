# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""One thing to be worked on, and how far it is."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from roof_detector.station.errors import StationError

JOB_FILE = 'job.json'
# What is made of each kind of source when nothing else is asked for.
USUAL_FORMATS = {
    'pictures': ('csv', 'xlsx', 'json', 'images'),
    'video': ('csv', 'xlsx', 'json', 'video'),
    'flight': ('csv', 'xlsx', 'json', 'video'),
    'export': ('csv', 'xlsx', 'json', 'video'),
}
QUEUED, RUNNING, DONE, FAILED, CANCELLED = 'queued', 'running', 'done', 'failed', 'cancelled'


@dataclass(frozen=True)
class JobOrder:
    """Say what shall be done: detect in `source`, or export the findings that it holds.

    `kind` is one of `USUAL_FORMATS`; `title` is what people call the source; an export needs no
    model.
    """

    kind: str
    title: str
    source: str
    model: str = ''
    confidence: float = 0.25
    iou: float = 0.45
    formats: tuple[str, ...] = ()
    ordered_at_s: float = field(default_factory=time.time)

    def arguments(self, folder: Path) -> list[str]:
        """Return the words of the command that does it and leaves its results in a folder."""
        formats = ['--formats', *(self.formats or USUAL_FORMATS[self.kind]), '--progress', 'json']
        if self.kind == 'export':
            output = folder / Path(self.source).name
            return ['export', self.source, '--output', str(output), '--overwrite', *formats]
        thresholds = ['--confidence', f'{self.confidence:g}', '--iou', f'{self.iou:g}']
        return [
            'detect',
            self.source,
            *('--output', str(folder), '--model', self.model, '--resume'),
            *thresholds,
            *formats,
        ]


@dataclass
class Progress:
    """Hold how far a job is; `frames` and `left_s` are None where nobody knows."""

    done: int = 0
    frames: int | None = None
    rate_hz: float = 0.0
    left_s: float | None = None

    @property
    def share(self) -> float | None:
        """Return the share that is done, None where it cannot be told."""
        return min(1.0, self.done / self.frames) if self.frames else None


@dataclass
class Job:
    """Follow an order to its end; `reason` says why it failed or what was lost."""

    id: str
    folder: Path
    order: JobOrder
    state: str = QUEUED
    reason: str = ''
    seconds: float = 0.0
    progress: Progress = field(default_factory=Progress)

    def save(self) -> None:
        """Write the order and its state beside the results, as a whole."""
        told = {'state': self.state, 'reason': self.reason, 'seconds': round(self.seconds, 1)}
        text = json.dumps({'order': asdict(self.order), **told}, indent=2, ensure_ascii=False)
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f'{JOB_FILE}.part'
        part.write_text(text + '\n', encoding='utf-8')
        part.replace(self.folder / JOB_FILE)

    @classmethod
    def read(cls, folder: Path) -> Job:
        """Read what `save` wrote; raise StationError where that is not there or damaged."""
        path = folder / JOB_FILE
        try:
            told = json.loads(path.read_text(encoding='utf-8'))
            order = JobOrder(**{**told['order'], 'formats': tuple(told['order']['formats'])})
            values = told['state'], told['reason'], float(told['seconds'])
        except (OSError, ValueError, KeyError, TypeError) as error:
            msg = f'{path} is not what the station wrote ({error}); its job is left out.'
            raise StationError(msg) from error
        return cls(folder.name, folder, order, *values)
