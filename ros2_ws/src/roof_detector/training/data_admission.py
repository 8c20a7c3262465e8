# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The check of a data set before a run, and the run record's entry about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.dataset import check, dataset_hash
from training.errors import TrainingError

if TYPE_CHECKING:
    from pathlib import Path


def admit(data: Path, *, task: str) -> dict[str, Any]:
    """Return names, hash and splits of a data set; raise TrainingError naming every fault."""
    report = check(data)
    if report.faults:
        faults = '\n'.join(f'  {fault}' for fault in report.faults)
        msg = f'{data} has {len(report.faults)} fault(s), so training does not begin:\n{faults}'
        raise TrainingError(msg)
    if task == 'segment' and report.task != 'segment':
        msg = (
            f'{data} has boxes alone, but the model makes masks, for which outlines are needed. '
            'Take the model without -seg, or label outlines.'
        )
        raise TrainingError(msg)
    return {
        'names': report.names,
        'data_hash': dataset_hash(data),
        'splits': {name: vars(count) for name, count in report.splits.items()},
    }
