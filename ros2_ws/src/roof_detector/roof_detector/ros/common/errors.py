# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The errors of nodes."""

from __future__ import annotations


class RosError(RuntimeError):
    """A node cannot do what it was asked; the message says why and what to do about it."""


class ParameterError(RosError, ValueError):
    """A parameter is unknown, has the wrong type or lies outside its range."""
