# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Every parameter of the detector node."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Any

from roof_detector.inference.options import BACKENDS, BATCH_OPTIONS, PRECISIONS
from roof_detector.pipeline.settings import PipelineSettings
from roof_detector.ros.common.image_topic_name import IMAGE_TRANSPORTS
from roof_detector.ros.common.parameters import HANG_LIMIT, Parameter, ParameterTable
from roof_detector.vision.thresholds import Thresholds, parse_class_confidence
from roof_detector.vision.tiles import MAX_OVERLAP, Tiling

if TYPE_CHECKING:
    from collections.abc import Collection

    from roof_detector.pipeline.degradation import DegradationStep

# What the steps of the degradation leave: an image a second for who watches, the one tile that
# any budget has room for, and an input of 9/16 of the pixels.
_REDUCED_RATE_HZ = 1.0
_ONE_TILE_S = 1e-6
_REDUCED_INPUT = 0.75

DETECTOR_TABLE = ParameterTable(
    Parameter(
        'model',
        'roof_anomalies',
        'Model package (.zip or folder), .pt, .onnx, OpenVINO folder or the name of a shipped '
        'model; another one is loaded beside it and takes its place between two frames, or is '
        'refused.',
        live=True,
    ),
    Parameter('device', 'auto', 'Where the model runs: auto, cpu, cuda or cuda:N.'),
    Parameter(
        'backend',
        'auto',
        'What runs the model; for a package or a .pt auto takes the fastest export that '
        'roof_detector models prepare has timed on this machine, or runs it as it is; for other '
        'files what they are made for.',
        # A .torchscript is run by torchscript alone, which auto chooses.
        choices=('auto', *(name for name in BACKENDS if name != 'torchscript')),
    ),
    Parameter(
        'precision',
        'auto',
        'What the network is computed with: auto is f16 on CUDA and f32 elsewhere, which is what '
        'the model was measured with.',
        choices=PRECISIONS,
    ),
    Parameter(
        'export_cache',
        '',
        "Folder of the exports made by roof_detector models prepare; empty for the user's own, "
        '~/.cache/roof_detector/exports.',
    ),
    Parameter(
        'image_size',
        0,
        "Side of the network's square input in pixels; 0 takes the model's own.",
        minimum=0,
        maximum=4096,
        unit='px',
    ),
    Parameter(
        'threads',
        0,
        'CPU threads of the backend; 0 begins with what roof_detector models prepare found best, '
        'else all cores, and then changes between one and all as the machine is busy with other '
        'work; any other number stays.',
        minimum=0,
        maximum=256,
    ),
    Parameter(
        'trust_model',
        default=False,
        description='Import a .pt even where the kernel can confine no process, and run a '
        '.torchscript or .engine: it can then run any code, so only for files of known origin.',
    ),
    Parameter(
        'calibrate',
        default=True,
        description='Publish the confidences that the model package calibrates, where 0.7 means '
        "that seven of ten are right; false publishes the network's own.",
    ),
    Parameter(
        'int8',
        default=False,
        description='Run the INT8 model of a package on a CPU that is made for it, if the package '
        'states that it loses less than 0.5 points of mAP50 on photographs; else FP32 runs, and '
        'passed_over.int8 says why.',
    ),
    Parameter(
        'model_key',
        '',
        'Public key (PEM file) that models must be signed with, as roof_detector models sign '
        'does: anything else is refused. Empty to fly unsigned ones.',
    ),
    Parameter(
        'image_transport',
        'raw',
        'Which topic is listened to: raw takes image, compressed takes image/compressed, ffmpeg '
        'takes image/ffmpeg (FFMPEGPacket) and foxglove takes image/foxglove (CompressedVideo), '
        'both H.264 or H.265.',
        choices=IMAGE_TRANSPORTS,
    ),
    Parameter(
        'cameras',
        (),
        'Cameras that share the model, as name or name:topic, for example '
        "['front', 'down:/belly/image_raw']; each listens to <name>/image or its topic and has "
        'its outputs under ~/<name>/. Empty for one camera without a name.',
    ),
    Parameter(
        'batch',
        'auto',
        'Run frames of several cameras as one batch when they wait together; auto measures '
        'at the start whether that is quicker.',
        choices=BATCH_OPTIONS,
    ),
    Parameter(
        'autostart',
        default=True,
        description='Configure and activate at once; false waits for lifecycle transitions.',
    ),
    Parameter(
        'confidence',
        0.25,
        'Minimum confidence of a detection.',
        minimum=0.0,
        maximum=1.0,
        live=True,
    ),
    Parameter(
        'iou',
        0.45,
        'IoU threshold of non-maximum suppression, class by class.',
        minimum=0.0,
        maximum=1.0,
        live=True,
    ),
    Parameter(
        'max_detections',
        300,
        'Maximum number of detections in a frame; those of the highest confidence stay.',
        minimum=1,
        maximum=3000,
        live=True,
    ),
    Parameter('classes', (), 'Names of the classes wanted; empty for all.', live=True),
    Parameter(
        'class_confidence',
        (),
        "Minimum confidences of single classes, as name:value, for example ['crack:0.4'].",
        live=True,
    ),
    Parameter(
        'annotate',
        default=True,
        description='Offer annotated images; they are drawn only while someone listens.',
        live=True,
    ),
    Parameter(
        'annotated_rate',
        0.0,
        'Most annotated images of a camera in a second, evenly chosen; 0 for one of each frame.',
        minimum=0.0,
        maximum=1000.0,
        live=True,
        unit='Hz',
    ),
    Parameter(
        'jpeg_quality',
        85,
        'Quality of compressed annotated images.',
        minimum=1,
        maximum=100,
        live=True,
    ),
    Parameter(
        'reduced_decoding',
        default=True,
        description='Decode a JPEG at 1/2, 1/4 or 1/8 of its size where that is no smaller than '
        'what the network sees; boxes stay in pixels of the full size.',
        live=True,
    ),
    Parameter(
        'tile_budget_ms',
        0.0,
        'Time for tiles of each frame beside the whole of it, for objects too small in it: the '
        'least recently seen ones that fit, one at least; 0 for none. JPEGs are then decoded in '
        'full.',
        minimum=0.0,
        maximum=60000.0,
        live=True,
    ),
    Parameter(
        'tile_size',
        0,
        "Side of a tile in pixels of the frame; 0 takes the size of the network's input.",
        minimum=0,
        maximum=8192,
        live=True,
        unit='px',
    ),
    Parameter(
        'tile_overlap',
        0.2,
        'Part of a tile that its neighbour shows as well; objects smaller than that are whole in '
        'one of them.',
        minimum=0.0,
        maximum=MAX_OVERLAP,
        live=True,
    ),
    Parameter(
        'max_age_s',
        0.0,
        'Frames older than this when their turn comes are dropped and counted, and a result that '
        'is older when it goes out is never called fresh in /diagnostics; 0 for no limit.',
        minimum=0.0,
        maximum=3600.0,
        live=True,
    ),
    Parameter(
        'degrade',
        default=True,
        description='Give up quality step by step while results are older than max_age_s or the '
        'CPU is slowed down for heat: fewer annotated images, one tile a frame, a smaller input, '
        'lighter_model, every second frame; and take it back once results are young.',
        live=True,
    ),
    Parameter(
        'lighter_model',
        '',
        'Model that takes over while degrade gives up quality, loaded beside the one in use; '
        'empty for none.',
    ),
    HANG_LIMIT,
)


