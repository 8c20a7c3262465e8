# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import json
import subprocess
import sys


def test_without_ros_the_doctor_says_so_and_checks_the_rest(tmp_path):
    without_ros = (
        'import sys; sys.modules["rclpy"] = None; '
        'from roof_detector.cli.main import main; main(sys.argv[1:])'
    )
    arguments = ['doctor', '--json', '--model', 'missing.pt', '--bag-directory', str(tmp_path)]
    done = subprocess.run(
        [sys.executable, '-c', without_ros, *arguments],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    assert not report['ready']
    verdicts = {f['subject']: f['verdict'] for f in report['findings']}
    assert verdicts['ROS 2'] == 'FAIL' and verdicts['model'] == 'FAIL'
    assert {'device', 'disk', 'clock'} <= set(verdicts) and 'images' not in verdicts
