# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What the detector tells about its own health."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from roof_detector.supervision.health import Delivery, Health, Level, health

if TYPE_CHECKING:
    from collections.abc import Mapping

    from roof_detector.inference.detector import Detector
    from roof_detector.pipeline.frame_stats import FrameStatsSnapshot
    from roof_detector.pipeline.tiles import TileReport
    from roof_detector.ros.detector.camera_info_check import CameraInfoCheck
    from roof_detector.ros.detector.detector_degradation import DetectorDegradation

_AGES_UNKNOWN = "The age of images is unknown, for their stamps are not of this computer's time"
# Drops that are the design at work, not a fault: the newest frame wins.
_EXPECTED_DROPS = frozenset(
    {'superseded', 'lost_before_arrival', 'thinned', 'disabled', 'deactivated'}
)


def detector_status(
    *,
    name: str,
    state: str,
    topic: str,
    detector: Detector | None,
    model_change: str,
    stats: FrameStatsSnapshot,
    annotations_skipped: int,
    tiles: TileReport | None,
    degradation: DetectorDegradation | None = None,
    repeated: int = 0,
    calibration: CameraInfoCheck | None = None,
    images: Delivery | None = None,
    has_heard: bool = True,
    enabled: bool = True,
    annotated: Delivery | None = None,
    video: Mapping[str, str] | None = None,
) -> DiagnosticStatus:
    """Return the detector's status: level and message for people, values for plots.

    `images` tells how long none has come, None while none is expected; `has_heard` whether any
    has; `annotated` how long no annotated image has gone out, None while nobody listens;
    `model_change` how the last change of the model stands; `tiles` what is seen through tiles,
    None while none are wanted; `repeated` counts images that came twice, which are no frames;
    `calibration` compares images with camera_info, None while it does not; `degradation` tells
    what quality was given up; `video` is what is known of a stream of video.
    """
    verdict = _verdict(
        state=state,
        stats=stats,
        images=images,
        has_heard=has_heard,
        enabled=enabled,
        annotated=annotated,
        mismatch='' if calibration is None else calibration.recent_mismatch,
        reduced='' if degradation is None else degradation.sentence,
    )
    values: dict[str, object] = {'state': state, 'topic': topic, 'enabled': str(enabled).lower()}
    if detector is not None:
        values |= {
            'model': detector.model_path,
            'model_sha256': detector.model_hash,
            'task': detector.task,
            'classes': ', '.join(detector.names),
            'device': detector.device,
            'backend': detector.backend,
            'backend_reason': detector.choice.reason,
            'backend_advice': detector.watch.advice,
            'precision': detector.precision,
            'threads': detector.threads or 'all',
            'threads_reason': _threads_reason(detector),
            'model_change': model_change,
        }
        values |= {f'passed_over.{name}': why for name, why in detector.choice.passed_over}
    values |= {
        'rate_hz': f'{stats.rate_hz:.2f}',
        'frames_seen': stats.seen,
        'frames_read': stats.read,
        'frames_processed': stats.processed,
        'frames_waiting': stats.waiting,
        'frames_dropped': sum(stats.dropped.values()),
        'ages_unknown': stats.ages_unknown,
        'results_stale': stats.stale,
        'images_repeated': repeated,
        'annotations_skipped': annotations_skipped,
    }
    if degradation is not None:
        values |= {
            'degradation': ', '.join(degradation.steps) or 'none',
            'degradation_reason': degradation.reason,
        }
    values |= video or {}
    if calibration is not None:
        values |= {
            'camera_info': calibration.topic,
            'camera_info_mismatches': calibration.mismatches,
        }
    if tiles is not None:
        values |= {
            'tiles': tiles.tiles,
            'tiles_looked_at': tiles.inferred,
            'tile_age_max_s': f'{perf_counter() - tiles.since_s:.2f}',
        }
    values |= {f'dropped.{cause}': count for cause, count in sorted(stats.dropped.items())}
    values |= {f'detections.{label}': count for label, count in sorted(stats.found.items())}
    for stage, percentiles_s in stats.percentiles_s.items():
        for percent, value_s in zip((50, 95, 99), percentiles_s, strict=True):
            values[f'{stage}_ms.p{percent}'] = f'{value_s * 1e3:.2f}'
    if stats.percentiles_s and 'age' not in stats.percentiles_s:
        values |= {f'age_ms.p{percent}': 'unknown' for percent in (50, 95, 99)}
    return DiagnosticStatus(
        level=bytes([verdict.level]),
        name=name,
        message=verdict.message,
        hardware_id='' if detector is None else detector.device,
        values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
    )


def _stale(stats: FrameStatsSnapshot) -> str:
    return f'Results are not fresh: {stats.recent_stale} of late were older than max_age_s.'


def _threads_reason(detector: Detector) -> str:
    adaptation = detector.adaptation
    if adaptation is None:
        return 'given' if detector.device == 'cpu' else 'the network runs elsewhere'
    numbers = ', '.join(str(number) for number in adaptation.numbers)
    return f'chosen of {numbers} while running: {adaptation.reason}'


def _verdict(
    *,
    state: str,
    stats: FrameStatsSnapshot,
    images: Delivery | None,
    has_heard: bool,
    enabled: bool,
    annotated: Delivery | None,
    mismatch: str,
    reduced: str,
) -> Health:
    if state != 'active':
        return Health(Level.WARN, f'The detector is {state}.')
    missing = [] if images is None else [images]
    if images is None or images.is_fresh:
        # Without images there can be no results: the images are what is missing then.
        results = Delivery('No result', stats.silent_s, stats.usual_s)
        missing += [results] if has_heard else []
    if annotated is not None:
        missing.append(annotated)
    faults = {
        cause: count for cause, count in stats.recent_drops.items() if cause not in _EXPECTED_DROPS
    }
    ages_unknown = stats.recent_ages_unknown
    causes = ', '.join(f'{count} {cause}' for cause, count in sorted(faults.items()))
    return health(
        working=f'{stats.rate_hz:.1f} results/s.',
        faults=[
            *([Health(Level.WARN, f'Frames dropped: {causes}.')] if faults else ()),
            *([Health(Level.WARN, f'{_AGES_UNKNOWN} ({ages_unknown}).')] if ages_unknown else ()),
            *([Health(Level.WARN, mismatch)] if mismatch else ()),
            *([Health(Level.WARN, reduced)] if reduced else ()),
            *([Health(Level.WARN, _stale(stats))] if stats.recent_stale else ()),
        ],
        missing=missing,
        has_arrived=stats.processed > 0,
        pause='' if enabled else 'Detection is paused by ~/enable; frames are counted only.',
    )
