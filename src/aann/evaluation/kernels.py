"""Compiled loops of the incremental evaluator. A row holds one integer for each of ``LANES`` images of one label.

A swap takes a weight from one unit and gives it to another. Each of these two *halves* changes the outputs of one unit,
and from there to the next HardTanh everything is a sum: halves that several swaps share are computed once, and a pair
costs one addition a sum. A swap within one unit is a single half.

Arrays are named for what their rows are: ``inputs`` (features of a layer), ``sums`` (before pooling and HardTanh, units
x places), ``outputs`` (features of the next layer), each int16 or int32; with blocks of images as first axis where a
function works on several. ``zeros`` has rows of zeros where sums have nothing to be added.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from aann.evaluation.lanes import (
    compiled,
    count_negative,
    inlined,
    is_zero,
    load,
    lowest,
    maximum,
    minimum,
    resized,
    splat,
    store,
    total,
    widened,
)

UNIT, TAP, SIGN, SECOND_TAP, SECOND_SIGN = range(5)
"""Columns of a table of halves: a unit, the tap that changes and by how much; a second tap unless its sign is 0.

A unit of -1 is the half that changes nothing.
"""

LEFT, RIGHT, SWAP = range(3)
"""Columns of a table of pairs: the rows of the two halves of a swap, and the number of the swap."""

FIRST_LEFT, LAST_LEFT, FIRST_RIGHT, LAST_RIGHT, FIRST_PAIR, LAST_PAIR = range(6)
"""Columns of a table of chunks: the ranges of halves and pairs that are worked on together."""

NO_RIVAL = 2**30
"""The margin of the only class there is, as in ``objectives``; cached code would not notice a change over there."""


class Plan(NamedTuple):
    """In which order swaps are worked on.

    halves: int32 (halves, 5), left ones first.
    pairs: int32 (swaps, 3).
    chunks: int64 (chunks, 6).
    slots: the most halves of a chunk.
    longest: the most pairs of a chunk.
    """

    halves: np.ndarray
    pairs: np.ndarray
    chunks: np.ndarray
    slots: int
    longest: int


class Room(NamedTuple):
    """Where one thread keeps what it computes for a chunk; a *slot* is the place of a half.

    used: bool, which slots are in use.
    deltas, live: changes of outputs by slot, and which of them are not zero.
    sums: by slot, sums (or logits) of the next layer with a left half, or what a right half changes of them.
    touched, changes: by slot, which windows of the next layer's unit a half touches, and how its outputs change.
    alone: int32, by slot, sums of the layer after that with a left half, or what a right half changes of them.
    together: int32, by pair, what two halves change beyond that.
    planes, everywhere: outputs of a unit, and bool, all true.
    spare: int32, two sets of sums of a later layer.
    narrow: has integers that hold what one unit contributes to a sum.
    """

    used: np.ndarray
    deltas: np.ndarray
    live: np.ndarray
    sums: np.ndarray
    touched: np.ndarray
    changes: np.ndarray
    alone: np.ndarray
    together: np.ndarray
    planes: np.ndarray
    everywhere: np.ndarray
    spare: np.ndarray
    narrow: np.ndarray


# --- rows -------------------------------------------------------------------------------------------------------------


@inlined
def clip(values, low, high):
    """Return integers, limited to two bounds."""
    return minimum(maximum(values, splat(low, values)), splat(high, values))


@inlined
def clear(array, first, count):
    """Fill rows with zeros."""
    for row in range(first, first + count):
        store(array, row, splat(0, array))


@inlined
def copy(source, first, count, target, first_target):
    """Copy rows, to integers of another width if need be."""
    for row in range(count):
        store(target, first_target + row, resized(load(source, first + row), target))


# --- one unit ---------------------------------------------------------------------------------------------------------


@compiled
def add_contributions(layer, channel, planes, first_plane, live, narrow, sums, first_row, low, high):
    """Add to the sums of units ``low`` to ``high`` of a layer what one of its input units contributes.

    The input unit's features are the rows of ``planes`` from ``first_plane`` on; those not ``live`` hold only zeros.
    Integers as wide as those of ``narrow`` hold one input unit's contribution to a sum.
    """
    places = layer.taps.shape[1]
    shift = first_plane - channel * layer.features
    for unit in range(low, high):
        start, middle, stop = layer.starts[unit, channel], layer.middles[unit, channel], layer.starts[unit, channel + 1]
        if start == stop:
            continue
        for place in range(places):
            row = first_row + (unit - low) * places + place
            value = splat(0, narrow)
            for index in range(start, middle):
                feature = layer.taps[layer.nonzeros[index], place]
                if feature >= 0 and live[shift + feature]:
                    value = value + resized(load(planes, shift + feature), narrow)
            for index in range(middle, stop):
                feature = layer.taps[layer.nonzeros[index], place]
                if feature >= 0 and live[shift + feature]:
                    value = value - resized(load(planes, shift + feature), narrow)
            store(sums, row, load(sums, row) + resized(value, sums))


@inlined
def changed_sum(layer, halves, half, inputs, sums, place):
    """Return the sum of the unit that a half changes, at one place and with the change."""
    value = load(sums, halves[half, UNIT] * layer.taps.shape[1] + place)
    feature = layer.taps[halves[half, TAP], place]
    if feature >= 0:
        plane = resized(load(inputs, feature), sums)
        value = value + plane if halves[half, SIGN] > 0 else value - plane
    if halves[half, SECOND_SIGN] != 0:
        feature = layer.taps[halves[half, SECOND_TAP], place]
        if feature >= 0:
            plane = resized(load(inputs, feature), sums)
            value = value + plane if halves[half, SECOND_SIGN] > 0 else value - plane
    return value


@compiled
def change_outputs(layer, halves, half, inputs, sums, outputs, limit, deltas, first_delta, live):
    """Write by how much a half changes the outputs of its unit, and where that is not zero for all images."""
    pooled = layer.taps.shape[1] // layer.width
    for window in range(pooled):
        value = lowest(sums)
        for place in range(window * layer.width, (window + 1) * layer.width):
            value = maximum(value, changed_sum(layer, halves, half, inputs, sums, place))
        output = resized(clip(value, -limit, limit), outputs)
        delta = output - load(outputs, halves[half, UNIT] * pooled + window)
        live[first_delta + window] = not is_zero(delta)
        store(deltas, first_delta + window, delta)


@compiled
def activate(layer, sums, first_row, others, second_row, limit, outputs, first_output):
    """Pool and clamp one unit, whose sums are the rows of ``sums`` and ``others``, added."""
    for window in range(layer.taps.shape[1] // layer.width):
        value = lowest(sums)
        for place in range(window * layer.width, (window + 1) * layer.width):
            value = maximum(value, load(sums, first_row + place) + load(others, second_row + place))
        store(outputs, first_output + window, resized(clip(value, -limit, limit), outputs))


# --- margins ----------------------------------------------------------------------------------------------------------


@inlined
def best_other(sums, first_row, others, second_row, classes, label, without):
    """Return the largest logit but those of ``label`` and ``without``, plus 1 where its class wins a tie.

    Logits are the rows of ``sums`` and ``others``, added. There must be such a class.
    """
    best = lowest(sums)
    for other in range(label):
        if other != without:
            best = maximum(best, load(sums, first_row + other) + load(others, second_row + other))
    if label > 1 or (label == 1 and without != 0):
        best = best + splat(1, sums)
    for other in range(label + 1, classes):
        if other != without:
            best = maximum(best, load(sums, first_row + other) + load(others, second_row + other))
    return best


@inlined
def margins(sums, first_row, others, second_row, classes, label):
    """Return by how much the labelled class leads, 32 bits a lane: 0 or more if it wins; ties go to lower classes."""
    own = load(sums, first_row + label) + load(others, second_row + label)
    if classes == 1:
        return splat(NO_RIVAL, widened(own))
    return widened(own) - widened(best_other(sums, first_row, others, second_row, classes, label, label))


@inlined
def score(margin, low, high, present):
    """Return the sum of margins, clipped, over the images that are present."""
    if low == -1 and high == 0:
        return -np.int64(count_negative(margin, present))
    return total(clip(widened(margin), low, high) & present)


# --- whole layers -----------------------------------------------------------------------------------------------------


@compiled
def forward_sums(layer, inputs, live, narrow, sums, first, last):
    """Fill the sums of a layer from its inputs, which are all ``live``."""
    units = layer.starts.shape[0]
    for block in range(first, last):
        clear(sums[block], 0, units * layer.taps.shape[1])
        for channel in range(layer.starts.shape[1] - 1):
            start = channel * layer.features
            add_contributions(layer, channel, inputs[block], start, live, narrow, sums[block], 0, 0, units)


@compiled
def forward_outputs(layer, sums, zeros, limit, outputs, first, last):
    """Fill the outputs of a layer from its sums."""
    places = layer.taps.shape[1]
    pooled = places // layer.width
    for block in range(first, last):
        for unit in range(layer.starts.shape[0]):
            activate(layer, sums[block], unit * places, zeros, 0, limit, outputs[block], unit * pooled)


@compiled
def forward_margins(logits, zeros, labels, found, first, last):
    """Fill the margin of every image, int32, from its logits."""
    for block in range(first, last):
        store(found, block, margins(logits[block], 0, zeros, 0, logits.shape[1], labels[block]))


# --- neighborhoods ----------------------------------------------------------------------------------------------------


@compiled
def last_layer_scores(inputs, logits, zeros, labels, present, blocks, swaps, reach, rows, narrow, low, high, scores):
    """Add to ``scores`` the sum of clipped margins after each swap of the last layer, over some blocks.

    ``swaps`` has rows of (from unit, from tap, to unit, to tap, sign); those that take the same weight to the same
    unit cost one addition each if they stand together. No margin can change by more than ``reach``; beyond the bounds
    by that much it is cut off, so that integers as wide as those of ``narrow`` suffice.
    """
    classes = logits.shape[1]
    for block in blocks:
        label, here = labels[block], load(present, block)
        lead = splat(0, narrow)
        rest = splat(0, narrow)
        for swap in range(len(swaps)):
            giver, taken, taker = swaps[swap, 0], swaps[swap, 1], swaps[swap, 2]
            given, sign = swaps[swap, 3], swaps[swap, 4]
            if swap == 0 or giver != swaps[swap - 1, 0] or taken != swaps[swap - 1, 1] or taker != swaps[swap - 1, 2]:
                copy(logits[block], 0, classes, rows, 0)
                plane = resized(load(inputs[block], taken), logits)
                value = load(rows, giver)
                store(rows, giver, value - plane if sign > 0 else value + plane)
                lead = lead_of_taker(rows, zeros, classes, label, taker, low - reach, high + reach, narrow)
                rest = lead_of_others(rows, zeros, classes, label, taker, low - reach, high + reach, narrow)
            plane = resized(load(inputs[block], given), narrow)
            moved = lead + plane if (sign > 0) == (taker == label) else lead - plane
            scores[swap] += score(minimum(moved, rest), low, high, here)


@inlined
def lead_of_taker(rows, zeros, classes, label, taker, low, high, narrow):
    """Return the part of the margins, clipped, that changes with the logit of ``taker``."""
    own = widened(load(rows, label))
    lead = splat(high, own)
    if taker != label:
        lead = own - widened(load(rows, taker)) - splat(1 if taker < label else 0, own)
    elif classes > 1:
        lead = own - widened(best_other(rows, 0, zeros, 0, classes, label, label))
    return resized(clip(lead, low, high), narrow)


@inlined
def lead_of_others(rows, zeros, classes, label, taker, low, high, narrow):
    """Return the part of the margins, clipped, that does not change with the logit of ``taker``."""
    own = widened(load(rows, label))
    lead = splat(high, own)
    if taker != label and classes > 2:
        lead = own - widened(best_other(rows, 0, zeros, 0, classes, label, taker))
    return resized(clip(lead, low, high), narrow)


@compiled
def mark_used(chunk, pairs, used):
    """Mark the halves that a chunk's pairs need: left ones from 0 on, then right ones."""
    lefts = chunk[LAST_LEFT] - chunk[FIRST_LEFT]
    for slot in range(lefts + chunk[LAST_RIGHT] - chunk[FIRST_RIGHT]):
        used[slot] = False
    for pair in range(chunk[FIRST_PAIR], chunk[LAST_PAIR]):
        used[pairs[pair, LEFT] - chunk[FIRST_LEFT]] = True
        used[lefts + pairs[pair, RIGHT] - chunk[FIRST_RIGHT]] = True


