# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The description of the photographs that train: where they are, their licence, and their use."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import yaml

from roof_detector.inputs.errors import InputError
from roof_detector.inputs.image_decoding import read_image
from training.dataset.error import DatasetError
from training.research.realset.drawn import Drawn, read_drawn
from training.research.realset.photo import Photo
from training.research.realset.sheets import Sheets, read_sheets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CLASSES = ('equip', 'drain', 'crack', 'ponding', 'rust')
DESCRIPTION = Path(__file__).parents[2] / 'configs' / 'real_material.yaml'
_GAP_PX = 13  # pieces of a mask with smaller gaps between them are one object
_LEAST_LONG_PX = 14
# A folder of the shared data that may be looked at, but never learned from.
_ONLY_JUDGED = frozenset({'equip', 'solar', 'drone_photos'})


@dataclass(frozen=True, kw_only=True)
class Source:
    """One source of photographs, as real_material.yaml describes it.

    `images` and `validate` are patterns below the folder that `root` names; `rows` is the part of
    the height that may be shown, `validate_rows` that of photographs that validate where it is
    another one, `scale` the metres of a pixel, `zoom` the range of enlargement,
    and `boxes` (x1, y1, x2, y2 in pixels, by the image's name) stand for label files. `masks` is
    a pattern `from:to` that turns an image's path into that of its mask, white on what is seen.
    """

    name: str
    root: str
    images: str
    role: str
    share: float
    zoom: tuple[float, float]
    licence: str
    commit: str
    repository: str
    scale: tuple[float, float] = (0.0, 0.0)
    validate: str | None = None
    class_id: int | None = None
    rows: tuple[float, float] = (0.0, 1.0)
    validate_rows: tuple[float, float] | None = None
    boxes: Mapping[str, Sequence[Sequence[float]]] | None = None
    masks: str | None = None

    def __post_init__(self) -> None:
        if self.role not in {'labelled', 'ground'}:
            msg = f'The role of {self.name} is {self.role!r}; known are labelled and ground.'
            raise DatasetError(msg)
        if (self.role == 'labelled') != (self.class_id is not None):
            msg = (
                f'{self.name} is {self.role}: give a class to labelled sources, and only to them.'
            )
            raise DatasetError(msg)
        if self.images.split('/')[0] in _ONLY_JUDGED:
            msg = f'{self.images} of {self.name} is there to judge models and must not train one.'
            raise DatasetError(msg)

    def photos(self, roots: Mapping[str, Path], *, validation: bool = False) -> list[Photo]:
        """Read the photographs with their boxes; raise DatasetError where none is found."""
        rows = self.validate_rows if validation and self.validate_rows else self.rows
        return [self._read(path, rows) for path in self.paths(roots, validation=validation)]

    def paths(self, roots: Mapping[str, Path], *, validation: bool = False) -> list[Path]:
        """Return where the photographs are; raise DatasetError where none is found."""
        pattern = self.validate if validation else self.images
        if pattern is None:
            return []
        found = sorted(
            path for one in _spelled_out(pattern) for path in roots[self.root].glob(one)
        )
        if not found:
            msg = (
                f'No image is at {roots[self.root] / pattern}; get {self.repository} at '
                f'{self.commit}, or leave {self.name} out with --without {self.name}.'
            )
            raise DatasetError(msg)
        return found

    def _read(self, path: Path, rows: tuple[float, float]) -> Photo:
        try:
            image_bgr = read_image(path)
        except InputError as error:
            msg = f'{error} Fetch it again.'
            raise DatasetError(msg) from error
        height, width = image_bgr.shape[:2]
        top, bottom = (round(share * height) for share in rows)
        boxes = np.empty((0, 4))
        if self.boxes is not None:
            boxes = np.array(self.boxes.get(path.stem, []), dtype=np.float64).reshape(-1, 4)
        elif self.masks is not None:
            boxes = _boxes_of_mask(self._mask(path), (width, height))
        elif self.role == 'labelled':
            label = Path(*('labels' if part == 'images' else part for part in path.parts))
            label = label.with_suffix('.txt')
            boxes = _read_boxes(label, (width, height))
        return Photo(image_bgr, boxes, self.class_id or 0).window(0, top, (width, bottom - top))

    def _mask(self, path: Path) -> Path:
        assert self.masks is not None
        before, after = self.masks.split(':')
        mask = Path(*(after if part == before else part for part in path.parts))
        return mask if mask.exists() else mask.with_suffix('.png')  # beside photographs in JPEG


