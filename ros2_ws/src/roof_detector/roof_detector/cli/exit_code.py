# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What becomes of a command: its exit code, and one sentence for an error."""

from __future__ import annotations

import os
import sys
import traceback
from typing import TYPE_CHECKING

from roof_detector.inference.missing_extra import not_installed
from roof_detector.inputs.plain_text import plain_lines

if TYPE_CHECKING:
    import argparse

# If set to 1, an error is shown with its whole traceback.
_TRACEBACK = 'ROOF_DETECTOR_TRACEBACK'


def exit_code_of(parsed: argparse.Namespace) -> int:
    """Call `parsed.run(parsed)` and return its exit code; an error becomes one sentence and 1."""
    try:
        code = int(parsed.run(parsed))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of the output, such as `head`, has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get(_TRACEBACK):
            raise
        is_ours = isinstance(error, (RuntimeError, ValueError, OSError))
        is_ours = is_ours and not isinstance(error, RecursionError)
        print(plain_lines(str(error) if is_ours else _unforeseen(error)), file=sys.stderr)
        return 1
    return code


def _unforeseen(error: Exception) -> str:
    """Return one line for an unexpected error."""
    if isinstance(error, ModuleNotFoundError):
        return not_installed(error)
    frames = traceback.extract_tb(error.__traceback__)
    where = f'{frames[-1].filename}:{frames[-1].lineno}' if frames else 'an unknown place'
    words = ' '.join(str(error).split())[:300]
    return (
        f'{type(error).__name__} at {where}: {words or "no reason given"}. An input may be '
        f'damaged; {_TRACEBACK}=1 shows the whole traceback, for a report.'
    )
