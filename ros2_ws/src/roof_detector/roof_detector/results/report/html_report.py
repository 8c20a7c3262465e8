# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A report as one HTML file, with everything in it and no script."""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, StrictUndefined

from roof_detector.results.report.shown_text import shown_text

if TYPE_CHECKING:
    from jinja2 import Template

    from roof_detector.results.report.report_model import EncodedImage, InspectionReport

_TEMPLATE = Path(__file__).parent / 'static' / 'report.html.jinja'
_TYPES = {'jpeg': 'image/jpeg', 'png': 'image/png', 'svg': 'image/svg+xml'}


def html_report(report: InspectionReport) -> str:
    """Return the page; the same report gives the same text."""
    return _template().render(report=report, words=report.words)


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters['data_uri'] = _data_uri
    return environment.from_string(_TEMPLATE.read_text(encoding='utf-8'))


def _shown(value: object) -> object:
    """Return what is put in place of an expression; a part of the page is left as it is."""
    return shown_text(value) if type(value) is str else value


def _data_uri(image: EncodedImage) -> str:
    encoded = base64.b64encode(image.data).decode('ascii')
    return f'data:{_TYPES[image.kind]};base64,{encoded}'
