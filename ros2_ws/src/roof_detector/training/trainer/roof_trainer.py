# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Ultralytics' trainers with our weights, our data set, and runs that can be resumed exactly."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import torch
from ultralytics.data.utils import check_det_dataset
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.models.yolo.segment import SegmentationTrainer
from ultralytics.utils import LOGGER, RANK
from ultralytics.utils.torch_utils import init_seeds, unwrap_model

from roof_detector.inference.safe_load import load_checkpoint
from roof_detector.inference.shipped_weights import resolve_model
from training.criterion import use_losses
from training.errors import TrainingError
from training.trainer.accumulation import Accumulation
from training.trainer.arguments import ultralytics_arguments
from training.trainer.checkpoint import make_checkpoint
from training.trainer.class_metrics import class_metrics
from training.trainer.nadir_dataset import NadirDataset
from training.trainer.run_state import KEY, RunState, write_checkpoint
from training.trainer.tensorboard_log import TensorBoardLog
from training.trainer.transfer import read_weights, transfer

if TYPE_CHECKING:
    from pathlib import Path

    from ultralytics.nn.tasks import DetectionModel

    from roof_detector.inference.options import Task
    from training.interruption import StopRequest
    from training.train_config import TrainConfig

WRITES = RANK in {-1, 0}  # of several processes, only the first writes files


