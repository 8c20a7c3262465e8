# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The one place of this package that imports ultralytics: quietly, and with our blocks."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType


def import_quietly(name: str = 'ultralytics') -> ModuleType:
    """Import ultralytics or one of its modules without network, files at home or changed threads.

    The blocks come first: their package keeps the import quiet, and any checkpoint may hold them.
    """
    importlib.import_module('roof_detector.blocks')
    return importlib.import_module(name)
