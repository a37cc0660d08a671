"""Compiled loops of the incremental evaluator. A row holds one integer for each of ``LANES`` images of one label.

A swap takes a weight from one unit and gives it to another. Each of these two *halves* changes the outputs of one unit.
From there to the next HardTanh, everything is a sum. So halves that several swaps share are computed once, and a pair
costs one addition a sum. A swap within one unit is a single half.

Arrays are named for what their rows are: ``inputs`` (features of a layer), ``sums`` (before pooling and HardTanh, units
x places), ``outputs`` (inputs of the next layer), each int16 or int32. ``zeros`` has rows of zeros where sums have
nothing to be added. What functions are given is grouped in the named tuples of ``groups``.
"""

from __future__ import annotations

import numpy as np

from aann.evaluation.groups import Bounds, Planes, Rows
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
"""Columns of a table of pairs: the slots in their chunk of the two halves of a swap, and the number of the swap."""

FIRST_LEFT, LAST_LEFT, FIRST_RIGHT, LAST_RIGHT, FIRST_PAIR, LAST_PAIR = range(6)
"""Columns of a table of chunks: the ranges of halves and pairs that are worked on together."""

FROM_UNIT, FROM_TAP, TO_UNIT, TO_TAP, MOVED = range(5)
"""Columns of a table of swaps of the last layer; the last is the weight that moves."""

NO_RIVAL = 2**30
"""The margin of the only class there is, as in ``objectives``; cached code would not notice a change over there."""


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
def add_contributions(layout, channel, planes, narrow, sums, low, high):
    """Add to the sums of units ``low`` to ``high`` of a layer what one of its input units contributes.

    ``planes`` has the input unit's features, and ``sums`` (rows) those units alone. Integers as wide as those of
    ``narrow`` hold one input unit's contribution to a sum.
    """
    places = layout.taps.shape[1]
    shift = planes.first - channel * layout.features
    for unit in range(low, high):
        start, stop = layout.starts[unit, channel], layout.starts[unit, channel + 1]
        middle = layout.middles[unit, channel]
        if start == stop:
            continue
        for place in range(places):
            row = sums.first + (unit - low) * places + place
            value = splat(0, narrow)
            for index in range(start, middle):
                feature = layout.taps[layout.nonzeros[index], place]
                if feature >= 0 and planes.live[shift + feature]:
                    value = value + resized(load(planes.array, shift + feature), narrow)
            for index in range(middle, stop):
                feature = layout.taps[layout.nonzeros[index], place]
                if feature >= 0 and planes.live[shift + feature]:
                    value = value - resized(load(planes.array, shift + feature), narrow)
            store(sums.array, row, load(sums.array, row) + resized(value, sums.array))


@inlined
def with_changes(layout, near, channel, changes, unit, narrow, before, sums):
    """Write a unit's sums (rows ``before``) with what changes of one input unit's features add to them.

    ``near`` says which of the ``changes`` a tap meets: in the padding, zeros. Four places share the loops over taps.
    """
    places = layout.taps.shape[1]
    start, middle, stop = layout.starts[unit, channel], layout.middles[unit, channel], layout.starts[unit, channel + 1]
    fours = places - places % 4
    for place in range(0, fours, 4):
        first, second = splat(0, narrow), splat(0, narrow)
        third, fourth = splat(0, narrow), splat(0, narrow)
        for index in range(start, middle):
            tap = layout.nonzeros[index]
            first = first + change_met(near, changes, tap, place, narrow)
            second = second + change_met(near, changes, tap, place + 1, narrow)
            third = third + change_met(near, changes, tap, place + 2, narrow)
            fourth = fourth + change_met(near, changes, tap, place + 3, narrow)
        for index in range(middle, stop):
            tap = layout.nonzeros[index]
            first = first - change_met(near, changes, tap, place, narrow)
            second = second - change_met(near, changes, tap, place + 1, narrow)
            third = third - change_met(near, changes, tap, place + 2, narrow)
            fourth = fourth - change_met(near, changes, tap, place + 3, narrow)
        write_with(before, sums, place, first)
        write_with(before, sums, place + 1, second)
        write_with(before, sums, place + 2, third)
        write_with(before, sums, place + 3, fourth)
    for place in range(fours, places):
        value = splat(0, narrow)
        for index in range(start, middle):
            value = value + change_met(near, changes, layout.nonzeros[index], place, narrow)
        for index in range(middle, stop):
            value = value - change_met(near, changes, layout.nonzeros[index], place, narrow)
        write_with(before, sums, place, value)


