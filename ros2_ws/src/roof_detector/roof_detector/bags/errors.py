# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations


class BagError(RuntimeError):
    """Report what about a bag cannot be read or written, why, and what to do about it."""


class DiskFull(BagError):  # noqa: N818 - the condition's own name says more than DiskFullError
    """Report that free disk space fell to the floor; what was written stays readable."""
