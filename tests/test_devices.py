"""Where networks are trained; what needs a GPU is skipped where there is none."""

import json
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch
from commands import check_one_line, run

from aann import devices, training
from aann.evaluation import incremental, reference
from aann.networks import Architecture
from aann.psiren import algorithm as psiren
from aann.psiren.pruning import Pruning, to_tensors
from aann.sense import backpropagation
from aann.sense.starts import random_network
from aann.settings.psiren import PSirenSettings, SparsifySettings
from aann.settings.sense import BackpropagationSettings
from aann.settings.study import load, validate
from aann.swaps import sample_swaps
from aann.training import Progress

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")

BRIEF = PSirenSettings.model_validate(
    {"batch_size": 16, "shift": 1, "precision": "float32", "binary": {"epochs": 2, "last_layer_epochs": 2}}
)


@pytest.fixture
def problem(architecture, blobs):
    return psiren.Problem(architecture, blobs(160, 0), blobs(80, 1), BRIEF, seed=0)


@pytest.fixture
def there_is_a_gpu(monkeypatch):
    """Whether PyTorch finds a GPU; flags that are set for one are set back."""
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    flags = [(cudnn, "benchmark"), (cudnn, "allow_tf32"), (matmul, "allow_tf32")]
    flags += [(matmul, "allow_bf16_reduced_precision_reduction")]
    before, deterministic = [getattr(*flag) for flag in flags], torch.are_deterministic_algorithms_enabled()
    yield lambda answer: monkeypatch.setattr(torch.cuda, "is_available", lambda: answer)
    torch.use_deterministic_algorithms(deterministic)
    for (owner, name), value in zip(flags, before, strict=True):
        setattr(owner, name, value)


@pytest.mark.parametrize(
    ("setting", "gpu", "device"),
    [
        ("cpu", True, "cpu"),
        ("cpu", False, "cpu"),
        ("auto", False, "cpu"),
        ("auto", True, "cuda"),
        ("cuda", True, "cuda"),
    ],
)
def test_auto_is_a_gpu_where_there_is_one_and_gpus_are_deterministic(there_is_a_gpu, setting, gpu, device):
    torch.backends.cudnn.benchmark = True
    there_is_a_gpu(gpu)
    assert devices.choose(setting) == device
    assert torch.are_deterministic_algorithms_enabled() == (device == "cuda")
    assert torch.backends.cudnn.benchmark == (device == "cpu")
    if device == "cuda":
        assert devices.os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
        assert not (torch.backends.cudnn.allow_tf32 or torch.backends.cuda.matmul.allow_tf32)
        assert not torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction


TRAINS = {
    "dense": ("psiren", "dense", "--seed", "0", "--data", "x", "--curve", "c", "--output", "o"),
    "backpropagation": (
        *("sense", "backpropagation", "--sparsity", "90", "--origin", "random", "--seed", "0"),
        *("--network", "x", "--data", "x", "--output", "o"),
    ),
    "driver": ("driving", "driver", "--train", "x", "--validation", "x", "--output", "o"),
}


@pytest.mark.parametrize("name", TRAINS)
def test_a_gpu_that_is_not_there_is_one_line_before_anything_is_read(there_is_a_gpu, root, tmp_path, name):
    there_is_a_gpu(False)
    (tmp_path / "gpu.yaml").write_text("device: cuda\n")
    files = ("--configfile", root / "config/config.yaml", "--configfile", tmp_path / "gpu.yaml")
    result = run(*TRAINS[name], "--task", "car" if name == "driver" else "mnist", *files)
    check_one_line(result, "setting 'device': cuda, but PyTorch finds no GPU here; choose auto or cpu")


