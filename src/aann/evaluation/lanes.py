"""Rows of images as values: one Numba type for what vector instructions work on.

``load(array, row)`` reads a row of ``LANES`` integers, one an image; ``+``, ``-``, ``maximum``, ``minimum`` and
``narrow`` work on all of them in registers, and ``store`` writes them back. In loops over images, the compiler would
have to prove for every row that what it writes overlaps nothing it reads.

Addition wraps around at the width of the integers, so a sum whose value fits is exact in whatever order it is formed.
"""

from __future__ import annotations

import hashlib
import math
import operator
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core.cgutils import get_or_insert_function
from numba.core.imputils import lower_builtin
from numba.extending import intrinsic, models, register_model, type_callable

LANES = 64
"""Images in a row: as int16, one register of 512 bits or two of 256."""

_CACHE_LINE = 64
"""Bytes; a load that crosses from one line to the next takes twice as long."""

_BENEATH = ("lanes.py", "layout.py", "groups.py")
"""Files that compiled code depends on: what rows are, and the order of fields in named tuples."""


def empty(shape: tuple[int, ...], kind: Any) -> np.ndarray:
    """Return an array, not filled, whose rows begin where cache lines do."""
    size = math.prod(shape) * np.dtype(kind).itemsize
    space = np.empty(size + _CACHE_LINE, np.uint8)
    start = -space.ctypes.data % _CACHE_LINE
    found: np.ndarray = space[start : start + size].view(kind).reshape(shape)
    return found


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function when it is first called, for whatever types; the result serves later processes.

    Numba keeps results by the file of a function. Those here also depend on the files ``_BENEATH``, so they
    are kept in a folder named for their content, below ``NUMBA_CACHE_DIR`` or beside the code.

    Compiled functions allocate nothing, so Numba need not count references to their arrays: that would cost more than
    the few instructions a row takes.
    """
    before = numba.config.CACHE_DIR
    here = Path(__file__).parent
    content = hashlib.sha256(b"".join((here / name).read_bytes() for name in _BENEATH)).hexdigest()[:16]
    numba.config.CACHE_DIR = str(Path(before or here / "__pycache__") / f"lanes-{content}")
    try:
        dispatcher = numba.njit(nogil=True, cache=True, error_model="numpy", _nrt=False)(function)
    finally:
        numba.config.CACHE_DIR = before
    _name_files_apart(dispatcher)
    return dispatcher


def _name_files_apart(dispatcher: Any) -> None:
    """Let no two processes write the compiled code of different types to one file.

    Numba numbers these files by an index without a lock. Two processes that compile a function for different types at
    once can choose one number, and the index then gives one type the code of the other.
    """
    file = dispatcher._cache._cache_file
    pattern = file._data_name_pattern
    file._data_name = lambda number: pattern.format(number=uuid.uuid4().int)


inlined = numba.njit(nogil=True, error_model="numpy", _nrt=False, forceinline=True)
"""Compile a short function into those that call it."""


class Lanes(types.Type):
    """``LANES`` signed integers of a number of bits."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        super().__init__(name=f"Lanes(int{bits})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        super().__init__(manager, lanes, _vector(lanes.bits))


def _vector(bits: int) -> ir.VectorType:
    return ir.VectorType(ir.IntType(bits), LANES)


def _row_pointer(context: Any, builder: Any, signature: Any, array: Any, row: Any) -> Any:
    array_type, row_type = signature.args[:2]
    data = context.make_array(array_type)(context, builder, array).data
    index = context.cast(builder, row, row_type, types.intp)
    pointer = builder.gep(data, [builder.mul(index, index.type(LANES))])
    return builder.bitcast(pointer, _vector(array_type.dtype.bitwidth).as_pointer())


