# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Mask logits from prototypes and coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

# Threads of OpenBLAS that helped with a matrix product spin for a tenth of a second after it,
# against the next pass of the network: they save 1 ms and cost 100 ms of a core.
_openblas: Any = ThreadpoolController().select(internal_api='openblas')


def mask_logits(
    coefficients: npt.NDArray[np.float32], prototypes: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Mix prototypes (k, height, width) by each instance's coefficients (n, k), in one thread.

    Returns (n, height, width); a pixel belongs to the instance if it is above 0 (YOLACT, Bolya et
    al. 2019, equation 1, before the sigmoid).
    """
    count, height, width = prototypes.shape
    with _openblas.limit(limits=1):
        logits = np.ascontiguousarray(coefficients) @ prototypes.reshape(count, -1)
    return logits.reshape(-1, height, width)
