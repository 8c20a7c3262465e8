# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Data sets for training: read, checked, converted, split, shown and counted."""

from __future__ import annotations

from training.dataset.content_hash import dataset_hash
from training.dataset.error import DatasetError
from training.dataset.fault import Fault
from training.dataset.inspection import check
from training.dataset.report import Report
from training.dataset.trainable import trainable_data_yaml

__all__ = ['DatasetError', 'Fault', 'Report', 'check', 'dataset_hash', 'trainable_data_yaml']
