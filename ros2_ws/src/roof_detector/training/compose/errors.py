# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The error of descriptions of models."""

from __future__ import annotations


class ComposeError(ValueError):
    """A description names what does not exist or does not fit; nothing was built."""