@inlined
def half_of(chunk, slot):
    """Return the half that stands in a slot of a chunk."""
    lefts = chunk[LAST_LEFT] - chunk[FIRST_LEFT]
    return chunk[FIRST_LEFT] + slot if slot < lefts else chunk[FIRST_RIGHT] + slot - lefts


@compiled
def next_to_last_scores(
    layer, last_layer, inputs, sums, outputs, logits, limit, labels, present, blocks, plan, room, low, high, scores
):
    """Add to ``scores`` the sum of clipped margins after each swap of the layer before the last.

    Each half becomes a change of all logits, and the left one carries the original logits.
    """
    halves, pairs, rows = plan.halves, plan.pairs, room.sums
    classes = logits.shape[1]
    for block in blocks:
        label, here = labels[block], load(present, block)
        for index in range(len(plan.chunks)):
            chunk = plan.chunks[index]
            lefts = chunk[LAST_LEFT] - chunk[FIRST_LEFT]
            mark_used(chunk, pairs, room.used)
            for slot in range(lefts + chunk[LAST_RIGHT] - chunk[FIRST_RIGHT]):
                if not room.used[slot]:
                    continue
                half, row = half_of(chunk, slot), slot * classes
                if slot < lefts:
                    copy(logits[block], 0, classes, rows, row)
                else:
                    clear(rows, row, classes)
                unit = halves[half, UNIT]
                if unit >= 0:
                    change_outputs(
                        layer,
                        halves,
                        half,
                        inputs[block],
                        sums[block],
                        outputs[block],
                        limit,
                        room.deltas,
                        0,
                        room.live,
                    )
                    add_contributions(last_layer, unit, room.deltas, 0, room.live, room.narrow, rows, row, 0, classes)
            for pair in range(chunk[FIRST_PAIR], chunk[LAST_PAIR]):
                left = (pairs[pair, LEFT] - chunk[FIRST_LEFT]) * classes
                right = (lefts + pairs[pair, RIGHT] - chunk[FIRST_RIGHT]) * classes
                margin = margins(rows, left, rows, right, classes, label)
                scores[pairs[pair, SWAP]] += score(margin, low, high, here)


