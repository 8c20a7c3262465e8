# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How far a long command is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqdm import tqdm

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


class Progress:
    """Show a bar with rate and time left on a terminal, nothing elsewhere.

    Frames that an earlier run inferred are `done` from the start and do not count for the rate.
    """

    def __init__(
        self, name: str, *, frames: int | None, done: int = 0, quiet: bool = False
    ) -> None:
        self._bar = tqdm(
            desc=name,
            total=frames,
            initial=done,
            unit=' frames',
            disable=True if quiet else None,
            dynamic_ncols=True,
        )

    def step(self) -> None:
        """Take note of one frame."""
        self._bar.update()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()
