# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reports of an inspection over a short video, in which a tiny network finds much in noise."""

from __future__ import annotations

import html
import io
import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
import yaml
from affine import Affine
from pdf_archive import archive_faults
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject
from rasterio.warp import transform_bounds

from roof_detector.cli.main import main
from roof_detector.findings.decisions import DecisionKind
from roof_detector.findings.errors import FindingsError
from roof_detector.findings.inspection_store import InspectionStore
from roof_detector.findings.measured_recall import PHOTOGRAPHS, measured_recall
from roof_detector.findings.reviewer import FindingVerdict, Reviewer
from roof_detector.findings.roof_finding import FindingState
from roof_detector.findings.severity_file import shipped_severity
from roof_detector.inference.model_hash import hash_model
from roof_detector.offline import store_snapshot
from roof_detector.offline.batch import detect_all
from roof_detector.offline.errors import ReplayError
from roof_detector.offline.georeferencing import GeoreferenceSettings
from roof_detector.offline.inspection import InspectedResults, inspect_results
from roof_detector.offline.reporting import written_report
from roof_detector.offline.reporting.report_plan import nice_length, spread_labels
from roof_detector.offline.reporting.report_settings import ReportSettings
from roof_detector.offline.reporting.written_report import write_report
from roof_detector.offline.roof_mosaic import MosaicFiles, make_mosaic
from roof_detector.offline.settings import DetectSettings, OutputSettings
from roof_detector.results.errors import ExportError
from roof_detector.results.report.pdf_fonts import cjk_family
from roof_detector.results.report.report_texts import LANGUAGES, report_texts
from roof_detector.results.report.shown_text import breakable_text, shown_text
from roof_detector.vision.thresholds import Thresholds

WEIGHTS = Path(__file__).parents[2] / 'roof_detector' / 'weights'
TABLES = Path(__file__).parents[2] / 'roof_detector/findings/tables'
SIZE_WH = (320, 240)
CUE = (
    '{n}\n00:00:{n:02d},000 --> 00:00:{m:02d},000\n[focal_len: 24.00] [latitude: {latitude:.7f}] '
    '[longitude: 13.4100000] [rel_alt: 20.000 abs_alt: 120.000] '
    '[gb_yaw: 0.1 gb_pitch: -90.0 gb_roll: 0.0]\n\n'
)


def inspect_video(detector, folder, *, telemetry):
    """Inspect a video of one noisy image; return the folder of the inspection."""
    video = folder / 'DJI_0001.MP4'
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*'mp4v'), 2.0, SIZE_WH)
    coarse = np.random.default_rng(4).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    image = cv2.resize(coarse, SIZE_WH, interpolation=cv2.INTER_CUBIC)
    for _ in range(6):
        writer.write(image)
    writer.release()
    if telemetry:
        cues = [CUE.format(n=n, m=n + 1, latitude=52.52 + 1e-6 * n) for n in range(3)]
        video.with_suffix('.SRT').write_text(''.join(cues))
    settings = DetectSettings(Thresholds(confidence=0.3), OutputSettings(formats=()))
    (outcome,) = detect_all(
        [str(video)],
        folder / 'inspection' / 'detections',
        detector=detector,
        settings=settings,
        progress='none',
    )
    inspect_results(
        [InspectedResults(outcome.output, 'DJI_0001', video)],
        folder / 'inspection',
        georeferencing=GeoreferenceSettings(),
    )
    with InspectionStore(folder / 'inspection' / 'inspection.gpkg') as store:
        numbers = [one.number for one in store.findings()]
        assert len(numbers) >= 3
        confirmed = [FindingVerdict(number=n, kind=DecisionKind.CONFIRM) for n in numbers[:6]]
        Reviewer(store, 'A. B.').decide(*confirmed)
    return folder / 'inspection'


@pytest.fixture(scope='module')
def placed(detector, tmp_path_factory):
    return inspect_video(detector, tmp_path_factory.mktemp('placed'), telemetry=True)


@pytest.fixture(scope='module')
def plain(detector, tmp_path_factory):
    return inspect_video(detector, tmp_path_factory.mktemp('plain'), telemetry=False)


