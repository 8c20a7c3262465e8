# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Checks of files that arguments name."""

from __future__ import annotations

from pathlib import Path

from roof_detector.launching.errors import LaunchError


def readable_file(text: str, *, argument: str) -> Path:
    """Return the path of a file; raise LaunchError if it cannot be read."""
    path = Path(text).expanduser()
    try:
        with path.open('rb'):
            return path
    except FileNotFoundError as error:
        msg = f'{argument} is {path}, and there is no such file.'
        raise LaunchError(msg) from error
    except OSError as error:
        msg = f'{argument} is {path}, which cannot be read ({error.strerror}).'
        raise LaunchError(msg) from error
