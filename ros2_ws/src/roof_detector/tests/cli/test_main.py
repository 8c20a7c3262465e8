# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import argparse
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from roof_detector.cli import models_export
from roof_detector.cli.exit_code import exit_code_of
from roof_detector.cli.main import COMMANDS, TRAINING_COMMANDS, main, make_parser
from roof_detector.inference.missing_extra import not_installed
from roof_detector.inference.options import EXPORT_FORMATS, EXPORT_PRECISIONS
from training import quantize
from training.quantization.quantization import KINDS

LAUNCH = Path(__file__).parents[2] / 'launch'


def test_without_a_command_the_usage_is_shown(capsys):
    with pytest.raises(SystemExit) as end:
        main([])
    assert end.value.code == 2
    assert 'COMMAND' in capsys.readouterr().err


@pytest.mark.parametrize('command', [*COMMANDS, *TRAINING_COMMANDS])
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as end:
        main([command, '--help'])
    assert end.value.code == 0
    assert f'roof_detector {command}' in capsys.readouterr().out


@pytest.mark.parametrize(
    'words', [[], ['detect'], ['train'], ['evaluate'], ['quantize'], ['ship']]
)
def test_help_imports_neither_torch_nor_ros(words):
    code = (
        'import sys\n'
        'from roof_detector.cli.main import main\n'
        'try:\n'
        '    main([*sys.argv[1:], "--help"])\n'
        'finally:\n'
        '    loaded = {"torch", "rclpy", "ultralytics", "matplotlib"} & set(sys.modules)\n'
        '    assert not loaded, f"slow to start: {loaded}"\n'
    )
    subprocess.run([sys.executable, '-c', code, *words], check=True, timeout=300)


def test_the_list_of_commands_loads_nothing_of_training_and_no_arrays():
    code = (
        'import sys\n'
        'from roof_detector.cli.main import make_parser\n'
        'make_parser(training=())\n'
        'assert not {"training", "numpy"} & set(sys.modules)\n'
    )
    subprocess.run([sys.executable, '-c', code], check=True, timeout=300)


@pytest.mark.parametrize(
    'module', ['train', 'evaluate', 'dataset', 'simulate', 'quantize', 'ship', 'export']
)
def test_training_as_modules_stays_an_alias(module):
    done = subprocess.run(
        [sys.executable, '-m', f'training.{module}', '--help'],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert done.stdout.startswith(f'usage: python -m training.{module} ')


def test_both_ways_take_the_same_options():
    whole = make_parser()
    (below,) = (a for a in whole._actions if isinstance(a, argparse._SubParsersAction))
    for name, (module, _) in TRAINING_COMMANDS.items():
        alias = argparse.ArgumentParser()
        importlib.import_module(module).add_options(alias)
        assert [a.option_strings for a in alias._actions] == [
            a.option_strings for a in below.choices[name]._actions
        ]


def test_choices_that_help_names_without_loading_them_are_all_there_are():
    def choices_of(add_options, dest):
        parser = argparse.ArgumentParser()
        add_options(parser)
        (found,) = (action for action in parser._actions if action.dest == dest)
        return tuple(found.choices)

    assert choices_of(quantize.add_options, 'format') == tuple(KINDS)
    assert choices_of(models_export.add_options, 'format') == EXPORT_FORMATS
    assert choices_of(models_export.add_options, 'precision') == EXPORT_PRECISIONS


def test_a_package_that_is_missing_is_one_sentence_with_its_remedy(capsys):
    def run(_):
        importlib.import_module('no_such_package.at_all')

    assert exit_code_of(argparse.Namespace(run=run)) == 1
    assert capsys.readouterr().err == (
        "no_such_package is not installed: pip install '.[flight,ground,fleet,training]' in a "
        'clone brings what any command needs.\n'
    )


@pytest.mark.parametrize(
    ('module', 'extra'),
    [
        ('pycocotools.mask', 'training'),
        ('rasterio', 'ground'),
        ('openvino', 'flight'),
        ('socketio', 'ground'),
    ],
)
def test_a_package_that_is_missing_is_named_with_the_extra_that_brings_it(module, extra):
    sentence = not_installed(ModuleNotFoundError(name=module))
    assert f'it comes with the extra {extra}. pip install ' in sentence


@pytest.mark.parametrize(
    'node', ['camera', 'detector', 'inspector', 'recorder', 'simulated_flight', 'station']
)
def test_a_node_s_command_explains_itself_and_names_ros_where_it_is_missing(node):
    code = f'import sys; from roof_detector.cli.nodes import {node}; {node}()'
    command = [sys.executable, '-c', code]
    helped = subprocess.run(
        [*command, '--help'], capture_output=True, text=True, check=True, timeout=300
    )
    assert helped.stdout.startswith(f'usage: {node} ')
    (launch,) = re.findall(r'(\w+\.launch\.py)', helped.stdout)
    assert (LAUNCH / launch).exists()
    without_ros = 'import sys; sys.modules["rclpy"] = sys.modules["sensor_msgs"] = None; '
    without_ros += 'sys.modules["geometry_msgs"] = None; '
    done = subprocess.run(
        [sys.executable, '-c', without_ros + code],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 1
    assert re.fullmatch(r'\w+ is not found: it comes with ROS 2. Source .*\n', done.stderr)
