# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Every command ends with a sentence on whatever a damaged disk or a stranger hands it."""

from __future__ import annotations

import random
import shutil
import struct
import traceback

import pytest
import yaml

from roof_detector.bags.reader import BagReader
from roof_detector.cli import exit_code
from roof_detector.cli.main import main


@pytest.fixture
def run(flights, detect, tmp_path):
    """Return the folder of a run over a small flight."""
    (result,) = detect(flights.write(tmp_path / 'flight', range(3)))
    return result.output


def outcome(capsys, *words):
    """Return a command's exit code and what it said of its failure."""
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return end.value.code, capsys.readouterr().err


def commands(run, output):
    bag = next(run.rglob('*.mcap'))
    return (
        ('compare', run, run, '--output', output / 'c'),
        ('rethreshold', run, '--confidence', '0.9', '--output', output / 'r'),
        ('export', run, '--output', output / 'e', '--formats', 'csv', 'json'),
        ('export', bag, '--output', output / 'b', '--formats', 'csv'),
        ('bag', 'info', bag),
    )


def damage_definition(bag):
    """Make each message definition in an MCAP's summary one that no parser knows."""
    content = bag.read_bytes()
    (summary,) = struct.unpack('<Q', content[-28:-20])  # as the footer says, before the magic
    at = content.find(b'ros2msg', summary)
    assert at >= 0
    while at >= 0:
        begin = at + len(b'ros2msg') + 4
        (size,) = struct.unpack('<I', content[begin - 4 : begin])
        content = content[:begin] + b'<' * size + content[begin + size :]
        at = content.find(b'ros2msg', begin)
    bag.write_bytes(content)


@pytest.mark.parametrize('which', range(5))
def test_a_damaged_message_definition_is_a_sentence_that_names_the_bag(
    run, capsys, tmp_path, which
):
    bag = next(run.rglob('*.mcap'))
    damage_definition(bag)
    code, said = outcome(capsys, *commands(run, tmp_path / 'out')[which])
    assert 'Traceback' not in said and 'expected' not in said.lower().split('(')[0]
    if code:
        assert str(run) in said
        assert len(said.strip().splitlines()) <= 3


def test_definitions_that_are_damaged_in_the_summary_alone_cost_nothing(run):
    bag = next(run.rglob('*.mcap'))
    with BagReader(bag) as reader:
        before = [message.data for message in reader.messages()]
    assert before
    damage_definition(bag)
    with BagReader(bag) as reader:
        messages = list(reader.messages())
        assert [message.data for message in messages] == before
        for message in messages:
            reader.deserialize(message)


def test_every_command_ends_on_damaged_files_in_a_sentence(run, capsys, tmp_path, monkeypatch):
    """Nothing may rely on the last resort: it is for faults that nobody thought of."""
    raised = []
    monkeypatch.setattr(
        exit_code,
        '_unforeseen',
        lambda e: raised.append(''.join(traceback.format_exception(e)[-4:])) or '',
    )
    dice = random.Random(5)
    for number in range(40):
        damaged = tmp_path / f'damaged_{number}'
        shutil.copytree(run, damaged)
        files = sorted(path for path in damaged.rglob('*') if path.is_file())
        for path in dice.sample(files, min(len(files), 2)):
            content = bytearray(path.read_bytes())
            for _ in range(dice.choice((1, 5, 50))):
                if not content:
                    break
                at = dice.randrange(len(content))
                kind = dice.randrange(4)
                if kind == 0:
                    content[at] = dice.randrange(256)
                elif kind == 1:
                    del content[at : at + dice.randrange(1, 64)]
                elif kind == 2:
                    content[at:at] = dice.randbytes(8)
                else:
                    content = content[:at]
            path.write_bytes(content)
        for command in commands_of(damaged, tmp_path / f'out_{number}'):
            code, said = outcome(capsys, *command)
            assert code in (0, 1, 3) and 'Traceback' not in said, (number, command, said)
            assert not raised, (number, command, raised)


def commands_of(run, output):
    return commands(run, output) if list(run.rglob('*.mcap')) else ()


@pytest.mark.parametrize(
    'error',
    [
        KeyError('x'),
        IndexError('x'),
        TypeError('x'),
        AssertionError(),
        struct.error('x'),
        yaml.YAMLError('x'),
        MemoryError(),
        RecursionError('x'),
        EOFError(),
        Exception('a\nb'),
    ],
    ids=repr,
)
def test_an_unexpected_error_is_one_line_with_its_position(capsys, monkeypatch, error, tmp_path):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr('roof_detector.offline.result_bag.ResultBag.__init__', fail)
    code, said = outcome(capsys, 'compare', tmp_path, tmp_path)
    assert code == 1 and len(said.splitlines()) == 1
    assert type(error).__name__ in said and 'ROOF_DETECTOR_TRACEBACK=1' in said
    assert 'test_damaged_input.py' in said
    monkeypatch.setenv('ROOF_DETECTOR_TRACEBACK', '1')
    with pytest.raises(type(error)):
        main(['compare', str(tmp_path), str(tmp_path)])
