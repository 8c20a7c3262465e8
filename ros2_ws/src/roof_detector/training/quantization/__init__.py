# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Quantization: INT8 models, which are kept only if they detect nearly as well."""
