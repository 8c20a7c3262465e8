# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""From the name of a message type, which a stranger may choose, to its class."""

from __future__ import annotations

import importlib
import re

from ament_index_python import PackageNotFoundError, has_resource

_NAME = re.compile(r'([a-z][a-z0-9_]*)/msg/([A-Za-z][A-Za-z0-9]*)')


def message_class(type_name: str) -> type | None:
    """Return the class of a type such as std_msgs/msg/String, None where it is not installed.

    A publisher or a bag names the type, and importing a package runs it: only packages that are
    registered with ROS as holding messages are imported.
    """
    parts = _NAME.fullmatch(type_name)
    if parts is None:
        return None
    package, name = parts.groups()
    try:
        if not has_resource('rosidl_interfaces', package):
            return None
        found = getattr(importlib.import_module(f'{package}.msg'), name, None)
    except (ImportError, LookupError, PackageNotFoundError):
        return None
    return found if isinstance(found, type) else None
