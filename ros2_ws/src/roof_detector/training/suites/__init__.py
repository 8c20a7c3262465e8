# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Suites: fixed lists of labelled image sets that every model is measured on."""

from __future__ import annotations

from training.suites.suite import Suite, read_suite
from training.suites.suite_rows import SuiteResult
from training.suites.suite_run import SuiteOptions, run_suite

__all__ = ['Suite', 'SuiteOptions', 'SuiteResult', 'read_suite', 'run_suite']
