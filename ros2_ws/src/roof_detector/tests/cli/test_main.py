# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import subprocess
import sys

import pytest

from roof_detector.cli.main import COMMANDS, main


def test_without_a_command_the_usage_is_shown(capsys):
    with pytest.raises(SystemExit) as end:
        main([])
    assert end.value.code == 2
    assert 'COMMAND' in capsys.readouterr().err


@pytest.mark.parametrize('command', COMMANDS)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as end:
        main([command, '--help'])
    assert end.value.code == 0
    assert f'roof_detector {command}' in capsys.readouterr().out


def test_help_imports_neither_torch_nor_ros():
    code = (
        'import sys\n'
        'from roof_detector.cli.main import make_parser\n'
        'make_parser()\n'
        'assert not {"torch", "rclpy", "ultralytics"} & set(sys.modules), "slow to start"\n'
    )
    subprocess.run([sys.executable, '-c', code], check=True, timeout=60)
