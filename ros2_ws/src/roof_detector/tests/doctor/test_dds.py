# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from pathlib import Path

import pytest

from roof_detector.doctor.dds import SharedMemory, check_dds
from roof_detector.doctor.dds_profile import (
    DEFAULT_SEGMENT_BYTES,
    BadProfile,
    DdsProfile,
    shipped_profile,
)
from roof_detector.doctor.finding import Verdict

FRAME_4K_BYTES = 3840 * 2160 * 3


class Memory(SharedMemory):
    """The real folder with sizes of the test's choice: a file system cannot be made small here."""

    free_bytes = total_bytes = 4 << 30

    def stale_bytes(self):
        return 0


def profile_with(folder: Path, *, segment: str, message: str = '') -> Path:
    text = shipped_profile().read_text()
    text = text.replace('134217728', segment)
    text = text.replace('67108864', message or segment)
    path = folder / 'profile.xml'
    path.write_text(text)
    return path


def examine(path=None, **options):
    environment = {'RMW_IMPLEMENTATION': 'rmw_fastrtps_cpp'}
    if path is not None:
        environment['FASTRTPS_DEFAULT_PROFILES_FILE'] = str(path)
    return check_dds(environment=environment, memory=options.pop('memory', Memory()), **options)


def test_without_a_profile_it_fails_and_names_the_shipped_one():
    (finding,) = examine()
    assert finding.verdict is Verdict.FAIL
    command, _, path = finding.remedy.partition('=')
    assert command == 'export FASTRTPS_DEFAULT_PROFILES_FILE'
    assert Path(path).name == 'fastdds.xml' and Path(path).is_file()


def test_the_shipped_profile_holds_several_frames_of_4k():
    profile = DdsProfile.read(shipped_profile())
    assert profile.segment_bytes >= 3 * FRAME_4K_BYTES
    assert FRAME_4K_BYTES < profile.max_message_bytes <= profile.segment_bytes
    assert {f.verdict for f in examine(shipped_profile(), frame_bytes=FRAME_4K_BYTES)} == {
        Verdict.OK
    }


def test_a_small_segment_fails_for_the_frames_that_it_cannot_hold(tmp_path):
    path = profile_with(tmp_path, segment='1000000')
    finding, _ = examine(path)
    assert finding.verdict is Verdict.FAIL and '1.0 MB' in finding.message
    assert examine(path, frame_bytes=640 * 480 * 3 // 2)[0].verdict is Verdict.OK
    assert examine(path, frame_bytes=640 * 480 * 3)[0].verdict is Verdict.WARN  # one at a time


def test_a_message_size_that_fast_dds_refuses_fails(tmp_path):
    path = profile_with(tmp_path, segment='8000000', message='9000000')
    assert 'refuses' in examine(path)[0].message


def test_frames_larger_than_a_message_are_warned_of(tmp_path):
    path = profile_with(tmp_path, segment='80000000', message='1000000')
    finding = examine(path)[0]
    assert finding.verdict is Verdict.WARN and 'fragments' in finding.message


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        (None, 'cannot be read'),
        ('<profiles><participant', 'not well-formed'),
        ('<profiles/>', 'no participant'),
        (
            '<profiles><participant is_default_profile="true"><rtps>'
            '<useBuiltinTransports>false</useBuiltinTransports></rtps></participant></profiles>',
            'switches shared memory off',
        ),
    ],
    ids=['missing', 'truncated', 'empty', 'no shared memory'],
)
def test_a_profile_that_is_no_use_fails_and_says_why(tmp_path, text, reason):
    path = tmp_path / 'profile.xml'
    if text is not None:
        path.write_text(text)
    (finding,) = examine(path)
    assert finding.verdict is Verdict.FAIL and reason in finding.message


def test_a_segment_that_is_no_number_is_refused(tmp_path):
    with pytest.raises(BadProfile, match="segment_size must be a number of bytes, not '64MB'"):
        DdsProfile.read(profile_with(tmp_path, segment='64MB', message='1'))


def test_a_profile_of_other_things_leaves_the_default_segment(tmp_path):
    path = tmp_path / 'profile.xml'
    path.write_text('<dds><profiles><participant is_default_profile="true"/></profiles></dds>')
    assert DdsProfile.read(path).segment_bytes == DEFAULT_SEGMENT_BYTES
    assert examine(path)[0].verdict is Verdict.FAIL


def test_little_shared_memory_fails_or_warns():
    class Docker(Memory):
        free_bytes = total_bytes = 64 << 20

    class Tight(Memory):
        free_bytes = total_bytes = 256 << 20

    assert [f.verdict for f in examine(shipped_profile(), memory=Docker())][-1] is Verdict.FAIL
    assert [f.verdict for f in examine(shipped_profile(), memory=Tight())][-1] is Verdict.WARN


def test_another_middleware_is_warned_of():
    (finding,) = check_dds(environment={'RMW_IMPLEMENTATION': 'rmw_cyclonedds_cpp'})
    assert finding.verdict is Verdict.WARN and 'rmw_cyclonedds_cpp' in finding.message