@compiled
def earlier_scores(
    layer,
    following,
    tail,
    outgoing,
    inputs,
    sums,
    outputs,
    next_sums,
    next_outputs,
    tail_sums,
    zeros,
    limit,
    labels,
    present,
    blocks,
    plan,
    room,
    low,
    high,
    scores,
):
    """Add to ``scores`` the sum of clipped margins after each swap of a layer with at least two after it.

    ``following`` is the next layer, with its sums and outputs, and ``tail`` the layers after that, with the sums of the
    first. What each half does alone is computed once, up to the sums of the tail's first layer. Two halves together do
    something else only where both touch a pooling window of the next layer, and only this is computed for each pair:
    f(s + l + r) - f(s + l) - f(s + r) + f(s), where f pools and clamps, s are the sums, and l and r what the halves
    change of them.
    """
    pairs, together, pooled = plan.pairs, room.together, following.taps.shape[1] // following.width
    size = tail[0].starts.shape[0] * tail[0].taps.shape[1]
    for block in blocks:
        label, here = labels[block], load(present, block)
        for index in range(len(plan.chunks)):
            chunk = plan.chunks[index]
            lefts = chunk[LAST_LEFT] - chunk[FIRST_LEFT]
            slots = lefts + chunk[LAST_RIGHT] - chunk[FIRST_RIGHT]
            mark_used(chunk, pairs, room.used)
            changes_of_chunk(layer, chunk, slots, inputs[block], sums[block], outputs[block], limit, plan, room)
            for slot in range(slots):
                if slot < lefts:
                    copy(tail_sums[block], 0, size, room.alone, slot * size)
                else:
                    clear(room.alone, slot * size, size)
            clear(together, 0, (chunk[LAST_PAIR] - chunk[FIRST_PAIR]) * size)
            for unit in range(following.starts.shape[0]):
                halves_alone(
                    following,
                    outgoing,
                    chunk,
                    slots,
                    unit,
                    next_sums[block],
                    next_outputs[block],
                    size,
                    limit,
                    plan,
                    room,
                )
                for pair in range(chunk[FIRST_PAIR], chunk[LAST_PAIR]):
                    left, right = pairs[pair, LEFT] - chunk[FIRST_LEFT], lefts + pairs[pair, RIGHT] - chunk[FIRST_RIGHT]
                    start = (pair - chunk[FIRST_PAIR]) * size
                    add_interaction(
                        following, outgoing, left, right, unit * pooled, next_outputs[block], limit, room, start
                    )
            for pair in range(chunk[FIRST_PAIR], chunk[LAST_PAIR]):
                left, right = pairs[pair, LEFT] - chunk[FIRST_LEFT], lefts + pairs[pair, RIGHT] - chunk[FIRST_RIGHT]
                start = (pair - chunk[FIRST_PAIR]) * size
                for row in range(size):
                    store(together, start + row, load(together, start + row) + load(room.alone, left * size + row))
                margin = margins_after(tail, together, start, right * size, limit, label, zeros, room)
                scores[pairs[pair, SWAP]] += score(margin, low, high, here)


