# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Golden images: the outputs that a model must give wherever it runs, and their check."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from roof_detector.inference.errors import BadModel, InferenceError
from roof_detector.inference.export.parity_report import ParityLimits
from roof_detector.inference.package.manifest import GOLDEN
from roof_detector.inference.package.strict_json import read_json
from roof_detector.vision.letterbox import Letterbox, to_blob
from roof_detector.vision.mask_logits import mask_logits
from roof_detector.vision.thresholds import Thresholds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from roof_detector.inference.backends.backend import Backend, RawOutput

# Frames 5 and 3 of a simulated flight with the seed 11, reduced in size and colours: small, so
# that a test costs little. They were made once by hand; `models golden` makes others of images
# that somebody chose (golden_making.py).
GOLDEN_IMAGES = Path(__file__).parent / 'golden_images'
ANCHORS = 20  # those of highest confidence are compared, whatever an image shows
_MOST_SIDE = 1024
_MOST_DETECTIONS = 300
_FORMAT_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class GoldenAnchor:
    """The network's proposal at one anchor, in pixels of its input.

    `mask_area` counts the pixels of the mask at the prototypes' scale; 0 without masks.
    """

    index: int
    class_id: int
    confidence: float
    box_cxcywh: tuple[float, float, float, float]
    mask_area: int = 0


@dataclass(frozen=True)
class GoldenDetection:
    """An object that default thresholds must detect; its box is in pixels of the image."""

    class_name: str
    confidence: float
    box_xyxy: tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class GoldenImage:
    """An image and its expected outputs: all detections, and the anchors of highest confidence.

    The image is the network's input as it is, (height, width, 3) uint8 BGR, a multiple of its
    stride. `anchors_in_all` is how many anchors the network has for it.
    """

    image: str
    anchors_in_all: int
    anchors: tuple[GoldenAnchor, ...]
    detections: tuple[GoldenDetection, ...]


def stored_images() -> dict[str, bytes]:
    """Return the PNG files that every new package gets, by name."""
    return {path.name: path.read_bytes() for path in sorted(GOLDEN_IMAGES.glob('golden_?.png'))}


def stored_inputs() -> list[npt.NDArray[np.float32]]:
    """Return those images as network inputs, each (1, 3, height, width) RGB in 0..1."""
    return [
        to_blob(read_image(content, name=name)[None]) for name, content in stored_images().items()
    ]


def read_image(content: bytes, *, name: str) -> npt.NDArray[np.uint8]:
    """Decode a golden image (height, width, 3) BGR; raise BadModel if it is too large."""
    # The header of a PNG names its size (PNG specification, 11.2.2): nothing is decoded before.
    size_wh = tuple(int.from_bytes(content[at : at + 4], 'big') for at in (16, 20))
    if content[:8] != b'\x89PNG\r\n\x1a\n' or not all(0 < one <= _MOST_SIDE for one in size_wh):
        msg = f'{name} is not a PNG of at most {_MOST_SIDE} pixels a side.'
        raise BadModel(msg)
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        msg = f'{name} cannot be decoded, copy the package again.'
        raise BadModel(msg)
    return image  # type: ignore[return-value]


def record_golden(backend: Backend, images: Mapping[str, bytes]) -> tuple[GoldenImage, ...]:
    """Run a network on images and record its outputs."""
    return tuple(_record(backend, name, content) for name, content in sorted(images.items()))


def golden_as_bytes(golden: Sequence[GoldenImage]) -> bytes:
    """Return golden.json."""
    values = {'format_version': _FORMAT_VERSION, 'images': [asdict(one) for one in golden]}
    return (json.dumps(values, indent=1, allow_nan=False) + '\n').encode()


def read_golden(
    content: bytes, *, images: Sequence[str], names: Sequence[str]
) -> tuple[GoldenImage, ...]:
    """Read golden.json, which must describe exactly these images; raise BadModel."""
    values = read_json(content, name=GOLDEN)
    try:
        if values['format_version'] != _FORMAT_VERSION or set(values) != {
            'format_version',
            'images',
        }:
            msg = 'has another format version or other keys'
            raise ValueError(msg)
        golden = tuple(_read_image_entry(one, names=names) for one in values['images'])
        if sorted(one.image for one in golden) != sorted(images):
            msg = 'does not speak of the images that the package holds'
            raise ValueError(msg)
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        msg = f'{GOLDEN} is not as it must be ({str(error)[:200]}). Make the package again.'
        raise BadModel(msg) from error
    return golden