@inlined
def change_met(near, changes, tap, place, narrow):
    """Return the change that a tap meets at a place."""
    return resized(load(changes.array, changes.first + near[tap, place]), narrow)


@inlined
def write_with(before, sums, place, change):
    """Write a sum with a change of it."""
    value = load(before.array, before.first + place) + resized(change, sums.array)
    store(sums.array, sums.first + place, value)


@compiled
def add_up(layout, incoming, planes, sums):
    """Write all sums of a layer, rows from ``sums.first`` on, from all of its inputs, rows from ``planes.first`` on."""
    places = layout.taps.shape[1]
    for unit in range(len(incoming.middles)):
        start, middle, stop = incoming.starts[unit], incoming.middles[unit], incoming.starts[unit + 1]
        for place in range(places):
            value = widened(splat(0, planes.array))
            for first in range(start, middle, incoming.run):
                value = value + run_of_inputs(layout, incoming, planes, place, first, middle)
            for first in range(middle, stop, incoming.run):
                value = value - run_of_inputs(layout, incoming, planes, place, first, stop)
            store(sums.array, sums.first + unit * places + place, resized(value, sums.array))


@inlined
def run_of_inputs(layout, incoming, planes, place, first, stop):
    """Return the sum of as many inputs as integers of their width hold, 32 bits a lane."""
    value = splat(0, planes.array)
    for index in range(first, min(first + incoming.run, stop)):
        feature = layout.taps[incoming.rows[index], place]
        if feature >= 0:
            value = value + load(planes.array, planes.first + feature)
    return widened(value)


@inlined
def changed_sum(layout, inputs, sums, half, place):
    """Return the sum of the unit that a half changes, at one place and with the change; a tap meets one feature."""
    value = load(sums, half[UNIT] * layout.taps.shape[1] + place)
    first = half[UNIT] * layout.own
    value = with_feature(inputs, value, layout.taps[first + half[TAP], place], half[SIGN])
    if half[SECOND_SIGN] != 0:
        value = with_feature(inputs, value, layout.taps[first + half[SECOND_TAP], place], half[SECOND_SIGN])
    return value


@inlined
def changed_sum_of_several(layout, inputs, sums, half, place):
    """Return the same where a tap meets several features; the loops over them would make all other layers slower."""
    value = load(sums, half[UNIT] * layout.taps.shape[1] + place)
    first, second = half[UNIT] * layout.own + half[TAP], half[UNIT] * layout.own + half[SECOND_TAP]
    for row in range(first * layout.added, (first + 1) * layout.added):
        value = with_feature(inputs, value, layout.taps[row, place], half[SIGN])
    if half[SECOND_SIGN] != 0:
        for row in range(second * layout.added, (second + 1) * layout.added):
            value = with_feature(inputs, value, layout.taps[row, place], half[SECOND_SIGN])
    return value


@inlined
def with_feature(inputs, value, feature, sign):
    """Return a sum with a feature, added or taken away; there is none in the padding."""
    if feature >= 0:
        plane = resized(load(inputs, feature), value)
        value = value + plane if sign > 0 else value - plane
    return value


@compiled
def change_outputs(layer, outputs, block, half, scale, deltas):
    """Write by how much a half changes the outputs of its unit, and where that is not zero for all images."""
    layout, inputs, sums = layer.layout, layer.inputs[block], layer.sums[block]
    pooled = layout.taps.shape[1] // layout.width
    for window in range(pooled):
        value = lowest(sums)
        if layout.added == 1:
            for place in range(window * layout.width, (window + 1) * layout.width):
                value = maximum(value, changed_sum(layout, inputs, sums, half, place))
        else:
            for place in range(window * layout.width, (window + 1) * layout.width):
                value = maximum(value, changed_sum_of_several(layout, inputs, sums, half, place))
        output = resized(clip(value, -scale, scale), outputs)
        delta = output - load(outputs[block], half[UNIT] * pooled + window)
        deltas.live[deltas.first + window] = not is_zero(delta)
        store(deltas.array, deltas.first + window, delta)


