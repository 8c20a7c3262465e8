# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a new model would change in a recorded flight."""

from __future__ import annotations

import json
import shutil
import sqlite3
from dataclasses import replace

import pytest
from flown_inspection import decide, fly_and_inspect, write_flight
from tiny_model import write_model

from roof_detector.cli.exit_code import exit_code_of
from roof_detector.cli.main import make_parser
from roof_detector.findings.roof_finding import FindingState
from roof_detector.georeference.camera_mount import BodyMount
from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.ground import Ground
from roof_detector.history.errors import HistoryError
from roof_detector.history.recorded_inspection import read_inspection
from roof_detector.history.replay_gate import ReplayLimits, gate_checks
from roof_detector.history.replayed_findings import (
    ReplayedKind,
    compare_replay,
    counted_replay,
)
from roof_detector.offline.georeference_record import georeference_record, read_georeference
from roof_detector.offline.georeferencing import GeoreferenceSettings
from roof_detector.offline.video_georeferencing import LogSettings
from roof_detector.telemetry.recorded_track import TelemetrySettings
from roof_detector.telemetry.topic_choice import TopicNames

FLIGHTS = {'DJI_0001'}


@pytest.fixture(scope='module')
def flown(tmp_path_factory):
    """Return an inspection in which a person confirmed some findings and rejected one."""
    roof = fly_and_inspect(tmp_path_factory.mktemp('flown'))
    numbers = sorted(read_inspection(roof).findings)
    decide(roof, numbers[0], 'reject')
    for number in numbers[1:4]:
        decide(roof, number, 'confirm')
    return roof


def replay(*inspections, output, model, **options):
    words = ['models', 'replay', *map(str, inspections), '--output', str(output)]
    words += ['--model', str(model), '--device', 'cpu', '--threads', '1']
    for name, value in {'progress': 'none', **options}.items():
        words += [f'--{name.replace("_", "-")}', str(value)]
    return exit_code_of(make_parser(training=()).parse_args(words))


def values_of(output):
    return json.loads((output / 'replay.json').read_text())


def test_the_model_that_made_an_inspection_changes_nothing(flown, tmp_path, capsys):
    code = replay(flown, output=tmp_path, model=flown.parent / 'small.onnx')
    assert code == 0, capsys.readouterr().out
    counts = values_of(tmp_path)['counts']
    changed = ('lost', 'gained', 'contradicted', 'renamed')
    assert {name: counts[name] for name in changed} == dict.fromkeys(changed, 0)
    assert counts['kept'] >= 3
    assert counts['still raised'] + counts['no longer raised'] == 1
    page = (tmp_path / 'replay.html').read_text()
    assert 'The gate is passed.' in page


def test_another_model_does_not_pass_and_the_report_shows_why(flown, tmp_path, capsys):
    other = write_model(tmp_path / 'other.onnx', seed=2)
    assert replay(flown, output=tmp_path / 'out', model=other) == 4
    assert 'NOT passed: ' in capsys.readouterr().out
    values = values_of(tmp_path / 'out')
    (inspection,) = values['inspections']
    contradicted = [one for one in inspection['findings'] if one['kind'] == 'contradicted']
    assert contradicted
    assert all(one['by_person'] for one in contradicted)
    assert [one['passed'] for one in values['checks'] if one['name'] == 'contradicted'] == [False]
    page = (tmp_path / 'out' / 'replay.html').read_text()
    assert 'data:image/jpeg;base64,' in page


def test_flights_that_cannot_be_replayed_are_named_and_the_rest_is_done(flown, tmp_path, capsys):
    gone, changed = (shutil.copytree(flown, tmp_path / name) for name in ('gone', 'changed'))
    run = gone / 'detections' / 'DJI_0001' / 'run.json'
    run.write_text(run.read_text().replace('DJI_0001.MP4', 'DJI_0009.MP4'))
    other = write_flight(tmp_path / 'DJI_0001.MP4', seed=9)
    run = changed / 'detections' / 'DJI_0001' / 'run.json'
    content = json.loads(run.read_text())
    run.write_text(json.dumps({**content, 'source': str(other)}))
    newer = shutil.copytree(flown, tmp_path / 'newer')
    with sqlite3.connect(newer / 'inspection.gpkg') as store:
        store.execute('UPDATE inspection_schema SET version = 99')
    store.close()
    model, out = flown.parent / 'small.onnx', tmp_path / 'out'
    assert replay(gone, changed, newer, flown, output=out, model=model) == 3
    lost = '\n'.join(values_of(out)['lost'])
    assert 'DJI_0001 of gone is left out: its recording' in lost
    assert 'DJI_0001 of changed is left out: its recording differs' in lost
    assert 'update roof_detector' in lost
    assert [one['name'] for one in values_of(out)['inspections']] == ['roof']
    assert replay(gone, output=tmp_path / 'no', model=model) == 1
    assert 'No inspection could be replayed' in capsys.readouterr().err


