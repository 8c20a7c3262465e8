# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Keep ultralytics off the network: import this module before ultralytics, everywhere.

A robot has no internet. With these defaults ultralytics sends no events, looks for no updates and
installs no packages, not even the one a checkpoint names. Set a variable yourself to overrule it.
"""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import Final

ULTRALYTICS_DEFAULTS: Final = MappingProxyType(
    {
        'YOLO_OFFLINE': '1',
        'YOLO_AUTOINSTALL': 'false',
    }
)

for _name, _value in ULTRALYTICS_DEFAULTS.items():
    os.environ.setdefault(_name, _value)
