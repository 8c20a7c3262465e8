# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Exports detections as COCO results."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from roof_detector.inputs.input_files import readable
from roof_detector.results.errors import ExportError, export_errors
from roof_detector.results.exporter import Export
from roof_detector.results.json_lines import JsonArrayFile
from roof_detector.results.map_features import MapFeatures
from roof_detector.results.text import iso_time
from roof_detector.vision.run_lengths import coco_run_lengths

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from roof_detector.results.map_features import MapFeature, Track
    from roof_detector.vision.frame_findings import FrameFindings


class CocoExport(Export):
    """Writes COCO results, and a COCO data set without annotations that resolves their ids.

    `image_id` counts the frames written from 1, `category_id` is the class id plus 1. With `track`
    results have the keys latitude, longitude, position_error_m and ground_size_m besides.
    """

    def __init__(
        self,
        path: Path,
        images_path: Path,
        *,
        class_names: tuple[str, ...],
        track: Track | None = None,
        pixel_px: float = 2.0,
        overwrite: bool = False,
    ) -> None:
        super().__init__(path, images_path, overwrite=overwrite)
        self._features = None if track is None else MapFeatures(track, pixel_px=pixel_px)
        self._class_names = class_names
        self._frames = 0
        categories = [
            {'id': class_id + 1, 'name': readable(name), 'supercategory': ''}
            for class_id, name in enumerate(class_names)
        ]
        results, images = self._products
        with export_errors(path):
            self._results = JsonArrayFile(results.part)
        with export_errors(images_path):
            self._images = JsonArrayFile(
                images.part,
                head=(
                    '{"info":{"description":"Frames of roof_detector"},"licenses":[],'
                    f'"categories":{json.dumps(categories)},"annotations":[],"images":['
                ),
                tail=']}',
            )

    def _add(
        self, findings: FrameFindings, image_bgr: npt.NDArray[np.uint8] | None, encoded: bytes
    ) -> None:
        if findings.class_names != self._class_names:
            msg = (
                f'Frame {findings.name} has the classes {findings.class_names}, the export began '
                f'with {self._class_names}; export the results of one model at a time.'
            )
            raise ExportError(msg)
        self._frames += 1
        width, height = findings.size_wh
        image = {
            'id': self._frames,
            'file_name': readable(findings.name),
            'width': width,
            'height': height,
            'date_captured': iso_time(findings.time_ns),
            'source': readable(findings.source),
            'topic': readable(findings.topic),
            'frame': findings.index,
            'stamp_ns': str(findings.stamp_ns),  # JavaScript would round the number
        }
        if findings.inference_s is not None:
            image['inference_ms'] = round(findings.inference_s * 1e3, 3)
        if findings.content is not None:
            image |= {
                'size_bytes': findings.content.size_bytes,
                'sha256': findings.content.sha256,
            }
        self._images.add(image)
        features = () if self._features is None else self._features.of(findings)
        masks = findings.detections.masks
        for index, (box, score, class_id) in enumerate(findings.detections.rows()):
            left, top, right, bottom = box.tolist()
            result: dict[str, object] = {
                'image_id': self._frames,
                'category_id': class_id + 1,
                'bbox': [round(v, 2) for v in (left, top, right - left, bottom - top)],
                'score': round(score, 6),
            }
            if features and features[index].point is not None:
                result |= _placed(features[index])
            if masks is not None:
                window, inside = masks.window(index)
                result['segmentation'] = coco_run_lengths(window, inside, size_wh=findings.size_wh)
            self._results.add(result)

    def _complete(self) -> None:
        self._results.complete()
        self._images.complete()

    def _release(self) -> None:
        self._results.release()
        self._images.release()


def _placed(feature: MapFeature) -> dict[str, object]:
    """Return what COCO does not define: position, its error, and width and length in metres."""
    assert feature.point is not None
    placed: dict[str, object] = {
        'longitude': feature.point[0],
        'latitude': feature.point[1],
        'position_error_m': feature.error_m,
    }
    if feature.size_m is not None:
        placed['ground_size_m'] = [round(side, 3) for side in feature.size_m]
    return placed
