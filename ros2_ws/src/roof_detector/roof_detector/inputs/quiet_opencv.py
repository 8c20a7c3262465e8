# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Keeps OpenCV and the FFmpeg in it from writing to the terminal."""

from __future__ import annotations

import os

import cv2

_ERRORS = 2  # cv::utils::logging::LOG_LEVEL_ERROR, which has no name in Python
_FFMPEG_QUIET = '-8'


def keep_opencv_quiet() -> None:
    """Turn off what they remark on files, which our own sentences say; for the whole process.

    Whoever set OPENCV_LOG_LEVEL or OPENCV_FFMPEG_LOGLEVEL gets what they asked for.
    """
    if 'OPENCV_LOG_LEVEL' not in os.environ:
        cv2.setLogLevel(_ERRORS)
    os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', _FFMPEG_QUIET)
