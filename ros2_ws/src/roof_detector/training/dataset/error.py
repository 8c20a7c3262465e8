# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations


class DatasetError(ValueError):
    """Say what is wrong with a data set, or with what is asked of it."""