@compiled
def activate(layout, sums, others, scale, outputs):
    """Pool and clamp one unit, whose sums are the rows of ``sums`` and ``others``, added."""
    for window in range(layout.taps.shape[1] // layout.width):
        value = lowest(sums.array)
        for place in range(window * layout.width, (window + 1) * layout.width):
            value = maximum(value, load(sums.array, sums.first + place) + load(others.array, others.first + place))
        store(outputs.array, outputs.first + window, resized(clip(value, -scale, scale), outputs.array))


@compiled
def activate_all(layout, sums, others, scale, outputs):
    """Pool and clamp all units of a layer; ``others`` has as many rows as ``sums``."""
    places = layout.taps.shape[1]
    pooled = places // layout.width
    for unit in range(layout.starts.shape[0]):
        these = Rows(sums.array, sums.first + unit * places)
        those = Rows(others.array, others.first + unit * places)
        activate(layout, these, those, scale, Rows(outputs, unit * pooled))


# --- margins ----------------------------------------------------------------------------------------------------------


@inlined
def logit(sums, others, number):
    """Return a logit: a row of ``sums`` and one of ``others``, added."""
    return load(sums.array, sums.first + number) + load(others.array, others.first + number)


@inlined
def best_other(sums, others, classes, label, without):
    """Return the largest logit but those of ``label`` and ``without``, plus 1 where its class wins a tie.

    There must be such a class.
    """
    best = lowest(sums.array)
    for other in range(label):
        if other != without:
            best = maximum(best, logit(sums, others, other))
    if label > 1 or (label == 1 and without != 0):
        best = best + splat(1, sums.array)
    for other in range(label + 1, classes):
        if other != without:
            best = maximum(best, logit(sums, others, other))
    return best


@inlined
def margins(sums, others, classes, label):
    """Return by how much the labelled class leads, 32 bits a lane: 0 or more if it wins; ties go to lower classes."""
    own = widened(logit(sums, others, label))
    if classes == 1:
        return splat(NO_RIVAL, own)
    return own - widened(best_other(sums, others, classes, label, label))


@inlined
def score(margin, bounds, present):
    """Return the sum of margins, clipped, over the images that are present."""
    if bounds.low == -1 and bounds.high == 0:
        return -np.int64(count_negative(margin, present))
    return total(clip(widened(margin), bounds.low, bounds.high) & present)


# --- whole layers -----------------------------------------------------------------------------------------------------


@compiled
def forward_sums(layer, incoming, first, last):
    """Fill the sums of a layer from its inputs."""
    for block in range(first, last):
        add_up(layer.layout, incoming, Rows(layer.inputs[block], 0), Rows(layer.sums[block], 0))


@compiled
def forward_outputs(layer, zeros, scale, outputs, first, last):
    """Fill the outputs of a layer from its sums."""
    for block in range(first, last):
        activate_all(layer.layout, Rows(layer.sums[block], 0), Rows(zeros, 0), scale, outputs[block])


@compiled
def forward_margins(logits, zeros, labels, found, first, last):
    """Fill the margin of every image, int32, from its logits."""
    for block in range(first, last):
        store(found, block, margins(Rows(logits[block], 0), Rows(zeros, 0), logits.shape[1], labels[block]))


# --- neighborhoods: the last layer ------------------------------------------------------------------------------------


@compiled
def last_layer_scores(layer, blocks, swaps, desk, bounds, scores):
    """Add to ``scores`` the sum of clipped margins after each swap of the last layer, over some blocks.

    Swaps that take the same weight to the same unit cost one addition each if they are side by side. No margin can
    change by more than twice the scale. Beyond the bounds by that much it is cut off, so that integers as wide as those
    of ``narrow`` suffice.
    """
    classes, reach, rows = layer.sums.shape[1], 2 * bounds.scale, desk.rows
    cut = Bounds(bounds.scale, bounds.low - reach, bounds.high + reach)
    for block in blocks.chosen:
        label, here = blocks.labels[block], load(blocks.present, block)
        inputs, logits = layer.inputs[block], layer.sums[block]
        lead = splat(0, desk.narrow)
        rest = splat(0, desk.narrow)
        for swap in range(len(swaps)):
            from_unit, from_tap, to_unit = swaps[swap, FROM_UNIT], swaps[swap, FROM_TAP], swaps[swap, TO_UNIT]
            to_tap, sign = swaps[swap, TO_TAP], swaps[swap, MOVED]
            if (
                swap == 0
                or from_unit != swaps[swap - 1, FROM_UNIT]
                or from_tap != swaps[swap - 1, FROM_TAP]
                or to_unit != swaps[swap - 1, TO_UNIT]
            ):
                copy(logits, 0, classes, rows, 0)
                plane = resized(load(inputs, from_tap), logits)
                value = load(rows, from_unit)
                store(rows, from_unit, value - plane if sign > 0 else value + plane)
                lead = lead_of_taker(desk, classes, label, to_unit, cut)
                rest = lead_of_others(desk, classes, label, to_unit, cut)
            plane = resized(load(inputs, to_tap), desk.narrow)
            moved = lead + plane if (sign > 0) == (to_unit == label) else lead - plane
            scores[swap] += score(minimum(moved, rest), bounds, here)


@inlined
def lead_of_taker(desk, classes, label, taker, cut):
    """Return the part of the margins, clipped, that changes with the logit of ``taker``."""
    own = widened(load(desk.rows, label))
    lead = splat(cut.high, own)
    if taker != label:
        lead = own - widened(load(desk.rows, taker)) - splat(1 if taker < label else 0, own)
    elif classes > 1:
        lead = own - widened(best_other(Rows(desk.rows, 0), Rows(desk.zeros, 0), classes, label, label))
    return resized(clip(lead, cut.low, cut.high), desk.narrow)


@inlined
def lead_of_others(desk, classes, label, taker, cut):
    """Return the part of the margins, clipped, that does not change with the logit of ``taker``."""
    own = widened(load(desk.rows, label))
    lead = splat(cut.high, own)
    if taker != label and classes > 2:
        lead = own - widened(best_other(Rows(desk.rows, 0), Rows(desk.zeros, 0), classes, label, taker))
    return resized(clip(lead, cut.low, cut.high), desk.narrow)


# --- neighborhoods: earlier layers ------------------------------------------------------------------------------------


@inlined
def lefts_of(chunk):
    """Return the number of left halves of a chunk: they are in its first slots."""
    return chunk[LAST_LEFT] - chunk[FIRST_LEFT]


@inlined
def slots_of(chunk):
    """Return the number of halves of a chunk."""
    return lefts_of(chunk) + chunk[LAST_RIGHT] - chunk[FIRST_RIGHT]


@inlined
def half_of(chunk, slot):
    """Return the half in a slot of a chunk."""
    lefts = lefts_of(chunk)
    return chunk[FIRST_LEFT] + slot if slot < lefts else chunk[FIRST_RIGHT] + slot - lefts


@compiled
def mark_used(chunk, pairs, used):
    """Mark the slots of the halves that a chunk's pairs need."""
    for slot in range(slots_of(chunk)):
        used[slot] = False
    for pair in range(chunk[FIRST_PAIR], chunk[LAST_PAIR]):
        used[pairs[pair, LEFT]] = True
        used[pairs[pair, RIGHT]] = True


@compiled
def next_to_last_scores(layer, last, blocks, plan, room, bounds, scores):
    """Add to ``scores`` the sum of clipped margins after each swap of the layer before the last.

    Each half becomes a change of all logits, and the left one carries the original logits.
    """
    pairs, classes = plan.pairs, last.sums.shape[1]
    for block in blocks.chosen:
        label, here = blocks.labels[block], load(blocks.present, block)
        for index in range(len(plan.chunks)):
            chunk = plan.chunks[index]
            mark_used(chunk, pairs, room.used)
            for slot in range(slots_of(chunk)):
                if room.used[slot]:
                    half = plan.halves[half_of(chunk, slot)]
                    logits_of_half(layer, last, block, half, slot < lefts_of(chunk), slot * classes, room, bounds.scale)
            for pair in range(chunk[FIRST_PAIR], chunk[LAST_PAIR]):
                left = Rows(room.sums, pairs[pair, LEFT] * classes)
                right = Rows(room.sums, pairs[pair, RIGHT] * classes)
                scores[pairs[pair, SWAP]] += score(margins(left, right, classes, label), bounds, here)


@inlined
def logits_of_half(layer, last, block, half, is_left, row, room, scale):
    """Write the logits with a left half, or what a right half changes of them, from a row on."""
    classes = last.sums.shape[1]
    if is_left:
        copy(last.sums[block], 0, classes, room.sums, row)
    else:
        clear(room.sums, row, classes)
    if half[UNIT] >= 0:
        deltas = Planes(room.deltas, room.live, 0)
        change_outputs(layer, last.inputs, block, half, scale, deltas)
        add_contributions(last.layout, half[UNIT], deltas, room.narrow, Rows(room.sums, row), 0, classes)


@compiled
def earlier_scores(layer, following, tail, blocks, plan, room, bounds, scores):
    """Add to ``scores`` the sum of clipped margins after each swap of a layer with at least two after it.

    ``following`` is the next layer. Its sums with each half alone are computed once. For each pair, they are added,
    pooled and clamped, and what changes goes into the sums of the tail's first layer.
    """
    pairs, size = plan.pairs, tail.first.sums.shape[1]
    for block in blocks.chosen:
        label, here = blocks.labels[block], load(blocks.present, block)
        for index in range(len(plan.chunks)):
            chunk = plan.chunks[index]
            mark_used(chunk, pairs, room.used)
            changes_of_chunk(layer, following.inputs, block, chunk, plan, room, bounds.scale)
            for pair in range(chunk[FIRST_PAIR], chunk[LAST_PAIR]):
                copy(tail.first.sums[block], 0, size, room.together, (pair - chunk[FIRST_PAIR]) * size)
            for unit in range(following.layout.starts.shape[0]):
                if not leads_on(tail.first.layout, unit):
                    continue
                halves_alone(following, block, unit, chunk, plan, room)
                for pair in range(chunk[FIRST_PAIR], chunk[LAST_PAIR]):
                    together = Rows(room.together, (pair - chunk[FIRST_PAIR]) * size)
                    halves_together(following, tail, block, unit, pairs[pair], together, room, bounds.scale)
            for pair in range(chunk[FIRST_PAIR], chunk[LAST_PAIR]):
                together = Rows(room.together, (pair - chunk[FIRST_PAIR]) * size)
                margin = margins_after(tail, together, label, room, bounds.scale)
                scores[pairs[pair, SWAP]] += score(margin, bounds, here)


@inlined
def leads_on(layout, channel):
    """Return whether a layer has a weight from one of its input units."""
    for unit in range(layout.starts.shape[0]):
        if layout.starts[unit, channel] != layout.starts[unit, channel + 1]:
            return True
    return False


@compiled
def changes_of_chunk(layer, outputs, block, chunk, plan, room, scale):
    """Write how the halves in use change the outputs of the layer that they change."""
    rows = len(room.deltas) // len(room.used)
    for slot in range(slots_of(chunk)):
        half = plan.halves[half_of(chunk, slot)]
        if room.used[slot] and half[UNIT] >= 0:
            change_outputs(layer, outputs, block, half, scale, Planes(room.deltas, room.live, slot * rows))


@compiled
def halves_alone(following, block, unit, chunk, plan, room):
    """Write which halves touch a unit of the next layer, its sums with each left one, and what right ones change."""
    layout, places = following.layout, following.layout.taps.shape[1]
    rows = len(room.deltas) // len(room.used)
    for slot in range(slots_of(chunk)):
        channel = plan.halves[half_of(chunk, slot), UNIT]
        room.touched[slot] = False
        if room.used[slot] and channel >= 0 and layout.starts[unit, channel] != layout.starts[unit, channel + 1]:
            room.touched[slot] = True
            before = before_half(following, block, unit, slot < lefts_of(chunk), room)
            changes, sums = Rows(room.deltas, slot * rows), Rows(room.sums, slot * places)
            with_changes(layout, room.near, channel, changes, unit, room.narrow, before, sums)


@inlined
def before_half(following, block, unit, is_left, room):
    """Return what a half changes of a unit: its sums for a left one; a right one's change is kept by itself."""
    return Rows(following.sums[block], unit * following.layout.taps.shape[1]) if is_left else Rows(room.zeros, 0)


@inlined
def halves_together(following, tail, block, unit, pair, sums, room, scale):
    """Add to ``sums``, of the tail's first layer, what a pair of halves changes through one unit of the next layer."""
    layout, left, right = following.layout, pair[LEFT], pair[RIGHT]
    if room.touched[left] or room.touched[right]:
        places = layout.taps.shape[1]
        pooled = places // layout.width
        these, those = Rows(room.sums, left * places), Rows(room.sums, right * places)
        if not room.touched[left]:
            these = before_half(following, block, unit, True, room)
        if not room.touched[right]:
            those = before_half(following, block, unit, False, room)
        changed = splat(0, room.changes)
        for window in range(pooled):
            value = lowest(room.sums)
            for place in range(window * layout.width, (window + 1) * layout.width):
                value = maximum(value, load(these.array, these.first + place) + load(those.array, those.first + place))
            output = resized(clip(value, -scale, scale), room.changes)
            change = output - load(tail.first.inputs[block], unit * pooled + window)
            changed = changed | change
            store(room.changes, window, change)
        if not is_zero(changed):
            spread(tail, unit, sums, room)


@inlined
def spread(tail, channel, sums, room):
    """Add to sums of the tail's first layer what the changes of one unit's outputs contribute."""
    layout, places = tail.first.layout, tail.first.layout.taps.shape[1]
    for unit in range(layout.starts.shape[0]):
        if layout.starts[unit, channel] != layout.starts[unit, channel + 1]:
            these = Rows(sums.array, sums.first + unit * places)
            with_changes(layout, tail.near, channel, Rows(room.changes, 0), unit, room.narrow, these, these)


@inlined
def margins_after(tail, sums, label, room, scale):
    """Return the margins of a block from its sums of the first layer of ``tail``, int32."""
    others = Rows(tail.zeros, 0)
    for index in range(1, len(tail.layouts)):
        activate_all(tail.layouts[index - 1], sums, others, scale, room.planes)
        sums = Rows(room.spare, index % 2 * (len(room.spare) // 2))
        add_up(tail.layouts[index], tail.incoming[index], Rows(room.planes, 0), sums)
    return margins(sums, others, tail.layouts[-1].starts.shape[0], label)


# --- accepted swaps ---------------------------------------------------------------------------------------------------


@compiled
def change_sums(layer, halves, first, last):
    """Put the changes of halves into the sums of a layer."""
    layout, places = layer.layout, layer.layout.taps.shape[1]
    for block in range(first, last):
        inputs, sums = layer.inputs[block], layer.sums[block]
        for index in range(len(halves)):
            half = halves[index]
            for place in range(places):
                value = changed_sum_of_several(layout, inputs, sums, half, place)
                store(sums, half[UNIT] * places + place, value)


@compiled
def carry_on(layer, following, units, desk, scale, first, last):
    """Bring the outputs of some units and the next layer's sums up to date with a layer's sums."""
    layout, places = layer.layout, layer.layout.taps.shape[1]
    pooled = places // layout.width
    for block in range(first, last):
        outputs = following.inputs[block]
        for unit in units:
            activate(layout, Rows(layer.sums[block], unit * places), Rows(desk.zeros, 0), scale, Rows(desk.rows, 0))
            for window in range(pooled):
                output = load(desk.rows, window)
                row = unit * pooled + window
                delta = output - load(outputs, row)
                desk.live[window] = not is_zero(delta)
                store(desk.rows, window, delta)
                store(outputs, row, output)
            planes, sums = Planes(desk.rows, desk.live, 0), Rows(following.sums[block], 0)
            add_contributions(following.layout, unit, planes, desk.narrow, sums, 0, following.layout.starts.shape[0])
