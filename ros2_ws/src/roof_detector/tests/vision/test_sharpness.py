# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import cv2
import numpy as np
import pytest

from roof_detector.vision.sharpness import blur_px, sharpness


def gravel(contrast=60.0):
    """Return texture of all sizes, as roofs have: noise whose power falls with its frequency."""
    random = np.random.default_rng(1)
    spectrum = np.fft.rfft2(random.normal(size=(480, 640)))
    y, x = np.fft.fftfreq(480)[:, None], np.fft.rfftfreq(640)[None]
    image = np.fft.irfft2(spectrum / np.maximum(np.hypot(x, y), 1e-3))
    return np.clip(128 + contrast * image / image.std(), 0, 255).astype(np.uint8)


def test_an_image_without_texture_has_no_sharpness():
    assert np.isnan(sharpness(np.full((480, 640, 3), 90, np.uint8)))
    assert np.isnan(sharpness(np.zeros((4, 4), np.uint8)))
    assert blur_px(np.nan) == 1.0


def test_sharpness_falls_with_blur_and_not_with_contrast():
    image = gravel()
    found = [sharpness(image)]
    found += [sharpness(cv2.GaussianBlur(image, (0, 0), sigma)) for sigma in (1, 2, 4)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 1.5 * found[2]
    assert sharpness(gravel(contrast=25.0)) == pytest.approx(found[0], rel=0.1)


@pytest.mark.parametrize('sigma', [2.0, 3.0, 4.0])
def test_blur_is_told_in_pixels(sigma):
    image = cv2.GaussianBlur(gravel(), (0, 0), sigma)
    assert blur_px(sharpness(image)) == pytest.approx(sigma, rel=0.5)
    assert blur_px(sharpness(gravel())) < 1.5
