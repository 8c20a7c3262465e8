# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Every bad input says what is wrong in a sentence, and all else is done."""

from __future__ import annotations

import json
import os
import shutil

import cv2
import pytest

from roof_detector.cli.main import main
from roof_detector.offline.batch import make_output, names_of
from roof_detector.offline.errors import ReplayError
from roof_detector.offline.outcome import InputOutcome, exit_code
from roof_detector.offline.result_bag import ResultBag


@pytest.fixture
def good(flights, tmp_path):
    return flights.write(tmp_path / 'good', range(3))


def exit_of(*words):
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return end.value.code


def test_exit_codes_tell_all_some_and_none():
    whole, lossy = (
        InputOutcome(source='a', frames=3),
        InputOutcome(source='b', frames=3, unreadable=1),
    )
    failed = InputOutcome(source='c', failure='It is not there.')
    assert exit_code([whole]) == exit_code([whole, whole]) == 0
    assert exit_code([failed]) == exit_code([failed, failed]) == 1
    assert exit_code([whole, failed]) == exit_code([lossy]) == exit_code([failed, lossy]) == 3


def test_inputs_of_one_name_have_results_of_different_names(tmp_path):
    assert names_of(['a/x.mp4', 'b/x.mp4', 'x.bag', 'y.png']) == ['x', 'x_2', 'x_3', 'y']


