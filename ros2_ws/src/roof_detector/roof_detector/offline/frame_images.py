# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Finds the images that results were detected in, by content wherever a hash is known."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roof_detector.inputs.errors import InputError
from roof_detector.inputs.input_files import listed
from roof_detector.offline.errors import one_line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from roof_detector.inputs.frame import LoadedFrame
    from roof_detector.inputs.input import RecordedInput
    from roof_detector.offline.frame_record import FrameRecord
    from roof_detector.vision.frame_findings import FrameFindings


@dataclass(frozen=True, eq=False)
class FoundImage:
    """An image (height, width, 3) in BGR, and the file that it was decoded from or b''."""

    image_bgr: NDArray[np.uint8]
    encoded: bytes


class FrameImages(ABC):
    """Finds the images of one image topic's results in an input that may have changed since.

    Results hold the size and SHA-256 of the image file, image message or video of each frame. An
    image of other content is refused, whatever its name, path or time. Images that were refused,
    are missing, or are new in the input are listed by name. Results of an earlier version or of a
    live flight have no hash: they are paired by name or time, which a note reports unless results
    and images are in one bag (`is_own`).
    """

    def __init__(self, source: RecordedInput, *, is_own: bool = False) -> None:
        self._source = source
        self._is_own = is_own
        self._missing: list[str] = []
        self._refused: list[str] = []
        self._unreadable: list[tuple[str, str]] = []
        self._renamed: list[str] = []
        self._unproven: list[str] = []

    @property
    def source(self) -> RecordedInput:
        """Return the input that the images come from."""
        return self._source

    def of(self, findings: FrameFindings) -> FoundImage | None:
        """Return the image of these findings, or None; never the image of another frame."""
        try:
            loaded = self._find(findings)
            if loaded is None:
                return None
            image_bgr = loaded.image_bgr()
        except InputError as error:
            self._unreadable.append((findings.name, one_line(error).rstrip('.')))
            return None
        if image_bgr.shape[1::-1] != findings.size_wh:
            self._refused.append(findings.name)
            return None
        if findings.content is None:
            self._unproven.append(findings.name)
        return FoundImage(image_bgr, loaded.encoded())

    @abstractmethod
    def skip(self, record: FrameRecord) -> None:
        """Skip a frame that could not be read when the results were made."""

    def missing(self) -> list[str]:
        """Return the names of images that are not where they are looked for."""
        return [] if self._is_own else self._missing

    def refused(self) -> list[str]:
        """Return the names of images whose content is another than what was detected in."""
        return self._refused

    def unreadable(self) -> list[tuple[str, str]]:
        """Return the names of images that cannot be read any more, and why."""
        return self._unreadable

    def end(self) -> str:
        """Return why the input cannot be read to its end, '' where it can."""
        return ''

    def warnings(self) -> list[str]:
        """Return which results have no image, a sentence for each reason."""
        end = self.end()
        return [
            *self._sentences(
                (self.missing(), '{images} {is_are} missing in {where}'),
                (
                    self._refused,
                    '{images} in {where} {is_are} refused, because the content differs from what '
                    'was detected in',
                ),
                (
                    [f'{name} ({why})' for name, why in self._unreadable],
                    '{images} in {where} cannot be read any more',
                ),
            ),
            *([f'{self._source.path} cannot be read to its end: {end}'] if end else []),
        ]

    def notes(self) -> list[str]:
        """Return notes about the images, once all results have been requested."""
        unproven = [] if self._is_own else self._unproven
        return self._sentences(
            (self._renamed, '{images} in {where} {was_were} found by content under another name'),
            (
                self._added(),
                '{images} in {where} {is_are} not in the results (detect again to include new '
                'ones)',
            ),
            (
                unproven,
                '{images} in {where} {was_were} paired with results by name or time alone, '
                'because the results hold no hash of their images',
            ),
        )

    @abstractmethod
    def _find(self, findings: FrameFindings) -> LoadedFrame | None:
        """Return the image, or None and note why; raise InputError where it cannot be read."""

    @abstractmethod
    def _added(self) -> list[str]:
        """Return the names of images that the results do not hold."""

    def _sentences(self, *kinds: tuple[list[str], str]) -> list[str]:
        sentences = []
        for names, form in kinds:
            if names:
                is_one = len(names) == 1
                sentence = form.format(
                    images='1 image' if is_one else f'{len(names)} images',
                    is_are='is' if is_one else 'are',
                    was_were='was' if is_one else 'were',
                    where=self._source.path,
                )
                sentences.append(f'{sentence}: {listed(names)}.')
        return sentences
