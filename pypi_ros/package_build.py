# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The build backend of the repository's root: that of the package in ros2_ws/src.

With it `pip install .` and `pip install git+https://...` work without a second copy of the
package's metadata. pip calls each hook in a process of its own, in the root.
"""

from __future__ import annotations

import os
from pathlib import Path

from setuptools import build_meta

PACKAGE = Path(__file__).resolve().parents[1] / 'ros2_ws' / 'src' / 'roof_detector'
os.chdir(PACKAGE)

build_wheel = build_meta.build_wheel
build_sdist = build_meta.build_sdist
build_editable = build_meta.build_editable
prepare_metadata_for_build_wheel = build_meta.prepare_metadata_for_build_wheel
prepare_metadata_for_build_editable = build_meta.prepare_metadata_for_build_editable
get_requires_for_build_wheel = build_meta.get_requires_for_build_wheel
get_requires_for_build_sdist = build_meta.get_requires_for_build_sdist
get_requires_for_build_editable = build_meta.get_requires_for_build_editable
