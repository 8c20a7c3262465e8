# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The precision in which a device trains."""

from __future__ import annotations

import torch

from roof_detector.inference.device_name import processor_instructions


def choose_precision(wanted: str, *, device: str) -> str:
    """Return bfloat16 or float32 for the configured precision on a device."""
    if wanted != 'auto':
        return wanted
    return 'bfloat16' if _computes_bfloat16(device) else 'float32'


def _computes_bfloat16(device: str) -> bool:
    if device != 'cpu':
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # Without such instructions bfloat16 is emulated, several times slower than float32.
    return not {'avx512_bf16', 'amx_bf16', 'bf16'}.isdisjoint(processor_instructions())
