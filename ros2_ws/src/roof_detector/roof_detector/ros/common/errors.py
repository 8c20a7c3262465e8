# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations


class RosError(RuntimeError):
    """Report what a node cannot do, why, and what to do about it."""


class ParameterError(RosError, ValueError):
    """Report a parameter that is unknown, of the wrong type or out of its range."""
