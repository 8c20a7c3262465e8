# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Results stay with the images that they were detected in when the input changes."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest

from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.reader import BagReader
from roof_detector.bags.writer import BagWriter
from roof_detector.cli.main import main
from roof_detector.offline.comparison import compare
from roof_detector.offline.exporting import export_results
from roof_detector.offline.exports import folders_of
from roof_detector.offline.frame_record import FRAME_TYPE, FrameRecord
from roof_detector.offline.georeferencing import GeoreferenceSettings
from roof_detector.offline.result_bag import ResultBag
from roof_detector.offline.work_folder import read_run

NOTHING_DRAWN = 0.99999
IMAGE = 'sensor_msgs/msg/Image'


@pytest.fixture
def folder(flights, tmp_path):
    """Three images that differ, and the results over them."""
    folder = tmp_path / 'photos'
    folder.mkdir()
    for number, name in enumerate('abc'):
        cv2.imwrite(str(folder / f'{name}.png'), flights.image(number))
    return folder


def image(path):
    return cv2.imread(str(path))


def export(bag, output, *formats, **options):
    options.setdefault('georeferencing', GeoreferenceSettings())
    formats = formats or ('images',)
    return export_results(bag, output, formats, progress='none', **options)


def exported(output):
    return {path.name: image(path) for path in (output / 'images').iterdir()}


def command(*words):
    with pytest.raises(SystemExit) as end:
        main([*map(str, words), '--quiet'])
    return end.value.code


def same(shown, flights, **numbers):
    assert set(shown) == {f'{name}.png' for name in numbers}
    for name, number in numbers.items():
        np.testing.assert_array_equal(shown[f'{name}.png'], flights.image(number), name)


def test_no_file_gives_its_results_to_its_neighbour_when_it_is_deleted(
    flights, detect, folder, tmp_path, capsys
):
    (outcome,) = detect(folder, confidence=NOTHING_DRAWN)
    (folder / 'a.png').unlink()
    words = ['export', outcome.output, '--formats', 'images', 'csv', 'json', '--output']
    assert command(*words, tmp_path / 'out') == 3
    told = capsys.readouterr().out
    assert f'1 image is missing in {folder}: a.png.' in told
    same(exported(tmp_path / 'out'), flights, b=1, c=2)


def test_added_files_are_named_and_move_no_results(flights, detect, folder, tmp_path):
    (outcome,) = detect(folder, confidence=NOTHING_DRAWN)
    for name in ('_first', 'bb'):
        cv2.imwrite(str(folder / f'{name}.png'), flights.image(9))
    tally = export(outcome.output, tmp_path / 'out')
    assert tally.warnings == []
    assert '2 images in' in tally.notes[0] and '_first.png, bb.png' in tally.notes[0]
    same(exported(tmp_path / 'out'), flights, a=0, b=1, c=2)


def test_a_file_of_the_same_name_and_size_but_other_content_is_refused(
    flights, detect, folder, tmp_path
):
    for name in 'ab':  # without compression, so that files of one shape have one size
        cv2.imwrite(str(folder / f'{name}.bmp'), image(folder / f'{name}.png'))
        (folder / f'{name}.png').unlink()
    (outcome,) = detect(folder, confidence=NOTHING_DRAWN)
    before = (folder / 'a.bmp').stat()
    cv2.imwrite(str(folder / 'a.bmp'), flights.image(7))
    assert (folder / 'a.bmp').stat().st_size == before.st_size
    tally = export(outcome.output, tmp_path / 'out', 'images', 'crops', 'video')
    (error,) = tally.warnings
    assert 'is refused, because the content differs' in error and error.endswith('a.bmp.')
    assert set(exported(tmp_path / 'out')) == {'b.bmp', 'c.png'}


