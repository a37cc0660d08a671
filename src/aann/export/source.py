"""A network as C: one header with its weights, and one file that runs any network (``c/aann.c``).

The header has the layers and the weights as ``c/aann.c`` reads them: for each connection a Rice code of how many
positions without one are before it, and its sign. A dense layer's positions are in the order in which its inputs come,
row by row, so that it needs no memory for them. ``c/main.c`` and a test vector are written beside it.

All values are integers: inputs as small as they fit, hidden values 16 bits, sums of dense layers 32 bits, which every
network fits (``aann.networks.LARGEST_SUM``). Sums of convolutions have 16 bits if no filter can leave them, else 32.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from aann.artifacts import atomic_path
from aann.errors import InputError
from aann.layers import Convolution, Dense, Layer, both
from aann.networks import Architecture, TernaryNetwork, most_nonzeros

FOLDER = Path(__file__).parent / "c"
"""The files in C that are the same for all networks."""

HEADER, TEST_VECTOR = "network.h", "test_vector.h"
FILES = (HEADER, TEST_VECTOR, "aann.c", "main.c")

_LARGEST_FIELD = 2**16 - 1
_RICE = range(21)


def input_type(architecture: Architecture) -> np.dtype[Any]:
    """Return the type of one input value in files of images: uint8 or int8 if all fit, else little-endian int16."""
    if architecture.signed:
        return np.dtype(np.int8 if architecture.input_scale < 2**7 else "<i2")
    return np.dtype(np.uint8 if architecture.input_scale < 2**8 else "<i2")


def save(network: TernaryNetwork, folder: Path | str, image: np.ndarray, logits: np.ndarray) -> None:
    """Write the header, the test vector and the two files in C.

    ``image`` is an input of the network, (channels, height, width), and ``logits`` what the network makes of it.
    Raises ``InputError`` for a kind of layer or a size that the C file does not know, and if nothing can be written.
    """
    contents = {HEADER: header(network), TEST_VECTOR: test_vector(image, logits)}
    contents |= {name: (FOLDER / name).read_text(encoding="utf-8") for name in FILES if name not in contents}
    for name, content in contents.items():
        with atomic_path(Path(folder) / name) as temporary:
            temporary.write_text(content, encoding="utf-8")


def header(network: TernaryNetwork) -> str:
    """Return the content of ``network.h``; raise ``InputError`` as ``save`` does."""
    return _Header(network).text()


def weights_bytes(network: TernaryNetwork) -> int:
    """Return the bytes of the weights in flash; raise ``InputError`` as ``save`` does."""
    return len(_Header(network).weights)


def fields(network: TernaryNetwork) -> list[dict[str, Any]]:
    """Return of each layer its name and the fields of the header; raise ``InputError`` as ``save`` does."""
    return [{**layer, "name": name} for name, layer in zip(network.layers, _Header(network).layers, strict=True)]


def test_vector(image: np.ndarray, logits: np.ndarray) -> str:
    """Return the content of ``test_vector.h``: one image and its logits."""
    return (
        "/* An image, and the logits that Python found for it. */\n"
        f"static const aann_input aann_test_image[AANN_SIZE] = {{\n{_numbers(image.ravel())}\n}};\n"
        f"static const int32_t aann_test_logits[AANN_CLASSES] = {{\n{_numbers(logits.ravel())}\n}};\n"
    )


class _Header:
    """The fields of all layers, the weights, and how much memory all of it needs."""

    def __init__(self, network: TernaryNetwork) -> None:
        self.network = network
        self.layers: list[dict[str, int]] = []
        self.weights, self.columns = bytearray(), [0]
        self.rows = self.sums = self.units = 0
        self.row, self.widest = 1, 0
        inputs: tuple[int, ...] = tuple(network.architecture.input_shape)
        for layer in network.architecture.layers:
            outputs = layer.output_shape(inputs)
            fields = self._fields(layer, inputs, outputs)
            _require_small(layer, fields)
            self.layers.append(fields)
            self.row = max(self.row, inputs[-1] if len(inputs) == 3 else 1)
            inputs = outputs

    def _fields(self, layer: Layer, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> dict[str, int]:
        weights = self.network.weights[layer.name]
        if type(layer) is Convolution:
            return self._convolution(layer, inputs, outputs) | self._store(weights.ravel())
        if type(layer) is Dense:
            found = {"kind": 1, "outputs": layer.units, "memory": self.units}
            self.units += layer.units
            return found | self._store(weights[:, _order(inputs)].T.ravel())
        raise InputError(f"layer {layer.name!r}: the format c has no layer of the kind {layer.type!r}; choose packed")

    def _convolution(self, layer: Convolution, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> dict[str, int]:
        channels, height, width = inputs
        kernel, stride, padding = both(layer.kernel), both(layer.stride), both(layer.padding)
        pool, pool_stride = layer.window
        positions = (outputs[2] - 1) * pool_stride[1] + pool[1]
        kept = (pool[0] - 1) * stride[0] + kernel[0]
        found = {
            "average": int(layer.pooling == "average"),
            "channels": channels,
            "height": height,
            "width": width,
            "outputs": layer.filters,
            "rows_out": outputs[1],
            "columns_out": outputs[2],
            "kernel_down": kernel[0],
            "kernel_right": kernel[1],
            "stride_down": stride[0],
            "stride_right": stride[1],
            "padding_down": padding[0],
            "padding_right": padding[1],
            "pool_down": pool[0],
            "pool_right": pool[1],
            "pool_stride_down": pool_stride[0],
            "pool_stride_right": pool_stride[1],
            "positions": positions,
            "kept": kept,
            "memory": self.rows,
            "columns": len(self.columns),
        }
        self.columns += _columns(width, kernel[1], stride[1], padding[1], positions)
        self.rows += channels * kept * width
        self.sums = max(self.sums, pool[0] * positions)
        self.widest = max(self.widest, most_nonzeros(self.network.weights[layer.name]))
        return found

    def _store(self, weights: np.ndarray) -> dict[str, int]:
        start = len(self.weights)
        rice, content = _rice_coded(weights)
        self.weights += content
        return {"rice": rice, "weights": start}

    def text(self) -> str:
        """Return the content of the header."""
        architecture = self.network.architecture
        channels, height, width = architecture.input_shape
        fields = sorted({name for layer in self.layers for name in layer} - {"padding_right"})
        rows = ",\n".join(
            "    {" + ", ".join(f".{name} = {layer[name]}" for name in fields if layer.get(name)) + "}"
            for layer in self.layers
        )
        sums = architecture.input_scale * self.widest
        return _TEMPLATE.format(
            channels=channels,
            height=height,
            width=width,
            scale=architecture.input_scale,
            classes=architecture.classes,
            layers=len(self.layers),
            rows=max(1, self.rows),
            row=self.row,
            sums=max(1, self.sums),
            units=self.units,
            input=f"{input_type(architecture).name}_t",
            lowest=architecture.input_range[0],
            sum="int16_t" if sums < 2**15 else "int32_t",
            column="uint8_t" if max(self.columns) < 2**8 else "uint16_t",
            offset="uint16_t" if max(self.rows, len(self.weights), len(self.columns)) < 2**16 else "uint32_t",
            columns=_numbers(self.columns),
            weights=_numbers([*self.weights, 0, 0, 0, 0]),
            fields=rows,
        )


def _require_small(layer: Layer, fields: dict[str, int]) -> None:
    """Raise ``InputError`` for a layer whose sizes do not fit the fields of the C file."""
    for name, value in fields.items():
        if name not in ("memory", "weights", "columns") and value > _LARGEST_FIELD:
            raise InputError(
                f"layer {layer.name!r}: its {name} are {value}, and the format c counts up to {_LARGEST_FIELD}; choose "
                "packed"
            )


def _order(inputs: tuple[int, ...]) -> np.ndarray:
    """Return in which order the inputs of a dense layer come: row by row, and in a row channel by channel."""
    features = np.arange(math.prod(inputs))
    return features.reshape(inputs).transpose(1, 0, 2).ravel() if len(inputs) == 3 else features


def _columns(width: int, kernel: int, stride: int, padding: int, positions: int) -> list[int]:
    """Return for each column of a kernel which positions it meets an input at: the first, its input, how many."""
    found = []
    for right in range(kernel):
        met = [at for at in range(positions) if 0 <= at * stride + right - padding < width]
        found += [met[0], met[0] * stride + right - padding, len(met)] if met else [0, 0, 0]
    return found


# --- weights ----------------------------------------------------------------------------------------------------------


def _rice_coded(weights: np.ndarray) -> tuple[int, bytes]:
    """Return the parameter of the shortest Rice code of flat weights, and the code."""
    places = np.append(np.flatnonzero(weights), len(weights))
    gaps = np.diff(places, prepend=-1) - 1
    rice = min(_RICE, key=lambda rice: int((gaps >> rice).sum()) + rice * len(gaps))
    bits = "".join(_bits(int(gap), rice, sign) for gap, sign in zip(gaps, [*weights[places[:-1]], 1], strict=True))
    padded = bits + "0" * (-len(bits) % 8)
    return rice, int(padded, 2).to_bytes(len(padded) // 8, "big")


def _bits(gap: int, rice: int, sign: int) -> str:
    remainder = f"{gap & ((1 << rice) - 1):0{rice}b}" if rice else ""
    return f"{'1' * (gap >> rice)}0{remainder}{'1' if sign < 0 else '0'}"


def _numbers(values: Iterable[Any]) -> str:
    """Return numbers in lines of 20."""
    words = [str(int(value)) for value in values]
    return ",\n".join("    " + ", ".join(words[at : at + 20]) for at in range(0, len(words), 20))


_TEMPLATE = """\
/* A network with the weights -1, 0 and +1, written by aann export. aann.c runs it; aann.c says how.
 *
 * An image has {channels} x {height} x {width} values (channels, rows, columns) from {lowest} to {scale}: one channel
 * behind the other, each row by row.
 */
