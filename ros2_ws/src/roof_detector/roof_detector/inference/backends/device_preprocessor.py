# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Preprocessing on the device that runs the network: upload, letterbox, normalise."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from roof_detector.vision.letterbox import PAD_VALUE, Letterbox, check_image

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, eq=False)
class DeviceTensor:
    """One input tensor (height, width, 3) RGB in 0..1, complete once `ready` has passed."""

    pixels: torch.Tensor
    ready: torch.cuda.Event | None

    def to_host(self) -> npt.NDArray[np.uint8]:
        """Return a copy in host memory (height, width, 3) uint8 BGR."""
        if self.ready is not None:
            self.ready.synchronize()
        with torch.inference_mode():
            levels = self.pixels.float().mul(255).round().to(torch.uint8)
            return levels.flip(-1).cpu().numpy()


class DevicePreprocessor:
    """Uploads images as they are, letterboxes and normalises them on the device.

    See `Preprocessor`. Uploads start from pinned memory and run in a stream of their own, so that
    the next image arrives while the network is busy with this one.
    """

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self._device = device
        self._dtype = dtype
        self._stream = torch.cuda.Stream(device) if device.type == 'cuda' else None

    def to_tensor(self, image_bgr: npt.NDArray[np.uint8], geometry: Letterbox) -> DeviceTensor:
        """Queue upload and letterbox of an image (height, width, 3) uint8 BGR."""
        check_image(image_bgr)
        with torch.inference_mode(), self._in_stream():
            pixels = self._upload(image_bgr).flip(-1).permute(2, 0, 1)
            (width, height), (left, top) = geometry.resized_wh, geometry.pad_xy
            if pixels.shape[1:] != (height, width):
                # Rounded, as OpenCV rounds: the network sees the grey levels it would see there.
                pixels = torch.nn.functional.interpolate(
                    pixels[None].float(), (height, width), mode='bilinear', align_corners=False
                )[0].round_()
            tensor = torch.full(
                (*reversed(geometry.input_wh), 3),
                PAD_VALUE / 255,
                dtype=self._dtype,
                device=self._device,
            )
            window = tensor[top : top + height, left : left + width]
            window.copy_(pixels.float().mul(1 / 255).permute(1, 2, 0))
            ready = None if self._stream is None else self._stream.record_event()
        return DeviceTensor(tensor, ready)

    def stack(self, tensors: Sequence[DeviceTensor | npt.NDArray[np.uint8]]) -> torch.Tensor:
        """Return tensors of one size as (n, 3, height, width) in channels_last.

        Those that were letterboxed on the host are uploaded first.
        """
        uploaded = [
            one if isinstance(one, DeviceTensor) else self._upload_letterboxed(one)
            for one in tensors
        ]
        for one in uploaded:
            if one.ready is not None:
                current = torch.cuda.current_stream(self._device)
                current.wait_event(one.ready)
                # Its memory must not be given away before this stream has read it.
                one.pixels.record_stream(current)
        pixels = [one.pixels for one in uploaded]
        batch = pixels[0][None] if len(pixels) == 1 else torch.stack(pixels)
        return batch.permute(0, 3, 1, 2)

    def _upload_letterboxed(self, image_bgr: npt.NDArray[np.uint8]) -> DeviceTensor:
        size_wh = image_bgr.shape[1], image_bgr.shape[0]
        return self.to_tensor(image_bgr, Letterbox.fit(size_wh, image_size=size_wh, stride=1))

    def _upload(self, image_bgr: npt.NDArray[np.uint8]) -> torch.Tensor:
        """Copy into pinned memory, which torch keeps until the upload from it is over."""
        staged = torch.empty(
            image_bgr.shape, dtype=torch.uint8, pin_memory=self._stream is not None
        )
        np.copyto(staged.numpy(), image_bgr)
        return staged.to(self._device, non_blocking=True)

    def _in_stream(self) -> AbstractContextManager[object]:
        return nullcontext() if self._stream is None else torch.cuda.stream(self._stream)
