# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What writes findings as files for people."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from roof_detector.results.atomic_output import Unfinished
from roof_detector.results.errors import ExportError, told_of
from roof_detector.vision.frame_findings import FrameFindings

if TYPE_CHECKING:
    from typing_extensions import Self


class Exporter(Protocol):
    """Take the frames of a source in order, then be closed."""

    def write(
        self,
        findings: FrameFindings,
        image_bgr: npt.NDArray[np.uint8] | None,
        encoded: bytes = b'',
    ) -> None:
        """Add a frame; `image_bgr` is its picture, None where there is none to be had.

        `encoded` is the file that the picture was decoded from, b'' where it was none.
        """

    def close(self) -> None:
        """Complete the files and put them in place."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Export(ABC):
    """Write one kind of product frame by frame; raise ExportError with a sentence.

    Until `close` a product is called `.part`; it stays so where the export fails, is abandoned, or
    its `with` block ends in an exception.
    """

    raises: ClassVar[tuple[type[Exception], ...]] = ()
    """What the library beneath raises besides OSError."""

    def __init__(self, *paths: Path, overwrite: bool) -> None:
        self._ended = False
        with told_of(paths[0].parent):
            paths[0].parent.mkdir(parents=True, exist_ok=True)
            self._products = tuple(Unfinished(path, overwrite=overwrite) for path in paths)

    @property
    def paths(self) -> tuple[Path, ...]:
        """Return where the products are, or will be."""
        return tuple(product.path for product in self._products if not product.is_discarded)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return sentences about what could not be exported though nothing failed."""
        return ()

    def write(
        self,
        findings: FrameFindings,
        image_bgr: npt.NDArray[np.uint8] | None,
        encoded: bytes = b'',
    ) -> None:
        """Add a frame; `image_bgr` is its picture, None where there is none to be had.

        `encoded` is the file that the picture was decoded from, b'' where it was none.
        """
        path = self._products[0].path
        if self._ended:
            raise ExportError(f'{path} is closed already, frame {findings.name} came too late.')
        if image_bgr is not None and image_bgr.shape[1::-1] != findings.size_wh:
            raise ExportError(
                f'The picture of frame {findings.name} has {image_bgr.shape[1::-1]} pixels and '
                f'its findings are of {findings.size_wh}; give the picture that was looked at.'
            )
        with told_of(path, *self.raises):
            self._add(findings, image_bgr, encoded)

    def close(self) -> None:
        """Complete the files and put them in place."""
        if self._ended:
            return
        self._ended = True
        try:
            with told_of(self._products[0].path, *self.raises):
                self._complete()
                for product in self._products:
                    product.finish()
        except ExportError:
            self._release()
            raise

    def abandon(self) -> None:
        """Stop here and leave what is written as it is, under its unfinished name."""
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
        """Write what is still to be written and close all files."""

    @abstractmethod
    def _release(self) -> None:
        """Close all files without completing them; raise nothing."""