def test_only_stages_that_train_depend_on_the_device_and_only_if_it_is_not_the_cpu(root):
    def parts(**device):
        settings = validate(load([root / "config/config.yaml"]).model_dump() | device)
        return {
            "psiren": settings.part("psiren", "mnist"),
            "backpropagation": settings.sense_part("mnist", "backpropagation"),
            "driver": settings.driving_part("car", ("seed", "mirror", "psiren", "sparsity")),
            "climb": settings.sense_part("mnist", "climb"),
            "selection": settings.sense_part("mnist", "selection"),
            "search": settings.search("mnist", "greedy"),
            "assess": settings.driving_part("car", ("repeat", "steps", "expert")),
            "datasets": settings.part("datasets", "mnist"),
        }

    plain = parts()
    assert "device" not in json.dumps(plain)
    assert parts(device="cpu") == plain
    for device in ("auto", "cuda"):
        found = parts(device=device)
        trained = {name for name in found if found[name] == plain[name] | {"device": device}}
        assert trained == {"psiren", "backpropagation", "driver"}
        assert {name for name in found if found[name] == plain[name]} == set(found) - trained
        assert validate(found["psiren"]).device == device


def test_provenance_says_nothing_of_the_cpu_and_names_a_gpu(monkeypatch):
    assert devices.recorded("cpu") == {}
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "A GPU")
    assert devices.recorded("cuda") == {"device": "A GPU"}


def test_training_mixes_no_devices(problem, monkeypatch):
    """The device `meta` computes nothing, but refuses tensors of another."""
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())  # has no `meta`
    trainer = psiren._Trainer(replace(problem, device="meta"), "sparsify")
    drawn = training.initial_weights(trainer.architecture, trainer.generator)
    weights = to_tensors({name: tensor.numpy() for name, tensor in drawn.items()}, "meta")
    phase = trainer.real_phase("sparsify", weights, 1, 0.01)
    for tensor in weights.values():
        tensor.requires_grad_(True)
    batch = torch.arange(16)
    loss, _ = training._step(phase, trainer.images[batch], trainer.labels[batch])
    assert loss.device.type == "meta"
    pruning = Pruning(weights, [90.0], SparsifySettings(interval=1))
    pruning.advance(Progress(0, 100))
    assert {mask.device.type for mask in pruning.masks.values()} == {"meta"}
    with pytest.raises(RuntimeError, match="device"):
        training._step(phase, trainer.images[batch], trainer.labels[batch].new_zeros(16, device="cpu"))


# --- with a GPU -------------------------------------------------------------------------------------------------------


@needs_gpu
@pytest.mark.parametrize("task", ["mnist", "car"])
def test_counts_of_ternary_networks_are_equal_on_cpu_and_gpu(paper_settings, task):
    architecture = Architecture.from_dict(paper_settings.network(task))
    random = np.random.default_rng(0)
    low = -architecture.input_scale if architecture.signed else 0
    shape = (1200, *architecture.input_shape)
    images = random.integers(low, architecture.input_scale, shape, endpoint=True).astype(np.int16)
    labels = random.integers(0, architecture.classes, len(images))
    for sparsity in (0, 50, 90):
        network = random_network(architecture, sparsity, 0)
        on_cpu, on_gpu = (reference.logits(network, images, device) for device in ("cpu", "cuda"))
        assert np.array_equal(on_cpu, on_gpu)
        assert np.array_equal(reference.features(network, images), reference.features(network, images, "cuda"))
    layer = network.layers[-1]
    swaps = sample_swaps(network.weights[layer], 20, random)
    counts = [
        evaluator.correct_counts(layer, *swaps)
        for evaluator in (
            incremental.IncrementalEvaluator(network, images, labels, layers=[layer]),
            reference.ReferenceEvaluator(network, images, labels, device="cuda"),
        )
    ]
    assert np.array_equal(*counts)


def trained(problem):
    dense, _ = psiren.train_dense(problem)
    stops, _ = psiren.sparsify(problem, dense, [50.0])
    return psiren.p_siren(problem, stops[50.0], 50.0)[0]


