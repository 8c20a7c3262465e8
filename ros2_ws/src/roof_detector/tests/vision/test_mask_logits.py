# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import subprocess
import sys

import numpy as np

from roof_detector.vision.mask_logits import mask_logits


def test_masks_are_sums_of_prototypes():
    random = np.random.default_rng(0)
    coefficients = random.normal(size=(7, 4)).astype(np.float32)
    prototypes = random.normal(size=(4, 5, 6)).astype(np.float32)
    expected = np.einsum('nk,khw->nhw', coefficients, prototypes)
    np.testing.assert_allclose(mask_logits(coefficients, prototypes), expected, atol=1e-5)
    assert mask_logits(coefficients[:0], prototypes).shape == (0, 5, 6)


def test_no_other_thread_works_or_waits_for_them():
    """In a process of its own, where nothing else has threads."""
    code = (
        'import numpy as np\n'
        'from time import process_time, thread_time\n'
        'from roof_detector.vision.mask_logits import mask_logits\n'
        'coefficients = np.ones((50, 32), np.float32)\n'
        'prototypes = np.ones((32, 96, 160), np.float32)\n'
        'began_s = process_time() - thread_time()\n'
        'for _ in range(5):\n'
        '    mask_logits(coefficients, prototypes)\n'
        '    until_s = thread_time() + 0.05\n'
        '    while thread_time() < until_s: pass\n'
        'print(process_time() - thread_time() - began_s)\n'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 0.02
