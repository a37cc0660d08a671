"""Where PyTorch trains and where the reference evaluator runs, and in which precision training convolves there.

Counts of ternary networks are exact, and equal on CPU and GPU. Training is not: a GPU adds up in another order, so the
same seed gives another network there. On one type of GPU, it is the same network each time.
"""

from __future__ import annotations

import os
from typing import Any

from aann.errors import InputError


def choose(setting: str) -> str:
    """Return the device, `cpu` or `cuda`, for the setting `device`: `auto` is a GPU where there is one.

    After this, PyTorch computes the same each time on a GPU, and in full precision. Raises ``InputError`` if the
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
    """Return what provenance says of a device: the type of a GPU, and nothing for a CPU."""
    import torch

    return {} if device == "cpu" else {"device": torch.cuda.get_device_name()}


def precision(setting: str, device: str) -> str:
    """Return the precision, `bfloat16` or `float32`, for the setting `psiren.precision` on a device.

    `auto` is bfloat16 where the device is fast in it, and float32 elsewhere.
    """
    if setting != "auto":
        return setting
    return "bfloat16" if bfloat16_is_fast(device) else "float32"


def describe_precision(setting: str, device: str) -> str:
    """Return a line on the precision of training. Where a setting makes training slow, it says what to change."""
    chosen = precision(setting, device)
    if chosen == "bfloat16" and not bfloat16_is_fast(device):
        return (
            "warning: setting 'psiren.precision': bfloat16 takes longer than float32 here, by up to ten times, since "
            "this processor has no fast instructions for it; choose auto or float32"
        )
    return f"training convolves in {chosen} (setting 'psiren.precision': {setting})"


def bfloat16_is_fast(device: str = "cpu") -> bool:
    """Return whether a device convolves faster in bfloat16 than in float32.

    oneDNN says whether it can convolve in bfloat16. It also says yes for x86 processors with AVX-512 alone, where it
    converts each number. So this asks what multiplies: AMX is fast. The instructions of AVX512-BF16 have twice the rate
    of float32 on AMD's processors; on Intel's they have the same, and conversions come on top (docs/reproduction.md).
    """
    import torch

    if device != "cpu":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return False
    found = torch.cpu.get_capabilities()
    if not str(found["architecture"]).startswith("x86"):
        return True
    by_intel = str(found.get("cpu_name")).startswith("Intel")
    return bool(found.get("amx_bf16") or (found.get("avx512_bf16") and not by_intel))