@pytest.fixture(scope='module')
def twice(placed, tmp_path_factory):
    """Return two folders with the reports of one inspection, page and PDF, of one operator."""
    root = tmp_path_factory.mktemp('twice')
    cv2.imwrite(str(root / 'logo.png'), np.full((40, 90, 4), 200, np.uint8))
    brand = station(root, title='Roofs & Sons', logo='logo.png', accent='#7A1F3D', port=8080)
    before = (placed / 'inspection.gpkg').read_bytes()
    for name in ('a', 'b'):
        write_report(placed, ReportSettings(output=root / name, pdf=True, station=brand))
    assert (placed / 'inspection.gpkg').read_bytes() == before, 'the store is only read'
    return root / 'a', root / 'b'


def decide(folder, number, kind, value=''):
    with InspectionStore(folder / 'inspection.gpkg') as store:
        Reviewer(store, 'C. D.').decide(FindingVerdict(number=number, kind=kind, value=value))


def page(inspection, output, **options):
    write_report(inspection, ReportSettings(output=output, overwrite=True, **options))
    return (output / 'report.html').read_text(encoding='utf-8')


def reported(inspection):
    with InspectionStore(inspection / 'inspection.gpkg') as store:
        return [
            one
            for one in store.decided().findings
            if one.state is FindingState.CONFIRMED and not one.is_outside
        ]


def test_an_inspection_of_nothing_gives_a_report_of_nothing(tmp_path):
    InspectionStore(tmp_path / 'inspection.gpkg').close()
    text = page(tmp_path, tmp_path / 'out')
    words = report_texts('en')
    assert words['lead_none'] in text
    assert words['plan_no_telemetry'] in text
    assert 'How much of the roof was seen is not known' in text
    assert words['method_recall_none'] in text


def test_the_page_has_everything_in_it_and_is_the_same_each_time(placed, twice):
    first, second = ((folder / 'report.html').read_text(encoding='utf-8') for folder in twice)
    assert second == first
    assert '<script' not in first
    assert set(re.findall(r'(?:src|href)="([a-z#]+)', first)) == {'data'}
    assert '://' not in first
    for one in reported(placed):
        assert f'id="finding-{one.number}"' in first
        assert f'{one.place.latitude_deg:.6f}' in first
    assert first.count('<img') >= 2 * len(reported(placed))
    assert f'Findings that a person decided: {min(len(reported(placed)), 6)}.' in first
    assert first.count('<table>') == first.count('</table>') >= 4
    assert '&lt;' not in first
    # Coverage comes before whatever was found.
    order = [report_texts('en')[name] for name in ('coverage', 'summary', 'plan', 'findings')]
    places = [first.index(f'<h2>{heading}</h2>') for heading in order]
    assert places == sorted(places)


def test_the_pdf_is_an_archive_with_table_and_store_and_the_same_each_time(
    placed, twice, tmp_path
):
    first, second = ((folder / 'report.pdf').read_bytes() for folder in twice)
    assert first == second
    pdf = PdfReader(io.BytesIO(first))
    assert '<pdfaid:part>3</pdfaid:part>' in pdf.xmp_metadata.stream.get_data().decode()
    assert set(pdf.attachments) == {'findings.csv', 'inspection.gpkg'}
    table = pdf.attachments['findings.csv'][0].decode()
    with InspectionStore(placed / 'inspection.gpkg') as store:
        assert len(table.splitlines()) == 1 + len(store.findings())
    copy = tmp_path / 'attached.gpkg'
    copy.write_bytes(pdf.attachments['inspection.gpkg'][0])
    with InspectionStore(copy) as store:
        assert len(store.decisions()) >= 3
    assert 'Page 1 of' in pdf.pages[0].extract_text()
    assert report_texts('en')['findings'] in ''.join(one.extract_text() for one in pdf.pages)


def test_the_pdf_keeps_the_rules_of_its_standard(twice):
    assert archive_faults((twice[0] / 'report.pdf').read_bytes()) == []


def without(*path):
    def change(writer):
        place = writer.root_object
        for name in path[:-1]:
            place = place[name].get_object()
        del place[path[-1]]

    return change


def set_in_plain_font(writer):
    for one in writer.pages[0]['/Resources']['/Font'].values():
        inner = one.get_object()['/DescendantFonts'][0].get_object()['/FontDescriptor']
        for name in [name for name in inner.get_object() if name.startswith('/FontFile')]:
            del inner.get_object()[name]


def beside(**names):
    def change(writer):
        pairs = {NameObject(f'/{key}'): NameObject(f'/{value}') for key, value in names.items()}
        writer._add_object(DictionaryObject(pairs))

    return change


