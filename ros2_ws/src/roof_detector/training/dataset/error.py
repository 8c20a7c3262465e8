# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The error of data set operations."""

from __future__ import annotations


class DatasetError(ValueError):
    """A data set, or a request about it, is wrong; the message says what and where."""