def test_a_cut_off_bag_is_read_to_its_cut_and_reported(flights, good, detect, tmp_path):
    file = good / 'good_0.mcap'
    longer = flights.write(tmp_path / 'long', range(120))
    whole = (longer / 'long_0.mcap').read_bytes()
    file.write_bytes(whole[: len(whole) * 2 // 3])
    (outcome,) = detect(file)
    assert 0 < outcome.frames < 120 and not outcome.failure
    assert 'good_0.mcap was cut off' in outcome.warnings[0]
    assert exit_code([outcome]) == 3


@pytest.mark.parametrize(
    ('damage', 'sentence'),
    [
        ('storage', "is stored as 'parquet'; only mcap and sqlite3 can be read"),
        ('metadata', 'has no metadata.yaml, so it is not a complete rosbag2 bag'),
        ('files', 'lacks files that its metadata.yaml names: bad_0.mcap. Put them back, or let'),
        ('empty', 'is empty: nothing was ever written to it'),
        ('other', 'bad_0.mcap does not begin like an MCAP file'),
    ],
)
def test_a_damaged_bag_is_reported_and_the_others_go_on(
    flights, good, detect, tmp_path, damage, sentence
):
    bad = flights.write(tmp_path / 'bad', range(2))
    metadata, file = bad / 'metadata.yaml', bad / 'bad_0.mcap'
    if damage == 'storage':
        metadata.write_text(metadata.read_text().replace('mcap\n', 'parquet\n', 1))
    elif damage == 'metadata':
        metadata.unlink()
    elif damage == 'files':
        file.unlink()
    else:
        file.write_bytes(b'' if damage == 'empty' else b'a text\n' * 100)
    failed, done = detect(bad, good)
    assert sentence in failed.failure
    assert done.is_complete and done.frames == 3
    assert exit_code([failed, done]) == 3


def test_an_absent_image_topic_is_named_beside_those_there_are(good, detect):
    (outcome,) = detect(good, image_topics=('/front/image',))
    assert (
        'has no topic /front/image. It holds: /camera/image (sensor_msgs/msg/Image, 3), /fix'
        in (outcome.failure)
    )
    (outcome,) = detect(good, image_topics=('/fix',))
    assert '/fix in' in outcome.failure and 'no images' in outcome.failure


def test_topics_to_copy_concern_bags_alone(flights, good, detect, tmp_path):
    cv2.imwrite(str(tmp_path / 'p.png'), flights.image(1))
    outcomes = detect(good, tmp_path / 'p.png', copy_topics=('*',))
    assert all(outcome.is_complete for outcome in outcomes)
    (refused,) = detect(tmp_path / 'p.png', image_topics=('/front/image',), output='other')
    assert 'Only a bag has image topics' in refused.failure


def test_a_bag_that_is_damaged_in_its_middle_gives_what_lies_around(flights, detect, tmp_path):
    bag = flights.write(tmp_path / 'flight', range(200), compression='none')
    file = bag / 'flight_0.mcap'
    content = bytearray(file.read_bytes())
    place = len(content) * 2 // 3
    content[place : place + 64] = bytes(64)
    file.write_bytes(content)
    (outcome,) = detect(bag)
    assert 20 < outcome.frames < 200 and not outcome.failure
    assert '1 of 3 chunks of flight_0.mcap are damaged and were skipped' in outcome.warnings[0]
    assert exit_code([outcome]) == 3


@pytest.mark.parametrize(
    ('error', 'told'),
    [
        (RuntimeError('out of memory'), 'out of memory'),
        (KeyError('what nobody thought of'), "KeyError: 'what nobody thought of'"),
    ],
    ids=['foreseen', 'unforeseen'],
)
def test_a_network_that_fails_ends_its_input_alone(
    good, detect, detector, monkeypatch, error, told
):
    def fail(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(detector, 'infer', fail)
        (failed,) = detect(good)
    assert failed.failure == told
    (outcome,) = detect(good, resume=True)
    assert outcome.is_complete and outcome.inferred == 3


@pytest.mark.parametrize('content', [b'', b'no video at all' * 50], ids=['empty', 'text'])
def test_a_video_without_a_frame_is_reported_and_the_others_go_on(good, detect, tmp_path, content):
    (tmp_path / 'v.mp4').write_bytes(content)
    failed, done = detect(tmp_path / 'v.mp4', good)
    assert 'v.mp4 is' in failed.failure and done.is_complete


def test_unreadable_images_are_left_out_counted_and_named(flights, detect, tmp_path):
    folder = tmp_path / 'images'
    folder.mkdir()
    for number in range(4):
        cv2.imwrite(str(folder / f'p{number}.jpg'), flights.image(number))
    whole = (folder / 'p1.jpg').read_bytes()
    (folder / 'p1.jpg').write_bytes(whole[:200])
    (folder / 'p2.jpg').write_bytes(b'')
    (outcome,) = detect(folder, formats=('csv',))
    assert (outcome.frames, outcome.unreadable) == (4, 2) and exit_code([outcome]) == 3
    assert 'p1.jpg cannot be read: The JPEG of 200 bytes is cut short' in outcome.warnings[0]
    assert 'p2.jpg cannot be read' in outcome.warnings[1]
    with ResultBag(outcome.output) as bag:
        frames = list(bag.frames())
    assert [frame.record.name for frame in frames] == [f'p{n}.jpg' for n in range(4)]
    assert [bool(frame.record.error) for frame in frames] == [False, True, True, False]
    assert json.loads((outcome.output / 'run.json').read_text())['unreadable'] == 2


def test_a_folder_of_unreadable_images_gives_nothing(detect, tmp_path):
    (tmp_path / 'p').mkdir()
    (tmp_path / 'p/a.png').write_bytes(b'\x89PNG')
    (outcome,) = detect(tmp_path / 'p')
    assert 'None of 1 images can be read' in outcome.failure
    assert not list((tmp_path / 'out').iterdir())


def test_results_that_exist_are_overwritten_only_on_request(good, detect, tmp_path):
    (first,) = detect(good)
    before = (first.output / 'bag/bag_0.mcap').read_bytes()
    (refused,) = detect(good, confidence=0.9)
    assert 'exists already and is not overwritten' in refused.failure
    assert (first.output / 'bag/bag_0.mcap').read_bytes() == before
    (second,) = detect(good, confidence=0.9, overwrite=True)
    assert second.is_complete and (first.output / 'bag/bag_0.mcap').read_bytes() != before
    assert [path.name for path in (tmp_path / 'out').iterdir()] == ['good']


def test_a_folder_that_is_not_ours_is_never_deleted(good, detect, tmp_path):
    (tmp_path / 'out/good').mkdir(parents=True)
    (tmp_path / 'out/good/thesis.tex').write_text('years of work')
    (outcome,) = detect(good, overwrite=True)
    assert 'holds no results of this program' in outcome.failure
    assert (tmp_path / 'out/good/thesis.tex').read_text() == 'years of work'


def test_an_output_that_cannot_be_written_is_reported_before_the_work(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(
        ReplayError, match=r'file/out cannot be written .*Name a writable output folder'
    ):
        make_output(tmp_path / 'file/out')
    closed = tmp_path / 'closed'
    closed.mkdir(mode=0o500)
    uid = os.geteuid()
    if uid == 0:
        os.seteuid(65534)
    try:
        with pytest.raises(ReplayError, match='cannot be written'):
            make_output(closed / 'out')
    finally:
        os.seteuid(uid)


def test_the_command_reports_progress_and_outcome_of_each_input_to_a_program(
    good, detector, tmp_path, capsys
):
    bad = tmp_path / 'bad.mp4'
    bad.write_bytes(b'no video')
    words = ['detect', good, bad, '--model', detector.model_path, '--device', 'cpu', '--formats']
    assert exit_of(*words, '--output', tmp_path / 'out', '--progress', 'json') == 3
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    steps = [one for one in told if one['event'] == 'progress']
    assert [steps[0]['done'], steps[-1]['done'], steps[-1]['frames']] == [0, 3, 3]
    assert steps[-1]['rate_hz'] > 0 and steps[-1]['left_s'] == 0
    whole, failed = [one for one in told if one['event'] == 'outcome']
    assert whole['frames'] == 3 and whole['output'] == str(tmp_path / 'out' / good.name)
    assert not whole['failure'] and 'is not a video' in failed['failure']


def test_the_exit_code_reports_losses_and_failures(good, detector, tmp_path, capsys):
    words = ['detect', good, '--model', detector.model_path, '--device', 'cpu', '--quiet']
    words += ['--confidence', '0.5', '--formats', '--output']
    assert exit_of(*words, tmp_path / 'out') == 0
    assert f'{good}: 3 frames; found' in capsys.readouterr().out
    shutil.rmtree(tmp_path / 'out')
    assert exit_of(*words, tmp_path / 'out', '--image-topics', '/none') == 1
    assert 'has no topic /none' in capsys.readouterr().err
    assert exit_of('detect', good) == 2
    missing = ['--model', tmp_path / 'none.pt']
    assert exit_of(*words, tmp_path / 'out', *missing) == 1
    assert 'none.pt does not exist' in capsys.readouterr().err