@pytest.mark.parametrize(
    ('change', 'clause'),
    [
        (without('/Metadata'), '6.6.2'),
        (without('/OutputIntents', 0, '/DestOutputProfile'), '6.2.4.3'),
        (without('/AF'), '6.8'),
        (without('/AF', 0, '/AFRelationship'), '6.8'),
        (set_in_plain_font, '6.2.11.4'),
        (beside(S='JavaScript', JS='x'), '6.5.1'),
        (beside(Type='ExtGState', BM='Odd'), '6.2.10'),
        (beside(Type='Annot', Subtype='Movie'), '6.3.1'),
    ],
    ids=['xmp', 'profile', 'files', 'relation', 'font', 'script', 'blend', 'film'],
)
def test_the_rules_of_the_standard_are_looked_at(twice, change, clause):
    writer = PdfWriter(clone_from=twice[0] / 'report.pdf')
    change(writer)
    changed = io.BytesIO()
    writer.write(changed)
    assert any(fault.startswith(clause) for fault in archive_faults(changed.getvalue()))


HOSTILE = (
    '#let x = [1] "quoted" $y$ *bold* <script>alert(1)</script> 屋面 😀 مرحبا \u202e' + 'x' * 90
)


def test_names_are_shown_as_text_whatever_is_in_them(placed, tmp_path):
    details = tmp_path / 'details.yaml'
    details.write_text(
        json.dumps({'roof': HOSTILE, 'customer': '{{ 7*7 }}', 'remarks': 'a\nb'}), encoding='utf-8'
    )
    text = page(placed, tmp_path, details=details, pdf=True)
    assert '&lt;script&gt;alert(1)&lt;/script&gt;' in text
    assert '<script' not in text
    assert '{{ 7*7 }}' in text
    assert '\u202e' not in text
    assert archive_faults((tmp_path / 'report.pdf').read_bytes()) == []
    first = PdfReader(tmp_path / 'report.pdf').pages[0].extract_text()
    assert '#let x = [1]' in first
    assert '$y$ *bold*' in first.replace('\n', ' ')


def test_a_chinese_report_is_in_chinese(placed, tmp_path):
    has_font = cjk_family() is not None  # without one the next test says what happens
    text = page(placed, tmp_path, language='zh', pdf=has_font)
    assert '<html lang="zh">' in text
    assert report_texts('zh')['coverage'] in text
    if has_font:
        shown = PdfReader(tmp_path / 'report.pdf').pages[0].extract_text()
        assert report_texts('zh')['report_title'] in shown
        assert archive_faults((tmp_path / 'report.pdf').read_bytes()) == []


# Three words in a row are a sentence; what the program says of a fault is quoted.
ENGLISH = re.compile(r"[A-Za-z][a-z']*(?: [A-Za-z][a-z']*){2,}")


def english_in(text):
    text = re.sub(r'<style>.*?</style>|<[^>]*>|程序信息.“[^”]*”', '|', text, flags=re.DOTALL)
    return ENGLISH.findall(html.unescape(text))


def damage_results(folder):
    for bag in folder.glob('detections/**/*.mcap'):
        bag.write_bytes(b'junk')


def change_video(folder):
    with (folder.parent / 'DJI_0001.MP4').open('ab') as video:
        video.write(b'more')


def move_video(folder):
    (folder.parent / 'DJI_0001.MP4').unlink()
    for mosaic in folder.glob('roof_mosaic*'):
        mosaic.unlink()


def spoil_mosaic(folder):
    make_mosaic(folder, overwrite=True)
    (folder / 'roof_mosaic.png').write_bytes(b'junk')


def decide_on_another(folder):
    with closing(sqlite3.connect(folder / 'inspection.gpkg')) as store:
        other = '00000000-0000-0000-0000-000000000001'
        store.execute('DROP TRIGGER decisions_no_update')
        store.execute(
            'UPDATE decisions SET uuid = ?, latitude_deg = NULL, longitude_deg = NULL '
            'WHERE fid = 1',
            (other,),
        )
        store.commit()


