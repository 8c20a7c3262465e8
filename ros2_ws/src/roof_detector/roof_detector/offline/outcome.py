# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The outcome of each input of a command, and the exit code of the command."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from roof_detector.inputs.input_files import InputFile, read_files
from roof_detector.inputs.plain_text import plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# The exit codes of detect, rethreshold and export; 2 is argparse's for an invalid command.
ALL_DONE, NOTHING_DONE, DONE_WITH_LOSSES = 0, 1, 3
_NUMBERS = re.compile(r'[-+]?\d[\d.]*(e[-+]?\d+)?')
# So many unreadable images are named; the bag holds all of them.
_NAMED = 20


@dataclass(kw_only=True)
class FrameTally:
    """The counts and messages of one input, while its frames are processed."""

    frames: int = 0
    inferred: int = 0
    unreadable: int = 0
    detections: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: list[InputFile] = field(default_factory=list)
    limit: str = ''
    capped: int = 0
    _of_images: dict[str, list[str]] = field(default_factory=dict)

    def note_image(self, name: str, notes: Sequence[str]) -> None:
        """Keep what is noted on one image; notes that differ in their numbers alone are one."""
        for note in notes:
            self._of_images.setdefault(_NUMBERS.sub('#', note), [name, note]).append(name)

    def image_notes(self) -> list[str]:
        """Return each kind of note on images once, as a sentence."""
        sentences = []
        for first, note, *names in self._of_images.values():
            who = f'Each of {len(names)} images such as {first}' if len(names) > 1 else first
            sentences.append(f'{who} {note}.')
        return sentences

    def count(
        self, *, error: str, inferred: bool, found: dict[str, int], most: int | None = None
    ) -> None:
        """Count a frame, of which at most `most` detections were kept."""
        self.frames += 1
        self.capped += most is not None and sum(found.values()) >= most
        self.inferred += inferred and not error
        self.detections.update(found)
        if error:
            self.unreadable += 1
            if self.unreadable <= _NAMED:
                self.warnings.append(error)

    def note_cap(self, most: int) -> None:
        """Note in how many frames as many detections were found as are kept of one."""
        if self.capped:
            self.notes.append(cap_note(self.capped, f'of {self.frames} frames', most))

    def add_messages(self, other: FrameTally) -> None:
        """Add the warnings and notes of another step."""
        self.warnings += other.warnings
        self.notes += other.notes

    def rename_folder(self, folder: Path, *, final: Path) -> None:
        """Replace the path of a folder by its final path in all messages."""
        for sentences in (self.warnings, self.notes):
            sentences[:] = [text.replace(str(folder), str(final)) for text in sentences]


def cap_note(capped: int, of_all: str, most: int) -> str:
    """Return a sentence on the frames or tiles whose less certain detections are missing."""
    return (
        f'{capped} {of_all} have {most} detections or more, and only the {most} most certain of '
        'each were kept; raise --max-detections to keep the others.'
    )


@dataclass(frozen=True, kw_only=True)
class InputOutcome:
    """The outcome of one input; `failure` is empty if there are results.

    `warnings` report what was lost, `notes` what else the user should know. `limit` says of what
    nothing was found, where not everything could have been.
    """

    source: str
    output: Path | None = None
    frames: int = 0
    inferred: int = 0
    unreadable: int = 0
    detections: dict[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    files: tuple[InputFile, ...] = ()
    failure: str = ''
    already_done: bool = False
    limit: str = ''

    @classmethod
    def of(cls, tally: FrameTally, *, source: str, output: Path) -> InputOutcome:
        """Return the outcome of a finished input."""
        return cls(
            source=source,
            output=output,
            frames=tally.frames,
            inferred=tally.inferred,
            unreadable=tally.unreadable,
            detections=dict(sorted(tally.detections.items())),
            warnings=tuple(tally.warnings),
            notes=tuple(tally.notes),
            files=tuple(tally.files),
            limit=tally.limit,
        )

    @classmethod
    def earlier(cls, run: dict[str, Any], *, output: Path) -> InputOutcome:
        """Return the outcome that an earlier run left in run.json."""
        return cls(
            source=run['source'],
            output=output,
            frames=run['frames'],
            inferred=0,
            unreadable=run['unreadable'],
            detections=run['detections'],
            warnings=tuple(
                run['warnings'] if 'warnings' in run else run['troubles']
            ),  # before 1.0.0
            notes=tuple(run['notes']),
            files=read_files(run['files']),
            already_done=True,
            limit=run.get('limit', ''),
        )

    def as_run(self) -> dict[str, Any]:
        """Return the values for run.json."""
        return {
            'source': self.source,
            'frames': self.frames,
            'unreadable': self.unreadable,
            'detections': self.detections,
            'warnings': list(self.warnings),
            'notes': list(self.notes),
            'files': [file.as_dict() for file in self.files],
            **({'limit': self.limit} if self.limit else {}),
        }

    def as_event(self) -> dict[str, Any]:
        """Return the values of the event for the program that follows the run."""
        output = None if self.output is None else str(self.output)
        values = {key: value for key, value in self.as_run().items() if key != 'files'}
        return {**values, 'output': output, 'failure': self.failure}

    @property
    def is_complete(self) -> bool:
        """Return whether nothing was lost."""
        return not (self.failure or self.unreadable or self.warnings)

    def lines(self) -> list[str]:
        """Return the lines to print for the user."""
        source = plain_text(self.source)
        if self.failure:
            return [f'{source}: FAILED. {plain_text(self.failure)}']
        found = ', '.join(f'{count} {name}' for name, count in self.detections.items())
        nothing = f'nothing {self.limit}'.rstrip()
        read = self.frames - self.unreadable
        unread = f', {self.unreadable} of {self.frames} unreadable' if self.unreadable else ''
        state = 'was done before' if self.already_done else f'{read} frames{unread}'
        results = plain_text(str(self.output))
        lines = [f'{source}: {state}; found {plain_text(found) or nothing}; see {results}']
        lines += [f'  {plain_text(sentence)}' for sentence in (*self.warnings, *self.notes)]
        if self.unreadable > _NAMED:
            lines.append(f'  and {self.unreadable - _NAMED} more that cannot be read.')
        return lines


def exit_code(outcomes: Sequence[InputOutcome]) -> int:
    """Return the exit code: whether all, some or none of the inputs were done."""
    if all(outcome.is_complete for outcome in outcomes):
        return ALL_DONE
    if all(outcome.failure for outcome in outcomes):
        return NOTHING_DONE
    return DONE_WITH_LOSSES
