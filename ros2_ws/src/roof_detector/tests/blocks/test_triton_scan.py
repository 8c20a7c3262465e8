# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

HERE = Path(__file__).parent
NO_TRITON = importlib.util.find_spec('triton') is None


def run_parity_tests(**environment):
    """Run triton_parity.py where Triton reads its environment: at its import."""
    done = subprocess.run(
        [
            sys.executable,
            '-m',
            'pytest',
            '-q',
            '-p',
            'no:cacheprovider',
            HERE / 'triton_parity.py',
        ],
        env={**os.environ, 'PYTHONPATH': str(HERE.parents[1]), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert ' passed' in done.stdout


@pytest.mark.skipif(NO_TRITON, reason='Triton is not installed.')
def test_the_interpreted_kernels_equal_the_reference():
    run_parity_tests(TRITON_INTERPRET='1')


@pytest.mark.skipif(not torch.cuda.is_available(), reason='This machine has no CUDA device.')
def test_the_compiled_kernels_equal_the_reference():
    run_parity_tests(TRITON_INTERPRET='0')


COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from roof_detector.blocks.scan import triton_kernel

constants = {'STATES': 16, 'TILE': 128, 'B_VARIES': True, 'C_VARIES': False}
for kernel in (triton_kernel.scan_forward, triton_kernel.scan_backward):
    fixed = {k: v for k, v in constants.items() if k in kernel.arg_names}
    signature = {
        name: 'constexpr' if name in fixed else '*fp32' if name.endswith('_pointer') else 'i32'
        for name in kernel.arg_names
    }
    source = ASTSource(kernel, signature=signature, constexprs=fixed)
    compiled = triton.compile(source, target=GPUTarget('cuda', 90, 32))
    assert len(compiled.asm['cubin']) > 1000
"""


@pytest.mark.skipif(NO_TRITON, reason='Triton is not installed.')
def test_the_kernels_compile_to_machine_code_for_an_h200(tmp_path):
    done = subprocess.run(
        [sys.executable, '-c', COMPILE],
        env={
            **os.environ,
            'PYTHONPATH': str(HERE.parents[1]),
            'TRITON_CACHE_DIR': str(tmp_path),
            'TRITON_INTERPRET': '0',
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