#ifndef AANN_NETWORK_H
#define AANN_NETWORK_H

#include <stdint.h>

#ifndef AANN_LANES
#define AANN_LANES 1 /* images that are run side by side */
#endif

#define AANN_CHANNELS {channels}
#define AANN_HEIGHT {height}
#define AANN_WIDTH {width}
#define AANN_SIZE (AANN_CHANNELS * AANN_HEIGHT * AANN_WIDTH)
#define AANN_SCALE {scale}
#define AANN_CLASSES {classes}
#define AANN_LAYERS {layers}
#define AANN_ROWS {rows} /* inputs that convolutions keep */
#define AANN_ROW {row}
#define AANN_SUMS {sums} /* sums of a convolution at a time */
#define AANN_UNITS {units} /* of all dense layers */

typedef {input} aann_input;
typedef {sum} aann_sum;
typedef {column} aann_column;
typedef {offset} aann_offset;

/* Where the next connection is read. */
struct aann_reader {{
    const uint8_t *next;
    uint32_t window;
    int8_t bits;
    uint8_t negative;
}};

/* How far a layer is: rows of inputs that came, the next row of outputs, the unit of the next connection. */
struct aann_state {{
    struct aann_reader reader;
    uint32_t unit;
    uint16_t rows;
    uint16_t row;
}};