@dataclass(frozen=True, kw_only=True)
class DetectorSettings(PipelineSettings):
    """The settings of the pipeline and of annotated images; may change between two frames."""

    annotate: bool
    annotated_rate_hz: float
    jpeg_quality: int


def detector_settings(
    values: dict[str, Any], *, names: tuple[str, ...] | None = None
) -> DetectorSettings:
    """Return the settings that parameter values stand for.

    Raises ValueError with a sentence for the operator when they make no sense together, or name
    a class that the model, once its `names` are known, does not have.
    """
    thresholds = Thresholds(
        confidence=values['confidence'],
        iou=values['iou'],
        max_detections=values['max_detections'],
        classes=values['classes'],
        class_confidence=parse_class_confidence(values['class_confidence']),
    )
    if names is not None:
        thresholds.for_names(names)
    return DetectorSettings(
        thresholds=thresholds,
        annotate=values['annotate'],
        annotated_rate_hz=values['annotated_rate'],
        jpeg_quality=values['jpeg_quality'],
        reduced_decoding=values['reduced_decoding'],
        tiling=Tiling(values['tile_size'], values['tile_overlap']),
        tile_budget_s=values['tile_budget_ms'] / 1e3,
        max_age_s=values['max_age_s'],
    )


def reduced_settings(
    settings: DetectorSettings, steps: Collection[DegradationStep]
) -> DetectorSettings:
    """Return settings with the quality that some steps of the degradation leave."""
    if 'annotations' in steps:
        rate_hz = min(settings.annotated_rate_hz or inf, _REDUCED_RATE_HZ)
        settings = replace(settings, annotated_rate_hz=rate_hz)
    if 'tiles' in steps and settings.has_tiles:
        settings = replace(settings, tile_budget_s=min(settings.tile_budget_s, _ONE_TILE_S))
    if 'input' in steps:
        settings = replace(settings, input_scale=_REDUCED_INPUT)
    if 'thinning' in steps:
        settings = replace(settings, every=2)
    return settings
