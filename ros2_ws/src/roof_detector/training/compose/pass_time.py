# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The time of a variant's pass beside that of the stock network."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.compose.build import build_network
from training.compose.description import Description
from training.compose.exported import export_onnx, openvino_model


class StockPass:
    """The stock network in OpenVINO, on one thread in float32, at one size of image."""

    def __init__(self, *, side: int, rounds: int = 5) -> None:
        self.side = side
        self.rounds = rounds
        self.best_ms = float('inf')  # of all its passes: other load only makes them longer
        network = build_network(Description(), class_count=3).eval()
        network.model[-1].export = True
        fused = network.fuse(verbose=False)
        image = torch.zeros(1, 3, side, side)
        with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
            fused(image)
            self._compiled = openvino_model(export_onnx(fused, image, Path(folder) / 'stock.onnx'))

    def ratio(self, compiled: Any) -> float:
        """Return the time of another compiled network over that of the stock network."""
        own, stock = self.times_ms(compiled)
        return own / stock

    def times_ms(self, compiled: Any) -> tuple[float, float]:
        """Return the median milliseconds of another network and of the stock one.

        They run interleaved, so that other load on the machine slows both alike.
        """
        images = np.random.default_rng(0).random((1, 3, self.side, self.side), np.float32)
        runs = (compiled, self._compiled)
        taken: tuple[list[float], list[float]] = ([], [])
        for number in range(self.rounds + 1):
            for run, times in zip(runs, taken, strict=True):
                begin = time.perf_counter()
                run([images])
                if number:  # the first warms up
                    times.append((time.perf_counter() - begin) * 1e3)
        self.best_ms = min(self.best_ms, *taken[1])
        return statistics.median(taken[0]), statistics.median(taken[1])