/* What a network needs to run; its content does not matter before and after. */
struct aann {{
    int32_t dense[AANN_UNITS * AANN_LANES];
    struct aann_state states[AANN_LAYERS];
    int16_t rows[AANN_ROWS * AANN_LANES];
    int16_t row[AANN_ROW * AANN_LANES];
    aann_sum sums[AANN_SUMS * AANN_LANES];
}};

/* Compute the AANN_CLASSES logits of AANN_LANES images, one image behind the other. */
void aann_run(struct aann *memory, const aann_input *images, int32_t *logits);

#ifdef AANN_DATA

enum {{ AANN_CONVOLUTION, AANN_DENSE }};

struct aann_layer {{
    aann_offset memory, weights, columns;
    uint16_t channels, height, width, outputs, rows_out, columns_out;
    uint16_t kernel_down, kernel_right, stride_down, stride_right, padding_down;
    uint16_t pool_down, pool_right, pool_stride_down, pool_stride_right;
    uint16_t positions, kept; /* positions of the kernel in a row, rows of inputs that are kept */
    uint8_t kind, average, rice;
}};

static const struct aann_layer aann_layers[AANN_LAYERS] = {{
{fields}
}};

/* For each column of a kernel: the first position at which it meets an input, that input, and how many do. */
static const aann_column aann_columns[] = {{
{columns}
}};

static const uint8_t aann_weights[] = {{
{weights}
}};

#endif
#endif
"""
