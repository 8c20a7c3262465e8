# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Opening a model for a pipeline: from parameters to a warm detector."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from roof_detector.inference.batching import time_batch
from roof_detector.inference.detector import Detector
from roof_detector.inference.device_name import available_cores
from roof_detector.inference.export.export_cache import ExportCache
from roof_detector.inference.shipped_weights import resolve_model
from roof_detector.vision.tiles import Tiling

if TYPE_CHECKING:
    from roof_detector.inference.options import BatchOption

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, kw_only=True)
class OpenedModel:
    """A warm detector, and how a pipeline uses it best; `with` gives the detector.

    `batch` is how many images it infers at once; `ahead` whether the next frame is preprocessed
    while it runs, None to do so while it leaves a core free. A detector that `is_shared` stays
    open afterwards.
    """

    detector: Detector
    batch: int = 1
    ahead: bool | None = True
    is_shared: bool = False

    @property
    def is_ahead(self) -> bool:
        """Return whether to preprocess the next frame while the network runs on this one."""
        return _has_spare_core(self.detector) if self.ahead is None else self.ahead

    def __enter__(self) -> Detector:
        return self.detector

    def __exit__(self, *_: object) -> None:
        if not self.is_shared:
            self.detector.close()


def open_model(values: dict[str, Any], *, cameras: int) -> OpenedModel:
    """Open and warm up the model.

    Belongs into the thread that will own the model. Raises InferenceError.
    """
    detector = Detector.open(
        resolve_model(values['model']),
        device=values['device'],
        backend=values['backend'],
        precision=values['precision'],
        cache=ExportCache.at(values['export_cache']),
        image_size=values['image_size'] or None,
        trust_model=values['trust_model'],
        model_key=values['model_key'] or None,
        threads=values['threads'] or None,
        adapts_threads=True,
        calibrate=values['calibrate'],
        int8=values['int8'],
    )
    _log.info('Backend %s', detector.choice.sentence)
    detector.warm_up()
    if values['tile_budget_ms']:
        tiling = Tiling(values['tile_size'], values['tile_overlap'])
        detector.warm_up(tiling.tile_wh(detector.image_size))
    return OpenedModel(
        detector=detector,
        batch=_choose_batch(detector, values['batch'], cameras=cameras),
        ahead=None,
    )


def _has_spare_core(detector: Detector) -> bool:
    """Return whether a decoding beside the network takes no core away from it.

    Where the network has them all, both grow slower: with OpenVINO on two cores, 4K JPEGs came
    out a seventh fewer and a third older than decoded between two passes.
    """
    return detector.device != 'cpu' or 0 < (detector.threads or 0) < available_cores()


def _choose_batch(detector: Detector, wish: BatchOption, *, cameras: int) -> int:
    if cameras == 1 or wish == 'never':
        return 1
    timing = time_batch(detector, cameras)
    together = wish == 'always' or timing.pays
    _log.info(
        '%d images take %.0f ms in one batch, one takes %.0f ms: frames that wait together run %s '
        '(batch is %s).',
        cameras,
        timing.batch_s * 1e3,
        timing.single_s * 1e3,
        'together' if together else 'one after another',
        wish,
    )
    return cameras if together else 1
