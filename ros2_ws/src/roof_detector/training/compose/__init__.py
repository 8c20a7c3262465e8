# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Variants of YOLO11 from one description: backbone, stages, attention, neck, head, scale."""

from __future__ import annotations

from training.compose.build import build_network
from training.compose.description import Description
from training.compose.errors import ComposeError
from training.compose.model_file import model_rows

__all__ = ['ComposeError', 'Description', 'build_network', 'model_rows']
