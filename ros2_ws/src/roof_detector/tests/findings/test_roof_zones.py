# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Zones of a roof, their condition index, and how much of them was seen."""

from __future__ import annotations

import json
from types import SimpleNamespace
from uuid import UUID

import numpy as np
import pytest
import shapely

from roof_detector.findings.condition_index import RANGES, condition_index
from roof_detector.findings.errors import FindingsError
from roof_detector.findings.roof_zones import read_zones
from roof_detector.findings.seen_ground import hull_of, seen_ground
from roof_detector.findings.severity import Action, Grade, Severity
from roof_detector.findings.severity_file import shipped_severity
from roof_detector.findings.stored_frames import GroundedFrame, StoredFrame

RULES = shipped_severity()


def rust(number, area_m2, severity=Severity.HIGH):
    """Return a finding with an area, and its grade."""
    size = None if area_m2 is None else SimpleNamespace(area_m2=area_m2, length_m=1.0)
    one = SimpleNamespace(uuid=UUID(int=number), class_name='rust', size=size)
    return one, {one.uuid: Grade(severity=severity, action=Action.REPAIR)}


def index_of(*findings, area_m2=100.0):
    grades = {uuid: grade for _, own in findings for uuid, grade in own.items()}
    return condition_index([one for one, _ in findings], grades, RULES, area_m2=area_m2)


def test_a_roof_without_defects_has_100_and_one_of_nothing_has_none():
    assert index_of().index == 100
    assert index_of().range_name == 'excellent'
    assert index_of(rust(1, 1.0), area_m2=0.0) is None


def test_more_and_worse_defects_lower_the_index_and_never_below_0():
    small, large = index_of(rust(1, 0.5)), index_of(rust(1, 5.0))
    mild = index_of(rust(1, 5.0, Severity.LOW))
    assert 100 > mild.index > large.index
    assert small.index > large.index
    everything = [rust(k, 500.0, s) for k, s in enumerate(Severity, 1)]
    assert 0 <= index_of(*everything).index < 25
    # 15 m2 on 100 m2 is what the rules call full: high takes all of its 65 points.
    assert index_of(rust(1, 15.0)).index == 35
    assert index_of(rust(1, 15.0), area_m2=400.0).deducts[0].points == pytest.approx(32.5)


def test_a_finding_without_a_size_counts_with_nothing_and_is_counted():
    found = index_of(rust(1, None), rust(2, 15.0))
    assert (found.index, found.unmeasured) == (35, 1)


def test_the_ranges_cover_all_of_the_index():
    limits = [least for least, _ in RANGES]
    assert limits == sorted(limits, reverse=True)
    assert limits[-1] == 0


SQUARE = [[8.0, 47.0], [8.001, 47.0], [8.001, 47.001], [8.0, 47.001], [8.0, 47.0]]


def feature(name='A', kind='Polygon', ring=SQUARE):
    return {
        'type': 'Feature',
        'properties': {'name': name},
        'geometry': {'type': kind, 'coordinates': [ring]},
    }


def write(path, *features):
    path.write_text(json.dumps({'type': 'FeatureCollection', 'features': features}))
    return path


def test_zones_are_the_named_polygons_of_a_file(tmp_path):
    (zone,) = read_zones(write(tmp_path / 'zones.geojson', feature('North')))
    at = SimpleNamespace(longitude_deg=8.0005, latitude_deg=47.0005)
    away = SimpleNamespace(longitude_deg=8.0005, latitude_deg=47.1)
    assert zone.name == 'North'
    assert zone.contains(SimpleNamespace(place=at))
    assert not zone.contains(SimpleNamespace(place=away))
    assert not zone.contains(SimpleNamespace(place=None))


@pytest.mark.parametrize(
    ('features', 'sentence'),
    [
        ([], 'holds no features'),
        ([feature(name='')], 'property "name"'),
        ([feature(name=7)], 'property "name"'),
        ([feature(), feature()], 'two zones of the name'),
        ([feature(kind='Point')], 'is no polygon'),
        ([feature(ring=[[8.0, 47.0]])], 'damaged geometry'),
        ([feature(ring=[[x * 1e5, y] for x, y in SQUARE])], 'EPSG:4326'),
        (['text'], 'is no polygon'),
    ],
    ids=['none', 'no name', 'number', 'twice', 'point', 'damaged', 'metres', 'text'],
)
def test_a_fault_in_a_file_of_zones_is_named(tmp_path, features, sentence):
    with pytest.raises(FindingsError, match=sentence):
        read_zones(write(tmp_path / 'zones.geojson', *features))


@pytest.mark.parametrize('content', ['', '{', '[1]', '{"features": 3}'])
def test_what_is_no_geojson_is_refused(tmp_path, content):
    path = tmp_path / 'zones.geojson'
    path.write_text(content)
    with pytest.raises(FindingsError, match=r'zones\.geojson'):
        read_zones(path)


def frame(west, south, side=10.0):
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], float)
    border = np.concatenate([
        np.linspace(corners[k], corners[(k + 1) % 4], 3, endpoint=False) for k in range(4)
    ])  # fmt: skip
    stored = StoredFrame(
        flight='f', source='f', topic='', index=0, name='a', stamp_ns=0, size_wh=(1000, 1000)
    )
    return GroundedFrame(stored, border * side + (west, south))


def test_what_was_seen_counts_views_and_the_finest_resolution():
    assert seen_ground([]) is None
    frames = [frame(0, 0), frame(5, 0), frame(0, 0, side=20.0)]
    seen = seen_ground(frames)
    region = shapely.box(0, 0, 15, 10)
    inside = seen.inside(region)
    assert seen.area_m2(inside) == pytest.approx(150, rel=0.03)
    assert seen.area_m2(inside & (seen.views >= 3)) == pytest.approx(50, rel=0.1)
    assert seen.metres_per_pixel[inside].min() == pytest.approx(0.01, rel=0.01)
    assert seen.metres_per_pixel[seen.views == 1].max() == pytest.approx(0.02, rel=0.01)
    assert hull_of(frames).area == pytest.approx(400)
