# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The texts of the page."""

from __future__ import annotations

from pathlib import Path

import yaml

from roof_detector.station.errors import StationError

TEXTS = Path(__file__).parent / 'texts'
LANGUAGES = tuple(sorted(path.stem for path in TEXTS.glob('*.yaml')))


class Language:
    """The texts of one language by their keys, from texts/<language>.yaml."""

    def __init__(self, code: str) -> None:
        if code not in LANGUAGES:
            msg = f'language is {code!r}, expected one of {", ".join(LANGUAGES)}.'
            raise StationError(msg)
        self.code = code
        self.texts: dict[str, str] = yaml.safe_load(
            (TEXTS / f'{code}.yaml').read_text(encoding='utf-8')
        )

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of a key with the values filled in."""
        if key not in self.texts:
            msg = f'There is no text {key!r} in texts/{self.code}.yaml; add it there.'
            raise StationError(msg)
        return self.texts[key].format(**values)
