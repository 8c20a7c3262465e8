# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What became of the inputs of one command."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roof_detector.inputs.input_files import InputFile, read_files

# The exit codes of detect, rethreshold and export; 2 is argparse's, for a command not understood.
ALL_DONE, NOTHING_DONE, DONE_WITH_LOSSES = 0, 1, 3
# So many unreadable pictures are named; they are all in the bag.
_NAMED = 20


@dataclass
class Tally:
    """Count one input's frames while they pass."""

    frames: int = 0
    inferred: int = 0
    unreadable: int = 0
    detections: Counter[str] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: list[InputFile] = field(default_factory=list)

    def take(self, *, trouble: str, inferred: bool, found: dict[str, int]) -> None:
        """Count a frame."""
        self.frames += 1
        self.inferred += inferred and not trouble
        self.detections.update(found)
        if trouble:
            self.unreadable += 1
            if self.unreadable <= _NAMED:
                self.troubles.append(trouble)

    def add_words(self, other: Tally) -> None:
        """Take over what another step had to say."""
        self.troubles += other.troubles
        self.notes += other.notes

    def said_of(self, folder: Path, *, called: Path) -> None:
        """Name a folder by its final name in all that was said."""
        for sentences in (self.troubles, self.notes):
            sentences[:] = [text.replace(str(folder), str(called)) for text in sentences]


@dataclass(frozen=True)
class Outcome:
    """Say what became of one input; `failure` is empty when there are results."""

    source: str
    output: Path | None = None
    frames: int = 0
    inferred: int = 0
    unreadable: int = 0
    detections: dict[str, int] = field(default_factory=dict)
    troubles: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    files: tuple[InputFile, ...] = ()
    failure: str = ''
    already_done: bool = False

    @classmethod
    def of(cls, tally: Tally, *, source: str, output: Path) -> Outcome:
        """Return the outcome of a finished input."""
        return cls(
            source,
            output,
            tally.frames,
            tally.inferred,
            tally.unreadable,
            dict(sorted(tally.detections.items())),
            tuple(tally.troubles),
            tuple(tally.notes),
            tuple(tally.files),
        )

    @classmethod
    def earlier(cls, run: dict[str, Any], *, output: Path) -> Outcome:
        """Return the outcome that an earlier run left in run.json."""
        return cls(
            run['source'],
            output,
            run['frames'],
            0,
            run['unreadable'],
            run['detections'],
            tuple(run['troubles']),
            tuple(run['notes']),
            read_files(run['files']),
            already_done=True,
        )

    def as_run(self) -> dict[str, Any]:
        """Return what run.json keeps."""
        return {
            'source': self.source,
            'frames': self.frames,
            'unreadable': self.unreadable,
            'detections': self.detections,
            'troubles': list(self.troubles),
            'notes': list(self.notes),
            'files': [file.as_dict() for file in self.files],
        }

    def as_event(self) -> dict[str, Any]:
        """Return what a program is told that follows the run."""
        output = None if self.output is None else str(self.output)
        told = {key: value for key, value in self.as_run().items() if key != 'files'}
        return {**told, 'output': output, 'failure': self.failure}

    @property
    def is_whole(self) -> bool:
        """Tell whether nothing was lost."""
        return not (self.failure or self.unreadable or self.troubles)

    def lines(self) -> list[str]:
        """Return what to tell the person who asked."""
        if self.failure:
            return [f'{self.source}: FAILED. {self.failure}']
        found = ', '.join(f'{count} {name}' for name, count in self.detections.items())
        read = self.frames - self.unreadable
        unread = f', {self.unreadable} of {self.frames} unreadable' if self.unreadable else ''
        state = 'was done before' if self.already_done else f'{read} frames{unread}'
        lines = [f'{self.source}: {state}; found {found or "nothing"}; see {self.output}']
        lines += [f'  {sentence}' for sentence in (*self.troubles, *self.notes)]
        if self.unreadable > _NAMED:
            lines.append(f'  and {self.unreadable - _NAMED} more that cannot be read.')
        return lines


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """Return the code that tells whether all, some or none of the inputs were done."""
    if all(outcome.is_whole for outcome in outcomes):
        return ALL_DONE
    if all(outcome.failure for outcome in outcomes):
        return NOTHING_DONE
    return DONE_WITH_LOSSES