class RoofTraining(DetectionTrainer):
    """One training run; `record` is stored in its checkpoints, and grows with it."""

    # Ultralytics sets these late and declares them None.
    model: Any
    ema: Any
    validator: Any
    metrics: Any

    def __init__(
        self,
        config: TrainConfig,
        output: Path,
        *,
        record: dict[str, Any],
        task: Task,
        stop: StopRequest,
        resumed: tuple[RunState, dict[str, Any]] | None,
    ) -> None:
        self.config = config
        self.record = record
        self.stop_request = stop
        self.accumulation = Accumulation()
        self.state: RunState | None = resumed[0] if resumed else None
        self.resumed: dict[str, Any] = resumed[1] if resumed else {}
        threads = config.threads or torch.get_num_threads()
        overrides = ultralytics_arguments(config, output, task=task)
        super().__init__(overrides=overrides, _callbacks=self._own_callbacks(threads))
        torch.set_num_threads(threads)  # ultralytics leaves a core idle: half of a small machine
        self.tensorboard = TensorBoardLog(self.save_dir) if config.tensorboard and WRITES else None

    def get_dataset(self) -> dict[str, Any]:
        """Read data.yaml; missing data is never downloaded, whatever the file says."""
        return check_det_dataset(self.args.data, autodownload=False)

    def get_model(
        self,
        cfg: Any = None,
        weights: Any = None,
        verbose: bool = True,  # noqa: FBT001, FBT002
    ) -> DetectionModel:
        """Build the model with the starting weights, or take that of the resumed run."""
        if self.state is not None:
            model: DetectionModel = self.resumed['model'].float()
            return model.requires_grad_(True)  # noqa: FBT003
        model = super().get_model(cfg, None, verbose)
        model.names = self.data['names']
        if self.config.weights:
            path = resolve_model(self.config.weights)
            report = transfer(
                model,
                read_weights(path),
                source=path.name,
                class_branch=self.config.class_branch,
            )
            LOGGER.info(str(report))
            self.record['transfer'] = report.as_plain()
        return model

    def set_model_attributes(self) -> None:
        """Attach names and arguments, and the losses that the configuration names."""
        super().set_model_attributes()
        use_losses(self.model, box_loss=self.config.box_loss, class_loss=self.config.class_loss)

    def build_dataset(self, img_path: str, mode: str = 'train', batch: int | None = None) -> Any:
        """Return the images of a split."""
        return NadirDataset(
            img_path=img_path,
            imgsz=self.args.imgsz,
            batch_size=batch,
            augment=mode == 'train',
            hyp=self.args,
            rect=self.args.rect or mode == 'val',
            cache=self.args.cache or None,
            stride=self._stride(),
            pad=0.0 if mode == 'train' else 0.5,
            prefix=f'{mode}: ',
            task=self.args.task,
            data=self.data,
            rotate=self.config.rotate,
            seed=self.config.seed,
        )

    def _stride(self) -> int:
        model: Any = unwrap_model(self.model)
        return max(int(model.stride.max()), 32)

    def _build_train_pipeline(self) -> None:
        # We count the batches per step ourselves; ultralytics steps after each.
        if self.optimizer is None:
            self.args.nbs = self.batch_size
        super()._build_train_pipeline()

    def optimizer_step(self) -> None:
        """Step after as many batches as the configuration adds up."""
        epoch_batches = len(self.train_loader)
        if self.accumulation.steps_now(
            epoch=self.epoch,
            epoch_batches=epoch_batches,
            warmup=self._get_warmup_iterations(epoch_batches),
            batches=round(self.config.accumulate_to / (self.batch_size * self.accumulate)),
        ):
            super().optimizer_step()

    def resume_training(self, ckpt: dict[str, Any] | None) -> None:
        """Continue a resumed run; otherwise record where it begins."""
        if self.state is not None:
            self.state.restore(self)
            if WRITES and self.state.results_csv:
                self.csv.write_text(self.state.results_csv)
            LOGGER.info(f'Resumed after epoch {self.start_epoch} of {self.epochs}.')

    def save_model(self) -> bool:
        """Write last.pt, with all that resuming needs, and best.pt, each atomically."""
        checkpoint = self._checkpoint({**self.metrics, 'fitness': self.fitness})
        if self.best_fitness == self.fitness:
            self.record['best_epoch'] = self.epoch + 1
            write_checkpoint(checkpoint, self.best)
        self._write_last(checkpoint, epochs_done=self.epoch + 1)
        return True

    def _write_last(self, checkpoint: dict[str, Any], *, epochs_done: int) -> None:
        seconds = time.time() - self.train_time_start
        state = RunState.of(self, epochs_done=epochs_done, seconds=seconds)
        write_checkpoint({**checkpoint, KEY: vars(state)}, self.last)

    def _checkpoint(self, metrics: dict[str, Any]) -> dict[str, Any]:
        return make_checkpoint(
            unwrap_model(self.ema.ema),
            arguments=vars(self.args),
            metrics={name: value for name, value in metrics.items() if value is not None},
            record=self.record,
        )

    def _handle_nan_recovery(self, epoch: int) -> bool:
        """End a run whose loss is not a number: with equal seeds, a second try ends the same."""
        if self.loss is None or bool(self.loss.isfinite()):
            return False
        msg = (
            f'The loss became {float(self.loss)} in epoch {epoch + 1}. Lower learning_rate, or '
            f'set precision: float32. The epochs before it are kept in {self.last}.'
        )
        raise TrainingError(msg)

    def final_eval(self) -> None:
        """Measure the best checkpoint once more, by class, and store the result in it."""
        self.validator.args.plots = self.args.plots
        # Ultralytics would unpickle the file.
        self.metrics = self.validator(model=load_checkpoint(self.best)['model'])
        self.metrics.pop('fitness', None)
        if not WRITES:
            return
        self.record['metrics'] = {name: float(value) for name, value in self.metrics.items()}
        self.record['metrics_per_class'] = class_metrics(self.validator.metrics)
        self.record['epochs_done'] = self.epoch + 1

    def _own_callbacks(self, threads: int) -> dict[str, list[Any]]:
        """Return our callbacks; none of ultralytics' own, which report home."""
        return {
            'on_train_start': [lambda _: self._begin(threads)],
            'on_train_epoch_start': [lambda _: self._begin_epoch()],
            'on_train_batch_end': [lambda _: self.stop_request.raise_if_made()],
            'on_fit_epoch_end': [lambda _: self._end_epoch()],
            'teardown': [lambda _: self._close()],
        }

    def _begin(self, threads: int) -> None:
        torch.set_num_threads(threads)
        if self.state is not None:
            self.train_time_start -= self.state.seconds
        self.record['batch'] = self.batch_size
        if self.state is None and WRITES:  # so that a run can be resumed from its first batch on
            self._write_last(self._checkpoint({}), epochs_done=0)

    def _begin_epoch(self) -> None:
        """Derive order and augmentation of this epoch from its number and the seed alone."""
        init_seeds(self.config.seed + 1 + RANK + 10_007 * self.epoch, deterministic=True)
        self.accumulation.begin_epoch()
        loader = self.train_loader
        loader.dataset.epoch = self.epoch
        loader.generator.manual_seed(self.config.seed * 1_000_003 + self.epoch)
        loader.reset()  # fresh workers, which know the epoch
        self.stop_request.raise_if_made()

    def _end_epoch(self) -> None:
        if self.tensorboard is not None:
            self.tensorboard.write(self)

    def _close(self) -> None:
        if self.tensorboard is not None:
            self.tensorboard.close()


class RoofDetectionTrainer(RoofTraining):
    """A trainer for boxes."""


class RoofSegmentationTrainer(RoofTraining, SegmentationTrainer):
    """A trainer for boxes and masks."""
