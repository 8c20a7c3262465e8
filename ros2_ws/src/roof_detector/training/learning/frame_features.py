# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a network makes of an image: its own features, by which images are told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from roof_detector.inference.model_file import backend_for
from roof_detector.inference.package.checkpoint_package import package_of
from roof_detector.inference.package.network import open_network
from roof_detector.inference.shipped_weights import resolve_model
from roof_detector.vision.letterbox import Letterbox, letterbox
from training.learning.errors import LearningError

if TYPE_CHECKING:
    import numpy.typing as npt

# What sets images apart shows at half the usual size, for a quarter of the time.
_MOST_SIDE = 384


class FrameFeatures:
    """The means of all feature maps that the head of a network gets, of one image at a time.

    `model` is a package, a checkpoint or the name of a shipped model; other files do not show
    their features: LearningError. Use it as a context: torch's threads are put back.
    """

    def __init__(self, model: str) -> None:
        path = resolve_model(model)
        if backend_for(path) != 'torch':
            msg = (
                f'{model} does not show its features; name a model package or a checkpoint, or '
                'leave the features out with --no-features.'
            )
            raise LearningError(msg)
        package = package_of(path)
        self.names = package.manifest.class_names
        self._network: Any = open_network(package).requires_grad_(False)  # noqa: FBT003
        width, height = package.manifest.image_size_wh
        scale = min(1.0, _MOST_SIDE / max(width, height))
        stride = int(max(self._network.stride))
        self._size_wh = (
            max(stride, round(width * scale / stride) * stride),
            max(stride, round(height * scale / stride) * stride),
        )
        self._maps: list[torch.Tensor] = []
        self._network.model[-1].register_forward_pre_hook(self._keep)

    def of(self, image_bgr: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the features (d,) of an image (h, w, 3), of length 1."""
        height, width = image_bgr.shape[:2]
        fitted = letterbox(
            image_bgr, Letterbox.fit((width, height), image_size=self._size_wh, fixed=True)
        )
        rgb = np.ascontiguousarray(fitted[:, :, ::-1].transpose(2, 0, 1))
        with torch.inference_mode():
            self._network(torch.from_numpy(rgb)[None].float() / 255)
            means = torch.cat([one.mean(dim=(2, 3))[0] for one in self._maps]).numpy()
        self._maps = []
        length = float(np.linalg.norm(means))
        return (means / max(length, 1e-12)).astype(np.float32)

    def _keep(self, _: Any, arguments: tuple[Any, ...]) -> None:
        self._maps = list(arguments[0])