@compiled
def changes_of_chunk(layer, chunk, slots, inputs, sums, outputs, limit, plan, room):
    """Write how the halves in use change the outputs of the layer that they change."""
    pooled = layer.taps.shape[1] // layer.width
    for slot in range(slots):
        half = half_of(chunk, slot)
        if room.used[slot] and plan.halves[half, UNIT] >= 0:
            change_outputs(
                layer, plan.halves, half, inputs, sums, outputs, limit, room.deltas, slot * pooled, room.live
            )


@compiled
def halves_alone(following, outgoing, chunk, slots, unit, next_sums, next_outputs, size, limit, plan, room):
    """Write, for one unit of the next layer, its sums with each left half and what each right half changes of them.

    Also which windows a half touches, and how the outputs there change; the sums of the layer after hear of that.
    """
    places = following.taps.shape[1]
    pooled = places // following.width
    lefts = chunk[LAST_LEFT] - chunk[FIRST_LEFT]
    deltas_per_slot = len(room.deltas) // len(room.used)
    for slot in range(slots):
        if not room.used[slot]:
            continue
        for window in range(pooled):
            room.touched[slot * pooled + window] = False
        channel = plan.halves[half_of(chunk, slot), UNIT]
        if channel < 0 or following.starts[unit, channel] == following.starts[unit, channel + 1]:
            continue
        first = slot * places
        clear(room.sums, first, places)
        start = slot * deltas_per_slot
        add_contributions(
            following, channel, room.deltas, start, room.live, room.narrow, room.sums, first, unit, unit + 1
        )
        for window in range(pooled):
            row, feature = first + window * following.width, unit * pooled + window
            together = load(room.sums, row)
            for place in range(1, following.width):
                together = together | load(room.sums, row + place)
            if is_zero(together):
                continue
            room.touched[slot * pooled + window] = True
            value = lowest(room.sums)
            for place in range(following.width):
                change = load(room.sums, row + place)
                changed = load(next_sums, unit * places + window * following.width + place) + change
                value = maximum(value, changed)
                store(room.sums, row + place, changed if slot < lefts else change)
            delta = resized(clip(value, -limit, limit), room.changes) - load(next_outputs, feature)
            store(room.changes, slot * pooled + window, delta)
            if not is_zero(delta):
                spread(outgoing, feature, delta, room.alone, slot * size)


