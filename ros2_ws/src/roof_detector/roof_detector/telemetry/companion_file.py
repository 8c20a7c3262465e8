# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Finds the file of another kind that lies beside a video under its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path


def companions_of(video: Path, suffixes: Collection[str]) -> Iterator[Path]:
    """Yield the files beside a video with its name and one of some endings, in any case."""
    try:
        beside = sorted(video.parent.iterdir())
    except OSError:
        return
    for one in beside:
        if one.suffix.lower() in suffixes and one.stem.lower() == video.stem.lower():
            yield one
