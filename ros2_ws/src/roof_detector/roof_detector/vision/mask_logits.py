# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Instance masks out of prototypes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

# Threads of OpenBLAS that have helped with a product of matrices spin for a tenth of a second
# after it, against the next pass of the network: 1 ms is won and 100 ms of a core are lost.
_openblas: Any = ThreadpoolController().select(internal_api='openblas')


def mask_logits(
    coefficients: npt.NDArray[np.float32], prototypes: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Mix prototypes (k, height, width) by each instance's coefficients (n, k), in one thread.

    Returns (n, height, width); a pixel belongs to the instance where it is above 0 (YOLACT,
    Bolya et al. 2019, equation 1, before the sigmoid).
    """
    count, height, width = prototypes.shape
    with _openblas.limit(limits=1):
        logits = np.ascontiguousarray(coefficients) @ prototypes.reshape(count, -1)
    return logits.reshape(-1, height, width)
