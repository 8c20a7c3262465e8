# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The backbones: YOLO11's own, and those of timm.

Each of the list was built with random weights and gives maps of the strides 4, 8, 16 and 32 for
any input whose sides are multiples of 32; none has more than 12 million weights. Others of timm
can be named too, if they have maps of the strides that are needed.
"""

from __future__ import annotations

import difflib
from functools import lru_cache
from typing import Any, Final

from roof_detector.blocks.errors import BlocksError
from training.compose.errors import ComposeError

OWN: Final = 'yolo11'
TIMM_BACKBONES: Final = tuple(
    """
    convnext_atto convnext_femto convnext_pico convnext_zepto_rms convnextv2_atto
    convnextv2_femto convnextv2_pico dla46_c dla46x_c dla60x_c edgenext_small edgenext_x_small
    edgenext_xx_small efficientnet_b0 efficientnet_es efficientnet_lite0 efficientvit_b0
    efficientvit_b1 ese_vovnet19b_dw fastvit_t12 fastvit_t8 fbnetc_100 fbnetv3_b gernet_s
    ghostnet_050 ghostnet_100 ghostnet_130 ghostnetv2_100 ghostnetv2_130 ghostnetv3_050
    ghostnetv3_100 hardcorenas_a hgnetv2_b0 hgnetv2_b1 hgnetv2_b2 inception_next_atto lcnet_035
    lcnet_050 lcnet_075 lcnet_100 lcnet_150 mixnet_m mixnet_s mnasnet_050 mnasnet_075
    mnasnet_100 mnasnet_small mobilenetv2_035 mobilenetv2_050 mobilenetv2_075 mobilenetv2_100
    mobilenetv2_110d mobilenetv3_large_075 mobilenetv3_large_100 mobilenetv3_small_050
    mobilenetv3_small_075 mobilenetv3_small_100 mobilenetv4_conv_medium mobilenetv4_conv_small
    mobilenetv4_conv_small_035 mobilenetv4_conv_small_050 mobileone_s0 mobileone_s1 mobilevit_s
    mobilevit_xs mobilevit_xxs poolformer_s12 poolformerv2_s12 pvt_v2_b0 regnetx_002
    regnetx_004 regnety_002 regnety_004 regnetz_005 repvgg_a0 repvit_m0_9 repvit_m1 repvit_m1_0
    repvit_m1_1 resnet10t resnet14t resnet18 rexnet_100 semnasnet_050 semnasnet_075
    semnasnet_100 skresnet18 spnasnet_100 starnet_s050 starnet_s1 starnet_s100 starnet_s150
    starnet_s2 starnet_s3 starnet_s4 swiftformer_xs tinynet_a tinynet_b tinynet_c tinynet_d
    tinynet_e
    """.split()  # noqa: SIM905 - a hundred quoted names would fill the screen
)


def check_backbone(name: Any, *, strides: tuple[int, ...]) -> None:
    """Raise ComposeError for a backbone that does not exist, has other strides or is downloaded.

    Weights are random, or come from a checkpoint that training is given.
    """
    if name in (OWN, *TIMM_BACKBONES):
        return
    text = str(name)
    if ':' in text or '/' in text:
        msg = (
            f'The backbone {text!r} is an address, from which timm would download weights; '
            'nothing is downloaded. Name a network of timm: it begins at random.'
        )
        raise ComposeError(msg)
    network, _, tag = text.partition('.')
    if tag:
        msg = (
            f'{text!r} names the weights {tag!r}, which timm would download; nothing is '
            f"downloaded. Write {network}, which begins at random, and give training's option "
            'weights a checkpoint of your own.'
        )
        raise ComposeError(msg)
    import timm  # noqa: PLC0415  (half a second)

    if not timm.is_model(text):
        close = difflib.get_close_matches(text, (OWN, *TIMM_BACKBONES), n=1)
        close = close or difflib.get_close_matches(text, timm.list_models(), n=1)
        hint = f'Did you mean {close[0]}?' if close else f'Choose {OWN} or a network of timm.'
        msg = f'There is no backbone {text!r}. {hint}'
        raise ComposeError(msg)
    found = feature_channels(text)
    if absent := [stride for stride in strides if stride not in found]:
        msg = (
            f'{text} has maps of the strides {sorted(found)}, but {absent} are needed; '
            'choose another backbone.'
        )
        raise ComposeError(msg)


@lru_cache(maxsize=256)
def feature_channels(name: str) -> dict[int, int]:
    """Return the channels of a timm network's maps by their stride; no weights are made."""
    import torch  # noqa: PLC0415  (seconds)

    from roof_detector.blocks.timm_backbone import feature_network  # noqa: PLC0415

    try:
        with torch.device('meta'):
            features = feature_network(name).feature_info
    except BlocksError as error:
        raise ComposeError(str(error)) from error
    return dict(zip(features.reduction(), features.channels(), strict=True))