def check_golden(
    backend: Backend,
    golden: Sequence[GoldenImage],
    images: Mapping[str, bytes],
    *,
    where: str,
    int8: bool = False,
) -> None:
    """Run a network on its golden images and raise BadModel if its outputs differ.

    They may differ by what the precision allows in which it computes.
    """
    limits = ParityLimits.of_self_test('int8' if int8 else backend.precision)
    for one in golden:
        try:
            answer, geometry = _run(backend, images[one.image], name=one.image)
        except InferenceError:
            raise
        except Exception as error:  # a graph of another model raises errors of every runtime
            first_line = str(error).strip().split('\n', maxsplit=1)[0][:200]
            msg = (
                f'{where} fails its self-test with {backend.name}: it cannot be run on '
                f'{one.image} ({first_line}). Copy the package again.'
            )
            raise BadModel(msg) from error
        if reason := _difference(one, answer, geometry, backend, limits):
            msg = (
                f'{where} fails its self-test with {backend.name} on {backend.device} in '
                f'{backend.precision}: on {one.image} {reason}. Copy the package again, or use '
                'another backend.'
            )
            raise BadModel(msg)


def _run(backend: Backend, content: bytes, *, name: str) -> tuple[RawOutput, Letterbox]:
    image = read_image(content, name=name)
    size_wh = (image.shape[1], image.shape[0])
    stride = backend.facts.stride
    if any(side % stride for side in size_wh):
        msg = f'{name} has {size_wh} pixels, expected multiples of the stride {stride}.'
        raise BadModel(msg)
    geometry = Letterbox.fit(size_wh, image_size=size_wh, stride=stride)
    preprocessor = backend.preprocessor
    (answer,) = backend.infer(preprocessor.stack([preprocessor.to_tensor(image, geometry)]))
    return answer, geometry


def _record(backend: Backend, name: str, content: bytes) -> GoldenImage:
    answer, geometry = _run(backend, content, name=name)
    names = backend.facts.names
    predictions = answer.predictions
    confidences = predictions[4 : 4 + len(names)]
    best = np.where(np.isfinite(predictions).all(axis=0), confidences.max(axis=0), -np.inf)
    highest = np.argsort(-best, kind='stable')[:ANCHORS]
    highest = highest[np.isfinite(best[highest])]
    areas = _mask_areas(answer, highest, classes=len(names))
    found = answer.select(thresholds=Thresholds().for_names(names), geometry=geometry)
    return GoldenImage(
        image=name,
        anchors_in_all=predictions.shape[1],
        anchors=tuple(
            GoldenAnchor(
                index=int(index),
                class_id=int(confidences[:, index].argmax()),
                confidence=_rounded(confidences[:, index].max()),
                box_cxcywh=tuple(_rounded(one) for one in predictions[:4, index]),  # type: ignore[arg-type]
                mask_area=int(area),
            )
            for index, area in zip(highest, areas, strict=True)
        ),
        detections=tuple(
            GoldenDetection(
                names[class_id],
                _rounded(confidence),
                tuple(_rounded(one) for one in box),  # type: ignore[arg-type]
            )
            for box, confidence, class_id in zip(
                found.boxes_xyxy, found.scores, found.class_ids, strict=True
            )
        ),
    )


def _mask_areas(
    answer: RawOutput, indices: npt.NDArray[np.intp], *, classes: int
) -> npt.NDArray[np.int64]:
    if answer.prototypes is None or not len(indices):
        return np.zeros(len(indices), np.int64)
    coefficients = answer.predictions[4 + classes :, indices].T
    return (mask_logits(coefficients, answer.prototypes) > 0).sum(axis=(1, 2))


def _difference(
    golden: GoldenImage,
    answer: RawOutput,
    geometry: Letterbox,
    backend: Backend,
    limits: ParityLimits,
) -> str:
    """Return how outputs differ from the golden ones; empty if they do not."""
    names = backend.facts.names
    predictions = answer.predictions
    if predictions.shape[1] != golden.anchors_in_all or predictions.shape[0] < 4 + len(names):
        return (
            f'it answers with {predictions.shape[1]} anchors of {predictions.shape[0]} values, '
            f'expected {golden.anchors_in_all} anchors'
        )
    if not golden.anchors:
        return ''
    indices = np.array([one.index for one in golden.anchors])
    classes = np.array([one.class_id for one in golden.anchors])
    expected_boxes = np.array([one.box_cxcywh for one in golden.anchors], np.float32)
    expected_confidences = np.array([one.confidence for one in golden.anchors], np.float32)
    found = predictions[:, indices]
    own = np.abs(found[4 + classes, np.arange(len(indices))] - expected_confidences).max()
    best = np.abs(found[4 : 4 + len(names)].max(axis=0) - expected_confidences).max()
    centre = found[:2].T - expected_boxes[:, :2]
    extent = found[2:4].T - expected_boxes[:, 2:]
    box_px = np.abs(np.concatenate([centre - extent / 2, centre + extent / 2])).max()
    areas = _mask_areas(answer, indices, classes=len(names))
    expected_areas = np.array([one.mask_area for one in golden.anchors])
    # Rounding moves a mask's border by fractions of a pixel: a small mask is nearly all border.
    allowed = limits.mask_share * expected_areas + 4 * np.sqrt(expected_areas) + 4
    worst = max(float(own), float(best))
    # NaN is not within any limit.
    if not worst <= limits.confidence:
        return f'confidences are off by {worst:.3g}, at most {limits.confidence} is allowed'
    if not float(box_px) <= limits.box_px:
        return f'boxes are off by {float(box_px):.3g} pixels, at most {limits.box_px} is allowed'
    if (np.abs(areas - expected_areas) > allowed).any():
        return 'masks are of another size'
    return _missing_detection(golden, answer, geometry, backend, limits)


