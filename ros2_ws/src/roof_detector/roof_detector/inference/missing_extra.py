# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The sentence for a package that is not installed: which extra brings it."""

from __future__ import annotations

import platform
import re
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, requires
from typing import TYPE_CHECKING

from roof_detector.inference.errors import MissingBackend

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXTRA = re.compile(r'^([\w.-]+)[^;]*;(.*)\bextra\s*==\s*["\'](\w+)["\']')
_MACHINE = re.compile(r'platform_machine\s*([!=])=\s*["\'](\w+)["\']')
_OF_DEVELOPERS = 'dev'
# Packages that are imported by another name than they are installed by.
_DISTRIBUTIONS = {'socketio': 'python-socketio'}


@contextmanager
def missing_extras_named() -> Iterator[None]:
    """Turn a package that is missing into MissingBackend, which says what brings it."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingBackend(not_installed(error)) from error


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
        f"{name} is not installed: pip install '.[flight,ground,fleet,training]' in a "
        'clone brings what any command needs.'
    )


def _extra_of(module: str) -> str:
    """Return the extra of this package that brings a module here, '' where none is known to."""
    wanted = _DISTRIBUTIONS.get(module, module).replace('_', '-').casefold()
    try:
        lines = requires('roof_detector') or []
    except PackageNotFoundError:
        return ''
    found = (match for line in lines if (match := _EXTRA.match(line)))
    extras = [
        one[3]
        for one in found
        if one[1].replace('_', '-').casefold() == wanted and _is_for_this_machine(one[2])
    ]
    return next((one for one in extras if one != _OF_DEVELOPERS), '')


def _is_for_this_machine(marker: str) -> bool:
    asked = _MACHINE.search(marker)
    return asked is None or (asked[1] == '=') == (asked[2] == platform.machine())