@inlined
def spread(outgoing, feature, plane, sums, first_row):
    """Add to sums what one feature, or a change of it, contributes."""
    wide = resized(plane, sums)
    for index in range(outgoing.starts[feature], outgoing.starts[feature + 1]):
        row = first_row + outgoing.rows[index]
        value = load(sums, row)
        store(sums, row, value + wide if outgoing.signs[index] > 0 else value - wide)


@compiled
def add_interaction(following, outgoing, left, right, first_output, next_outputs, limit, room, first_row):
    """Add to a pair's sums what its halves change together beyond what each changes alone, for one unit."""
    places = following.taps.shape[1]
    pooled = places // following.width
    for window in range(pooled):
        if room.touched[left * pooled + window] and room.touched[right * pooled + window]:
            first, second = left * places + window * following.width, right * places + window * following.width
            value = lowest(room.sums)
            for place in range(following.width):
                value = maximum(value, load(room.sums, first + place) + load(room.sums, second + place))
            output = resized(clip(value, -limit, limit), room.changes)
            apart = load(room.changes, left * pooled + window) + load(room.changes, right * pooled + window)
            beyond = output - load(next_outputs, first_output + window) - apart
            if not is_zero(beyond):
                spread(outgoing, first_output + window, beyond, room.together, first_row)