@dataclass(frozen=True, kw_only=True)
class Laid:
    """Things cut out of one source and laid on the surfaces of others, and their share."""

    name: str
    of: str
    surfaces: tuple[str, ...]
    share: float


@dataclass(frozen=True)
class Material:
    """All sources and what is composed of them."""

    sources: tuple[Source, ...]
    laid: tuple[Laid, ...]
    sheets: tuple[Sheets, ...] = ()
    drawn: tuple[Drawn, ...] = ()

    @classmethod
    def read(cls, path: Path = DESCRIPTION, *, without: frozenset[str] = frozenset()) -> Material:
        """Read a description; sources of the names in `without` are left out.

        Raises DatasetError for a file that is none.
        """
        try:
            content = yaml.safe_load(path.read_text(encoding='utf-8'))
            sources = tuple(
                _source(name, one)
                for name, one in content['sources'].items()
                if name not in without
            )
            laid = tuple(
                Laid(
                    name=name,
                    of=one['of'],
                    surfaces=tuple(one['surfaces']),
                    share=float(one['share']),
                )
                for name, one in content.get('laid', {}).items()
            )
            sheets = read_sheets(content.get('sheets', {}))
            drawn = read_drawn(content.get('drawn', {}))
        except (OSError, KeyError, TypeError, ValueError, AttributeError, yaml.YAMLError) as error:
            msg = f'{path} describes no material: {error!r}. See {DESCRIPTION.name} for its form.'
            raise DatasetError(msg) from error
        known = {one.name for one in sources}
        return cls(
            sources,
            tuple(one for one in laid if {one.of, *one.surfaces} <= known),
            tuple(one for one in sheets if one.of in known),
            tuple(one for one in drawn if {*one.surfaces, *one.grounds} <= known),
        )


def _source(name: str, content: dict[str, Any]) -> Source:
    low, high = content['zoom']
    finest, coarsest = (float(one) for one in content.get('scale', (0.0, 0.0)))
    rows = {}
    for key in {'rows', 'validate_rows'} & content.keys():
        top, bottom = content[key]
        rows[key] = (float(top), float(bottom))
    of_class = content.get('class')
    return Source(
        name=name,
        root=content['root'],
        images=content['images'],
        validate=content.get('validate'),
        role=content['role'],
        class_id=None if of_class is None else CLASSES.index(of_class),
        share=float(content['share']),
        zoom=(float(low), float(high)),
        scale=(finest, coarsest),
        boxes=content.get('boxes'),
        masks=content.get('masks'),
        licence=content['licence'],
        commit=content['commit'],
        repository=content['repository'],
        **rows,
    )


def _spelled_out(pattern: str) -> list[str]:
    """Return the patterns that `{a,b}` stands for, which glob does not know."""
    parts = re.split(r'\{([^}]*)\}', pattern)
    choices = [part.split(',') if i % 2 else [part] for i, part in enumerate(parts)]
    return [''.join(one) for one in itertools.product(*choices)]


def _boxes_of_mask(path: Path, size_wh: tuple[int, int]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return a box around each piece of a mask; pieces a few pixels apart are one object."""
    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if mask is None or mask.shape[::-1] != size_wh:
        msg = f'{path} is no mask of {size_wh[0]}x{size_wh[1]} pixels. Fetch it again.'
        raise DatasetError(msg)
    seen = (mask > 127).astype(np.uint8)
    joined = cv2.dilate(seen, np.ones((_GAP_PX, _GAP_PX), np.uint8))
    count, pieces = cv2.connectedComponents(joined)
    boxes = []
    for piece in range(1, count):
        rows, columns = np.nonzero(seen & (pieces == piece))
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        if max(box[2] - box[0], box[3] - box[1]) >= _LEAST_LONG_PX:
            boxes.append(box)
    return np.array(boxes, dtype=np.float64).reshape(-1, 4)


def _read_boxes(path: Path, size_wh: tuple[int, int]) -> np.ndarray[Any, np.dtype[np.float64]]:
    if not path.exists():
        msg = f'{path} is missing; a labelled photograph without anything has an empty file.'
        raise DatasetError(msg)
    rows = [line.split()[1:] for line in path.read_text().splitlines() if line.strip()]
    numbers = np.array(rows, dtype=np.float64).reshape(-1, 4)
    low, high = numbers[:, :2] - numbers[:, 2:] / 2, numbers[:, :2] + numbers[:, 2:] / 2
    return np.concatenate([low, high], axis=1) * np.array([*size_wh, *size_wh])
