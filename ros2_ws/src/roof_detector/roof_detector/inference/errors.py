# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
# ruff: noqa: N818  (each name already says what is wrong)
"""The errors of models and runtimes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roof_detector.inference.export.parity_report import ParityReport


class InferenceError(RuntimeError):
    """A model file, a device or a backend is wrong; the message says what to do."""


class BadModel(InferenceError):
    """A model file is missing, damaged or of an unsupported kind."""


class UnsafeModel(InferenceError):
    """A file would have to be read without protection, or tried something that it must not do."""


class MissingBackend(InferenceError):
    """A requested backend or device is missing on this machine."""


class ExportFailed(InferenceError):
    """An export could not be made or written."""


class ParityFailed(ExportFailed):
    """An export differs too much from its checkpoint; `report` says by how much."""

    def __init__(self, message: str, *, report: ParityReport) -> None:
        super().__init__(message)
        self.report = report
