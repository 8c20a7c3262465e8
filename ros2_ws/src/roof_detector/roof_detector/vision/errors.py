# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
# ruff: noqa: N818  (each name already says what is wrong)
"""The errors of images and thresholds."""

from __future__ import annotations

from typing import ClassVar, Literal

VisionCause = Literal[
    'vision',
    'zero_size',
    'excessive_size',
    'short_data',
    'bad_step',
    'encoding',
    'jpeg',
    'packet',
    'awaiting_keyframe',
    'threshold',
]


class VisionError(ValueError):
    """An image, a box or a threshold is wrong.

    `cause` is the short key under which a node counts frames dropped for this reason.
    """

    cause: ClassVar[VisionCause] = 'vision'


class ZeroSize(VisionError):
    """An image has no pixels."""

    cause = 'zero_size'

    @classmethod
    def of(cls, width: int, height: int) -> ZeroSize:
        """Return the error for an image of a width and a height."""
        return cls(f'The image is {width}x{height} pixels, expected at least 1x1.')


class ExcessiveSize(VisionError):
    """An image claims more pixels than are read here, or than its bytes can hold."""

    cause = 'excessive_size'


class ShortData(VisionError):
    """A raw image has fewer bytes than its header promises."""

    cause = 'short_data'


class BadStep(VisionError):
    """A raw image's rows are shorter than its width needs."""

    cause = 'bad_step'


class UnsupportedEncoding(VisionError):
    """A raw image's encoding is not one that is read without a copy here."""

    cause = 'encoding'


class BadJpeg(VisionError):
    """A compressed image is damaged, cut short or not an image."""

    cause = 'jpeg'


class BadPacket(VisionError):
    """A packet of video is damaged, or cannot be decoded after those before it."""

    cause = 'packet'


class AwaitingKeyframe(VisionError):
    """A packet of video needs pictures that were not received; a keyframe needs none."""

    cause = 'awaiting_keyframe'


class BadThreshold(VisionError):
    """A threshold is out of range or names a class that the model lacks."""

    cause = 'threshold'
