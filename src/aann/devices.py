"""Where PyTorch trains and where the reference evaluator runs: on the CPU, or on a GPU where there is one.

Counts of ternary networks are exact and equal on both. Training is not: a GPU adds up in another order, so that the
same seed gives another network there, the same each time on one type of GPU.
"""

from __future__ import annotations

import os
from typing import Any

from aann.errors import InputError


def choose(setting: str) -> str:
    """Return the device, `cpu` or `cuda`, for the setting `device`: `auto` is a GPU where there is one.

    From then on, what is computed on a GPU is the same each time, and in full precision. Raises ``InputError`` if the
    setting is `cuda` and there is no GPU.
    """
    import torch

    if setting == "cpu" or (setting == "auto" and not torch.cuda.is_available()):
        return "cpu"
    if not torch.cuda.is_available():
        raise InputError(
            "setting 'device': cuda, but PyTorch finds no GPU here; choose auto or cpu, or another machine"
        )
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when the GPU is first used
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
    return "cuda"


def recorded(device: str) -> dict[str, Any]:
    """Return what provenance says of a device: the type of GPU, and nothing of the CPU."""
    import torch

    return {} if device == "cpu" else {"device": torch.cuda.get_device_name()}