def _missing_detection(
    golden: GoldenImage,
    answer: RawOutput,
    geometry: Letterbox,
    backend: Backend,
    limits: ParityLimits,
) -> str:
    """Return which detection is not proposed any more.

    Which of two overlapping boxes, or of two classes of one box, is kept may depend on the last
    digit, so every anchor that proposes it counts, not only the kept one.
    """
    predictions = answer.predictions
    centres, halves = predictions[:2].T, predictions[2:4].T / 2
    boxes_xyxy = geometry.to_source(np.concatenate([centres - halves, centres + halves], axis=1))
    # The limit is in pixels of the network's input, the boxes are in those of the image.
    most_px = limits.box_px * max(np.divide(geometry.source_wh, geometry.resized_wh))
    for one in golden.detections:
        confidences = predictions[4 + backend.facts.names.index(one.class_name)]
        near = np.abs(confidences - one.confidence) <= limits.confidence
        offsets = np.abs(boxes_xyxy - np.array(one.box_xyxy, np.float32)).max(axis=1)
        if not (near & (offsets <= most_px)).any():
            return f'{one.class_name} of confidence {one.confidence:.2f} is not found'
    return ''


def _rounded(value: Any) -> float:
    return round(float(value), 6)


def _read_image_entry(value: Any, *, names: Sequence[str]) -> GoldenImage:
    _check_keys(value, GoldenImage)
    anchors_in_all = _integer(value['anchors_in_all'], most=10**7)
    anchors = _list(value['anchors'], most=ANCHORS)
    detections = _list(value['detections'], most=_MOST_DETECTIONS)
    if not isinstance(value['image'], str):
        msg = 'names no image'
        raise ValueError(msg)
    return GoldenImage(
        image=value['image'],
        anchors_in_all=anchors_in_all,
        anchors=tuple(
            _read_anchor(one, anchors=anchors_in_all, classes=len(names)) for one in anchors
        ),
        detections=tuple(_read_detection(one, names=names) for one in detections),
    )


def _read_anchor(value: Any, *, anchors: int, classes: int) -> GoldenAnchor:
    if isinstance(value, dict) and 'confidence' not in value and 'score' in value:
        # Packages of before 1.0.0 call it a score.
        value = {('confidence' if key == 'score' else key): one for key, one in value.items()}
    _check_keys(value, GoldenAnchor)
    return GoldenAnchor(
        index=_integer(value['index'], most=anchors - 1),
        class_id=_integer(value['class_id'], most=classes - 1),
        confidence=_number(value['confidence']),
        box_cxcywh=_box(value['box_cxcywh']),
        mask_area=_integer(value['mask_area'], most=_MOST_SIDE**2),
    )


def _read_detection(value: Any, *, names: Sequence[str]) -> GoldenDetection:
    _check_keys(value, GoldenDetection)
    if value['class_name'] not in names:
        msg = 'names a class that the model lacks'
        raise ValueError(msg)
    return GoldenDetection(
        str(value['class_name']), _number(value['confidence']), _box(value['box_xyxy'])
    )


def _check_keys(value: Any, kind: type) -> None:
    expected = {one.name for one in fields(kind)}
    if not isinstance(value, dict) or set(value) != expected:
        msg = f'has an entry without exactly {", ".join(sorted(expected))}'
        raise ValueError(msg)


def _list(value: Any, *, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        msg = f'has no list of at most {most} entries where one is expected'
        raise ValueError(msg)
    return value


def _integer(value: Any, *, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        msg = f'has {str(value)[:40]!r}, expected 0 to {most}'
        raise ValueError(msg)
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e9:
        msg = f'has {str(value)[:40]!r}, expected a number'
        raise ValueError(msg)
    return float(value)


def _box(value: Any) -> tuple[float, float, float, float]:
    if not isinstance(value, list) or len(value) != 4:
        msg = 'has a box that is not four numbers'
        raise ValueError(msg)
    first, second, third, fourth = (_number(one) for one in value)
    return first, second, third, fourth
