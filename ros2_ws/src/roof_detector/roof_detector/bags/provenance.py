# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The provenance of a bag: the first values of every manifest."""

from __future__ import annotations

import os
import platform
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version

from roof_detector import __version__

WRITTEN_BY, STARTED_AT = 'written_by', 'started_at'
RECORDER = 'roof_detector recorder'  # the value of WRITTEN_BY in a bag of the recorder
# The packages that decide which detections an image gives, and how they were written.
_PACKAGES = (
    *('ultralytics', 'torch', 'onnxruntime', 'openvino'),
    *('opencv-python', 'opencv-python-headless', 'numpy', 'mcap'),
)


def provenance(*, written_by: str) -> dict[str, str]:
    """Return who wrote a bag, when, on which computer and with which software."""
    return {
        WRITTEN_BY: written_by,
        STARTED_AT: datetime.now(timezone.utc).isoformat(timespec='milliseconds'),
        'host': platform.node(),
        'system': platform.platform(),
        'cpu_architecture': platform.machine(),
        'ros_distro': os.environ.get('ROS_DISTRO', ''),
        'rmw': os.environ.get('RMW_IMPLEMENTATION', ''),
        **software_versions(),
    }


def software_versions() -> dict[str, str]:
    """Return the versions of all packages that decide which detections an image gives."""
    return {
        'roof_detector_version': __version__,
        'python_version': platform.python_version(),
        **{f'{name}_version': found for name in _PACKAGES if (found := _version(name))},
    }


def _version(package: str) -> str:
    """Return an installed package's version without importing it, empty if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ''
