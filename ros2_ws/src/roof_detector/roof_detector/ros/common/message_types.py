# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The class of a message type, from a name that may come from an untrusted source."""

from __future__ import annotations

import importlib
import re

from ament_index_python import PackageNotFoundError, has_resource

_NAME = re.compile(r'([a-z][a-z0-9_]*)/msg/([A-Za-z][A-Za-z0-9]*)')


def message_class(type_name: str) -> type | None:
    """Return the class of a type such as std_msgs/msg/String; None if it is not installed.

    The name may come from an untrusted publisher or bag, and an import runs code: only packages
    that ROS has registered as message packages are imported.
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
