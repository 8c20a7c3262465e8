# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Images of roofs from above, rotated as a nadir view may be, each by a seed of its own."""

from __future__ import annotations

import random
import tempfile
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
from ultralytics.data.augment import Albumentations, Compose, Mosaic
from ultralytics.data.dataset import YOLODataset
from ultralytics.utils import LOGGER
from ultralytics.utils.instance import Instances

from training.errors import TrainingError


class NadirDataset(YOLODataset):
    """Ultralytics' data set with rotations, and an order that depends on seeds alone.

    What image `index` looks like in an epoch follows from (seed, epoch, index) alone: not from the
    number of workers, nor from what was loaded before. So a resumed run sees what the
    uninterrupted one would have seen.
    """

    def __init__(self, *args: Any, rotate: str, seed: int, hyp: Any, **options: Any) -> None:
        self.rotate = rotate
        self.seed = seed
        self.epoch = 0
        hyp = copy(hyp)
        # otherwise it warns that a memory cache may not be deterministic: here it is
        hyp.deterministic = False
        super().__init__(*args, hyp=hyp, **options)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return the image and labels that this epoch has for an index."""
        if self.augment:
            seed = np.random.SeedSequence((self.seed, self.epoch, int(index)))
            low, high = (int(word) for word in seed.generate_state(2))
            random.seed(low)
            np.random.seed(high)
        return super().__getitem__(index)

    def get_image_and_label(self, index: int) -> dict[str, Any]:
        """Return an image with its labels, randomly rotated."""
        label = super().get_image_and_label(index)
        if not self.turns_quarters:
            return label
        return turn(label, random.randrange(4))

    @property
    def turns_quarters(self) -> bool:
        """Return whether images are rotated by quarters before any other augmentation."""
        if not self.augment or self.rotate == 'none':
            return False
        canvas_is_square = not self.rect or bool(
            np.all(self.batch_shapes[:, 0] == self.batch_shapes[:, 1])
        )
        return canvas_is_square and not self.turns_any_angle

    @property
    def turns_any_angle(self) -> bool:
        """Return whether images are rotated by any angle, which needs outlines."""
        return self.rotate == 'any' or (self.rotate == 'auto' and self.has_outlines)

    @property
    def has_outlines(self) -> bool:
        """Return whether every label has an outline; if some lack it, ultralytics drops all."""
        return any(len(label['segments']) for label in self.labels)

    def build_transforms(self, hyp: Any) -> Compose:
        """Build ultralytics' augmentation with these rotations and without optional packages."""
        if self.augment:
            if self.rotate == 'any' and not self.has_outlines:
                msg = (
                    'rotate is any, but the labels are boxes: a box turned by 45 degrees is twice '
                    'as large as its object. Use rotate: quarter, or label outlines.'
                )
                raise TrainingError(msg)
            hyp.degrees = 180.0 if self.turns_any_angle else 0.0
            if self.rect and len(np.unique(self.batch_shapes, axis=0)) > 1:
                LOGGER.warning(
                    'rect is true, but the images differ in shape: they are trained on in the '
                    'order of their shapes. Better set rect: false.'
                )
        transforms: Compose = super().build_transforms(hyp)
        # An installed albumentations must not change a run; it also checks for updates.
        transforms.transforms = [
            one for one in transforms.transforms if not isinstance(one, Albumentations)
        ]
        for mosaic in _mosaics(transforms):
            mosaic.buffer_enabled = False  # partners from all images, not the last ones loaded
        return transforms

    def _load_or_scan_cache(
        self, cache_path: Path, cache_hash: str
    ) -> tuple[dict[str, Any], bool]:
        """Read the labels again: a cache beside them is a pickle, which may run any code."""
        del cache_hash
        with tempfile.TemporaryDirectory(prefix='roof_detector-labels-') as folder:
            return self.cache_labels(Path(folder) / cache_path.name), False


def _mosaics(transforms: Compose) -> list[Mosaic]:
    found = []
    for one in transforms.transforms:
        if isinstance(one, Mosaic):
            found.append(one)
        found += _mosaics(getattr(one, 'pre_transform', None) or Compose([]))
        if isinstance(one, Compose):
            found += _mosaics(one)
    return found


def turn(label: dict[str, Any], quarters: int) -> dict[str, Any]:
    """Return a label of ultralytics with its image rotated anticlockwise.

    `label` holds img (h, w, 3) and instances, normalised; its arrays are not modified.
    """
    quarters %= 4
    if not quarters:
        return label
    image = np.ascontiguousarray(np.rot90(label['img'], quarters))
    instances = label['instances']
    instances.convert_bbox('xywh')
    boxes, outlines = instances.bboxes, instances.segments
    for _ in range(quarters):
        x, y, width, height = boxes.T
        boxes = np.stack((y, 1 - x, height, width), axis=1)
        outlines = np.stack((outlines[..., 1], 1 - outlines[..., 0]), axis=-1)
    turned = Instances(boxes, outlines, None, bbox_format='xywh', normalized=True)
    old_shape = label['ori_shape']
    return {
        **label,
        'img': image,
        'instances': turned,
        'resized_shape': image.shape[:2],
        'ori_shape': old_shape[::-1] if quarters % 2 else old_shape,
    }