@pytest.mark.parametrize(
    ('change', 'sentence'),
    [
        (lambda folder: None, '未提供之前的检查'),
        (lambda folder: shutil.rmtree(folder / 'detections'), '检测结果已不在'),
        (damage_results, '程序信息'),
        (change_video, '内容与检测时不同'),
        (move_video, '记录已不在原处'),
        (spoil_mosaic, '已不是镶嵌图'),
        (decide_on_another, '所针对的发现不在本次检查中'),
    ],
    ids=['whole', 'results', 'damaged', 'changed', 'moved', 'mosaic', 'decision'],
)
def test_no_sentence_of_a_chinese_report_is_english(placed, tmp_path, change, sentence):
    shutil.copytree(placed.parent, tmp_path / 'copy')
    folder = tmp_path / 'copy/inspection'
    run = next(folder.glob('detections/*/run.json'))
    own = str(tmp_path / 'copy/DJI_0001.MP4')
    run.write_text(json.dumps({**json.loads(run.read_text()), 'source': own}))
    change(folder)
    text = page(folder, folder, language='zh')
    assert sentence in text
    assert english_in(text) == []


def test_no_sentence_of_a_chinese_report_of_little_is_english(placed, plain, tmp_path):
    assert english_in(page(plain, tmp_path, language='zh')) == []
    assert english_in(page(placed, tmp_path, language='zh', previous=plain)) == []
    path = tmp_path / 'zones.geojson'
    features = [zone('北区', 13.40, 52.52, 13.42, 52.53)]
    path.write_text(json.dumps({'type': 'FeatureCollection', 'features': features}))
    assert english_in(page(placed, tmp_path, language='zh', zones=path, previous=placed)) == []
    assert english_in(page(placed, tmp_path)), 'English is found where there is some'


def test_no_text_of_the_chinese_tables_is_english():
    texts = yaml.safe_load((TABLES / 'change_words.yaml').read_text(encoding='utf-8'))['zh']
    reasons = [
        grade.because['zh']
        for rules in shipped_severity().classes.values()
        for grade in rules.grades
    ]
    names = [rules.called['zh'] for rules in shipped_severity().classes.values()]
    for text in [*report_texts('zh').values(), *texts.values(), *reasons, *names]:
        assert english_in(text) == []


def test_a_chinese_pdf_without_a_font_is_refused_with_its_package(placed, tmp_path, monkeypatch):
    from roof_detector.results.report import pdf_report

    monkeypatch.setattr(pdf_report, 'cjk_family', lambda: None)
    # Before anything is read: the images of a large roof take a minute.
    monkeypatch.setattr(written_report, 'assembled_report', None)
    with pytest.raises(ExportError, match='apt install fonts-wqy-zenhei'):
        write_report(placed, ReportSettings(output=tmp_path, language='zh', pdf=True))
    assert not list(tmp_path.glob('report*'))


def test_what_people_decide_is_in_the_next_report(placed, tmp_path):
    folder = tmp_path / 'inspection'
    shutil.copytree(placed, folder)
    first, second, third, *_ = reported(folder)
    decide(folder, first.number, DecisionKind.NOTE, 'loose <cover>')
    decide(folder, second.number, DecisionKind.REJECT)
    decide(folder, third.number, DecisionKind.SEVERITY, 'high')
    text = page(folder, tmp_path / 'out')
    assert 'loose &lt;cover&gt;' in text
    assert f'id="finding-{second.number}"' not in text
    assert 'Set by C. D.' in text
    assert 'A. B., C. D.' in text


def test_an_earlier_report_is_replaced_on_command_only(placed, tmp_path):
    (tmp_path / 'report.html').write_text('mine')
    with pytest.raises(ExportError, match='--overwrite'):
        write_report(placed, ReportSettings(output=tmp_path))
    with pytest.raises(ExportError, match='--overwrite'):
        write_report(placed, ReportSettings(output=tmp_path, pdf=True))
    assert (tmp_path / 'report.html').read_text() == 'mine'
    assert not list(tmp_path.glob('report.*.part'))
    assert not (tmp_path / 'report.pdf').exists()


def newer(path):
    with closing(sqlite3.connect(path)) as store:
        store.execute('UPDATE inspection_schema SET version = 99')
        store.commit()


