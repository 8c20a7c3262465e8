# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What becomes of a command: its exit code, and one sentence for an error."""

from __future__ import annotations

import os
import re
import sys
import traceback
from importlib.metadata import PackageNotFoundError, requires
from typing import TYPE_CHECKING

from roof_detector.inputs.plain_text import plain_lines

if TYPE_CHECKING:
    import argparse

# If set to 1, an error is shown with its whole traceback.
_TRACEBACK = 'ROOF_DETECTOR_TRACEBACK'
_EXTRA = re.compile(r'^([\w.-]+)[^;]*;.*\bextra\s*==\s*["\'](\w+)["\']')
_OF_DEVELOPERS = 'dev'
# Packages that are imported by another name than they are installed by.
_DISTRIBUTIONS = {'socketio': 'python-socketio'}


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


def not_installed(error: ModuleNotFoundError) -> str:
    """Return one sentence for a package that is missing, with the extra that brings it."""
    name = (error.name or '').partition('.')[0]
    if name in ('rclpy', 'cv_bridge', 'launch') or name.endswith(('_msgs', '_interfaces')):
        return (
            f'{name} is not found: it comes with ROS 2. Source /opt/ros/jazzy/setup.bash, or run '
            '`make setup` in a clone and source its pypi_ros/env.bash.'
        )
    extra = _extra_of(name)
    if extra:
        return (
            f"{name} is not installed: it comes with the extra {extra}. pip install '.[{extra}]' "
            "in the package's folder of a clone (ros2_ws/src/roof_detector) brings it."
        )
    return (
        f"{name} is not installed: pip install '.[flight,ground,training]' in a clone brings "
        'what any command needs.'
    )


def _extra_of(module: str) -> str:
    """Return the extra of this package that brings a module, '' where none is known to."""
    wanted = _DISTRIBUTIONS.get(module, module).replace('_', '-').casefold()
    try:
        lines = requires('roof_detector') or []
    except PackageNotFoundError:
        return ''
    found = (match for line in lines if (match := _EXTRA.match(line)))
    extras = [one[2] for one in found if one[1].replace('_', '-').casefold() == wanted]
    return next((one for one in extras if one != _OF_DEVELOPERS), '')


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
