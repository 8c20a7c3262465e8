# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Opens the exports of a folder by the names of their formats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.results.errors import ExportError, export_errors
from roof_detector.results.fan_out import FanOut

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from roof_detector.inputs.raster_file import RasterFile
    from roof_detector.results.exporter import Export
    from roof_detector.results.map_features import Track

# The files and folders that each format writes.
PRODUCTS: dict[str, tuple[str, ...]] = {
    'csv': ('detections.csv',),
    'xlsx': ('detections.xlsx',),
    'json': ('detections.json', 'images.json'),
    'images': ('images',),
    'video': ('annotated.mp4',),
    'crops': ('crops',),
    'geojson': ('detections.geojson', 'footprints.geojson'),
    'kml': ('detections.kml',),
    'kmz': ('detections.kmz',),
    'gpkg': ('detections.gpkg',),
    'cog': ('annotated.tif',),
}
FORMATS = tuple(PRODUCTS)
# These need the frames' images; the others accept None for `image_bgr`.
IMAGE_FORMATS = frozenset({'images', 'video', 'crops', 'kmz', 'cog'})
# These hold the positions of detections where the track of the camera is known.
TABLE_FORMATS = frozenset({'csv', 'xlsx', 'json'})
# These need the track of the camera.
MAP_FORMATS = frozenset({'geojson', 'kml', 'kmz', 'gpkg'})


def open_exports(
    directory: Path,
    formats: Collection[str],
    *,
    class_names: tuple[str, ...],
    settings: Mapping[str, object],
    track: Track | None = None,
    pixel_px: float = 2.0,
    crop_margin: float = 0.15,
    already_annotated: bool = False,
    overwrite: bool = False,
    raster: RasterFile | None = None,
) -> FanOut:
    """Open an export of each format in a folder, which is made if it is missing.

    `settings` are written into the workbook as they are. `track` is the track of the camera;
    without it the formats for maps are listed among the errors. `already_annotated` means that the
    images show the detections already. `raster` is the orthophoto of the only frame, in place of
    its image; without it `cog` is listed among the errors. Raises ExportError before anything is
    written if a format is unknown, a product exists and `overwrite` is not set, or the folder
    cannot be written to.
    """
    if unknown := [name for name in formats if name not in PRODUCTS]:
        msg = (
            f'There is no export format {", ".join(map(repr, unknown))}; choose from '
            f'{", ".join(FORMATS)}.'
        )
        raise ExportError(msg)
    chosen = [name for name in FORMATS if name in formats]
    _refuse_existing(directory, chosen, overwrite=overwrite)
    _require_writable(directory)
    makers = _makers(
        directory,
        class_names=class_names,
        settings=settings,
        track=track,
        pixel_px=pixel_px,
        crop_margin=crop_margin,
        already_annotated=already_annotated,
        overwrite=overwrite,
        raster=raster,
    )
    exports: dict[str, Export] = {}
    errors: list[str] = []
    for name in chosen:
        try:
            exports[name] = makers[name]()
        except ExportError as error:
            errors.append(f'{name} was not exported: {error}')
    return FanOut(exports, errors=tuple(errors))


