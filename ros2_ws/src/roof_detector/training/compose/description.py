# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The description of a model, checked as a whole before anything is built."""

from __future__ import annotations

import difflib
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

import yaml

from training.compose.backbones import OWN, check_backbone
from training.compose.errors import ComposeError
from training.compose.parts import (
    ATTENTION,
    BACKBONE_PLACES,
    BIFPN_CHANNELS,
    BOX_LOSSES,
    CLASS_LOSSES,
    DOWNSAMPLING,
    HEADS,
    NECK_PLACES,
    NECKS,
    PLACES,
    SCALES,
    STAGE_CHANNELS,
    STAGES,
    UPSAMPLING,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

NONE = 'none'


@dataclass(frozen=True, kw_only=True)
class Description:
    """A variant of YOLO11; the defaults are the stock network.

    `stages` maps a stage block to its places, an empty list to the block's own. `attention` stands
    before each input of the head. `scale` is one of n, s, m, l and x; a backbone of timm keeps its
    own width. The losses are options of the training, not of the network. Raises ComposeError for
    what does not exist or does not fit.
    """

    backbone: str = OWN
    stages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    attention: str = NONE
    upsampling: str = 'nearest'
    backbone_downsampling: str = 'conv'
    neck_downsampling: str = 'conv'
    neck: str = 'pan'
    head: str = 'detect'
    scale: str = 'n'
    box_loss: str = BOX_LOSSES[0]
    class_loss: str = CLASS_LOSSES[0]

    def __post_init__(self) -> None:
        _known('head', self.head, HEADS)
        check_backbone(self.backbone, strides=tuple(2**level for level in self.levels))
        _known('attention', self.attention, (NONE, *ATTENTION))
        _known('upsampling', self.upsampling, UPSAMPLING)
        _known('backbone_downsampling', self.backbone_downsampling, DOWNSAMPLING)
        _known('neck_downsampling', self.neck_downsampling, DOWNSAMPLING)
        _known('neck', self.neck, NECKS)
        _known('scale', self.scale, SCALES)
        _known('box loss', self.box_loss, BOX_LOSSES)
        _known('class loss', self.class_loss, CLASS_LOSSES)
        if self.backbone != OWN and self.backbone_downsampling != 'conv':
            msg = (
                f'{self.backbone} has downsampling of its own; leave backbone_downsampling out, '
                f'or take the backbone {OWN}.'
            )
            raise ComposeError(msg)
        if self.task == 'obb' and self.box_loss != BOX_LOSSES[0]:
            msg = (
                f'The box loss {self.box_loss} compares upright boxes, but the head {self.head} '
                'gives rotated ones, which are compared by ProbIoU alone; leave box_loss out.'
            )
            raise ComposeError(msg)
        self._check_stages()

    def _check_stages(self) -> None:
        if not hasattr(self.stages, 'items'):
            msg = f'stages is {self.stages!r}; write the blocks with their places.'
            raise ComposeError(msg)
        taken: dict[str, str] = {}
        for block, places in self.stages.items():
            _known('stage block', block, STAGES)
            for place in places:
                _known(f'place of {block}', place, PLACES)
                if place not in self.places:
                    msg = f'{block} is to stand at {place}, which {self._shape} has not.'
                    raise ComposeError(msg)
            for place in self.places_of(block):
                if place in taken:
                    msg = f'{taken[place]} and {block} are both to stand at {place}; choose one.'
                    raise ComposeError(msg)
                taken[place] = block
            if not self.places_of(block):
                msg = (
                    f'{block} stands at {", ".join(STAGES[block].places)} by itself, which '
                    f'{self._shape} has not; name its places.'
                )
                raise ComposeError(msg)

    @property
    def _shape(self) -> str:
        return (
            f'a network of the backbone {self.backbone}, the neck {self.neck} and the head '
            f'{self.head}'
        )

    @property
    def task(self) -> str:
        """Return detect, segment or obb."""
        last = self.head.split('-')[-1]
        return last if last in {'segment', 'obb'} else 'detect'

    @property
    def levels(self) -> tuple[int, ...]:
        """Return the levels of the pyramid, of strides 2 to their power."""
        return (2, 3, 4, 5) if self.has_p2 else (3, 4, 5)

    @property
    def has_p2(self) -> bool:
        """Return whether there is an output at stride 4."""
        return HEADS[self.head][2]

    @property
    def places(self) -> tuple[str, ...]:
        """Return the places for stages that this network has."""
        absent: tuple[str, ...] = () if self.has_p2 else ('t2', 'd3')
        if self.neck != 'gfpn':
            absent += ('t5',)
        if self.backbone != OWN:
            absent += BACKBONE_PLACES
        return tuple(place for place in PLACES if place not in absent)

    def places_of(self, block: str) -> tuple[str, ...]:
        """Return the places of a stage block of this network."""
        given = tuple(self.stages[block])
        return given or tuple(p for p in STAGES[block].places if p in self.places)

    def channels_of(self, place: str) -> int:
        """Return the channels of a stage, of the top of the backbone, or of an input of bifpn.

        Those are channels before the scale's width. Inputs of bifpn are named in and their level.
        """
        if self.neck == 'bifpn' and (place in NECK_PLACES or place.startswith('in')):
            return BIFPN_CHANNELS
        return STAGE_CHANNELS.get(place, STAGE_CHANNELS['b5'])

    @property
    def title(self) -> str:
        """Return what differs from the stock network, in one line."""
        stock = {one.name: one.default for one in fields(self)}
        parts = []
        for key, value in self.as_dict().items():
            if key == 'stages':
                for block, places in value.items():
                    parts.append(f'stages {block}' + (f' at {" ".join(places)}' if places else ''))
            elif value != stock[key]:
                parts.append(f'{key} {value}')
        return ', '.join(parts) or 'stock'

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for YAML."""
        plain = asdict(self)
        plain['stages'] = {block: list(places) for block, places in self.stages.items()}
        return plain

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Description:
        """Return the description of plain values; `stages` may be one block's name."""
        if 'pretrained' in values:
            msg = (
                'Weights are never downloaded, so there is no key pretrained: a backbone begins '
                "at random, or from a checkpoint given to training's option weights."
            )
            raise ComposeError(msg)
        for key in values:
            _known('key', key, [one.name for one in fields(cls)])
        stages = values.get('stages', {})
        if isinstance(stages, str):
            stages = {stages: ()}
        if not isinstance(stages, dict) or not all(
            isinstance(places, list | tuple) for places in stages.values()
        ):
            msg = f'stages is {stages!r}; write a block, or blocks with lists of places.'
            raise ComposeError(msg)
        return cls(**{**values, 'stages': {key: tuple(one) for key, one in stages.items()}})

    @classmethod
    def read(cls, path: Path) -> Description:
        """Read a YAML file."""
        try:
            values = yaml.safe_load(path.read_text(encoding='utf-8'))
        except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
            msg = f'{path} cannot be read as YAML ({error}).'
            raise ComposeError(msg) from error
        if not isinstance(values, dict):
            msg = f'{path} holds {type(values).__name__}, not the keys of a description.'
            raise ComposeError(msg)
        return cls.of(values)


def _known(what: str, value: Any, known: Iterable[str]) -> None:
    names = list(known)
    if value in names:
        return
    close = difflib.get_close_matches(str(value), names, n=1)
    hint = f'Did you mean {close[0]}?' if close else f'Choose one of {", ".join(names[:20])}.'
    msg = f'There is no {what} {value!r}. {hint}'
    raise ComposeError(msg)
