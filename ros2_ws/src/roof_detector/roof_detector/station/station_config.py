# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How the ground station looks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from roof_detector.station.errors import StationError

PICTURES = ('.png', '.jpg', '.jpeg', '.svg', '.webp')


@dataclass(frozen=True)
class StationConfig:
    """Hold title, pictures, language and colours; '' stands for none.

    An empty title takes the language's own words. `logo` and `background` are picture files.
    """

    title: str = ''
    logo: str = ''
    background: str = ''
    language: str = 'en'
    dark: bool = True

    def __post_init__(self) -> None:
        for name in ('logo', 'background'):
            picture = Path(getattr(self, name)).expanduser()
            if getattr(self, name) and not (picture.is_file() and picture.suffix in PICTURES):
                raise StationError(
                    f'{name} is {str(picture)!r}, expected a file that ends in '
                    f'{", ".join(PICTURES)}.'
                )
