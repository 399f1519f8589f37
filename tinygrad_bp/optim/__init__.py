"""Training: optimisers change parameters along their gradients; schedules change the rate."""

from typing import Any as _Any

from ..habits import missing as _missing
from ..keywords import answer_in as _answer_in
from .clipping import clip_grad_norm, clip_grad_value
from .lr_scheduler import (
    CosineAnnealingLR, ExponentialLR, LambdaLR, LinearLR, MultiStepLR, OneCycleLR,
    ReduceLROnPlateau, Schedule, StepLR,
)  # fmt: skip
from .optimizers import SGD, Adam, AdamW, Optimizer, RMSProp

__all__ = [
    "SGD", "Adam", "AdamW", "CosineAnnealingLR", "ExponentialLR", "LambdaLR", "LinearLR",
    "MultiStepLR", "OneCycleLR", "Optimizer", "RMSProp", "RMSprop", "ReduceLROnPlateau",
    "Schedule", "StepLR", "clip_grad_norm", "clip_grad_norm_", "clip_grad_value",
    "clip_grad_value_", "lr_scheduler",
]  # fmt: skip

_answer_in(globals())

#: As PyTorch spells them.
RMSprop, clip_grad_norm_, clip_grad_value_ = RMSProp, clip_grad_norm, clip_grad_value


def __getattr__(name: str) -> _Any:
    raise _missing("bp.optim", name, __all__)


def __dir__() -> list[str]:
    return __all__
