# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Every parameter of the ground station."""

from __future__ import annotations

from typing import Any

from roof_detector.ros.common.parameters import Parameter, ParameterTable
from roof_detector.station.language import LANGUAGES
from roof_detector.station.station_config import StationConfig

_CONFIG = StationConfig()

STATION_TABLE = ParameterTable(
    Parameter(
        'host',
        '127.0.0.1',
        'Address to serve the page on; any but this computer itself needs a token. 0.0.0.0 is '
        'every network.',
    ),
    Parameter('port', 8080, 'Port to serve the page on.', minimum=1, maximum=65535),
    Parameter(
        'token_file',
        '',
        'File that only its owner can read (chmod 600) with the secret that every request needs, '
        'one line of at least 12 characters; empty takes the environment variable '
        'ROOF_DETECTOR_STATION_TOKEN. The page asks for it once and the browser remembers it.',
    ),
    Parameter(
        'folder',
        '~/roof_detector',
        'Folder for models, uploads, results and flights; nothing is written elsewhere.',
    ),
    Parameter(
        'upload_limit_mb',
        4000,
        'Most that one uploaded file may have.',
        minimum=1,
        maximum=1_000_000,
    ),
    Parameter(
        'jpeg_quality', 70, 'Quality of the live video on the page.', minimum=1, maximum=100
    ),
    Parameter(
        'video_width',
        960,
        'Width of the live video on the page in pixels; 0 leaves it as it is.',
        minimum=0,
        maximum=8192,
    ),
    Parameter(
        'title',
        _CONFIG.title,
        'Title of the page and of its tab; empty for the words of the language.',
    ),
    Parameter('logo', _CONFIG.logo, 'Picture file beside the title; empty for none.'),
    Parameter('background', _CONFIG.background, 'Picture file behind the page; empty for none.'),
    Parameter('language', _CONFIG.language, 'Language of the page.', choices=LANGUAGES),
    Parameter(
        'dark',
        default=_CONFIG.dark,
        description='Begin light on dark; the page has a button for dark on light.',
    ),
)


def station_config(values: dict[str, Any]) -> StationConfig:
    """Return how the page shall look; raises StationError."""
    return StationConfig(
        **{name: values[name] for name in ('title', 'logo', 'background', 'language', 'dark')}
    )
