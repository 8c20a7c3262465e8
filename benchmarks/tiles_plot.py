# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Plot recall of tiled inference against its cost, from the result of tiles.py.

python benchmarks/tiles_plot.py benchmarks/results/tiles.json docs/images/tiles.png
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use('Agg')
import matplotlib.pyplot as plt


def main() -> None:
    """Read the result file of the first argument and write the plot of the second."""
    rows = json.loads(Path(sys.argv[1]).read_text(encoding='utf-8'))['rows']
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), sharey=True, layout='constrained')
    for size in sorted({row['tile_size'] for row in rows}):
        own = [row for row in rows if row['tile_size'] == size]
        recalls = [row['recall'] for row in own]
        times = [row['frame_ms'] / row['whole_ms'] for row in own]
        label = f'tiles of {size} pixels ({own[0]["tiles"]})'
        left.plot(times, recalls, marker='o', label=label)
        right.plot([row['false_alarms'] for row in own], recalls, marker='o', label=label)
    left.set_xlabel('time of a frame, relative to a full-frame pass')
    right.set_xlabel('false alarms in a frame')
    left.set_ylabel(f'recall at confidence {rows[0]["confidence"]:g}')
    left.set_ylim(0, 1)
    for axes in (left, right):
        axes.grid(alpha=0.3)
    right.legend(loc='lower right')
    figure.savefig(sys.argv[2], dpi=110)


if __name__ == '__main__':
    main()
