# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The letterbox: how an image is fitted into the network's input and boxes are mapped back."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from roof_detector.vision.errors import VisionError, ZeroSize

PAD_VALUE = 114  # the grey that ultralytics pads with in training and prediction


@dataclass(frozen=True, kw_only=True)
class Letterbox:
    """The mapping between source pixels and the network's input: one scale, grey bars around.

    `resized_wh` is the size of the source image within the input, `pad_xy` its upper left corner
    there. Rounding follows ultralytics, so that confidences and boxes agree with its own
    prediction.
    """

    source_wh: tuple[int, int]
    resized_wh: tuple[int, int]
    input_wh: tuple[int, int]
    pad_xy: tuple[int, int]

    @classmethod
    def fit(
        cls,
        source_wh: tuple[int, int],
        *,
        image_size: int | tuple[int, int] = 640,
        stride: int = 32,
        fixed: bool = False,
    ) -> Letterbox:
        """Fit a source image into `image_size` (a square's side or width, height).

        The bars are cut to the smallest multiple of `stride`, unless the input is `fixed`.
        """
        width, height = source_wh
        if width < 1 or height < 1:
            raise ZeroSize.of(width, height)
        size_w, size_h = image_size if isinstance(image_size, tuple) else (image_size, image_size)
        if min(size_w, size_h) < stride:
            msg = f'image_size {size_w}x{size_h} is less than the stride {stride} of the model.'
            raise VisionError(msg)
        scale = min(size_w / width, size_h / height)
        resized_w, resized_h = max(round(width * scale), 1), max(round(height * scale), 1)
        bars_w, bars_h = size_w - resized_w, size_h - resized_h
        if not fixed:
            bars_w, bars_h = bars_w % stride, bars_h % stride
        return cls(
            source_wh=(width, height),
            resized_wh=(resized_w, resized_h),
            input_wh=(resized_w + bars_w, resized_h + bars_h),
            pad_xy=(round(bars_w / 2 - 0.1), round(bars_h / 2 - 0.1)),
        )

    @property
    def scale_xy(self) -> tuple[float, float]:
        """Return input pixels per source pixel; the two values differ only by rounding."""
        return (
            self.resized_wh[0] / self.source_wh[0],
            self.resized_wh[1] / self.source_wh[1],
        )

    def to_source(self, boxes_xyxy: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Map boxes (n, 4) from input to source pixels, clipped to the image."""
        pad = np.array(self.pad_xy * 2, dtype=np.float32)
        scale = np.array(self.scale_xy * 2, dtype=np.float32)
        limit = np.array(self.source_wh * 2, dtype=np.float32)
        return np.clip((boxes_xyxy - pad) / scale, 0, limit)

    def to_input(self, boxes_xyxy: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Map boxes (n, 4) from source to input pixels."""
        pad = np.array(self.pad_xy * 2, dtype=np.float32)
        return boxes_xyxy * np.array(self.scale_xy * 2, dtype=np.float32) + pad


def new_canvas(geometry: Letterbox) -> npt.NDArray[np.uint8]:
    """Return a grey (height, width, 3) image of the network's input size."""
    width, height = geometry.input_wh
    return np.full((height, width, 3), PAD_VALUE, dtype=np.uint8)


def letterbox(
    image_bgr: npt.NDArray[np.uint8],
    geometry: Letterbox,
    *,
    canvas_bgr: npt.NDArray[np.uint8] | None = None,
) -> npt.NDArray[np.uint8]:
    """Draw the image into the canvas and return it.

    A canvas is reused only for the geometry it was made for: its grey bars are not redrawn. The
    image may be a reduced decoding of the source, its pixels are not counted.
    """
    check_image(image_bgr)
    if canvas_bgr is None:
        canvas_bgr = new_canvas(geometry)
    (left, top), (width, height) = geometry.pad_xy, geometry.resized_wh
    window = canvas_bgr[top : top + height, left : left + width]
    if image_bgr.shape[:2] == (height, width):
        window[:] = image_bgr
    else:
        cv2.resize(image_bgr, (width, height), dst=window, interpolation=cv2.INTER_LINEAR)
    return canvas_bgr


def check_image(image_bgr: npt.NDArray[np.uint8]) -> None:
    """Raise an error for anything but a colour image of 8 bits per channel."""
    if image_bgr.ndim != 3 or image_bgr.shape[2] != 3 or image_bgr.dtype != np.uint8:
        msg = (
            f'The image has shape {image_bgr.shape} and type {image_bgr.dtype}, expected '
            '(height, width, 3) and uint8 in the order blue, green, red.'
        )
        raise VisionError(msg)
    if image_bgr.size == 0:
        height, width = image_bgr.shape[:2]
        raise ZeroSize.of(width, height)


def fits_stride(size_wh: tuple[int, int], stride: int) -> bool:
    """Return whether a network of this stride accepts an input of this size."""
    return min(size_wh) >= stride and not any(side % stride for side in size_wh)


def to_blob(
    canvases_bgr: npt.NDArray[np.uint8], *, out: npt.NDArray[np.float32] | None = None
) -> npt.NDArray[np.float32]:
    """Convert canvases (n, h, w, 3) uint8 BGR into a blob (n, 3, h, w) float32 RGB in 0..1.

    Splitting planes before scaling takes a twentieth of the time of cv2.dnn.blobFromImage.
    """
    count, height, width, _ = canvases_bgr.shape
    if out is None:
        out = np.empty((count, 3, height, width), dtype=np.float32)
    for canvas_bgr, planes_rgb in zip(canvases_bgr, out, strict=True):
        for plane, plane_rgb in zip(reversed(cv2.split(canvas_bgr)), planes_rgb, strict=True):
            np.multiply(plane, np.float32(1 / 255), out=plane_rgb)
    return out
