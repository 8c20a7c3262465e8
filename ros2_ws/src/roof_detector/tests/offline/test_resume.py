# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import os
import signal
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from roof_detector.bags.folder_lock import FolderLock
from roof_detector.offline.detection import FlightDetection
from roof_detector.offline.journal import Inferred, Journal
from roof_detector.vision.content_identity import ContentIdentity

FRAMES = [
    Inferred(
        size_wh=(4, 3),
        detections=b'found',
        candidates=b'proposed',
        masks=b'outlined',
        error='',
        inference_s=0.25,
        topic='/camera',
        name='a',
        content=ContentIdentity(7, 'ab'),
    ),
    Inferred(size_wh=(0, 0), error='It is damaged.', name='b'),
    Inferred(
        size_wh=(4, 3),
        detections=b'x' * 1000,
        candidates=b'',
        error='',
        inference_s=0.5,
        name='c',
        content=ContentIdentity(2**33, 'cd'),
    ),
]


def filled(path):
    journal = Journal(path, made_from='a flight')
    for frame in FRAMES:
        journal.append(frame)
    journal.close()
    return path.read_bytes()


def recorded(journal):
    found = [journal.find(one.topic, one.name, one.content) for one in FRAMES]
    return [one for one in found if one is not None]


def result_bytes(outcome):
    return [(outcome.output / 'bag' / n).read_bytes() for n in ('bag_0.mcap', 'metadata.yaml')]


def test_a_new_journal_holds_nothing(tmp_path):
    journal = Journal(tmp_path / 'journal', made_from='a flight')
    assert journal.frame_count == 0 and recorded(journal) == []


def test_a_journal_cut_anywhere_gives_its_whole_frames_and_goes_on(tmp_path):
    whole = filled(tmp_path / 'whole')
    for end in [0, 1, 7, 8, *range(15, len(whole), 97), len(whole) - 1, len(whole)]:
        path = tmp_path / f'cut_{end}'
        path.write_bytes(whole[:end])
        journal = Journal(path, made_from='a flight')
        kept = journal.frame_count
        assert recorded(journal) == FRAMES[:kept]
        for frame in FRAMES[kept:]:
            journal.append(frame)
        journal.close()
        assert path.read_bytes() == whole


def test_a_damaged_frame_ends_a_journal(tmp_path):
    whole = bytearray(filled(tmp_path / 'journal'))
    whole[-1] ^= 1
    (tmp_path / 'journal').write_bytes(whole)
    assert Journal(tmp_path / 'journal', made_from='a flight').frame_count == 2


def test_a_journal_of_another_input_is_begun_again(tmp_path):
    filled(tmp_path / 'journal')
    assert Journal(tmp_path / 'journal', made_from='another flight').frame_count == 0


def test_a_frame_of_other_content_is_not_taken_from_a_journal(tmp_path):
    filled(tmp_path / 'journal')
    journal = Journal(tmp_path / 'journal', made_from='a flight')
    assert journal.find('/camera', 'a', ContentIdentity(7, 'xy')) is None
    assert journal.find('/other', 'a', ContentIdentity(7, 'ab')) is None
    assert journal.find('', 'c', FRAMES[2].content) == FRAMES[2]
    assert journal.changes() == (['a'], ['b'])


class PowerCutError(BaseException):
    """What no part of the program expects."""


class CountedForward:
    """Counts what a detector infers, and ends a run after so many frames."""

    def __init__(self, monkeypatch, detector, *, ends_after=None):
        self.count = 0
        forward = detector.infer

        def counted(*prepared):
            if self.count == ends_after:
                raise PowerCutError
            self.count += 1
            return forward(*prepared)

        monkeypatch.setattr(detector, 'infer', counted)