@needs_gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_training_on_a_gpu_gives_the_same_bytes_again_and_learns_as_on_the_cpu(problem, precision):
    devices.choose("cuda")
    chosen = replace(problem, settings=BRIEF.model_copy(update={"precision": precision}))
    first, again = (trained(replace(chosen, device="cuda")) for _ in range(2))
    assert first == again
    counts = [
        reference.correct_count(network, problem.validation.images, problem.validation.labels)
        for network in (first, trained(chosen))
    ]
    assert abs(counts[0] - counts[1]) <= 0.1 * len(problem.validation)


@needs_gpu
@pytest.mark.parametrize("method", backpropagation.METHODS)
def test_backpropagation_on_a_gpu_gives_the_same_bytes_again(architecture, blobs, method):
    devices.choose("cuda")
    splits = {name: blobs(160, seed) for seed, name in enumerate(("train", "validation", "test"))}
    chosen = BackpropagationSettings(steps=60, batch_size=16, records=4, logit_scale=10)
    start = random_network(architecture, 50, 0)
    (first, rows), (again, same) = (backpropagation.train(start, splits, chosen, method, 0, "cuda") for _ in range(2))
    assert first == again
    assert rows.equals(same)


CAPABILITIES = {"architecture": "x86_64", "avx512_bw": True, "avx512_bf16": False, "amx_bf16": False}


@pytest.mark.parametrize(
    ("allowed", "capabilities", "fast"),
    [
        (True, {"avx512_bf16": True, "cpu_name": "AMD EPYC"}, True),
        (True, {"avx512_bf16": True, "cpu_name": "Intel Xeon"}, False),  # at the rate of float32
        (True, {"avx512_bf16": True, "amx_bf16": True, "cpu_name": "Intel Xeon"}, True),
        (True, {"amx_bf16": True}, True),
        (True, {}, False),  # AVX-512 alone: oneDNN converts each number
        (False, {"avx512_bf16": True}, False),  # as by ONEDNN_MAX_CPU_ISA=AVX2
        (True, {"architecture": "aarch64"}, True),
        (False, {"architecture": "aarch64"}, False),
    ],
)
def test_bfloat16_is_fast_where_the_library_and_the_processor_say_so(monkeypatch, allowed, capabilities, fast):
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: allowed)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: CAPABILITIES | capabilities)
    assert devices.bfloat16_is_fast() is fast


@pytest.mark.parametrize(
    ("setting", "native", "chosen", "line"),
    [
        ("auto", True, "bfloat16", "training convolves in bfloat16 (setting 'psiren.precision': auto)\n"),
        ("auto", False, "float32", "training convolves in float32 (setting 'psiren.precision': auto)\n"),
        ("float32", True, "float32", "training convolves in float32 (setting 'psiren.precision': float32)\n"),
        ("bfloat16", True, "bfloat16", "training convolves in bfloat16 (setting 'psiren.precision': bfloat16)\n"),
        ("bfloat16", False, "bfloat16", "warning: setting 'psiren.precision': bfloat16 takes longer than float32"),
    ],
)
def test_the_precision_is_the_setting_or_what_the_processor_is_fast_in(
    problem, monkeypatch, capsys, setting, native, chosen, line
):
    monkeypatch.setattr(devices, "bfloat16_is_fast", lambda device="cpu": native)
    problem = replace(problem, settings=BRIEF.model_copy(update={"precision": setting, "shift": 0}))
    assert problem.precision == chosen
    assert problem.surroundings == {"precision": chosen}
    trained = []
    monkeypatch.setattr(training, "run", lambda phase, *_: trained.append(phase.precision))
    psiren.train_dense(problem)
    assert trained == [getattr(torch, chosen)]
    said = capsys.readouterr().err
    assert said.startswith(line)
    assert said.count("\n") == 1


def test_another_processor_reruns_nothing(paper_settings, monkeypatch):
    assert paper_settings.psiren.precision == "auto"
    parts = []
    for native in (True, False):
        monkeypatch.setattr(devices, "bfloat16_is_fast", lambda device="cpu", native=native: native)
        parts.append(paper_settings.part("psiren", "mnist"))
    assert parts[0] == parts[1]
    assert parts[0]["psiren"]["precision"] == "auto"
