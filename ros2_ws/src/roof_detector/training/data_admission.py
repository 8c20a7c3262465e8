# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The check of a data set before a run, and the run record's entry about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from training.dataset import check, dataset_hash
from training.errors import TrainingError


def admit(data: Path, *, task: str) -> dict[str, Any]:
    """Return names, hash and splits of a data set; raise TrainingError naming every fault."""
    report = check(data)
    if report.faults:
        faults = '\n'.join(f'  {fault}' for fault in report.faults)
        raise TrainingError(
            f'{data} has {len(report.faults)} fault(s), so training does not begin:\n{faults}'
        )
    if task == 'segment' and report.task != 'segment':
        raise TrainingError(
            f'{data} has boxes alone, but the model makes masks, for which outlines are needed. '
            'Take the model without -seg, or label outlines.'
        )
    return {
        'names': report.names,
        'data_hash': dataset_hash(data),
        'splits': {name: vars(count) for name, count in report.splits.items()},
    }
