# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""From the names of formats to exports in a folder."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from roof_detector.georeference.camera_track import CameraTrack
from roof_detector.results.errors import ExportError, told_of
from roof_detector.results.exporter import Export
from roof_detector.results.fan_out import FanOut

# What each format leaves in the folder.
PRODUCTS: dict[str, tuple[str, ...]] = {
    'csv': ('detections.csv',),
    'xlsx': ('detections.xlsx',),
    'json': ('detections.json', 'images.json'),
    'pictures': ('pictures',),
    'video': ('annotated.mp4',),
    'crops': ('crops',),
    'geojson': ('detections.geojson', 'footprints.geojson'),
}
FORMATS = tuple(PRODUCTS)
# These look at the frames' pictures; the others do with `image_bgr` None.
PICTURE_FORMATS = frozenset({'pictures', 'video', 'crops'})


def open_exports(
    directory: Path,
    formats: Collection[str],
    *,
    class_names: tuple[str, ...],
    settings: Mapping[str, object],
    track: CameraTrack | None = None,
    pixel_px: float = 2.0,
    crop_margin: float = 0.15,
    drawn_before: bool = False,
    overwrite: bool = False,
) -> FanOut:
    """Open an export of each format in a folder, which is made if need be.

    `settings` are written into the workbook as they are. `track` tells where the camera was,
    without it `geojson` is listed among the errors. `drawn_before` says that the pictures show the
    detections already. Raises ExportError before anything is written
    if a format is unknown, a product exists and `overwrite` is not set, or the folder cannot be
    written to.
    """
    if unknown := [name for name in formats if name not in PRODUCTS]:
        raise ExportError(
            f'There is no export format {", ".join(map(repr, unknown))}, '
            f'there are: {", ".join(FORMATS)}.'
        )
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
        drawn_before=drawn_before,
        overwrite=overwrite,
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
    track: CameraTrack | None,
    pixel_px: float,
    crop_margin: float,
    drawn_before: bool,
    overwrite: bool,
) -> dict[str, Callable[[], Export]]:
    """Return how each format is opened; its library is loaded only then."""
    paths = {name: [directory / path for path in names] for name, names in PRODUCTS.items()}

    def csv() -> Export:
        from roof_detector.results.csv_table import CsvExport  # noqa: PLC0415

        return CsvExport(*paths['csv'], overwrite=overwrite)

    def xlsx() -> Export:
        from roof_detector.results.workbook import ExcelExport  # noqa: PLC0415

        return ExcelExport(
            *paths['xlsx'], class_names=class_names, settings=settings, overwrite=overwrite
        )

    def json() -> Export:
        from roof_detector.results.coco import CocoExport  # noqa: PLC0415

        return CocoExport(*paths['json'], class_names=class_names, overwrite=overwrite)

    def pictures() -> Export:
        from roof_detector.results.annotated_images import AnnotatedPictures  # noqa: PLC0415

        return AnnotatedPictures(
            *paths['pictures'], drawn_before=drawn_before, overwrite=overwrite
        )

    def video() -> Export:
        from roof_detector.results.annotated_video import AnnotatedVideo  # noqa: PLC0415

        return AnnotatedVideo(*paths['video'], drawn_before=drawn_before, overwrite=overwrite)

    def crops() -> Export:
        from roof_detector.results.crops import Crops  # noqa: PLC0415

        return Crops(*paths['crops'], margin=crop_margin, overwrite=overwrite)

    def geojson() -> Export:
        if track is None:
            raise ExportError(
                'where the camera was is not known; it takes a recorded fix, pose and camera '
                'info, and the altitude of the roofs.'
            )
        from roof_detector.results.geojson import GeoJsonExport  # noqa: PLC0415

        return GeoJsonExport(
            *paths['geojson'], track=track, pixel_px=pixel_px, overwrite=overwrite
        )

    return {
        'csv': csv,
        'xlsx': xlsx,
        'json': json,
        'pictures': pictures,
        'video': video,
        'crops': crops,
        'geojson': geojson,
    }


def _refuse_existing(directory: Path, formats: list[str], *, overwrite: bool) -> None:
    paths = [directory / name for format_name in formats for name in PRODUCTS[format_name]]
    existing = [path.name for path in paths if path.exists()]
    if existing and not overwrite:
        raise ExportError(
            f'{directory} holds {", ".join(existing)} already, not overwriting. Name another '
            'folder, or have them replaced (--overwrite).'
        )


def _require_writable(directory: Path) -> None:
    trial = directory / '.roof_detector.part'
    with told_of(directory):
        directory.mkdir(parents=True, exist_ok=True)
        trial.touch()
        trial.unlink()
