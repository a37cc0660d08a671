"""A network as ONNX, with operators that all runtimes and viewers know, and equal integer logits.

Inputs and logits are integers. Between them, ``Conv`` and ``MatMul`` compute in float32, which holds every sum up to
2^24 exactly, in any order. The integer operators ``ConvInteger`` and ``MatMulInteger`` take 8 bits, and hidden values
need 9: from -255 to 255. Weights are stored as int8, and a ``Cast`` turns them into float32. Average pooling is a
``Conv`` with ones, since ``AveragePool`` divides. QONNX has ternary weights, but as operators of its own that
onnxruntime does not run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from aann.artifacts import atomic_path
from aann.errors import InputError
from aann.evaluation.plain import LARGEST_EXACT
from aann.export.source import input_type
from aann.layers import Convolution, Dense, Layer, both
from aann.networks import TernaryNetwork

INPUT, OUTPUT = "images", "logits"

_OPERATORS, _FORMAT = 13, 8
"""Versions of ONNX's operators and of its files that runtimes of 2022 know."""


def save(network: TernaryNetwork, path: Path | str) -> None:
    """Write an ONNX file: ``images`` (count, channels, height, width), integers, to ``logits`` (count, classes), int32.

    Raises ``InputError`` for a kind of layer that the format does not know, for a sum beyond float32, if the package
    onnx is missing, and if the file cannot be written.
    """
    if network.largest_sum > LARGEST_EXACT:
        raise InputError(
            f"network: a sum could reach {network.largest_sum}, and float32, in which onnx computes, holds integers up "
            f"to {LARGEST_EXACT}; choose the format c"
        )
    content = _Graph(network).content()
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def _onnx() -> Any:
    """Return the package onnx; raise ``InputError`` if it is not installed."""
    try:
        import onnx
    except ImportError as error:
        raise InputError("the format onnx needs the package onnx; install it: pip install 'aann[export]'") from error
    return onnx


class _Graph:
    """Nodes, from the input to the logits, and the arrays that they read.

    Names of a layer's nodes and arrays begin with its name and a slash, which no name of a layer has.
    """

    def __init__(self, network: TernaryNetwork) -> None:
        self.onnx, self.network = _onnx(), network
        self.nodes: list[Any] = []
        self.arrays: list[Any] = []
        architecture = network.architecture
        self.limits = [self._array(name, np.float32(sign * architecture.input_scale)) for name, sign in _LIMITS.items()]
        values = self._node("Cast", [INPUT], "inputs", to=self.onnx.TensorProto.FLOAT)
        shape: tuple[int, ...] = tuple(architecture.input_shape)
        for layer in architecture.layers:
            if isinstance(layer, Dense) and len(shape) == 3:
                values = self._node("Flatten", [values], f"{layer.name}/inputs", axis=1)
            values = self._layer(layer, values)
            if layer is not architecture.layers[-1]:
                values = self._node("Clip", [values, *self.limits], f"{layer.name}/hard_tanh")
            shape = layer.output_shape(shape)
        self._node("Cast", [values], OUTPUT, to=self.onnx.TensorProto.INT32)

    def content(self) -> bytes:
        """Return the file."""
        helper, types = self.onnx.helper, self.onnx.TensorProto
        architecture = self.network.architecture
        kind = helper.np_dtype_to_tensor_dtype(input_type(architecture).newbyteorder("="))
        graph = helper.make_graph(
            self.nodes,
            "ternary",
            [helper.make_tensor_value_info(INPUT, kind, ["count", *architecture.input_shape])],
            [helper.make_tensor_value_info(OUTPUT, types.INT32, ["count", architecture.classes])],
            self.arrays,
        )
        model = helper.make_model(
            graph, producer_name="aann", ir_version=_FORMAT, opset_imports=[helper.make_opsetid("", _OPERATORS)]
        )
        self.onnx.checker.check_model(model, full_check=True)
        found: bytes = model.SerializeToString(deterministic=True)
        return found

    def _layer(self, layer: Layer, values: str) -> str:
        weights = self.network.weights[layer.name]
        if type(layer) is Dense:
            return self._node("MatMul", [values, self._weights(layer.name, weights.T)], f"{layer.name}/sums")
        if type(layer) is not Convolution:
            raise InputError(f"layer {layer.name!r}: the format onnx has no layer of the kind {layer.type!r}")
        values = self._node(
            "Conv",
            [values, self._weights(layer.name, weights)],
            f"{layer.name}/sums",
            kernel_shape=both(layer.kernel),
            strides=both(layer.stride),
            pads=both(layer.padding) * 2,
        )
        if not layer.pool:
            return values
        sides, steps = layer.window
        window = {"kernel_shape": sides, "strides": steps}
        if layer.pooling == "max":
            return self._node("MaxPool", [values], f"{layer.name}/pool", **window)
        ones = self._weights(f"{layer.name}/pool", np.ones((layer.filters, 1, *sides), np.int8))
        return self._node("Conv", [values, ones], f"{layer.name}/pool", group=layer.filters, **window)

    def _weights(self, name: str, weights: np.ndarray) -> str:
        """Return the name of weights as float32, which are stored as int8."""
        stored = self._array(f"{name}/weights", np.ascontiguousarray(weights))
        return self._node("Cast", [stored], f"{stored}/float", to=self.onnx.TensorProto.FLOAT)

    def _array(self, name: str, array: Any) -> str:
        self.arrays.append(self.onnx.numpy_helper.from_array(np.asarray(array), name))
        return name

    def _node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(self.onnx.helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output


_LIMITS = {"lowest": -1, "highest": 1}
"""Where HardTanh limits, in units of the input scale."""
