# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The operator's title, logo and colours: the page and the reports read them in one way."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from roof_detector.results.errors import ExportError
from roof_detector.results.report.branding import DEFAULT_ACCENT, Branding, read_branding
from roof_detector.station.errors import StationError
from roof_detector.station.station_parameters import STATION_TABLE, station_branding

DEFAULTS = {parameter.name: parameter.default for parameter in STATION_TABLE}


def parameter_file(where, **values):
    path = where / 'station.yaml'
    path.write_text(json.dumps({'/**': {'ros__parameters': values}}))
    return path


def test_a_station_without_looks_has_its_own():
    assert station_branding(DEFAULTS) == Branding(language='en')
    assert Branding().colour == DEFAULT_ACCENT
    assert Branding().image('logo') is None


def test_the_page_and_the_reports_have_the_same_looks(tmp_path):
    for name in ('LOGO.PNG', 'roof.jpg'):
        cv2.imwrite(str(tmp_path / name), np.full((40, 90, 3), 200, np.uint8))
    values = {
        **DEFAULTS,
        'title': ' Roof & Sky ',
        'logo': str(tmp_path / 'LOGO.PNG'),
        'background': str(tmp_path / 'roof.jpg'),
        'accent': '#7A1F3D',
        'language': 'zh',
        'dark': False,
    }
    read = read_branding(parameter_file(tmp_path, **values))
    assert read == station_branding(values)
    assert (read.title, read.colour) == ('Roof & Sky', '#7a1f3d')
    assert read.image('logo').size_wh == (90, 40)
    beside = read_branding(parameter_file(tmp_path, logo='LOGO.PNG'))
    assert beside.image('logo', tmp_path) == read.image('logo')


@pytest.mark.parametrize(
    ('values', 'sentence'),
    [
        ({'logo': '/nowhere/logo.png'}, 'The logo /nowhere/logo.png cannot be read'),
        ({'logo': __file__}, 'is no image that can be read'),
        ({'accent': 'red'}, "The accent is 'red', expected a colour such as '#1f4e79'"),
        ({'language': 'de'}, "The language is 'de', expected en or zh"),
        ({'title': 'x' * 300}, 'expected a short text'),
    ],
    ids=['missing', 'no image', 'colour', 'language', 'long'],
)
def test_the_page_and_the_reports_refuse_the_same(tmp_path, values, sentence):
    with pytest.raises(ExportError) as of_report:
        read_branding(parameter_file(tmp_path, **values)).image('logo')
    with pytest.raises(StationError) as of_page:
        station_branding({**DEFAULTS, **values})
    assert sentence in str(of_report.value)
    assert sentence in str(of_page.value)