@inlined
def margins_after(tail, sums, first_row, second_row, limit, label, zeros, room):
    """Return the margins of a block from its sums of the first layer of ``tail``: two places in int32 arrays, added."""
    others = room.alone
    for index in range(1, len(tail)):
        before, layer = tail[index - 1], tail[index]
        places, units = before.taps.shape[1], layer.starts.shape[0]
        start = index % 2 * (len(room.spare) // 2)
        clear(room.spare, start, units * layer.taps.shape[1])
        for unit in range(before.starts.shape[0]):
            shift = unit * places
            activate(before, sums, first_row + shift, others, second_row + shift, limit, room.planes, 0)
            add_contributions(layer, unit, room.planes, 0, room.everywhere, room.narrow, room.spare, start, 0, units)
        sums, first_row, others, second_row = room.spare, start, zeros, 0
    return margins(sums, first_row, others, second_row, tail[-1].starts.shape[0], label)


# --- accepted swaps ---------------------------------------------------------------------------------------------------


@compiled
def change_sums(layer, halves, inputs, sums, first, last):
    """Put the changes of halves into the sums of a layer."""
    places = layer.taps.shape[1]
    for block in range(first, last):
        for half in range(len(halves)):
            for place in range(places):
                value = changed_sum(layer, halves, half, inputs[block], sums[block], place)
                store(sums[block], halves[half, UNIT] * places + place, value)


@compiled
def carry_on(layer, following, units, sums, zeros, limit, outputs, next_sums, planes, live, narrow, first, last):
    """Bring the outputs of some units and the next layer's sums up to date with a layer's sums."""
    places = layer.taps.shape[1]
    pooled = places // layer.width
    for block in range(first, last):
        for unit in units:
            activate(layer, sums[block], unit * places, zeros, 0, limit, planes, 0)
            for window in range(pooled):
                output = load(planes, window)
                row = unit * pooled + window
                delta = output - load(outputs[block], row)
                live[window] = not is_zero(delta)
                store(planes, window, delta)
                store(outputs[block], row, output)
            add_contributions(
                following, unit, planes, 0, live, narrow, next_sums[block], 0, 0, following.starts.shape[0]
            )
