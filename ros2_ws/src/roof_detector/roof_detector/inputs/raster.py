# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""An orthophoto or another large image, which is inferred tile by tile."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.inputs.frame import Frame
from roof_detector.inputs.input import DEFAULT_FRAME_ID, RecordedInput
from roof_detector.inputs.input_files import InputFile, readable
from roof_detector.inputs.raster_tile import RasterTile
from roof_detector.vision.content_identity import ContentIdentity

if TYPE_CHECKING:
    from collections.abc import Iterator


class RasterInput(RecordedInput):
    """A raster, whose recorded frames are its tiles; set `tiles` before they are read.

    Raises InputError where the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        # To tell what an input is takes no GDAL.
        from roof_detector.inputs.raster_file import RasterFile  # noqa: PLC0415

        super().__init__(path, rate_hz=None, loop=False)
        self.stem = path.stem
        self.frame_name = readable(path.name)
        self.raster = RasterFile(path)
        whole = (0, 0, *self.raster.size_wh)
        self.tiles: tuple[RasterTile, ...] = (RasterTile(self.raster, whole, whole[2:]),)

    @property
    def frame_count(self) -> int:
        """Return the number of tiles."""
        return len(self.tiles)

    @cached_property
    def files(self) -> tuple[InputFile, ...]:
        """Return the raster's file and those beside it, read and hashed once."""
        beside = [Path(name) for name in self.raster.files if Path(name) != self.path]
        return tuple(InputFile.of(one) for one in (self.path, *sorted(beside)))

    @property
    def content(self) -> ContentIdentity:
        """Return the identity of the raster's file."""
        own = self.files[0]
        return ContentIdentity(own.size_bytes, own.sha256)

    def __iter__(self) -> Iterator[Frame]:
        yield from self.recorded()

    def recorded(self) -> Iterator[Frame]:
        """Yield each tile once, unread."""
        for index, tile in enumerate(self.tiles):
            left, top, width, height = tile.window_xywh
            yield Frame(
                index=index,
                name=f'{self.frame_name} {width}x{height}+{left}+{top}',
                stamp_ns=0,
                image=tile,
                frame_id=DEFAULT_FRAME_ID,
                content=self.content,
            )

    def close(self) -> None:
        """Close the file."""
        super().close()
        self.raster.close()
