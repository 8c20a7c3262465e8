# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Exports detections as placemarks for Google Earth and other programs: KML 2.2."""

from __future__ import annotations

import re
from contextlib import suppress
from html import escape
from typing import TYPE_CHECKING

from roof_detector.inputs.input_files import readable
from roof_detector.results.errors import export_errors
from roof_detector.results.exporter import Export
from roof_detector.results.map_features import MapFeatures
from roof_detector.vision.palette import class_colours

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from roof_detector.results.map_features import MapFeature, Track
    from roof_detector.vision.frame_findings import FrameFindings
    from roof_detector.vision.palette import Colour

# XML 1.0, 2.2: other characters may not even be written as references.
_NOT_XML = re.compile('[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]')
_ICON = 'http://maps.google.com/mapfiles/kml/shapes/placemark_circle.png'
_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2">
<Document>
<name>detections</name>
"""
_TAIL = '</Document>\n</kml>\n'


class KmlFile:
    """A KML document that is written placemark by placemark, in constant memory."""

    def __init__(self, path: Path, *, class_names: tuple[str, ...]) -> None:
        self._file = path.open('w', encoding='utf-8', newline='\n')
        self._file.write(_HEAD)
        for class_id, colour in enumerate(class_colours(tuple(map(readable, class_names)))):
            self._file.write(_style(class_id, colour))

    def add(self, feature: MapFeature, class_id: int, *, images: tuple[str, ...] = ()) -> None:
        """Write the placemark of a detection, with images by their paths beside the document."""
        properties = feature.properties
        title = f'{properties["class"]} {properties["confidence"]:.2f}'
        time = properties['time']
        when = f'<TimeStamp><when>{xml_text(str(time))}</when></TimeStamp>\n' if time else ''
        values = {
            name: 'unknown' if value is None else str(value) for name, value in properties.items()
        }
        data = ''.join(
            f'<Data name="{xml_text(name)}"><value>{xml_text(value)}</value></Data>\n'
            for name, value in values.items()
        )
        self._file.write(
            f'<Placemark>\n<name>{xml_text(title)}</name>\n'
            f'<description>{xml_text(_description(values, images))}</description>\n'
            f'{when}<styleUrl>#class_{class_id}</styleUrl>\n'
            f'<ExtendedData>\n<Data name="id"><value>{xml_text(feature.identity)}</value></Data>\n'
            f'{data}</ExtendedData>\n{_geometry(feature)}</Placemark>\n'
        )

    def complete(self) -> None:
        """Write the tail and close the file."""
        self._file.write(_TAIL)
        self._file.close()

    def release(self) -> None:
        """Close the file as it is; raise nothing."""
        with suppress(OSError):
            self._file.close()


class KmlExport(Export):
    """Writes a placemark for each detection: the centre as a point, the box as a polygon.

    A detection of unknown position is a placemark without a geometry, with the reason.
    """

    def __init__(
        self,
        path: Path,
        *,
        track: Track,
        class_names: tuple[str, ...],
        pixel_px: float = 2.0,
        overwrite: bool = False,
    ) -> None:
        super().__init__(path, overwrite=overwrite)
        self._features = MapFeatures(track, pixel_px=pixel_px)
        with export_errors(path):
            self._document = KmlFile(self._products[0].part, class_names=class_names)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return how many detections have no position."""
        return self._features.notes(
            self._products[0].path, 'the reason is in the value "unlocated" of each'
        )

    def _add(
        self, findings: FrameFindings, image_bgr: npt.NDArray[np.uint8] | None, encoded: bytes
    ) -> None:
        class_ids = findings.detections.class_ids.tolist()
        for feature, class_id in zip(self._features.of(findings), class_ids, strict=True):
            self._document.add(feature, class_id)

    def _complete(self) -> None:
        self._document.complete()

    def _release(self) -> None:
        self._document.release()


def xml_text(text: str) -> str:
    """Return a text as content or attribute of XML; what XML cannot hold is replaced."""
    return escape(_NOT_XML.sub('\N{REPLACEMENT CHARACTER}', readable(text)))


def _description(values: dict[str, str], images: tuple[str, ...]) -> str:
    """Return a table in HTML, which viewers show in the balloon of a placemark."""
    shown = ''.join(f'<p><img src="{escape(one)}" width="480"/></p>' for one in images)
    rows = ''.join(
        f'<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>'
        for name, value in values.items()
    )
    return f'{shown}<table>{rows}</table>'


def _style(class_id: int, colour_bgr: Colour) -> str:
    blue, green, red = colour_bgr
    colour = f'{blue:02x}{green:02x}{red:02x}'  # KML's order, behind the opacity
    return (
        f'<Style id="class_{class_id}">\n'
        f'<IconStyle><color>ff{colour}</color><scale>0.8</scale>'
        f'<Icon><href>{_ICON}</href></Icon></IconStyle>\n'
        f'<LineStyle><color>ff{colour}</color><width>2</width></LineStyle>\n'
        f'<PolyStyle><color>40{colour}</color></PolyStyle>\n</Style>\n'
    )


def _geometry(feature: MapFeature) -> str:
    if feature.point is None:
        return ''
    point = f'<Point><coordinates>{_coordinates(feature.point)}</coordinates></Point>\n'
    if feature.ring is None:
        return point
    ring = ' '.join(map(_coordinates, feature.ring))
    return (
        f'<MultiGeometry>\n{point}<Polygon><outerBoundaryIs><LinearRing><coordinates>{ring}'
        '</coordinates></LinearRing></outerBoundaryIs></Polygon>\n</MultiGeometry>\n'
    )


def _coordinates(position: tuple[float, float]) -> str:
    return f'{position[0]:.8f},{position[1]:.8f}'
