# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The jobs of the ground station, which process uploads and recorded flights one by one."""