def _makers(
    directory: Path,
    *,
    class_names: tuple[str, ...],
    settings: Mapping[str, object],
    track: Track | None,
    pixel_px: float,
    crop_margin: float,
    already_annotated: bool,
    overwrite: bool,
    raster: RasterFile | None,
) -> dict[str, Callable[[], Export]]:
    """Return the function that opens each format; it loads the library of the format."""
    paths = {name: [directory / path for path in names] for name, names in PRODUCTS.items()}

    def csv() -> Export:
        from roof_detector.results.csv_table import CsvExport  # noqa: PLC0415

        return CsvExport(*paths['csv'], track=track, pixel_px=pixel_px, overwrite=overwrite)

    def xlsx() -> Export:
        from roof_detector.results.workbook import ExcelExport  # noqa: PLC0415

        return ExcelExport(
            *paths['xlsx'],
            class_names=class_names,
            settings=settings,
            track=track,
            pixel_px=pixel_px,
            overwrite=overwrite,
        )

    def json() -> Export:
        from roof_detector.results.coco import CocoExport  # noqa: PLC0415

        return CocoExport(
            *paths['json'],
            class_names=class_names,
            track=track,
            pixel_px=pixel_px,
            overwrite=overwrite,
        )

    def images() -> Export:
        from roof_detector.results.annotated_images import AnnotatedImages  # noqa: PLC0415

        return AnnotatedImages(
            *paths['images'],
            already_annotated=already_annotated,
            raster=raster,
            overwrite=overwrite,
        )

    def video() -> Export:
        from roof_detector.results.annotated_video import AnnotatedVideo  # noqa: PLC0415

        return AnnotatedVideo(
            *paths['video'], already_annotated=already_annotated, overwrite=overwrite
        )

    def crops() -> Export:
        from roof_detector.results.crops import Crops  # noqa: PLC0415

        return Crops(*paths['crops'], margin=crop_margin, raster=raster, overwrite=overwrite)

    def known_track(make: Callable[[Track], Export]) -> Callable[[], Export]:
        def opened() -> Export:
            if track is None:
                msg = (
                    'the position of the camera is not known; georeferencing needs a recorded '
                    'fix, pose and camera info, and the altitude of the roofs.'
                )
                raise ExportError(msg)
            return make(track)

        return opened

    def geojson(track: Track) -> Export:
        from roof_detector.results.geojson import GeoJsonExport  # noqa: PLC0415

        return GeoJsonExport(
            *paths['geojson'], track=track, pixel_px=pixel_px, overwrite=overwrite
        )

    def kml(track: Track) -> Export:
        from roof_detector.results.kml import KmlExport  # noqa: PLC0415

        return KmlExport(
            *paths['kml'],
            track=track,
            class_names=class_names,
            pixel_px=pixel_px,
            overwrite=overwrite,
        )

    def kmz(track: Track) -> Export:
        from roof_detector.results.kmz import KmzExport  # noqa: PLC0415

        return KmzExport(
            *paths['kmz'],
            track=track,
            class_names=class_names,
            pixel_px=pixel_px,
            already_annotated=already_annotated,
            raster=raster,
            overwrite=overwrite,
        )

    def cog() -> Export:
        if raster is None:
            msg = (
                'it is the annotated copy of an orthophoto, and this input is none that is there.'
            )
            raise ExportError(msg)
        from roof_detector.results.cog import CogExport  # noqa: PLC0415

        return CogExport(*paths['cog'], raster=raster, overwrite=overwrite)

    def gpkg(track: Track) -> Export:
        from roof_detector.results.geopackage import GeoPackageExport  # noqa: PLC0415

        return GeoPackageExport(
            *paths['gpkg'], track=track, pixel_px=pixel_px, overwrite=overwrite
        )

    return {
        'csv': csv,
        'xlsx': xlsx,
        'json': json,
        'images': images,
        'video': video,
        'crops': crops,
        'geojson': known_track(geojson),
        'kml': known_track(kml),
        'kmz': known_track(kmz),
        'gpkg': known_track(gpkg),
        'cog': cog,
    }


def _refuse_existing(directory: Path, formats: list[str], *, overwrite: bool) -> None:
    paths = [directory / name for format_name in formats for name in PRODUCTS[format_name]]
    existing = [path.name for path in paths if path.exists()]
    if existing and not overwrite:
        msg = (
            f'{directory} holds {", ".join(existing)} already, not overwriting. Name another '
            'folder, or replace them with --overwrite.'
        )
        raise ExportError(msg)


def _require_writable(directory: Path) -> None:
    trial = directory / '.roof_detector.part'
    with export_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        trial.touch()
        trial.unlink()
