# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import platform
import subprocess
import sys

import pytest

COUNT_FAULTS = """
import resource, sys
if sys.argv[1] == 'kept':
    from roof_detector.ros.common.large_blocks import keep_large_blocks
    assert keep_large_blocks()

def frame():
    copies = [bytearray(24_883_200) for _ in range(2)]  # 3840x2160 pixels of BGR

for _ in range(3):
    frame()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    frame()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='This is not glibc.')
def test_the_kernel_is_not_asked_for_the_memory_of_each_frame():
    faults = {
        way: int(subprocess.check_output([sys.executable, '-c', COUNT_FAULTS, way], text=True))
        for way in ('mapped', 'kept')
    }
    assert faults['mapped'] > 1000
    assert faults['kept'] < 0.05 * faults['mapped']