def test_files_that_changed_places_are_found_by_content_and_keep_their_names(
    flights, detect, folder, tmp_path
):
    (outcome,) = detect(folder, confidence=NOTHING_DRAWN)
    (folder / 'a.png').rename(folder / 'x.png')
    (folder / 'b.png').rename(folder / 'a.png')
    (folder / 'x.png').rename(folder / 'b.png')
    (folder / 'c.png').rename(folder / 'roof.png')
    tally = export(outcome.output, tmp_path / 'out')
    assert tally.warnings == []
    (note,) = tally.notes
    assert 'a.png (now b.png), b.png (now a.png), c.png (now roof.png)' in note
    same(exported(tmp_path / 'out'), flights, a=0, b=1, c=2)


def test_crops_show_the_image_that_was_looked_at(flights, detect, folder, tmp_path):
    (outcome,) = detect(folder, confidence=0.6)
    export(outcome.output, tmp_path / 'whole', 'crops')
    (folder / 'a.png').unlink()
    export(outcome.output, tmp_path / 'part', 'crops')
    whole, part = (
        {path.name: path.read_bytes() for path in (tmp_path / side / 'crops').rglob('*.jpg')}
        for side in ('whole', 'part')
    )
    assert part and part == {name: data for name, data in whole.items() if '_a_' not in name}
    assert len(part) < len(whole)


def test_other_thresholds_are_drawn_on_the_images_they_belong_to(
    flights, detect, folder, tmp_path, capsys
):
    (outcome,) = detect(folder, keep_candidates=0.3)
    (folder / 'a.png').unlink()
    words = ['rethreshold', outcome.output, '--confidence', NOTHING_DRAWN, '--formats', 'csv']
    assert command(*words, 'images', '--output', tmp_path / 're') == 3
    assert f'1 image is missing in {folder}: a.png.' in capsys.readouterr().out
    same(exported(tmp_path / 're'), flights, b=1, c=2)
    # What the results were made of goes along into the results of results.
    with ResultBag(tmp_path / 're') as again:
        assert [frame.record.content.sha256 for frame in again.frames()] == [
            entry['sha256'] for entry in read_run(outcome.output)['files']
        ]


def test_results_name_each_source_file_with_size_and_hash(flights, detect, folder, tmp_path):
    video = tmp_path / 'v.avi'
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*'MJPG'), 10, flights.SIZE_WH)
    for number in range(3):
        writer.write(flights.image(number))
    writer.release()
    bag = flights.write(tmp_path / 'flight', range(2))
    of_folder, of_video, of_bag = detect(folder, video, bag)
    for outcome, paths in ((of_folder, folder.iterdir()), (of_video, [video])):
        wanted = {
            path.name: (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
            for path in paths
        }
        run = json.loads((outcome.output / 'run.json').read_text())
        found = {file['name']: (file['size_bytes'], file['sha256']) for file in run['files']}
        assert found == wanted
        with ResultBag(outcome.output) as results:
            contents = [frame.findings.content for frame in results.frames()]
            assert {(one.size_bytes, one.sha256) for one in contents} == set(wanted.values())
    with ResultBag(of_bag.output) as results, BagReader(bag) as reader:
        messages = [message.data for message in reader.messages({'/camera/image'})]
        assert [frame.record.content.sha256 for frame in results.frames()] == [
            hashlib.sha256(data).hexdigest() for data in messages
        ]
        names = {file['name'] for file in json.loads(results.manifest['source_files'])}
        assert names == {'flight_0.mcap', 'metadata.yaml'}


def write_video(path, flights, numbers):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 10, flights.SIZE_WH)
    for number in numbers:
        writer.write(flights.image(number))
    writer.release()


def test_another_video_of_the_same_name_is_refused(flights, detect, tmp_path):
    video = tmp_path / 'v.avi'
    write_video(video, flights, range(4))
    (outcome,) = detect(video)
    shutil.copy(video, tmp_path / 'kept.avi')
    write_video(video, flights, range(10, 14))
    tally = export(outcome.output, tmp_path / 'out', 'images', 'csv')
    (error,) = tally.warnings
    assert '4 images in' in error and 'are refused' in error and 'v_000003' in error
    assert exported(tmp_path / 'out') == {}
    tally = export(outcome.output, tmp_path / 'same', images=tmp_path / 'kept.avi')
    assert tally.warnings == [] and tally.notes == [] and len(exported(tmp_path / 'same')) == 4