@intrinsic
def load(typing_context: Any, array: Any, row: Any) -> Any:
    """Return a row of an integer array of shape (rows, LANES), in C order."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _row_pointer(context, builder, signature, *arguments)
        return builder.load(pointer, align=array.dtype.bitwidth // 8)

    return Lanes(array.dtype.bitwidth)(array, row), build


@intrinsic
def store(typing_context: Any, array: Any, row: Any, values: Any) -> Any:
    """Write integers to a row of an array of shape (rows, LANES), in C order; their types must be the same."""
    if values != Lanes(array.dtype.bitwidth):
        raise TypeError(f"cannot store {values} in an array of {array.dtype}")

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _row_pointer(context, builder, signature, *arguments[:2])
        builder.store(arguments[2], pointer, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, row, values), build


@intrinsic
def splat(typing_context: Any, value: Any, like: Any) -> Any:
    """Return one integer in every lane, as wide as the integers of ``like``, an array or lanes."""
    element = types.Integer.from_bitwidth(_bits(like), signed=True)

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        scalar = context.cast(builder, arguments[0], signature.args[0], element)
        undefined = ir.Constant(_vector(element.bitwidth), ir.Undefined)
        first = builder.insert_element(undefined, scalar, ir.IntType(32)(0))
        return builder.shuffle_vector(first, undefined, ir.Constant(_vector(32), [0] * LANES))

    return Lanes(element.bitwidth)(value, like), build


@intrinsic
def lowest(typing_context: Any, array: Any) -> Any:
    """Return the smallest integer that an array can hold, in every lane."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return ir.Constant(_vector(_bits(array)), [-(2 ** (_bits(array) - 1))] * LANES)

    return Lanes(_bits(array))(array), build


@intrinsic
def resized(typing_context: Any, values: Any, like: Any) -> Any:
    """Return the same integers as wide as those of ``like``, an array or lanes; fewer bits keep the low ones."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _resize(builder, arguments[0], values.bits, _bits(like))

    return Lanes(_bits(like))(values, like), build


def _bits(like: Any) -> int:
    return like.bits if isinstance(like, Lanes) else like.dtype.bitwidth


@intrinsic
def widened(typing_context: Any, values: Any) -> Any:
    """Return the same integers in 32 bits."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _resize(builder, arguments[0], values.bits, 32)

    return Lanes(32)(values), build


def _resize(builder: Any, value: Any, old: int, new: int) -> Any:
    if new > old:
        return builder.sext(value, _vector(new))
    return builder.trunc(value, _vector(new)) if new < old else value


@intrinsic
def total(typing_context: Any, values: Any) -> Any:
    """Return the sum of the lanes, int64."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        wide = _resize(builder, arguments[0], values.bits, 64)
        name = f"llvm.vector.reduce.add.v{LANES}i64"
        signature_type = ir.FunctionType(ir.IntType(64), [wide.type])
        return builder.call(get_or_insert_function(builder.module, signature_type, name), [wide])

    return types.int64(values), build


@intrinsic
def count_negative(typing_context: Any, values: Any, present: Any) -> Any:
    """Return in how many lanes both ``values`` and ``present`` are negative, int64."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        negative = [builder.icmp_signed("<", lanes, ir.Constant(lanes.type, None)) for lanes in arguments]
        both = builder.bitcast(builder.and_(*negative), ir.IntType(LANES))
        return builder.ctpop(both)

    return types.uint64(values, present), build


@intrinsic
def is_zero(typing_context: Any, values: Any) -> Any:
    """Return whether every lane holds 0."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        differs = builder.icmp_signed("!=", arguments[0], ir.Constant(_vector(values.bits), None))
        flags = builder.bitcast(differs, ir.IntType(LANES))
        return builder.icmp_unsigned("==", flags, flags.type(0))

    return types.boolean(values), build


def _binary(function: Callable[..., Any], build: Callable[[Any, Any, Any], Any]) -> None:
    @type_callable(function)
    def typed(context: Any) -> Any:
        def typer(left: Any, right: Any) -> Any:
            return left if isinstance(left, Lanes) and left == right else None

        return typer

    @lower_builtin(function, Lanes, Lanes)
    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return build(builder, *arguments)


def maximum(left: Any, right: Any) -> Any:
    """Return the larger of two integers, lane by lane."""
    raise NotImplementedError("only compiled code has lanes")


def minimum(left: Any, right: Any) -> Any:
    """Return the smaller of two integers, lane by lane."""
    raise NotImplementedError("only compiled code has lanes")


def _choice(comparison: str) -> Callable[[Any, Any, Any], Any]:
    return lambda builder, left, right: builder.select(builder.icmp_signed(comparison, left, right), left, right)


_binary(operator.add, lambda builder, left, right: builder.add(left, right))
_binary(operator.sub, lambda builder, left, right: builder.sub(left, right))
_binary(operator.or_, lambda builder, left, right: builder.or_(left, right))
_binary(operator.and_, lambda builder, left, right: builder.and_(left, right))
_binary(maximum, _choice(">"))
_binary(minimum, _choice("<"))
