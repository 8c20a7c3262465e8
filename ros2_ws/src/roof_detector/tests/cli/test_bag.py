# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys

import pytest

from roof_detector.bags.errors import BagError
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.writer import BagWriter
from roof_detector.cli import bag

FIX = 'sensor_msgs/msg/NavSatFix'


def run(*words):
    parser = argparse.ArgumentParser()
    bag.add_parser(parser.add_subparsers())
    arguments = parser.parse_args(['bag', *map(str, words)])
    return arguments.run(arguments)


def test_an_empty_bag_is_described(tmp_path, capsys):
    BagWriter(tmp_path / 'bag').close()
    assert run('info', tmp_path / 'bag') == 0
    assert capsys.readouterr().out == f'{tmp_path / "bag"}: 0 messages\n'


def test_a_cut_off_bag_is_described_recovered_and_whole(tmp_path, capsys):
    writer = BagWriter(tmp_path / 'bag')
    writer.add_topic('/fix', FIX)
    writer.write('/fix', message_bytes(FIX, {}), log_time_ns=1_700_000_000_000_000_000)
    writer.flush()
    assert run('info', tmp_path / 'bag') == 0
    described = capsys.readouterr().out
    assert 'from 2023-11-14 22:13:20 UTC, 0.0 s' in described
    assert '/fix         1  sensor_msgs/msg/NavSatFix' in described
    assert 'bag_0.mcap was cut off' in described
    with pytest.raises(BagError, match='being written at this moment'):
        run('recover', tmp_path / 'bag')
    left = shutil.copytree(tmp_path / 'bag', tmp_path / 'after the crash')
    assert run('recover', left) == 0
    said = capsys.readouterr().out
    assert '1 messages; it was fixed.' in said
    assert 'bag_0.mcap was written again: it was cut off.' in said
    assert f'The replaced files are kept in {left / "before_recovery"}.' in said
    assert run('info', left) == 0
    assert 'cut off' not in capsys.readouterr().out
    assert run('recover', left) == 0
    assert 'nothing needed to be fixed' in capsys.readouterr().out


def test_damage_is_counted_in_the_description_and_a_loss_sets_the_exit_code(tmp_path, capsys):
    with BagWriter(tmp_path / 'bag', compression='none') as writer:
        writer.add_topic('/fix', FIX)
        for number in range(10):
            fix = message_bytes(FIX, {'latitude': number})
            writer.write('/fix', fix, log_time_ns=1_700_000_000_000_000_000 + number)
            writer.flush()
    file = tmp_path / 'bag/bag_0.mcap'
    content = bytearray(file.read_bytes())
    content[content.index(message_bytes(FIX, {'latitude': 5})) + 40] ^= 1
    file.write_bytes(content)
    assert run('info', tmp_path / 'bag') == 0
    described = capsys.readouterr().out
    assert '1 of 10 chunks of bag_0.mcap are damaged and were skipped, with about 1' in described
    assert run('info', '--quick', tmp_path / 'bag') == 0
    assert 'damaged' not in capsys.readouterr().out
    assert run('recover', '--output', tmp_path / 'mended', tmp_path / 'bag') == 3
    assert '0 messages are lost, 1 doubtful' in capsys.readouterr().out
    assert file.read_bytes() == content
    assert run('info', tmp_path / 'mended') == 0
    assert 'damaged' not in capsys.readouterr().out


def test_a_bag_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(BagError, match='There is no bag'):
        run('info', tmp_path / 'bag')


def test_a_reader_of_the_output_may_have_enough_of_it(tmp_path):
    BagWriter(tmp_path / 'bag').close()
    code = (
        'import sys; from roof_detector.cli.main import main; main(["bag", "info", sys.argv[1]])'
    )
    reading, writing = os.pipe()
    os.close(reading)  # before anything can be written
    with os.fdopen(writing, 'wb') as output:
        done = subprocess.run(
            [sys.executable, '-c', code, tmp_path / 'bag'],
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.stderr, done.returncode) == ('', 1)
