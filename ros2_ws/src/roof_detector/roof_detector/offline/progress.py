# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Shows the progress of a run, as a bar on a terminal or as lines of JSON for a program."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any, Literal, get_args

from tqdm import tqdm

if TYPE_CHECKING:
    from typing_extensions import Self

ProgressKind = Literal['bar', 'json', 'none']
PROGRESS_KINDS: tuple[ProgressKind, ...] = get_args(ProgressKind)
_LINE_PERIOD_S = 0.25


class ProgressDisplay:
    """Shows the progress of one input: a bar on a terminal, json lines, or none.

    Frames that an earlier run inferred are `done` from the start and do not count in the rate.
    `unit` is what is counted as a frame, such as the tiles of an orthophoto.
    """

    def __init__(
        self,
        name: str,
        *,
        frames: int | None,
        done: int = 0,
        kind: ProgressKind = 'bar',
        unit: str = 'frames',
    ) -> None:
        self._bar = tqdm(
            desc=name,
            total=frames,
            initial=done,
            unit=f' {unit}',
            disable=None if kind == 'bar' else True,
            dynamic_ncols=True,
        )
        self._lines = _ProgressLines(name, frames, done, unit) if kind == 'json' else None

    def step(self) -> None:
        """Count one frame."""
        self._bar.update()
        if self._lines is not None:
            self._lines.step()

    def tiles(self, done: int, of: int) -> None:
        """Show how many tiles of the frame in work are done; from any thread."""
        self._bar.set_postfix_str('' if done == of else f'tile {done}/{of}')
        if self._lines is not None:
            self._lines.tiles(done, of)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()
        if self._lines is not None:
            self._lines.print()


class _ProgressLines:
    """Prints the progress a few times a second, and at the first and last frame."""

    def __init__(self, name: str, frames: int | None, done: int, unit: str) -> None:
        self._name = name
        self._unit = unit
        self._frames = frames
        self._earlier = self._done = done
        self._started_s = time.monotonic()
        self._tiles: dict[str, int] = {}
        self.print()

    def step(self) -> None:
        self._done += 1
        if time.monotonic() - self._printed_at_s >= _LINE_PERIOD_S:
            self.print()

    def tiles(self, done: int, of: int) -> None:
        self._tiles = {} if done == of else {'tile': done, 'tiles': of}
        if time.monotonic() - self._printed_at_s >= _LINE_PERIOD_S:
            self.print()

    def print(self) -> None:
        self._printed_at_s = time.monotonic()
        elapsed_s = self._printed_at_s - self._started_s
        rate_hz = (self._done - self._earlier) / elapsed_s if self._done > self._earlier else 0.0
        left_s = None
        if rate_hz and self._frames is not None:
            left_s = round(max(0, self._frames - self._done) / rate_hz, 1)
        print_event(
            'progress',
            input=self._name,
            done=self._done,
            frames=self._frames,
            unit=self._unit,
            rate_hz=round(rate_hz, 2),
            left_s=left_s,
            **self._tiles,
        )


def print_event(event: str, **values: Any) -> None:
    """Print a line of JSON for the program that started this one."""
    sys.stdout.write(json.dumps({'event': event, **values}) + '\n')
    sys.stdout.flush()