@pytest.mark.parametrize(
    ('damage', 'sentence'),
    [
        (lambda path: path.unlink(), 'does not exist'),
        (lambda path: path.write_bytes(b''), 'is empty'),
        (lambda path: path.write_bytes(b'junk' * 5000), 'damaged or no inspection'),
        (lambda path: path.write_bytes(path.read_bytes()[:9000]), 'damaged'),
        (newer, 'schema 99'),
    ],
    ids=['missing', 'empty', 'junk', 'cut', 'newer'],
)
def test_a_store_that_cannot_be_read_is_named_and_nothing_is_written(
    placed, tmp_path, damage, sentence
):
    folder = tmp_path / 'inspection'
    shutil.copytree(placed, folder)
    (folder / 'report.yaml').unlink(missing_ok=True)
    damage(folder / 'inspection.gpkg')
    before = sorted(folder.rglob('*'))
    with pytest.raises(FindingsError, match=sentence) as refused:
        write_report(folder, ReportSettings(output=tmp_path / 'out', pdf=True))
    assert str(folder / 'inspection.gpkg') in str(refused.value)
    assert not list((tmp_path / 'out').glob('report*'))
    assert sorted(folder.rglob('*')) == before


def test_a_store_that_another_program_locks_is_named(placed, tmp_path, monkeypatch):
    folder = tmp_path / 'inspection'
    shutil.copytree(placed, folder)
    monkeypatch.setattr(store_snapshot, 'PATIENCE_S', 0.1)
    with closing(sqlite3.connect(folder / 'inspection.gpkg', isolation_level=None)) as other:
        other.execute('BEGIN EXCLUSIVE')
        with pytest.raises(FindingsError, match='Another program writes to it'):
            write_report(folder, ReportSettings(output=tmp_path / 'out'))


def test_without_telemetry_there_is_no_plan_and_the_report_says_why(plain, tmp_path):
    text = page(plain, tmp_path)
    words = report_texts('en')
    for name in ('plan_no_telemetry', 'coverage_unknown', 'condition_none', 'position_none'):
        assert words[name] in text
    assert text.count('<img') >= 2 * len(reported(plain))


def test_images_that_are_gone_have_a_placeholder_that_says_so(placed, tmp_path):
    root = tmp_path / 'moved'
    shutil.copytree(placed.parent, root)
    folder = root / 'inspection'
    run = next(folder.glob('detections/*/run.json'))
    away = str(root / 'gone.MP4')
    run.write_text(json.dumps({**json.loads(run.read_text()), 'source': away}))
    for mosaic in folder.glob('roof_mosaic*'):
        mosaic.unlink()
    text = page(folder, tmp_path / 'out')
    best = reported(folder)[0].best.frame.name
    assert report_texts('en')['no_image'].format(name=best) in text
    assert '--images' in text
    assert '<img' not in re.sub(r'<div class="seen">.*?</div>', '', text, flags=re.DOTALL)
    card = tmp_path / 'card/DCIM'
    card.mkdir(parents=True)
    (root / 'DJI_0001.MP4').rename(card / 'gone.MP4')
    for place in (card / 'gone.MP4', card.parent):
        found = page(folder, tmp_path / 'out', images=place)
        assert found.count('<img') >= 2 * len(reported(folder))


def zone(name, west, south, east, north):
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    geometry = {'type': 'Polygon', 'coordinates': [ring]}
    return {'type': 'Feature', 'properties': {'name': name}, 'geometry': geometry}


def test_zones_have_their_figures_and_a_condition_index(placed, tmp_path):
    features = [
        zone('North <1>', 13.40, 52.52, 13.42, 52.53),
        zone('S', 13.4, 52.51, 13.42, 52.52),
    ]
    path = tmp_path / 'zones.geojson'
    path.write_text(json.dumps({'type': 'FeatureCollection', 'features': features}))
    text = page(placed, tmp_path, zones=path)
    assert text.count('North &lt;1&gt;') >= 2
    condition = text[text.index('<h2>Condition</h2>') :]
    indices = re.findall(r'<strong>(\d+)</strong>', condition)
    assert len(indices) == 3
    assert all(0 <= int(one) <= 100 for one in indices)
    assert 'It is not that standard' in text


def test_coverage_is_that_of_the_area_where_there_is_one(placed, tmp_path):
    path = tmp_path / 'area.geojson'
    path.write_text(json.dumps(zone('', 13.4099, 52.51995, 13.4101, 52.52005)))
    text = page(placed, tmp_path, area=path)
    assert report_texts('en')['region_area'] in text
    # 13.6 m by 11.1 m, all of it within what the camera showed.
    assert re.search(r'% of 1[45]\d m² ', text)


