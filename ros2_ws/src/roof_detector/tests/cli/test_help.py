# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What `--help` says, for all commands."""

from __future__ import annotations

import argparse
import re

import pytest

from roof_detector.cli.main import make_parser
from roof_detector.vision.thresholds import Thresholds


def parsers(parser=None):
    """Yield every command with its parser, also those of `bag` and `bench`."""
    parser = parser or make_parser()
    below = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if not below:
        yield parser
    for action in below:
        for one in action.choices.values():
            yield from parsers(one)


@pytest.fixture(params=parsers(), ids=lambda parser: parser.prog)
def command(request):
    return request.param


def test_every_argument_is_explained(command):
    silent = [action.dest for action in command._actions if not action.help]
    assert not silent


def test_every_default_is_in_the_help(command):
    told = {
        action.dest
        for action in command._actions
        if action.help and re.search(r'\bdefault\b', action.help)
    }
    chosen = {
        action.dest
        for action in command._actions
        if action.option_strings and action.default not in (None, False, '', argparse.SUPPRESS)
        if action.default != [] and action.default != ()
    }
    assert not chosen - told


def test_the_thresholds_in_the_help_are_the_defaults():
    defaults = Thresholds()
    for parser in parsers():
        options = {action.dest: action for action in parser._actions}
        if 'class_confidence' in options:
            for name in ('confidence', 'iou', 'max_detections'):
                assert f'; {getattr(defaults, name)} by default' in options[name].help
