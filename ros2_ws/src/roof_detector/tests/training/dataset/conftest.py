# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from roof_detector.simulation import FlightConfig, RoofWorld, SurveyFlight, WorldConfig

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE_WH = (160, 120)
NAMES = ('equip', 'drain')
# Class and outline in pixels; boxes hold the outlines exactly.
OUTLINES: dict[int, list[tuple[int, list[tuple[int, int]]]]] = {
    0: [(0, [(16, 12), (64, 12), (64, 60), (16, 60)]), (1, [(80, 60), (120, 60), (100, 90)])],
    1: [(0, [(0, 0), (32, 0), (32, 24), (0, 24)])],
    2: [],
    3: [(1, [(96, 72), (160, 72), (160, 120), (96, 120)])],
}


@pytest.fixture(scope='session')
def scenes() -> list[np.ndarray]:
    """Frames of one simulated flight, no two of which look alike."""
    world = RoofWorld.generate(
        seed=3,
        config=WorldConfig(
            building_count=(1, 1),
            roof_area_m2=(60.0, 80.0),
            texture_metres_per_px=0.1,
            tree_count=(0, 0),
        ),
    )
    flight = SurveyFlight(world, FlightConfig(size_wh=SIZE_WH), seed=1)
    return [flight[index].image_bgr for index in range(8)]


def box_of(outline: list[tuple[int, int]]) -> tuple[float, float, float, float]:
    points = np.array(outline)
    return (*points.min(0).tolist(), *points.max(0).tolist())


def yolo_lines(number: int, *, segment: bool) -> str:
    lines = []
    for class_id, outline in OUTLINES[number % 4]:
        if segment:
            values = (np.array(outline) / SIZE_WH).reshape(-1).tolist()
        else:
            x0, y0, x1, y1 = box_of(outline)
            width, height = SIZE_WH
            values = [
                (x0 + x1) / 2 / width,
                (y0 + y1) / 2 / height,
                (x1 - x0) / width,
                (y1 - y0) / height,
            ]
        lines.append(f'{class_id} ' + ' '.join(f'{value:.6f}' for value in values))
    return ''.join(f'{line}\n' for line in lines)


@dataclass
class SetMaker:
    """Writes the same little set in one format or another; each gives its root."""

    scenes: list[np.ndarray]
    root: Path
    images: dict[str, Path] = field(default_factory=dict)

    def write_image(self, path: Path, number: int) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(path), self.scenes[number])
        return path

    def yolo(
        self,
        *,
        layout: str = 'images/{split}',
        splits: tuple[str, str] = ('train', 'val'),
        segment: bool = False,
        count: int = 4,
        yaml: str | None = (
            'train: images/train\nval: images/val\nnc: 2\nnames:\n  0: equip\n  1: drain\n'
        ),
    ) -> Path:
        """Write frames 0, 1 ... to train and the last one to val."""
        for number in range(count):
            split = splits[number == count - 1]
            folder = self.root / layout.format(split=split)
            self.write_image(folder / f'roof {number}.png', number)
            labels = Path(*('labels' if p == 'images' else p for p in folder.parts))
            labels.mkdir(parents=True, exist_ok=True)
            text = yolo_lines(number, segment=segment)
            (labels / f'roof {number}.txt').write_text(text)
        if yaml is not None:
            (self.root / 'data.yaml').write_text(yaml)
        return self.root

    def coco(self, *, shape: Callable[[list[tuple[int, int]]], object] | None = None) -> Path:
        """Write Roboflow's COCO layout, with its umbrella category 0."""
        for split, numbers in (('train', (0, 1, 2)), ('valid', (3,))):
            images, annotations = [], []
            for number in numbers:
                name = f'roof {number}.png'
                self.write_image(self.root / split / name, number)
                images.append(
                    {'id': number, 'file_name': name, 'width': SIZE_WH[0], 'height': SIZE_WH[1]}
                )
                for class_id, outline in OUTLINES[number]:
                    x0, y0, x1, y1 = box_of(outline)
                    annotations.append(
                        {
                            'id': len(annotations),
                            'image_id': number,
                            'category_id': class_id + 1,
                            'bbox': [x0, y0, x1 - x0, y1 - y0],
                            'segmentation': shape(outline) if shape else [],
                            'iscrowd': 0,
                        }
                    )
            categories = [{'id': 0, 'name': 'roofs', 'supercategory': 'none'}]
            categories += [
                {'id': i + 1, 'name': name, 'supercategory': 'roofs'}
                for i, name in enumerate(NAMES)
            ]
            content = {'images': images, 'categories': categories, 'annotations': annotations}
            file = self.root / split / '_annotations.coco.json'
            file.write_text(json.dumps(content, indent=1))
        return self.root

    def voc(self, *, outlines: bool = False) -> Path:
        """Write Roboflow's Pascal VOC layout."""
        for number in range(4):
            folder = self.root / ('valid' if number == 3 else 'train')
            self.write_image(folder / f'roof {number}.png', number)
            things = []
            for class_id, outline in OUTLINES[number]:
                edges = zip(('xmin', 'ymin', 'xmax', 'ymax'), box_of(outline), strict=True)
                box = ''.join(f'<{edge}>{value:g}</{edge}>' for edge, value in edges)
                points = ''.join(
                    f'<x{i}>{x}</x{i}><y{i}>{y}</y{i}>' for i, (x, y) in enumerate(outline, 1)
                )
                polygon = f'<polygon>{points}</polygon>' if outlines else ''
                things.append(
                    f'<object>\n<name>{NAMES[class_id]}</name><bndbox>{box}</bndbox>{polygon}'
                    '</object>\n'
                )
            (folder / f'roof {number}.xml').write_text(
                f'<annotation>\n<filename>roof {number}.png</filename>\n'
                f'<size><width>{SIZE_WH[0]}</width><height>{SIZE_WH[1]}</height></size>\n'
                f'{"".join(things)}</annotation>\n'
            )
        return self.root


@pytest.fixture
def make(scenes: list[np.ndarray], tmp_path: Path) -> SetMaker:
    return SetMaker(scenes, tmp_path / 'set')


@pytest.fixture(scope='session')
def kampala() -> Path:
    """The folder of the real orthophoto; a test that needs it skips where it is absent."""
    root = Path(os.environ.get('ROOF_DETECTOR_DATA', Path(__file__).parents[6] / '../shared/data'))
    if not (root / 'kampala').is_dir():
        pytest.skip('shared data is absent: set ROOF_DETECTOR_DATA to its folder')
    return root / 'kampala'
