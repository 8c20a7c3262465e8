# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What 100 labels gain if frames are chosen by `learn select`, against random choice.

Simulated sites: a base set on which a weak model is trained, a pool of unlabelled frames of other
sites, and held-out sites for the test. The weak model inspects the pool; frames are chosen until
they hold so many objects, by the selection and at random; each choice is added to the base set
and the model trained on, with the same steps. The control trains on without new labels.

    python -m benchmarks.learning_gain --work /tmp/learning --output benchmarks/results
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from roof_detector.history.frame_reasons import frame_reasons
from roof_detector.history.frame_selection import Candidate, SelectionSettings, choose_frames
from roof_detector.history.recorded_inspection import read_inspection
from roof_detector.inference.detector import Detector
from roof_detector.offline.batch import detect_all
from roof_detector.offline.georeferencing import GeoreferenceSettings
from roof_detector.offline.inspection import InspectedResults, inspect_results
from roof_detector.offline.settings import DetectSettings, OutputSettings
from roof_detector.vision.thresholds import Thresholds
from training.dataset.labelled_set import images_below
from training.evaluation import evaluate
from training.learning.frame_export import CandidateImages
from training.learning.frame_features import FrameFeatures
from training.rendering import DatasetConfig
from training.simulate import render_dataset
from training.train import train
from training.train_config import TrainConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

_SEEDS = {'base': 910_001, 'pool': 920_001, 'test': 930_001}
_CONFIDENCE = 0.1  # the weak model is unsure of most


@dataclass(frozen=True, kw_only=True)
class GainSetup:
    """How many frames and epochs, and how many objects are labelled."""

    work: Path
    base: int = 96
    pool: int = 240
    test: int = 96
    labels: int = 100
    base_epochs: int = 12
    epochs: int = 6
    seeds: int = 2
    image_size: int = 320
    weights: str = 'roofs'
    threads: int = 1


