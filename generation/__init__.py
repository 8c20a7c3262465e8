# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What `make generate` writes: files that say again what one definition says.

The files under `config/` and `docs/` that `generated_files` names; a test compares them.
"""
