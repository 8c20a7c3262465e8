# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The models that can be chosen on the page: shipped ones and uploaded ones."""

from __future__ import annotations

from roof_detector.inference.shipped_weights import shipped_models
from roof_detector.station.errors import StationError
from roof_detector.station.folders import StationFolders


class ModelShelf:
    """Know the models; an uploaded one is called by its path, as the parameter model takes it."""

    def __init__(self, folders: StationFolders) -> None:
        self._folder = folders.models

    @property
    def choices(self) -> dict[str, str]:
        """Return what the page calls each model, by what the detector calls it."""
        uploaded = sorted(path for path in self._folder.iterdir() if path.suffix != '.part')
        return {name: name for name in shipped_models()} | {
            str(path): path.name for path in uploaded
        }

    def check(self, model: str) -> str:
        """Return a model that can be chosen; raise StationError for any other."""
        if model not in self.choices:
            msg = f'There is no model {model!r}; there are: {", ".join(self.choices.values())}.'
            raise StationError(msg)
        return model