def rendered(setup: GainSetup, kind: str) -> Path:
    """Render the sites of one kind, once."""
    folder = setup.work / kind
    count = {'base': setup.base, 'pool': setup.pool, 'test': setup.test}[kind]
    if not (folder / 'done').exists():
        shutil.rmtree(folder, ignore_errors=True)
        validating = count // 6 if kind == 'base' else 0
        render_dataset(
            DatasetConfig(
                output=folder,
                frames=count,
                val_frames=validating,
                seed=_SEEDS[kind],
                size_wh=(setup.image_size, setup.image_size * 9 // 16),
                render_scale=1,
                altitude_m=(6.0, 16.0),
            )
        )
        (folder / 'done').touch()
    return folder


def objects_of(image: Path) -> int:
    """Return how many objects the simulator labels in an image."""
    label = image.parents[2] / 'labels' / image.parent.name / f'{image.stem}.txt'
    return len(label.read_text().splitlines()) if label.is_file() else 0


def trained(
    setup: GainSetup, name: str, data: Path, *, weights: str, epochs: int, seed: int
) -> Path:
    """Train, or return what was trained before."""
    run = setup.work / 'runs' / name
    best = run / 'weights' / 'best.pt'
    if not (run / 'done').exists():
        shutil.rmtree(run, ignore_errors=True)
        config = TrainConfig(
            model='yolo11n-ContextGuided.yaml',
            data=str(data),
            weights=weights,
            image_size=setup.image_size,
            rect=True,
            rotate='none',
            mosaic=0.0,
            epochs=epochs,
            patience=0,
            batch=16,
            accumulate_to=16,
            learning_rate=0.001,
            seed=seed,
            device='cpu',
            threads=setup.threads,
            plots=False,
        )
        train(config, run)
        (run / 'done').touch()
    return best


def with_chosen(setup: GainSetup, name: str, chosen: Sequence[Path]) -> Path:
    """Describe the base set with chosen images of the pool, whose labels are the simulator's."""
    base = setup.work / 'base'
    folder = setup.work / 'chosen' / name
    shutil.rmtree(folder, ignore_errors=True)
    train_folders = [str(base / 'images' / 'train')]
    if chosen:
        for kind in ('images', 'labels'):
            (folder / kind / 'train').mkdir(parents=True)
        for image in chosen:
            label = image.parents[2] / 'labels' / image.parent.name / f'{image.stem}.txt'
            shutil.copyfile(image, folder / 'images' / 'train' / f'pool_{image.name}')
            target = folder / 'labels' / 'train' / f'pool_{image.stem}.txt'
            target.write_text(label.read_text() if label.is_file() else '')
        train_folders.append(str(folder / 'images' / 'train'))
    folder.mkdir(parents=True, exist_ok=True)
    names = yaml.safe_load((base / 'data.yaml').read_text())['names']
    content = {'train': train_folders, 'val': str(base / 'images' / 'val'), 'names': names}
    (folder / 'data.yaml').write_text(yaml.safe_dump(content))
    return folder / 'data.yaml'


def selected(setup: GainSetup, model: Path) -> list[Path]:
    """Return the pool's images in the order in which `learn select` chooses them."""
    pool = setup.work / 'pool' / 'images' / 'train'
    output = setup.work / 'inspection'
    shutil.rmtree(output, ignore_errors=True)
    settings = DetectSettings(Thresholds(confidence=_CONFIDENCE), OutputSettings(formats=()))
    with Detector.open(
        model, device='cpu', backend='onnxruntime', threads=setup.threads
    ) as detector:
        (outcome,) = detect_all(
            [str(pool)],
            output / 'detections',
            detector=detector,
            settings=settings,
            progress='none',
        )
    assert outcome.output is not None
    results = [InspectedResults(outcome.output, outcome.output.name, pool)]
    inspect_results(results, output, georeferencing=GeoreferenceSettings())
    inspection = read_inspection(output)
    features = FrameFeatures(str(model))
    candidates = [
        Candidate(inspection=0, frame=frame, reasons=reasons)
        for frame, reasons in zip(inspection.frames, frame_reasons(inspection), strict=True)
    ]
    reader = CandidateImages([inspection], None)
    found = [
        Candidate(
            inspection=0, frame=one.frame, reasons=one.reasons, feature=features.of(image_bgr)
        )
        for one, image_bgr in reader.read(candidates)
    ]
    chosen = choose_frames(found, SelectionSettings(per_flight=len(found)))
    return [pool / one.candidate.frame.name for one in chosen]


def until(images: Sequence[Path], labels: int) -> list[Path]:
    """Return the first images that together hold so many objects."""
    counts = np.cumsum([objects_of(one) for one in images])
    return list(images[: int(np.searchsorted(counts, labels)) + 1])


def measure(setup: GainSetup) -> dict[str, Any]:
    """Train and measure each choice; return plain values."""
    begun = monotonic()
    for kind in _SEEDS:
        rendered(setup, kind)
    base = with_chosen(setup, 'base', [])
    weak = trained(setup, 'weak', base, weights=setup.weights, epochs=setup.base_epochs, seed=1)
    pool = images_below(setup.work / 'pool' / 'images' / 'train')
    choices = {'control': [[]] * setup.seeds}
    choices['selected'] = [until(selected(setup, weak), setup.labels)] * setup.seeds
    shuffled = (
        [pool[k] for k in np.random.default_rng(50 + seed).permutation(len(pool))]
        for seed in range(setup.seeds)
    )
    choices['random'] = [until(one, setup.labels) for one in shuffled]
    test = setup.work / 'test'
    rows: dict[str, list[dict[str, Any]]] = {}
    for name, listed in choices.items():
        for seed, chosen in enumerate(listed):
            data = with_chosen(setup, f'{name}_{seed}', chosen)
            best = trained(
                setup, f'{name}_{seed}', data, weights=str(weak), epochs=setup.epochs, seed=seed
            )
            found = evaluate(
                best,
                test,
                split='train',
                device='cpu',
                backend='onnxruntime',
                threads=setup.threads,
                progress=False,
                resamples=200,
            )
            rows.setdefault(name, []).append(
                {
                    'seed': seed,
                    'frames': len(chosen),
                    'labels': sum(map(objects_of, chosen)),
                    'map50': found.map50,
                    'map50_interval': found.map50_interval,
                    'map50_95': found.map50_95,
                }
            )
    return {
        'setup': {key: str(value) for key, value in vars(setup).items() if key != 'work'},
        'rows': rows,
        'gain_per_100_labels': {
            name: float(
                np.mean(
                    [
                        100 * (one['map50'] - control['map50']) / one['labels']
                        for one, control in zip(listed, rows['control'], strict=True)
                    ]
                )
            )
            for name, listed in rows.items()
            if name != 'control'
        },
        'seconds': round(monotonic() - begun),
        'load': os.getloadavg()[0],
    }


def main() -> None:
    """Measure and write `learning_gain.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--work', type=Path, required=True, help='folder for sets and runs')
    parser.add_argument('--output', type=Path, required=True, help='folder of the results')
    defaults = GainSetup(work=Path())
    for name, value in vars(defaults).items():
        if name not in ('work', 'weights'):
            parser.add_argument(f'--{name.replace("_", "-")}', type=int, default=value)
    parser.add_argument(
        '--weights', default=defaults.weights, help='that the weak model begins at'
    )
    arguments = vars(parser.parse_args())
    output = arguments.pop('output')
    found = measure(GainSetup(**{**arguments, 'work': arguments['work'].resolve()}))
    output.mkdir(parents=True, exist_ok=True)
    text = json.dumps(found, indent=1, sort_keys=True)
    (output / 'learning_gain.json').write_text(f'{text}\n')
    print(text)


if __name__ == '__main__':
    main()
