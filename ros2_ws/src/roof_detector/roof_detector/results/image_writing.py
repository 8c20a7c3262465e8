# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Writes annotated images and crops with the metadata of their originals."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from roof_detector.inputs.image_decoding import IMAGE_SUFFIXES
from roof_detector.results.errors import ExportError
from roof_detector.results.image_metadata import DAMAGED, ImageMetadata
from roof_detector.results.text import file_name

if TYPE_CHECKING:
    from roof_detector.vision.frame_findings import FrameFindings

# Images of other formats that are read, such as HEIC, are written as JPEG.
WRITTEN_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')
_BY_PILLOW = {'.webp': 'WEBP', '.tif': 'TIFF', '.tiff': 'TIFF'}
_NAMED = 20
_TIFF_XMP = 700  # the tag
_LONGEST_NAME_BYTES = 200  # file systems take 255, and a number may be added


class ImageWriter:
    """Writes images with the metadata of their original files, as far as the format allows.

    EXIF with GPS, XMP, ICC profile, IPTC and comments are copied; the thumbnail is not, and the
    orientation is that of the pixels as written. `without_metadata` names the frames whose
    metadata is damaged and is left out.
    """

    def __init__(self, *, jpeg_quality: int) -> None:
        self._quality = jpeg_quality
        self.without_metadata: list[str] = []

    def write(
        self, path: Path, image_bgr: npt.NDArray[np.uint8], encoded: bytes, *, name: str
    ) -> None:
        """Write an image; `encoded` is its original file, b'' where there is none."""
        metadata = ImageMetadata()
        if encoded:
            height, width = image_bgr.shape[:2]
            try:
                read = ImageMetadata.read(encoded)
                metadata = read.copied((width, height), of_file=_is_file(name))
            except DAMAGED:
                self._note(name)
        path.write_bytes(self._encoded(image_bgr, path.suffix.lower(), metadata, name))

    def _encoded(
        self, image_bgr: npt.NDArray[np.uint8], suffix: str, metadata: ImageMetadata, name: str
    ) -> bytes:
        if metadata and suffix in _BY_PILLOW:
            try:
                return _by_pillow(image_bgr, _BY_PILLOW[suffix], metadata)
            except DAMAGED:
                self._note(name)
        is_done, data = cv2.imencode(suffix, image_bgr, [cv2.IMWRITE_JPEG_QUALITY, self._quality])
        if not is_done:
            msg = f'{name} cannot be written as {suffix} ({image_bgr.shape}).'
            raise ExportError(msg)
        if suffix in ('.jpg', '.jpeg'):
            return metadata.into_jpeg(data.tobytes())
        return metadata.into_png(data.tobytes()) if suffix == '.png' else data.tobytes()

    def notes(self, folder: Path) -> tuple[str, ...]:
        """Return which images of a folder were written without their metadata."""
        names = self.without_metadata
        if not names:
            return ()
        more = f' and {len(names) - _NAMED} more' if len(names) > _NAMED else ''
        listed = ', '.join(names[:_NAMED])
        return (
            f'{folder} holds {len(names)} images without EXIF, XMP and ICC profile, which are '
            f'damaged in their originals: {listed}{more}.',
        )

    def _note(self, name: str) -> None:
        if name not in self.without_metadata:
            self.without_metadata.append(name)


def image_name(findings: FrameFindings) -> str:
    """Return the name of a frame's image file: its own name, or that of a JPEG.

    A name that would leave the folder, or is too long for a suffix, is changed.
    """
    name = findings.name
    path = Path(name)
    is_file = _is_file(name)
    is_kept = path.suffix.lower() in WRITTEN_SUFFIXES
    if is_kept and _is_plain(name):
        return name
    stem = file_name(path.stem if is_file else path.name)
    return f'{stem}{path.suffix if is_kept else ".jpg"}'


def free_path(folder: Path, name: str, index: int) -> Path:
    """Return a path that does not exist yet, with the frame's number where the name is taken."""
    path = folder / name
    stem, suffix = path.stem, path.suffix
    again = 1
    while path.exists():
        behind = f'_{index:06d}' + (f'_{again}' if again > 1 else '')
        path = folder / f'{stem}{behind}{suffix}'
        again += 1
    return path


def _is_file(name: str) -> bool:
    """Return whether a frame is an image file, and not of a bag or video."""
    return Path(name).suffix.lower() in IMAGE_SUFFIXES


def _is_plain(name: str) -> bool:
    return (
        name.isprintable()
        and not name.startswith('.')
        and not set('/\\') & set(name)
        and len(name.encode()) <= _LONGEST_NAME_BYTES
    )


def _by_pillow(image_bgr: npt.NDArray[np.uint8], kind: str, metadata: ImageMetadata) -> bytes:
    options: dict[str, object] = {'exif': metadata.exif} if metadata.exif else {}
    if metadata.icc:
        options['icc_profile'] = metadata.icc
    if kind == 'WEBP':
        options |= {'lossless': True} | ({'xmp': metadata.xmp} if metadata.xmp else {})
    elif metadata.xmp:
        exif = Image.Exif()
        exif.load(metadata.exif)
        exif[_TIFF_XMP] = metadata.xmp
        options['exif'] = exif
    # A TIFF is not compressed: libtiff does not write EXIF's own directories.
    file = BytesIO()
    image = Image.fromarray(np.ascontiguousarray(image_bgr[..., ::-1]))
    image.save(file, kind, **options)
    return file.getvalue()
