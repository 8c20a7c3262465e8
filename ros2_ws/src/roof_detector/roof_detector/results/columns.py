# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The columns of the tables of detections, the same in CSV and in Excel."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.inputs.input_files import readable
from roof_detector.results.text import utc_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from roof_detector.results.map_features import MapFeature
    from roof_detector.vision.frame_findings import FrameFindings

Value = str | int | float | datetime | None


@dataclass(frozen=True)
class TableColumn:
    """A column of the table: its permanent name, and its width and format in Excel.

    `decimals` is for numbers with a fraction; `as_text` is for integers that Excel would round.
    """

    name: str
    width: int
    number_format: str = 'General'
    _: KW_ONLY
    decimals: int | None = None
    as_text: bool = False


# Programs read these files: columns may be added at the end, never renamed or moved.
COLUMNS = (
    TableColumn('source', 30),
    TableColumn('topic', 18),
    TableColumn('frame', 8, '0'),
    TableColumn('name', 24),
    TableColumn('stamp_ns', 21, '@', as_text=True),
    TableColumn('time_utc', 24, 'yyyy-mm-dd hh:mm:ss.000'),
    TableColumn('time_s', 10, '0.000', decimals=3),
    TableColumn('frame_id', 16),
    TableColumn('width_px', 9, '0'),
    TableColumn('height_px', 9, '0'),
    TableColumn('detection', 10, '0'),
    TableColumn('class_id', 8, '0'),
    TableColumn('class', 18),
    TableColumn('confidence', 11, '0.000', decimals=6),
    TableColumn('left_px', 10, '0.0', decimals=2),
    TableColumn('top_px', 10, '0.0', decimals=2),
    TableColumn('right_px', 10, '0.0', decimals=2),
    TableColumn('bottom_px', 10, '0.0', decimals=2),
    TableColumn('area_px', 11, '0', decimals=2),
    TableColumn('mask_area_px', 12, '0'),
    TableColumn('inference_ms', 12, '0.0', decimals=3),
    TableColumn('time_local', 24),
    TableColumn('latitude', 13, '0.00000000', decimals=8),
    TableColumn('longitude', 13, '0.00000000', decimals=8),
    TableColumn('position_error_m', 17, '0.00', decimals=2),
    TableColumn('ground_width_m', 15, '0.00', decimals=3),
    TableColumn('ground_length_m', 16, '0.00', decimals=3),
    TableColumn('ground_area_m2', 15, '0.00', decimals=3),
    TableColumn('crs', 14),
    TableColumn('crs_x', 15),
    TableColumn('crs_y', 15),
)


def detection_rows(
    findings: FrameFindings, *, first_stamp_ns: int, features: Sequence[MapFeature] = ()
) -> Iterator[tuple[Value, ...]]:
    """Yield the values of `COLUMNS` for each detection of a frame.

    `time_s` counts from `first_stamp_ns`, the first frame's. `features` are those of the same
    detections on the map, where their positions are known.
    """
    frame: tuple[Value, ...] = (
        readable(findings.source),
        readable(findings.topic),
        findings.index,
        readable(findings.name),
        findings.stamp_ns,
        utc_time(findings.time_ns),
        (findings.stamp_ns - first_stamp_ns) / 1e9,
        readable(findings.frame_id),
        *findings.size_wh,
    )
    inference_ms = None if findings.inference_s is None else findings.inference_s * 1e3
    local = findings.moment.local if findings.moment is not None else ''
    masks = findings.detections.masks
    for index, (box, score, class_id) in enumerate(findings.detections.rows()):
        left, top, right, bottom = box.tolist()
        yield (
            *frame,
            index,
            class_id,
            readable(findings.class_names[class_id]),
            score,
            *(left, top, right, bottom),
            max(right - left, 0.0) * max(bottom - top, 0.0),
            None if masks is None else int(np.count_nonzero(masks.window(index)[1])),
            inference_ms,
            local or None,
            *_placed(features[index] if features else None),
        )


def _placed(feature: MapFeature | None) -> tuple[Value, ...]:
    """Return latitude, longitude, error, width, length, area and the place in an own CRS.

    None stands for what is unknown; orthophotos have a CRS of their own, and so have positions in
    the map of a pose, whose latitude and longitude are unknown.
    """
    if feature is None or (feature.point is None and feature.in_crs is None):
        return (None,) * 9
    longitude, latitude = feature.point or (None, None)
    width, length = feature.size_m or (None, None)
    crs, x, y = feature.in_crs or (None, None, None)
    return latitude, longitude, feature.error_m, width, length, feature.area_m2, crs, x, y
