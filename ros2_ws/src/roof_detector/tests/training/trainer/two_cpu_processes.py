# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`training.train` as one of two processes, with gloo and a CPU in the place of NCCL and GPUs.

Ultralytics names its devices by number, which a CPU has not; nothing else is replaced.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from training.trainer.roof_trainer import RoofTraining

import torch  # isort: skip
from torch import distributed, nn  # isort: skip

stock_init, stock_parallel = RoofTraining.__init__, nn.parallel.DistributedDataParallel


def init(self, *arguments, **options):
    stock_init(self, *arguments, **options)
    self.world_size, self.ddp = 2, False


def set_up_gloo(_):
    distributed.init_process_group('gloo', rank=int(os.environ['RANK']), world_size=2)


def tell(self):
    network = self.model.module
    total = sum(weights.double().sum() for weights in network.parameters()).item()
    told = f'{type(network.model[3]).__name__} {total!r}'
    (Path(self.save_dir) / f'rank_{os.environ["RANK"]}.txt').write_text(told)
    self.record['epochs_done'] = self.epoch + 1


nn.parallel.DistributedDataParallel = lambda model, device_ids, **options: stock_parallel(
    model, **options
)
RoofTraining.__init__, RoofTraining._setup_ddp, RoofTraining.final_eval = init, set_up_gloo, tell

if __name__ == '__main__':
    from training.train import main

    torch.set_num_threads(1)
    code = main(sys.argv[1:])
    distributed.destroy_process_group()
    sys.exit(code)
