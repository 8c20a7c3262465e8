# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Statistics of a set: numbers, sizes, shapes and positions of its objects."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from training.dataset.image_facts import ImageFacts, facts_of_all
from training.dataset.reader import open_set

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from training.dataset.labelled_set import Sample

# COCO's limits, in pixels of area at training size.
SMALL_PX = 32**2
LARGE_PX = 96**2
_ZONES = ('left upper', 'upper', 'right upper', 'left', 'middle', 'right', 'left lower', 'lower')
ZONES = (*_ZONES, 'right lower')


@dataclass(frozen=True, kw_only=True)
class SplitStatistics:
    """The statistics of one split; sizes are those of the image scaled to `image_size`.

    `aspect` and `side_px` are the 5th, 50th and 95th percentile of width / height and of the
    square root of the area. `zones` counts box centres by ninths of the image.
    """

    images: int
    backgrounds: int
    instances: dict[str, int]
    sizes: dict[str, int]
    side_px: tuple[float, float, float]
    aspect: tuple[float, float, float]
    zones: dict[str, int]
    per_image: tuple[float, int]
    image_sizes: dict[str, int]


@dataclass(frozen=True)
class SetStatistics:
    """The statistics of all splits of a set."""

    path: str
    image_size: int
    splits: dict[str, SplitStatistics]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        names = list(dict.fromkeys(n for one in self.splits.values() for n in one.instances))
        rows: list[tuple[str, list[str]]] = []
        parts = list(self.splits.values())
        rows.append(('images', [str(one.images) for one in parts]))
        rows.append(('  backgrounds', [str(one.backgrounds) for one in parts]))
        rows.append(('  sizes', [_commonest(one.image_sizes) for one in parts]))
        rows.append(('instances', [str(sum(one.instances.values())) for one in parts]))
        rows += [(f'  {name}', [str(one.instances[name]) for one in parts]) for name in names]
        rows.append(
            (
                '  mean, most an image',
                [f'{m:.1f}, {n}' for m, n in (one.per_image for one in parts)],
            )
        )
        rows += [
            (f'  {size}', [str(one.sizes[size]) for one in parts])
            for size in ('small', 'medium', 'large')
        ]
        rows.append(('  side in pixels', [_spread(one.side_px) for one in parts]))
        rows.append(('  width / height', [_spread(one.aspect) for one in parts]))
        rows += [(f'  {zone}', [str(one.zones[zone]) for one in parts]) for zone in ZONES]
        wide = max(len(label) for label, _ in rows) + 2
        cell = max(len(text) for _, texts in rows for text in (*texts, *self.splits)) + 2
        head = ' ' * wide + ''.join(f'{split:>{cell}}' for split in self.splits)
        body = [
            f'{label:<{wide}}' + ''.join(f'{t:>{cell}}' for t in texts) for label, texts in rows
        ]
        note = (
            f'{self.path}: sizes with the longer side scaled to {self.image_size} pixels; small '
            'below 32x32, large from 96x96; spreads are 5th, 50th and 95th percentile.'
        )
        return '\n'.join((note, head, *body))


def statistics(
    path: Path | str, *, image_size: int = 640, names: tuple[str, ...] = ()
) -> SetStatistics:
    """Count a set at its training size `image_size`."""
    with open_set(path, names=names) as found:
        labelled = found.labelled
        facts = facts_of_all(sample.image_path for sample in labelled.samples)
        splits = {
            split: _count(labelled.of_split(split), facts, labelled.names, image_size)
            for split in labelled.splits
        }
    return SetStatistics(str(path), image_size, splits)


def _count(
    samples: Sequence[Sample],
    facts: dict[Path, ImageFacts],
    names: tuple[str, ...],
    image_size: int,
) -> SplitStatistics:
    usable = [sample for sample in samples if not facts[sample.image_path].problem]
    sizes_wh = [np.array(facts[s.image_path].size_wh, np.float64) for s in usable]
    boxes = np.array(
        [one.box_xyxy for s in usable for one in s.instances], dtype=np.float64
    ).reshape(-1, 4)
    scaled = [
        size * image_size / size.max()
        for size, s in zip(sizes_wh, usable, strict=True)
        for _ in s.instances
    ]
    extents = (boxes[:, 2:] - boxes[:, :2]) * np.array(scaled).reshape(-1, 2)
    areas = extents.prod(1)
    middles = np.clip((boxes[:, :2] + boxes[:, 2:]) / 2, 0, 1 - 1e-9)
    zones = Counter((np.floor(middles[:, 1] * 3) * 3 + np.floor(middles[:, 0] * 3)).tolist())
    classes = Counter(one.class_id for s in usable for one in s.instances)
    each = [len(s.instances) for s in usable]
    known = (*names, *(f'class {i}' for i in range(len(names), max(classes, default=-1) + 1)))
    return SplitStatistics(
        images=len(samples),
        backgrounds=sum(not count for count in each),
        instances={name: classes[i] for i, name in enumerate(known)},
        sizes={
            'small': int((areas < SMALL_PX).sum()),
            'medium': int(((areas >= SMALL_PX) & (areas < LARGE_PX)).sum()),
            'large': int((areas >= LARGE_PX).sum()),
        },
        side_px=_percentiles(np.sqrt(areas)),
        aspect=_percentiles(extents[:, 0] / extents[:, 1]),
        zones={zone: zones[float(i)] for i, zone in enumerate(ZONES)},
        per_image=(float(np.mean(each)) if each else 0.0, max(each, default=0)),
        image_sizes=dict(Counter(f'{int(w)}x{int(h)}' for w, h in sizes_wh).most_common()),
    )


def _percentiles(values: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    if not len(values):
        return 0.0, 0.0, 0.0
    low, middle, high = np.percentile(values, [5, 50, 95]).tolist()
    return low, middle, high


def _spread(values: tuple[float, float, float]) -> str:
    return ' '.join(f'{value:.3g}' for value in values)


def _commonest(sizes: dict[str, int]) -> str:
    first = next(iter(sizes), '-')
    return f'{first} +{len(sizes) - 1}' if len(sizes) > 1 else first
