# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""SROS2 security: keys, certificates and permissions, so that only our nodes can communicate."""
