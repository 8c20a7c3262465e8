# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The plan of the roof: its image, and where findings and zones are on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import shapely

from roof_detector.findings.errors import FindingsError
from roof_detector.findings.ground_mosaic import GroundImage, GroundMosaic
from roof_detector.findings.ground_view import border_pixels
from roof_detector.findings.stored_frames import GroundedFrame, StoredFrame
from roof_detector.findings.surroundings import metres_of
from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.raster_file import RasterFile
from roof_detector.offline.errors import one_line
from roof_detector.offline.reporting.finding_images import encode_jpeg
from roof_detector.results.report.report_model import Marker, Outline, Plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt
    from shapely.geometry.base import BaseGeometry

    from roof_detector.findings.roof_finding import RoofFinding
    from roof_detector.findings.roof_zones import RoofZone
    from roof_detector.offline.roof_mosaic import MosaicFiles

_PLAN_SIDE = 1800
_PLAN_BYTES = 900_000
_PAPER_BGR = (247, 245, 243)
_MARK_SHARE = 0.026  # the diameter of a mark over the plan's width
_ROUNDS = 120
_LABEL_SHARE = 0.16  # of a zone's height, in which its name stands
_SCALE_SHARE = 0.25
_STEPS = (1, 2, 5)


def ground_of_files(files: MosaicFiles, words: Mapping[str, str]) -> GroundImage:
    """Return the mosaic of an inspection from its PNG; raise FindingsError."""
    image = cv2.imread(str(files.png), cv2.IMREAD_UNCHANGED)
    if image is None or image.ndim != 3 or image.shape[2] != 4:
        raise FindingsError(words['mosaic_damaged'].format(path=files.png))
    west, south, east, north = files.bounds_deg
    plane = LocalTangentPlane((south + north) / 2, (west + east) / 2, 0.0)
    corners = plane.to_enu([[north, west, 0.0], [south, east, 0.0]])
    return GroundImage(
        image_bgra=np.asarray(image, np.uint8),
        west_north_en=(float(corners[0, 0]), float(corners[0, 1])),
        metres_per_pixel=float(corners[1, 0] - corners[0, 0]) / image.shape[1],
        plane=plane,
    )


def ground_of_raster(path: Path) -> GroundImage:
    """Return a georeferenced orthophoto or floor plan, north up; raise FindingsError."""
    try:
        raster = RasterFile(path)
    except InputError as error:
        msg = f'The plan cannot be used: {one_line(error)}'
        raise FindingsError(msg) from error
    try:
        place = raster.georeference
        if place is None:
            msg = (
                f'The plan {path} does not say where it is on Earth. Georeference it in QGIS, or '
                'add a world file and its .prj.'
            )
            raise FindingsError(msg)
        size = raster.size_wh
        degrees = place.on_wgs84(border_pixels(size))
        if not np.isfinite(degrees).all():
            msg = f'The plan {path} lies outside of its coordinate system.'
            raise FindingsError(msg)
        longitude, latitude = degrees.mean(axis=0).tolist()
        plane = LocalTangentPlane(latitude, longitude, 0.0)
        level = np.zeros(len(degrees))
        outline = plane.to_enu(np.column_stack([degrees[:, 1], degrees[:, 0], level]))[:, :2]
        scale = min(2 * _PLAN_SIDE / max(size), 1.0)
        out_wh = max(round(size[0] * scale), 1), max(round(size[1] * scale), 1)
        image = raster.read((0, 0, *size), out_wh)
        frame = StoredFrame(
            flight='', source=str(path), topic='', index=0, name=path.name, stamp_ns=0,
            size_wh=size,
        )  # fmt: skip
        mosaic = GroundMosaic([GroundedFrame(frame, outline)], plane, most_pixels=4_000_000)
        mosaic.add(mosaic.frames[0], image)
    except (GeoError, InputError) as error:
        msg = f'The plan {path} cannot be used: {one_line(error)}'
        raise FindingsError(msg) from error
    finally:
        raster.close()
    return mosaic.result()


