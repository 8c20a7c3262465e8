# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The parameters of the station node."""

from __future__ import annotations

from typing import Any

from roof_detector.results.errors import ExportError
from roof_detector.results.report.branding import Branding, branding_of
from roof_detector.ros.common.parameters import Parameter, ParameterTable
from roof_detector.station.errors import StationError
from roof_detector.station.language import LANGUAGES

_LOOKS = Branding(language='en')

STATION_TABLE = ParameterTable(
    Parameter(
        'host',
        '127.0.0.1',
        'Address to serve the page on; any address but loopback needs a token. 0.0.0.0 stands for '
        'all networks.',
    ),
    Parameter('port', 8080, 'Port to serve the page on.', minimum=1, maximum=65535),
    Parameter(
        'token_file',
        '',
        'File with the secret that every request needs, one line of at least 12 characters, '
        'readable by its owner alone (chmod 600); empty uses the environment variable '
        'ROOF_DETECTOR_STATION_TOKEN. The page asks for it once and the browser remembers it.',
    ),
    Parameter(
        'folder',
        '~/roof_detector',
        'Folder for models, uploads, results and flights; the station writes nowhere else.',
    ),
    Parameter(
        'image_folders',
        (),
        'Folders of recordings outside `folder` from which the review shows images.',
    ),
    Parameter(
        'upload_limit_mb',
        4000,
        'Maximum size of an uploaded file in MB.',
        minimum=1,
        maximum=1_000_000,
    ),
    Parameter(
        'jpeg_quality', 70, 'JPEG quality of the live video on the page.', minimum=1, maximum=100
    ),
    Parameter(
        'video_width',
        960,
        'Width of the live video on the page in pixels; 0 keeps the original width.',
        minimum=0,
        maximum=8192,
    ),
    Parameter(
        'title',
        _LOOKS.title,
        'Title of the page and of its tab; empty for the title of the language.',
    ),
    Parameter('logo', _LOOKS.logo, 'Image file beside the title; empty for none.'),
    Parameter(
        'accent',
        _LOOKS.accent,
        "Colour of headings in reports, such as '#1f4e79'; empty for the report's own.",
    ),
    Parameter('background', _LOOKS.background, 'Image file behind the page; empty for none.'),
    Parameter('language', _LOOKS.language, 'Language of the page.', choices=LANGUAGES),
    Parameter(
        'dark',
        default=_LOOKS.dark,
        description='Start in dark mode; the page has a button for light mode.',
    ),
)


def station_branding(values: dict[str, Any]) -> Branding:
    """Return how the page looks; raise StationError for what cannot be shown."""
    try:
        branding = branding_of(values)
        for name in ('logo', 'background'):
            branding.image(name)
    except ExportError as error:
        raise StationError(str(error)) from error
    return branding
