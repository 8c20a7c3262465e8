# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The metrics of each class."""

from __future__ import annotations

from typing import Any

_METRICS = ('precision', 'recall', 'AP50', 'AP50-95')


def class_metrics(metrics: Any) -> dict[str, dict[str, float]]:
    """Return ultralytics' metrics by class name; those of masks have mask in their key.

    A class without a single instance in the validation images has no values, only a count of 0.
    """
    found = {}
    for i, class_id in enumerate(metrics.ap_class_index):
        values = dict(zip(_METRICS, map(float, metrics.box.class_result(i)), strict=True))
        if hasattr(metrics, 'seg'):
            mask = zip(_METRICS, map(float, metrics.seg.class_result(i)), strict=True)
            values |= {f'mask {name}': value for name, value in mask}
        found[int(class_id)] = values
    counts = metrics.nt_per_class
    return {
        str(name): {'instances': float(counts[class_id]), **found.get(class_id, {})}
        for class_id, name in metrics.names.items()
    }
