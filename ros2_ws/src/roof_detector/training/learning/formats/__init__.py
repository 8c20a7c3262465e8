# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Writers of labels for labelling tools; training.dataset reads all of them back."""