def roof_plan(
    ground: GroundImage,
    findings: Sequence[RoofFinding],
    marks: Mapping[int, str],
    zones: Sequence[RoofZone],
    *,
    caption: str,
) -> Plan:
    """Return the plan; `marks` are the severities by the numbers of findings."""
    ground = _trimmed(ground, findings).reduced(_PLAN_SIDE)
    height, width = ground.image_bgra.shape[:2]
    alpha = ground.image_bgra[..., 3:].astype(np.float32) / 255
    paper = ground.image_bgra[..., :3] * alpha + np.array(_PAPER_BGR) * (1 - alpha)
    image = encode_jpeg(paper.round().astype(np.uint8), most_bytes=_PLAN_BYTES)
    size = np.array([width, height], np.float64)
    placed = [one for one in findings if one.place is not None]
    at = np.array(
        [
            ground.pixel_of(one.place.latitude_deg, one.place.longitude_deg)
            for one in placed
            if one.place
        ]
    ).reshape(-1, 2)
    labels = spread_labels(at / width, height / width) * width
    metres = width * ground.metres_per_pixel
    length = nice_length(metres * _SCALE_SHARE)
    return Plan(
        image=image,
        markers=tuple(
            Marker(
                number=one.number,
                severity=marks.get(one.number, 'none'),
                at=_pair(at[k] / size),
                label_at=_pair(labels[k] / size),
            )
            for k, one in enumerate(placed)
        ),
        outlines=tuple(_outline(zone, ground, size) for zone in zones),
        scale_share=length / metres,
        scale_text=f'{length:g} m',
        caption=caption,
    )


def nice_length(most_m: float) -> float:
    """Return the longest of 1, 2 and 5 times a power of ten that is not over a length."""
    power = 10.0 ** np.floor(np.log10(max(most_m, 1e-3)))
    return float(max(step * power for step in _STEPS if step * power <= most_m * (1 + 1e-9)))


def spread_labels(at: npt.NDArray[np.float64], height: float) -> npt.NDArray[np.float64]:
    """Return where numbers stand that do not cover each other, near to their places (n, 2).

    All is in widths of the plan, which is `height` high.
    """
    labels = at + np.array([0.0, -_MARK_SHARE])
    # Two at the same place need a direction to part in.
    angles = np.arange(len(at)) * 2.399963
    labels += 1e-4 * np.column_stack([np.cos(angles), np.sin(angles)])
    for _ in range(_ROUNDS):
        gaps = labels[:, None] - labels[None]
        apart = np.linalg.norm(gaps, axis=2)
        np.fill_diagonal(apart, np.inf)
        push = np.clip(_MARK_SHARE * 1.05 - apart, 0.0, None) / 2
        moved = (gaps / np.maximum(apart, 1e-9)[..., None] * push[..., None]).sum(axis=1)
        pull = 0.02 * (at + np.array([0.0, -_MARK_SHARE]) - labels)
        labels = labels + moved + np.where(push.any(axis=1)[:, None], 0.0, pull)
        edge = _MARK_SHARE / 2
        labels = np.clip(labels, edge, np.maximum([1 - edge, height - edge], edge))
    return labels


def _trimmed(ground: GroundImage, findings: Sequence[RoofFinding]) -> GroundImage:
    """Return it without the blank margins, but with all findings on it."""
    rows, columns = np.nonzero(ground.image_bgra[..., 3])
    if not len(rows):
        return ground
    spots = [
        ground.pixel_of(one.place.latitude_deg, one.place.longitude_deg)
        for one in findings
        if one.place is not None
    ]
    x = np.array([columns.min(), columns.max() + 1, *(spot[0] for spot in spots)])
    y = np.array([rows.min(), rows.max() + 1, *(spot[1] for spot in spots)])
    height, width = ground.image_bgra.shape[:2]
    left, right = max(int(x.min()), 0), min(int(np.ceil(x.max())), width)
    top, bottom = max(int(y.min()), 0), min(int(np.ceil(y.max())), height)
    west, north = ground.west_north_en
    step = ground.metres_per_pixel
    return GroundImage(
        image_bgra=ground.image_bgra[top:bottom, left:right],
        west_north_en=(west + left * step, north - top * step),
        metres_per_pixel=step,
        plane=ground.plane,
    )


def _outline(zone: RoofZone, ground: GroundImage, size: npt.NDArray[np.float64]) -> Outline:
    shape = metres_of(zone.polygons, ground.plane)

    def shares(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        pixels = (points - ground.west_north_en) * (1, -1) / ground.metres_per_pixel
        return np.asarray(pixels / size)

    # In the upper part, where the numbers of findings cover it less.
    west, south, east, north = shape.bounds
    band = shapely.box(west, north - _LABEL_SHARE * (north - south), east, north)
    upper = shape.intersection(band)
    point = shapely.point_on_surface(shape if upper.is_empty else upper)
    return Outline(
        name=zone.name,
        rings=tuple(
            tuple(_pair(corner) for corner in shares(np.array(polygon.exterior.coords)))
            for polygon in _polygons(shape)
        ),
        label_at=_pair(shares(np.array([[point.x, point.y]]))[0]),
    )


def _polygons(shape: BaseGeometry) -> list[shapely.Polygon]:
    parts = shapely.get_parts(shape).tolist()
    return [one for one in parts if isinstance(one, shapely.Polygon)]


def _pair(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    return round(float(values[0]), 5), round(float(values[1]), 5)
