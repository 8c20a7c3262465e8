# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The base of all exports: writes findings frame by frame and completes its files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Protocol

from roof_detector.results.atomic_output import AtomicOutput
from roof_detector.results.errors import ExportError, export_errors

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    import numpy as np
    import numpy.typing as npt
    from typing_extensions import Self

    from roof_detector.vision.frame_findings import FrameFindings


class Exporter(Protocol):
    """Something that takes the frames of an input in order, and is then closed."""

    def write(
        self,
        findings: FrameFindings,
        image_bgr: npt.NDArray[np.uint8] | None,
        encoded: bytes = b'',
    ) -> None:
        """Add a frame; `image_bgr` is its image, None where it is not available.

        `encoded` is the file that the image was decoded from, b'' where there was none.
        """

    def close(self) -> None:
        """Complete the files and move them to their paths."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Export(ABC):
    """Writes one kind of product frame by frame; raises ExportError.

    Until `close` a product is called `.part`, and keeps that name where the export fails, is
    abandoned, or its `with` block ends in an exception.
    """

    raises: ClassVar[tuple[type[Exception], ...]] = ()
    """The exceptions of the library of a format, besides OSError."""

    def __init__(self, *paths: Path, overwrite: bool) -> None:
        self._ended = False
        with export_errors(paths[0].parent):
            paths[0].parent.mkdir(parents=True, exist_ok=True)
            self._products = tuple(AtomicOutput(path, overwrite=overwrite) for path in paths)

    @property
    def paths(self) -> tuple[Path, ...]:
        """Return the paths of the products."""
        return tuple(product.path for product in self._products if not product.is_discarded)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return sentences about what could not be exported although nothing failed."""
        return ()

    def write(
        self,
        findings: FrameFindings,
        image_bgr: npt.NDArray[np.uint8] | None,
        encoded: bytes = b'',
    ) -> None:
        """Add a frame; `image_bgr` is its image, None where it is not available.

        `encoded` is the file that the image was decoded from, b'' where there was none.
        """
        path = self._products[0].path
        if self._ended:
            msg = f'{path} is closed already, so frame {findings.name} cannot be added.'
            raise ExportError(msg)
        if image_bgr is not None and image_bgr.shape[1::-1] != findings.size_wh:
            msg = (
                f'The image of frame {findings.name} has {image_bgr.shape[1::-1]} pixels and '
                f'its findings are of {findings.size_wh}; give the image that was detected in.'
            )
            raise ExportError(msg)
        with export_errors(path, *self.raises):
            self._add(findings, image_bgr, encoded)

    def close(self) -> None:
        """Complete the files and move them to their paths."""
        if self._ended:
            return
        self._ended = True
        try:
            with export_errors(self._products[0].path, *self.raises):
                self._complete()
                for product in self._products:
                    product.finish()
        except ExportError:
            self._release()
            raise

    def abandon(self) -> None:
        """Stop, and leave what is written as it is, under its unfinished name."""
        if not self._ended:
            self._ended = True
            self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abandon()

    @abstractmethod
    def _add(
        self, findings: FrameFindings, image_bgr: npt.NDArray[np.uint8] | None, encoded: bytes
    ) -> None:
        """Write one frame."""

    @abstractmethod
    def _complete(self) -> None:
        """Write the rest and close all files."""

    @abstractmethod
    def _release(self) -> None:
        """Close all files without completing them; raise nothing."""
