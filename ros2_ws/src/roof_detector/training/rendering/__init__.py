# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Rendering of labelled sets of simulated frames."""

from __future__ import annotations

from training.rendering.labels import box_lines, outline_of, segment_lines
from training.rendering.recipe import DatasetConfig
from training.rendering.scene import random_flight, random_pose, random_world
from training.rendering.world_job import WorldJob, jobs, render

__all__ = [
    'DatasetConfig',
    'WorldJob',
    'box_lines',
    'jobs',
    'outline_of',
    'random_flight',
    'random_pose',
    'random_world',
    'render',
    'segment_lines',
]
