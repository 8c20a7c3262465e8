# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
# ruff: noqa: N818  (each name already says what is wrong)
"""What can be wrong with a model or its runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roof_detector.inference.export.parity import ParityReport


class InferenceError(RuntimeError):
    """Say what is wrong with a model file, a device or a backend, and what to do."""


class BadModel(InferenceError):
    """A model file is missing, damaged or not of a kind that is run here."""


class UnsafeModel(InferenceError):
    """A file would have to be read without protection, or tried what the protection refuses."""


class MissingBackend(InferenceError):
    """A backend or device is asked for that this machine lacks."""


class ExportFailed(InferenceError):
    """An export could not be made or not be written."""


class ParityFailed(ExportFailed):
    """An export answers otherwise than its checkpoint; `report` says by how much."""

    def __init__(self, message: str, *, report: ParityReport) -> None:
        super().__init__(message)
        self.report = report
