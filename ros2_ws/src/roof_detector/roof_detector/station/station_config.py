# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The appearance of the ground station's page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from roof_detector.station.errors import StationError

_IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.svg', '.webp')


@dataclass(frozen=True, kw_only=True)
class StationConfig:
    """Title, images, language and colours of the page; '' stands for none.

    An empty title selects the title of the language. `logo` and `background` are image files.
    """

    title: str = ''
    logo: str = ''
    background: str = ''
    language: str = 'en'
    dark: bool = True

    def __post_init__(self) -> None:
        for name in ('logo', 'background'):
            path = Path(getattr(self, name)).expanduser()
            if getattr(self, name) and not (path.is_file() and path.suffix in _IMAGE_SUFFIXES):
                msg = (
                    f'{name} is {str(path)!r}, expected a file that ends in '
                    f'{", ".join(_IMAGE_SUFFIXES)}.'
                )
                raise StationError(msg)
