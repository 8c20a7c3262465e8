# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import shapely

from roof_detector.findings.coverage import Coverage, CoverageGoal
from roof_detector.findings.coverage_cells import coverage_cells
from roof_detector.findings.detection_curves import DetectionCurves
from roof_detector.findings.errors import FindingsError
from roof_detector.findings.gap_plan import GapPlan
from roof_detector.findings.inspection_area import InspectionArea
from roof_detector.findings.inspection_store import InspectionStore
from roof_detector.findings.register import Register
from roof_detector.offline.inspection_coverage import write_coverage

CURVES = DetectionCurves.shipped().of(('equip',))
GOAL = CoverageGoal()
# The camera of the tests sees 15 x 8.4 m from 12 m.
HALF_WIDTH, HALF_HEIGHT = 7.5, 4.2


def flown(roof, places):
    coverage = Coverage()
    for index, place in enumerate(places):
        coverage.add(roof([]).sightings(place, index)[0])
    return coverage


def test_without_frames_nothing_is_covered():
    assert Coverage().grid(CURVES, GOAL) is None


def test_a_cell_counts_the_frames_that_saw_it_and_the_best_resolution(roof):
    grid = flown(roof, [(0, 0), (0, 0), (4, 0)]).grid(CURVES, GOAL)
    area = grid.cell_m**2
    assert (grid.views > 0).sum() * area == pytest.approx((15 + 4) * 8.4, rel=0.05)
    assert (grid.views == 3).sum() * area == pytest.approx((15 - 4) * 8.4, rel=0.05)
    assert grid.metres_per_pixel.min() == pytest.approx(12 / 512, rel=0.02)
    assert np.isinf(grid.metres_per_pixel[grid.views == 0]).all()
    assert (grid.detected[grid.views == 0] == 0).all()


def with_quality(sightings, **quality):
    view = replace(sightings.ground, reduction=quality.pop('reduction', 1.0))
    return replace(sightings, ground=view, **quality)


def test_blur_and_a_reduced_image_make_a_detection_less_likely(roof):
    sightings, _ = roof([]).sightings((0, 0), 0)
    found = []
    for quality in ({}, {'sharpness': 1.2}, {'sharpness': 0.41}, {'reduction': 3.0}):
        coverage = Coverage()
        coverage.add(with_quality(sightings, **quality))
        found.append(coverage.grid(CURVES, GOAL))
    unknown, sharp, blurred, reduced = found
    assert np.isnan(unknown.sharpness).all()
    assert np.nanmax(sharp.sharpness) == pytest.approx(1.2)
    assert sharp.detected.max() == pytest.approx(unknown.detected.max())
    # A blur of three pixels, like three pixels in one, is a third of the resolution.
    assert blurred.detected.max() < sharp.detected.max()
    assert reduced.detected.max() == pytest.approx(blurred.detected.max(), rel=0.01)
    assert blurred.metres_per_pixel.min() == pytest.approx(sharp.metres_per_pixel.min())


def test_the_store_holds_how_each_cell_was_seen(roof, tmp_path):
    coverage = flown(roof, [(0, 0), (7, 0)])
    grid = coverage.grid(CURVES, GOAL)
    with InspectionStore(tmp_path / 'i.gpkg') as store, store.run(roof.ORIGIN) as run:
        run.add_coverage(grid)
    with closing(sqlite3.connect(tmp_path / 'i.gpkg')) as store:
        rows = store.execute(
            'SELECT views, metres_per_pixel, sharpness, angle_deg, detected FROM coverage'
        ).fetchall()
    assert len(rows) == (grid.views > 0).sum()
    assert {row[0] for row in rows} == {1, 2}
    assert all(0.02 < row[1] < 0.05 and row[2] is None and 0 <= row[3] < 45 for row in rows)
    assert max(row[4] for row in rows) == pytest.approx(grid.detected.max())