@pytest.mark.parametrize('ends_after', [0, 1, 7])
def test_a_resumed_run_infers_only_what_is_left_and_gives_the_same_bytes(
    flights, detect, detector, tmp_path, monkeypatch, ends_after
):
    bag = flights.write(tmp_path / 'flight', range(10))
    options = {'annotated': True, 'keep_candidates': 0.3, 'formats': ('csv',)}
    (whole,) = detect(bag, output='whole', **options)
    with monkeypatch.context() as patch:
        CountedForward(patch, detector, ends_after=ends_after)
        assert 'PowerCutError' in detect(bag, **options)[0].failure
    assert not (tmp_path / 'out/flight').exists()
    with monkeypatch.context() as patch:
        counted = CountedForward(patch, detector)
        (resumed,) = detect(bag, resume=True, **options)
        assert (counted.count, resumed.inferred) == (10 - ends_after,) * 2
        assert resumed.frames == 10 and resumed.detections == whole.detections
        assert result_bytes(resumed) == result_bytes(whole)
        (again,) = detect(bag, resume=True, **options)
        assert again.already_done and counted.count == 10 - ends_after
    assert not list((tmp_path / 'out').glob('*.part'))


def test_work_that_was_begun_is_continued_only_on_request_and_with_the_same_settings(
    flights, detect, detector, tmp_path, monkeypatch
):
    bag = flights.write(tmp_path / 'flight', range(4))
    with monkeypatch.context() as patch:
        CountedForward(patch, detector, ends_after=2)
        assert 'PowerCutError' in detect(bag)[0].failure
    (refused,) = detect(bag)
    assert 'is left from a run that did not finish. Go on with --resume' in refused.failure
    (refused,) = detect(bag, resume=True, confidence=0.9)
    assert 'was begun with another input, model or other settings' in refused.failure
    (done,) = detect(bag, overwrite=True)
    assert done.is_complete and done.inferred == 4
    (refused,) = detect(bag, resume=True, confidence=0.9)
    assert 'was made from another input, model or other settings' in refused.failure


# The command, which kills itself at once after so many bytes of its journal are on the disk.
KILLED = """
import os, signal, sys
from roof_detector.cli.main import main
from roof_detector.offline.journal import Journal
append = Journal.append

def append_and_die(journal, inferred):
    append(journal, inferred)
    if journal._path.stat().st_size > 20_000:
        os.kill(os.getpid(), signal.SIGKILL)

Journal.append = append_and_die
main()
"""


def test_a_killed_process_is_resumed_to_the_same_bytes(flights, detector, tmp_path, detect):
    bag = flights.write(tmp_path / 'flight', range(200))
    words = ['detect', bag, '--output', tmp_path / 'out', '--model', detector.model_path]
    words += ['--device', 'cpu', '--threads', '1', '--confidence', '0.5', '--formats']
    process = subprocess.run(
        [sys.executable, '-c', KILLED, *map(str, words)],
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(p for p in sys.path if p)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=False,
    )
    assert process.returncode == -signal.SIGKILL, process.stderr.decode()
    assert not (tmp_path / 'out/flight').exists()
    (resumed,) = detect(bag, resume=True)
    assert 0 < resumed.inferred < 200 and resumed.frames == 200
    (whole,) = detect(bag, output='whole')
    assert result_bytes(resumed) == result_bytes(whole)


def test_results_appear_only_when_they_are_whole(flights, detect, tmp_path, monkeypatch):
    bag = flights.write(tmp_path / 'flight', range(3))
    seen = []
    finish = FlightDetection._detect

    def watched(self, *arguments):
        finish(self, *arguments)
        seen.extend(path.name for path in islice((tmp_path / 'out').iterdir(), 5))

    monkeypatch.setattr(FlightDetection, '_detect', watched)
    (outcome,) = detect(bag)
    assert seen == ['flight.part']
    assert [path.name for path in (tmp_path / 'out').iterdir()] == ['flight']
    assert sorted(p.name for p in outcome.output.iterdir()) == ['bag', 'run.json', 'timing.csv']


def test_two_runs_do_not_write_to_one_folder(flights, detect, tmp_path):
    bag = flights.write(tmp_path / 'flight', range(2))
    (tmp_path / 'out/flight.part').mkdir(parents=True)
    lock = FolderLock(tmp_path / 'out/flight.part')
    (outcome,) = detect(bag, resume=True)
    assert 'is being written by another run at this moment' in outcome.failure
    lock.release()
    (outcome,) = detect(bag, resume=True)
    assert outcome.is_complete
