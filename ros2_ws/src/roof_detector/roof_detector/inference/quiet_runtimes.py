# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Telemetry of the runtimes, switched off: call this before anything imports one of them."""

from __future__ import annotations

import os
import sys


def keep_runtimes_quiet() -> None:
    """Switch off the telemetry of ONNX Runtime and OpenVINO for the whole process."""
    # Without it ONNX Runtime also leaves a database in the home folder.
    os.environ['ORT_DISABLE_TELEMETRY'] = '1'
    # Importing openvino reports to Google Analytics, unless its telemetry is not installed: None
    # makes that import fail, and openvino continues without.
    sys.modules.setdefault('openvino_telemetry', None)  # type: ignore[arg-type]