def test_cells_of_a_large_area_are_joined_with_their_worst_values(roof):
    grid = flown(roof, [(0, 0), (7, 0)]).grid(CURVES, CoverageGoal(cell_m=0.05))
    cells = list(coverage_cells(grid, roof.ORIGIN))
    assert len(cells) <= 20_000 < (grid.views > 0).sum()
    values, ring = cells[len(cells) // 2]
    side_m = roof.ORIGIN.to_enu([(ring[1][1], ring[1][0], 400.0)])[0, 0]
    side_m -= roof.ORIGIN.to_enu([(ring[0][1], ring[0][0], 400.0)])[0, 0]
    assert side_m == pytest.approx(2 * grid.cell_m, rel=0.01)
    assert values[1] >= 1
    assert min(cell[0][5] for cell in cells) == pytest.approx(grid.detected[grid.views > 0].min())


def test_the_footprint_is_what_a_frame_shows(roof):
    assert flown(roof, [(0, 0)]).footprint_wh_m == pytest.approx((15, 8.44), abs=0.05)


def test_a_second_direction_makes_a_finding_likelier(roof):
    once = flown(roof, [(0, 0)]).grid(CURVES, GOAL)
    twice = flown(roof, [(0, 0), (7, 0)]).grid(CURVES, GOAL)
    assert once.looks.max() == 1
    assert twice.looks.max() == 2
    assert twice.detected.max() > once.detected.max()


def test_a_hole_between_two_lines_is_a_gap_of_its_size(roof):
    places = [(x, y) for y in (-7, 7) for x in range(-12, 13)]
    coverage = flown(roof, places)
    grid = coverage.grid(CURVES, GOAL)
    missing = coverage.region().difference(grid.polygons(grid.seen(GOAL)))
    hole = missing.intersection(shapely.box(-8, -6, 8, 6))
    # Between the lines 14 m apart, each of which sees 8.4 m, 5.6 m are left.
    assert hole.area == pytest.approx(16 * 5.6, rel=0.15)


def test_a_frame_five_kilometres_away_encloses_nothing_on_the_way_to_it(roof):
    region = flown(roof, [(0, 0), (7, 0), (14, 0), (5_000, 0)]).region()
    assert region.area == pytest.approx(29 * 8.44 + 15 * 8.44, rel=0.02)
    assert len(region.geoms) == 2


# The keys that QGroundControl asks for, and their types (MissionController, MissionItem,
# SimpleMissionItem::load of its source; "null" is a number that is not set).
PLAN_KEYS = {'fileType': str, 'version': int, 'groundStation': str, 'mission': dict}
MISSION_KEYS = {
    'version': int,
    'firmwareType': int,
    'vehicleType': int,
    'cruiseSpeed': int,
    'hoverSpeed': int,
    'globalPlanAltitudeMode': int,
    'plannedHomePosition': list,
    'items': list,
}
ITEM_KEYS = {'type': str, 'frame': int, 'command': int, 'params': list, 'autoContinue': bool}


def has_keys(content, keys):
    return all(isinstance(content.get(name), kind) for name, kind in keys.items())


def test_the_plan_of_a_gap_flies_over_all_of_it(roof, tmp_path):
    gap = shapely.box(-10, -3, 10, 3)
    plan = GapPlan.over(
        gap, height_m=12, footprint_wh_m=(15, 8.4), origin=roof.ORIGIN, roofs_up_m=9.0
    )
    path = shapely.LineString(plan.waypoints_en)
    assert path.buffer(HALF_HEIGHT / 2).covers(gap)
    files = plan.write(tmp_path)
    assert [path.name for path in files] == ['gaps.geojson', 'gaps.kml', 'gaps.plan']
    items = json.loads(files[2].read_text())['mission']['items']
    assert [one['command'] for one in items[:3]] == [22, 16, 206]
    assert [one['command'] for one in items[-2:]] == [206, 20]
    waypoints = [one for one in items if one['command'] == 16]
    assert len(waypoints) == len(plan.waypoints_en)
    latitude, longitude, height = waypoints[0]['params'][4:]
    # The roofs are 9 m above the place of take-off, from which a mission counts.
    assert (latitude, longitude, height) == pytest.approx((47, 8, 21), abs=1e-3)
    area = InspectionArea.read(files[1])
    assert area.polygons.area == pytest.approx(InspectionArea.read(files[0]).polygons.area)


@pytest.mark.parametrize('gap', [shapely.box(-10, -3, 10, 3), shapely.Polygon()])
def test_a_plan_has_what_qgroundcontrol_asks_for(roof, tmp_path, gap):
    plan = GapPlan.over(gap, height_m=12, footprint_wh_m=(15, 8.4), origin=roof.ORIGIN)
    content = json.loads(plan.write(tmp_path)[2].read_text())
    assert has_keys(content, PLAN_KEYS) and content['fileType'] == 'Plan'
    mission = content['mission']
    assert has_keys(mission, MISSION_KEYS)
    home = mission['plannedHomePosition']
    assert home[:2] == pytest.approx([47.0, 8.0], abs=1e-3) and len(home) == 3
    assert mission['items']  # a mission has one at least
    for number, item in enumerate(mission['items'], start=1):
        assert has_keys(item, ITEM_KEYS) and item['type'] == 'SimpleItem'
        assert item['doJumpId'] == number
        assert len(item['params']) == 7
        assert all(one is None or isinstance(one, (int, float)) for one in item['params'])
        if item['command'] in (16, 22):
            assert (item['frame'], item['AltitudeMode']) == (3, 1)
            assert item['Altitude'] == item['params'][6]
        else:
            assert item['frame'] == 2 and 'Altitude' not in item


def test_images_of_a_plan_overlap_by_70_percent_both_ways(roof):
    gap, footprint = shapely.box(-10, -6, 10, 6), (15.0, 8.4)
    plan = GapPlan.over(gap, height_m=12, footprint_wh_m=footprint, origin=roof.ORIGIN)
    lines = plan.waypoints_en.reshape(-1, 2, 2)
    between = np.linalg.norm(np.diff(lines.mean(axis=1), axis=0), axis=1)
    assert len(lines) > 3
    # Whichever side of the image lies along the line: the shorter one decides.
    assert (1 - between / min(footprint) >= 0.7 - 1e-9).all()
    assert 1 - plan.trigger_m / min(footprint) >= 0.7 - 1e-9


def test_a_mission_says_when_nothing_tells_how_high_the_roofs_are(roof, tmp_path):
    coverage = flown(roof, [(x, y) for y in (-7, 7) for x in range(-12, 13)])
    grid = coverage.grid(CURVES, GOAL)
    for roofs_up_m, is_said in ((None, True), (9.0, False)):
        outcome = write_coverage(
            coverage, grid, tmp_path, origin=roof.ORIGIN, goal=GOAL, roofs_up_m=roofs_up_m
        )
        assert any('add their height' in note for note in outcome.notes) == is_said


def outline(roof, *corners):
    points = roof.ORIGIN.to_geodetic([[*corner, 0] for corner in corners])
    return [[one[1], one[0]] for one in [*points.tolist(), points[0].tolist()]]


def test_findings_outside_the_area_are_marked(roof, tmp_path):
    path = tmp_path / 'area.geojson'
    ring = outline(roof, (-1, -1), (1, -1), (1, 1), (-1, 1))
    path.write_text(json.dumps({'type': 'Polygon', 'coordinates': [ring]}))
    register = Register(roof.NAMES, origin=roof.ORIGIN)
    roof([(0, 0), (4, 0)]).fly(register)
    marked = InspectionArea.read(path).mark(register.finish().findings)
    assert sorted((round(one.place.east_m), one.is_outside) for one in marked) == [
        (0, False),
        (4, True),
    ]


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'no area'),
        ('{"type": "Point", "coordinates": [1, 2]}', 'no polygon'),
        ('<kml><Polygon/></kml>', 'no polygon'),
        ('<!DOCTYPE x [<!ENTITY a "b">]><kml>&a;</kml>', 'defines entities'),
        (
            '{"type": "Polygon", "coordinates": [[[500000, 1], [500001, 1], [500001, 2]]]}',
            'WGS 84',
        ),
    ],
    ids=['empty', 'a point', 'no corners', 'entities', 'metres'],
)
def test_an_invalid_area_is_refused_in_a_sentence(text, message, tmp_path):
    path = tmp_path / 'area'
    path.write_text(text)
    with pytest.raises(FindingsError, match=message):
        InspectionArea.read(path)