def write_changed(path, flights, *, shift=0, left_out=(), numbers=range(4)):
    """Write a flight's messages under their stamps, some with another image or not at all."""
    with BagWriter(path) as writer:
        writer.add_topic('/camera/image', IMAGE)
        for number in numbers:
            if number in left_out:
                continue
            values = flights.image_values(number, shift=shift if number == 1 else 0)
            stamp_ns = flights.stamp_ns(number)
            writer.write('/camera/image', message_bytes(IMAGE, values), log_time_ns=stamp_ns)
    return path


def test_a_bag_whose_messages_changed_gives_only_those_that_did_not(flights, detect, tmp_path):
    bag = write_changed(tmp_path / 'flight', flights)
    (outcome,) = detect(bag, confidence=NOTHING_DRAWN)
    shutil.rmtree(bag)
    write_changed(bag, flights, shift=50, left_out=(2,), numbers=range(5))
    tally = export(outcome.output, tmp_path / 'out')
    missing, refused = tally.warnings
    assert 'missing' in missing and 'flight_000002' in missing
    assert 'refused' in refused and 'flight_000001' in refused
    assert 'not in the results' in tally.notes[0] and 'flight_000003' in tally.notes[0]
    assert set(exported(tmp_path / 'out')) == {'flight_000000.jpg', 'flight_000003.jpg'}


def test_a_resumed_run_infers_changed_images_again_and_leaves_out_missing_ones(
    flights, detect, detector, folder, tmp_path, monkeypatch
):
    for number in range(3, 8):
        cv2.imwrite(str(folder / f'p{number}.png'), flights.image(number))
    forward, seen = detector.infer, []

    def counted(*prepared):
        if len(seen) == 6:
            msg = 'The network fails.'
            raise RuntimeError(msg)
        seen.append(prepared)
        return forward(*prepared)

    monkeypatch.setattr(detector, 'infer', counted)
    assert 'The network fails.' in detect(folder)[0].failure
    (folder / 'a.png').unlink()
    cv2.imwrite(str(folder / 'b.png'), flights.image(20))
    cv2.imwrite(str(folder / 'aa.png'), flights.image(21))
    seen.clear()
    (resumed,) = detect(folder, resume=True)
    assert len(seen) == 4  # aa, b and the two that were not reached
    monkeypatch.setattr(detector, 'infer', forward)
    changed, gone = resumed.notes
    assert 'inferred again: b.png' in changed and 'are gone' in gone and 'a.png' in gone
    (whole,) = detect(folder, output='whole')
    assert (resumed.output / 'bag/bag_0.mcap').read_bytes() == (
        whole.output / 'bag/bag_0.mcap'
    ).read_bytes()


def test_finished_results_of_the_version_before_are_read(flights, detect, folder):
    (folder / 'broken.png').write_bytes(b'no image')
    (outcome,) = detect(folder)
    assert 'broken.png' in outcome.warnings[0]
    path = outcome.output / 'run.json'
    run = json.loads(path.read_text())
    run['troubles'] = run.pop('warnings')
    path.write_text(json.dumps(run))
    (again,) = detect(folder, resume=True)
    assert again.already_done and again.warnings == outcome.warnings


def test_finished_results_are_not_taken_for_those_of_a_folder_that_changed(
    flights, detect, folder
):
    detect(folder)
    assert detect(folder, resume=True)[0].already_done
    cv2.imwrite(str(folder / 'b.png'), flights.image(20))
    (folder / 'c.png').rename(folder / 'd.png')
    (refused,) = detect(folder, resume=True)
    assert 'changed: b.png; missing: c.png; added: d.png' in refused.failure


def test_images_that_are_not_at_hand_any_more_do_not_end_the_export(detect, folder, tmp_path):
    (outcome,) = detect(folder)
    (folder / 'b.png').write_bytes(b'')
    tally = export(outcome.output, tmp_path / 'out', 'images', 'csv')
    assert 'b.png' in tally.warnings[0] and (tmp_path / 'out/detections.csv').is_file()
    assert set(exported(tmp_path / 'out')) == {'a.png', 'c.png'}