def test_zones_and_area_that_people_drew_are_taken_unless_none_are_wanted(
    placed, tmp_path, capsys
):
    folder = tmp_path / 'inspection'
    folder.mkdir()
    shutil.copy(placed / 'inspection.gpkg', folder)
    zones = {'features': [zone('Drawn hall', 13.4099, 52.51995, 13.4101, 52.52005)]}
    (folder / 'zones.geojson').write_text(json.dumps(zones))
    (folder / 'area.geojson').write_text(json.dumps(zone('', 13.4099, 52.51995, 13.41, 52.52)))
    given = tmp_path / 'given.geojson'
    given.write_text(json.dumps({'features': [zone('Given', 13.40, 52.52, 13.42, 52.53)]}))
    regions = report_texts('en')
    for options, zone_name, region, said in (
        ([], 'Drawn hall', 'region_zones', {'zones', 'area'}),
        (['--zones', 'none'], '', 'region_area', {'area'}),
        (['--zones', str(given)], 'Given', 'region_zones', {'area'}),
        (['--zones', 'none', '--area', 'none'], '', 'region_hull', set()),
    ):
        with pytest.raises(SystemExit) as end:
            main(['report', str(folder), '--overwrite', *options])
        assert not end.value.code
        out = capsys.readouterr().out
        assert {one for one in ('zones', 'area') if f'{folder}/{one}.geojson' in out} == said
        text = (folder / 'report.html').read_text(encoding='utf-8')
        assert [name for name in ('Drawn hall', 'Given') if name in text] == [zone_name] * bool(
            zone_name
        )
        assert regions[region] in text


def test_changes_are_those_since_the_inspection_that_is_named(placed, twice, tmp_path):
    alone = (twice[0] / 'report.html').read_text(encoding='utf-8')
    assert report_texts('en')['changes_none'].split('(')[0] in alone
    text = page(placed, tmp_path, previous=placed)
    assert f'{len(reported(placed))} unchanged' in text


def test_a_plan_may_be_given_and_has_to_say_where_it_is(placed, tmp_path):
    path = tmp_path / 'floor.tif'
    profile = {'driver': 'GTiff', 'width': 200, 'height': 160, 'count': 3, 'dtype': 'uint8'}
    place = Affine(2e-6, 0, 13.4098, 0, -2e-6, 52.5202)
    values = np.full((3, 160, 200), 90, np.uint8)
    with rasterio.open(path, 'w', crs='EPSG:4326', transform=place, **profile) as dataset:
        dataset.write(values)
    assert 'floor.tif, north up' in page(placed, tmp_path, plan=path)
    nowhere = tmp_path / 'nowhere.png'
    cv2.imwrite(str(nowhere), np.full((50, 60, 3), 90, np.uint8))
    with pytest.raises(FindingsError, match='where it is on Earth'):
        write_report(placed, ReportSettings(output=tmp_path / 'x', plan=nowhere))
    assert not list((tmp_path / 'x').glob('report*'))


def station(folder, **values):
    path = folder / 'station.yaml'
    path.write_text(json.dumps({'/**': {'ros__parameters': values}}))
    return path


def test_title_logo_and_colour_are_those_of_the_operator(twice):
    text = (twice[0] / 'report.html').read_text(encoding='utf-8')
    assert 'Roofs &amp; Sons' in text
    assert '--accent: #7a1f3d' in text
    assert 'Roofs & Sons' in PdfReader(twice[0] / 'report.pdf').pages[0].extract_text()


@pytest.mark.parametrize(
    ('values', 'content', 'sentence'),
    [
        ({'logo': 'logo.png'}, b'no image', 'is no image'),
        ({'logo': 'logo.png'}, None, 'cannot be read'),
        ({'logo': 'logo.svg'}, b'<svg><script/></svg>', 'holds a script'),
        ({'logo': 'logo.svg'}, b'<!DOCTYPE a><svg/>', 'defines entities'),
        ({'logo': 'logo.svg'}, b'<svg><image href="/etc/passwd"/></svg>', 'refers to'),
        ({'accent': 'red'}, None, "such as '#1f4e79'"),
        ({'title': ['a']}, None, 'expected a short text'),
        ({'language': '../en'}, None, 'expected en or zh'),
    ],
    ids=['no image', 'missing', 'script', 'entities', 'outside', 'colour', 'list', 'language'],
)
def test_a_logo_colour_or_language_that_is_none_is_refused(
    placed, tmp_path, values, content, sentence
):
    if content is not None:
        (tmp_path / values['logo']).write_bytes(content)
    with pytest.raises(ExportError, match=sentence):
        write_report(
            placed, ReportSettings(output=tmp_path / 'out', station=station(tmp_path, **values))
        )
    assert not list((tmp_path / 'out').glob('report*'))


