# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Average trained models: `python -m training.research.average a.pt b.pt --output mean.pt`.

The mean of a model and of the one it was trained from is often better than both, and costs no more
at inference (Wortsman et al., Model soups, arXiv 2203.05482). Both must be of one run, or of runs
that continued each other: weights from independent runs do not mix. Evaluate all three.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roof_detector.inference.errors import InferenceError
from roof_detector.inference.model_hash import hash_model
from roof_detector.inference.safe_load import load_checkpoint
from training.errors import TrainingError
from training.trainer.checkpoint import RECORD, make_checkpoint, trained_network
from training.trainer.run_state import write_checkpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

_OF_ONE_EPOCH = frozenset({'metrics', 'metrics_per_class', 'best_epoch'})


def average(checkpoints: Sequence[Path], output: Path) -> None:
    """Write the mean of the weights of several checkpoints, computed in FP32.

    Settings and record are those of the first, without its metrics, which are not the mean's; the
    record names all, with their hashes. Raises TrainingError for different architectures or
    classes, or for a single checkpoint.
    """
    if len(checkpoints) < 2:
        msg = f'A mean is of 2 checkpoints or more, given {len(checkpoints)}.'
        raise TrainingError(msg)
    first, *others = (load_checkpoint(path) for path in checkpoints)
    model = trained_network(first)
    state = model.state_dict()
    for path, other in zip(checkpoints[1:], others, strict=True):
        network = trained_network(other)
        _check_alike(model, network, checkpoints[0], path)
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point():
                state[name] += tensor
    for tensor in state.values():
        if tensor.is_floating_point():
            tensor.div_(len(checkpoints))
    mean_of = [{'name': path.name, 'hash': hash_model(path)} for path in checkpoints]
    mean = make_checkpoint(
        model,
        arguments=first['train_args'],
        metrics={},
        record={**_without_metrics(first.get(RECORD, {})), 'mean_of': mean_of},
    )
    write_checkpoint(mean, output)


def _without_metrics(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in _OF_ONE_EPOCH}


def _check_alike(ours: Any, theirs: Any, our_path: Path, path: Path) -> None:
    if ours.names != theirs.names:
        msg = (
            f'{path} finds {", ".join(theirs.names.values())}, but {our_path} '
            f'{", ".join(ours.names.values())}; average models of the same classes.'
        )
        raise TrainingError(msg)
    shapes, other_shapes = (
        {name: tensor.shape for name, tensor in model.state_dict().items()}
        for model in (ours, theirs)
    )
    if shapes != other_shapes:
        differing = dict(shapes.items() ^ other_shapes.items())
        msg = (
            f'{path} is of another architecture than {our_path}: {len(differing)} tensors differ, '
            f'such as {min(differing)}. Average models of one run, or trained on from each other.'
        )
        raise TrainingError(msg)


def main(argv: list[str] | None = None) -> int:
    """Read the command line and write the mean; return the exit code."""
    parser = argparse.ArgumentParser(
        prog='python -m training.research.average', description=__doc__
    )
    parser.add_argument('checkpoint', type=Path, nargs='+', help='two or more, alike')
    parser.add_argument('--output', type=Path, required=True, help='checkpoint to write')
    arguments = parser.parse_args(argv)
    try:
        average(arguments.checkpoint, arguments.output)
    except (TrainingError, InferenceError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    print(f'{arguments.output}: the mean of {len(arguments.checkpoint)} checkpoints')  # noqa: T201
    return 0


if __name__ == '__main__':
    sys.exit(main())