def without_hashes(source, target):
    """Copy a result bag as an earlier version wrote it."""
    with BagReader(source) as reader, BagWriter(target, manifest=manifest_of(source)) as writer:
        for topic in reader.topics:
            writer.add_topic(topic.name, topic.type_name, schema=reader.schema(topic.type_name))
        for message in reader.messages({topic.name for topic in reader.topics}):
            data = message.data
            if message.type_name == FRAME_TYPE:
                record = FrameRecord.of(reader.deserialize(message))
                data = replace(record, content=None).to_bytes()
                assert b'sha256' not in data
            writer.write(message.topic, data, log_time_ns=message.log_time_ns)
    return target


def manifest_of(bag):
    with ResultBag(bag) as results:
        return {key: value for key, value in results.manifest.items() if key != 'source_files'}


def test_results_of_an_earlier_version_are_paired_by_name_with_a_note(
    flights, detect, folder, tmp_path
):
    (outcome,) = detect(folder, confidence=NOTHING_DRAWN)
    old = without_hashes(outcome.output / 'bag', tmp_path / 'old')
    (folder / 'a.png').unlink()
    cv2.imwrite(str(folder / 'b.png'), flights.image(1, size_wh=(40, 30)))
    tally = export(old, tmp_path / 'out', images=folder)
    missing, refused = tally.warnings
    assert (
        'missing' in missing
        and missing.endswith(': a.png.')
        and 'refused' in refused
        and 'b.png' in refused
    )
    assert 'by name or time alone' in tally.notes[0] and 'c.png' in tally.notes[0]
    same(exported(tmp_path / 'out'), flights, c=2)


def test_runs_over_folders_are_compared_image_by_image(flights, detect, folder, tmp_path):
    (a,) = detect(folder, output='a')
    (folder / 'a.png').unlink()
    (folder / 'b.png').rename(folder / 'z.png')
    cv2.imwrite(str(folder / 'c.png'), flights.image(30))
    cv2.imwrite(str(folder / 'd.png'), flights.image(31))
    (b,) = detect(folder, output='b')
    with ResultBag(a.output) as one, ResultBag(b.output) as other:
        comparison = compare(one, other)
    assert (comparison.compared, comparison.alike) == (1, 1)
    assert comparison.different_images == 1
    alone_in_a, alone_in_b, unlike = comparison.warnings()[1:]
    assert alone_in_a == 'In A alone: a.png.' and alone_in_b == 'In B alone: d.png.'
    assert unlike.endswith('c.png.')


def test_differences_are_not_shown_on_another_image(flights, detect, folder, tmp_path, capsys):
    (a,) = detect(folder, output='a', confidence=0.5)
    (b,) = detect(folder, output='b', confidence=0.9)
    for name in 'abc':
        cv2.imwrite(str(folder / f'{name}.png'), flights.image(40))
    words = ['compare', a.output, b.output, '--output', tmp_path / 'c']
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    assert end.value.code == 3
    assert '3 images in' in (told := capsys.readouterr().err) and 'are refused' in told


def test_a_file_name_that_is_no_unicode_is_kept_apart(flights, detect, folder, tmp_path):
    odd = folder / b'caf\xe9.png'.decode('utf-8', errors='surrogateescape')
    cv2.imwrite(str(folder / 'x.png'), flights.image(5))
    (folder / 'x.png').rename(odd)
    (outcome,) = detect(folder, confidence=NOTHING_DRAWN)
    assert outcome.is_complete and outcome.frames == 4
    tally = export(outcome.output, tmp_path / 'out')
    assert tally.warnings == [] and tally.notes == []
    assert len(exported(tmp_path / 'out')) == 4


def test_image_topics_never_share_a_folder(tmp_path):
    folders = folders_of(tmp_path, ('/a/b', '/a_b', '/a/b_2', '/a_b_2'))
    assert len(set(folders.values())) == 4
    assert folders['/a/b'] == tmp_path / 'a_b'
    assert folders_of(tmp_path, ('/a',)) == {'/a': tmp_path}