def test_details_of_a_person_are_kept_and_faults_in_them_named(placed, tmp_path):
    folder = tmp_path / 'inspection'
    shutil.copytree(placed, folder)
    page(folder, tmp_path / 'out')
    own = folder / 'report.yaml'
    own.write_text(own.read_text().replace("roof: ''", "roof: 'Depot 4'"))
    text = page(folder, tmp_path / 'out')
    assert '<h1>Depot 4</h1>' in text
    assert "roof: 'Depot 4'" in own.read_text()
    own.write_text('rooff: x')
    with pytest.raises(ReplayError, match='Did you mean roof'):
        page(folder, tmp_path / 'out')


def test_both_languages_have_the_same_texts_with_the_same_values():
    english, chinese = (report_texts(language) for language in LANGUAGES)
    assert english.keys() == chinese.keys()
    for name, text in english.items():
        assert sorted(re.findall(r'{\w+}', text)) == sorted(re.findall(r'{\w+}', chinese[name]))


@pytest.mark.parametrize('name', ['roof_anomalies', 'roof_anomalies-seg'])
def test_the_shipped_models_have_a_measured_recall_of_every_class(name):
    rows = measured_recall(hash_model(WEIGHTS / f'{name}.zip'))
    assert {row.class_name for row in rows} == {'equip', 'drain', 'crack', 'ponding', 'rust'}
    assert {row.class_name for row in rows if row.measured_on == PHOTOGRAPHS} == {
        'equip', 'crack', 'rust'
    }  # fmt: skip
    assert measured_recall('0' * 64) == ()


def test_numbers_on_the_plan_do_not_cover_each_other():
    at = np.random.default_rng(1).uniform(0.2, 0.8, (60, 2))
    at[:5] = 0.5
    labels = spread_labels(at, 1.0)
    apart = np.linalg.norm(labels[:, None] - labels[None], axis=2) + np.eye(60)
    assert apart.min() > 0.02
    assert np.linalg.norm(labels - at, axis=1).max() < 0.12
    assert spread_labels(np.zeros((0, 2)), 1.0).shape == (0, 2)


@pytest.mark.parametrize(('most', 'length'), [(0.9, 0.5), (1, 1), (4.9, 2), (26, 20), (700, 500)])
def test_a_scale_bar_has_a_round_length(most, length):
    assert nice_length(most) == pytest.approx(length)


def test_long_words_can_be_broken_and_control_characters_are_left_out():
    assert shown_text('a\x07\u202eb\ud800') == 'ab\\ud800'
    word = 'x' * 100
    broken = breakable_text(word)
    assert broken.replace('\u200b', '') == word
    assert max(map(len, broken.split('\u200b'))) <= 12


def test_the_mosaic_opens_as_a_map_and_is_replaced_on_command_only(placed, tmp_path):
    folder = tmp_path / 'inspection'
    shutil.copytree(placed, folder)
    for file in folder.glob('roof_mosaic*'):
        file.unlink()
    assert MosaicFiles.read(folder) is None
    made = make_mosaic(folder)
    with rasterio.open(made.cog) as dataset:
        assert dataset.tags(ns='IMAGE_STRUCTURE')['LAYOUT'] == 'COG'
        bounds = transform_bounds(dataset.crs, 'EPSG:4326', *dataset.bounds)
        shown = dataset.dataset_mask() > 0
    assert bounds == pytest.approx(made.bounds_deg, abs=1e-7)
    assert made.bounds_deg[0] < 13.41 < made.bounds_deg[2]
    assert 0.5 < shown.mean() <= 1
    assert cv2.imread(str(made.png), cv2.IMREAD_UNCHANGED).shape[2] == 4
    assert MosaicFiles.read(folder) == made
    with pytest.raises(ExportError, match='--overwrite'):
        make_mosaic(folder)
    assert make_mosaic(folder, overwrite=True) == made


def test_frames_without_a_place_make_no_mosaic(plain):
    with pytest.raises(FindingsError, match='have no place'):
        make_mosaic(plain)