def changed_findings(inspection, **changes):
    """Return the inspection with some of its findings replaced, None for those that are gone."""
    findings = dict(inspection.findings)
    for number, value in changes.items():
        k = int(number.removeprefix('n'))
        if value is None:
            del findings[k]
        else:
            findings[k] = replace(findings[k], **value)
    return replace(inspection, findings=findings)


def test_each_kind_of_change_is_told_from_the_others(flown):
    old = read_inspection(flown)
    undecided = {
        number: replace(one, state=FindingState.CONFIRMED, decided=False)
        for number, one in old.findings.items()
    }
    seen = {one.finding for listed in old.sightings.values() for one in listed}
    numbers = sorted(undecided.keys() & seen)
    a, b, c, d, e, f = numbers[:6]
    before = replace(
        old,
        findings={
            **undecided,
            a: replace(undecided[a], decided=True),
            b: replace(undecided[b], decided=True),
            e: replace(undecided[e], state=FindingState.REJECTED, decided=True),
            f: replace(undecided[f], state=FindingState.TENTATIVE),
        },
        computed=undecided,
        touched=frozenset({a, b, e}),
    )
    after = changed_findings(
        replace(old, findings=undecided),
        **{
            f'n{a}': {'state': FindingState.TENTATIVE},
            f'n{b}': {'class_name': 'hatch'},
            f'n{c}': {'state': FindingState.TENTATIVE},
            f'n{d}': {'class_name': 'hatch'},
        },
    )
    found = compare_replay(before, after, FLIGHTS)
    kinds = {one.old.number: one.kind for one in found if one.old is not None}
    assert kinds[a] is kinds[b] is ReplayedKind.CONTRADICTED
    assert kinds[c] is ReplayedKind.LOST
    assert kinds[d] is ReplayedKind.RENAMED
    assert kinds[e] is ReplayedKind.STILL_RAISED
    assert kinds[f] is ReplayedKind.GAINED
    assert counted_replay(found)['kept'] == len(numbers) - 6
    assert compare_replay(before, after, {'another flight'}) == []


def test_the_gate_counts_each_kind_against_what_it_could_be_of(flown):
    old = read_inspection(flown)
    found = compare_replay(old, changed_findings(replace(old, touched=frozenset())), FLIGHTS)
    checks = {one.name: one for one in gate_checks(found, ReplayLimits(least_findings=1))}
    assert checks['contradicted'].of == 3
    assert checks['still raised'].of == 1
    assert all(one.passed for one in checks.values())
    few = gate_checks(found[:1], ReplayLimits(least_findings=2))
    assert [one.name for one in few if not one.passed] == ['findings']
    assert gate_checks([], ReplayLimits(least_findings=0))[0].share is None


@pytest.mark.parametrize('limits', [{'lost': 1.5}, {'gained': -1}, {'contradicted': float('nan')}])
def test_limits_that_mean_nothing_are_refused(limits):
    with pytest.raises(HistoryError, match='expected'):
        ReplayLimits(**limits)


@pytest.mark.parametrize(
    'settings',
    [
        GeoreferenceSettings(),
        GeoreferenceSettings(
            ground=Ground(map_z_m=9.0, sigma_m=0.3),
            body_mount=BodyMount(down_deg=80.0, lever_m=(0.1, 0.0, -0.2)),
            telemetry=TelemetrySettings(
                preset='mavros', names=TopicNames(fix='/fix'), origin=(47.0, 8.0, 400.0)
            ),
            adjust_photos=False,
            focal_35mm=24.0,
            log=LogSettings('flight.ulg', 3.5),
        ),
    ],
)
def test_how_an_inspection_was_georeferenced_is_kept_with_it(settings):
    record = json.loads(json.dumps(georeference_record(settings)))
    assert read_georeference(record) == settings
    with pytest.raises(GeoError, match='give the height'):
        read_georeference({**record, 'log': 3})
