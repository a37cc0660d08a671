/* Runs a network with the weights -1, 0 and +1 in integers: the same logits as in Python, on any machine.
 *
 * network.h has the layers and the weights. Nothing is allocated, nothing is a floating-point number, and nothing but
 * stdint.h is included.
 *
 * An image comes in row by row. A convolution keeps the last rows of its inputs, as many as one row of its outputs
 * needs, and hands that row on at once. A dense layer adds its inputs to the sums of its units as they come, so it keeps
 * none of them.
 *
 * Weights are read as they are stored: for each connection, how many positions without one are before it (a Rice code:
 * the quotient in ones and a zero, then `rice` bits), and its sign. A connection behind the last position ends a layer.
 *
 * With AANN_LANES above 1, as many images are run side by side, for processors with vector instructions.
 */
#define AANN_DATA
#include "network.h"

#define LANES AANN_LANES

/* --- connections --------------------------------------------------------------------------------------------------- */

static void open_weights(struct aann_reader *reader, const struct aann_layer *layer)
{
    reader->next = aann_weights + layer->weights;
    reader->window = 0;
    reader->bits = 0;
}

/* Return the number of positions before the next connection, and set its sign. */
static uint32_t read_connection(struct aann_reader *reader, unsigned rice)
{
    uint32_t gap = 0;
    uint32_t window = reader->window;
    int bits = reader->bits;

    for (;;) {
        while (bits <= 24) {
            window |= (uint32_t)*reader->next++ << (24 - bits);
            bits += 8;
        }
        if (!(window >> 31)) {
            break;
        }
        window <<= 1;
        --bits;
        gap += (uint32_t)1 << rice;
    }
    window <<= 1; /* the zero that ends the quotient */
    gap += (window >> 1) >> (31 - rice);
    window <<= rice;
    reader->negative = (uint8_t)(window >> 31);
    reader->window = window << 1;
    reader->bits = (int8_t)(bits - 2 - (int)rice);
    return gap;
}

/* --- dense layers -------------------------------------------------------------------------------------------------- */

static int16_t hard_tanh(int32_t sum)
{
    return (int16_t)(sum < -AANN_SCALE ? -AANN_SCALE : sum > AANN_SCALE ? AANN_SCALE : sum);
}

/* Add inputs to the sums of all units that are connected with them. */
static void take(struct aann *memory, unsigned number, const int16_t *values, unsigned count)
{
    const struct aann_layer *layer = &aann_layers[number];
    struct aann_state *state = &memory->states[number];
    int32_t *sums = memory->dense + layer->memory * LANES;
    unsigned lane;

    for (; count > 0; --count, values += LANES) {
        while (state->unit < layer->outputs) {
            int32_t *sum = sums + state->unit * LANES;

            if (state->reader.negative) {
                for (lane = 0; lane < LANES; ++lane) {
                    sum[lane] -= values[lane];
                }
            } else {
                for (lane = 0; lane < LANES; ++lane) {
                    sum[lane] += values[lane];
                }
            }
            state->unit += 1 + read_connection(&state->reader, layer->rice);
        }
        state->unit -= layer->outputs;
    }
}

/* --- convolutions -------------------------------------------------------------------------------------------------- */

/* Return where the values of a channel of the row that comes next are written. */
static int16_t *place(struct aann *memory, unsigned number, unsigned channel)
{
    const struct aann_layer *layer = &aann_layers[number];
    uint32_t row;

    if (layer->kind == AANN_DENSE) {
        return memory->row;
    }
    row = channel * (uint32_t)layer->kept + (memory->states[number].rows + layer->padding_down) % layer->kept;
    return memory->rows + (layer->memory + row * layer->width) * LANES;
}

/* Take notice of the values of a channel, which are in their place. */
static void arrived(struct aann *memory, unsigned number, unsigned count)
{
    if (aann_layers[number].kind == AANN_DENSE) {
        take(memory, number, memory->row, count);
    }
}

static void add(aann_sum *restrict to, const int16_t *restrict from, unsigned columns)
{
    unsigned lane;

    for (; columns > 0; --columns, to += LANES, from += LANES) {
        for (lane = 0; lane < LANES; ++lane) {
            to[lane] = (aann_sum)(to[lane] + from[lane]);
        }
    }
}

static void subtract(aann_sum *restrict to, const int16_t *restrict from, unsigned columns)
{
    unsigned lane;

    for (; columns > 0; --columns, to += LANES, from += LANES) {
        for (lane = 0; lane < LANES; ++lane) {
            to[lane] = (aann_sum)(to[lane] - from[lane]);
        }
    }
}

/* Add what one connection carries to all positions of the band of rows that becomes one row of outputs. */
static void connect(
    struct aann *memory, const struct aann_layer *layer, uint32_t first, unsigned channel, unsigned down, unsigned right,
    int negative)
{
    const aann_column *columns = aann_columns + layer->columns + 3 * right;
    const int16_t *rows = memory->rows + (layer->memory + channel * (uint32_t)layer->kept * layer->width) * LANES;
    aann_sum *to = memory->sums + columns[0] * LANES;
    unsigned slot = first % layer->kept;
    unsigned row;

    for (row = 0; row < layer->pool_down; ++row, to += layer->positions * LANES) {
        unsigned behind = row * layer->stride_down + down;
        uint32_t input = first + behind;
        unsigned at = slot + behind;
        const int16_t *from;
        unsigned column;

        if (input < layer->padding_down || input >= (uint32_t)layer->padding_down + layer->height) {
            continue;
        }
        from = rows + ((at < layer->kept ? at : at - layer->kept) * (uint32_t)layer->width + columns[1]) * LANES;
        if (layer->stride_right == 1) {
            if (negative) {
                subtract(to, from, columns[2]);
            } else {
                add(to, from, columns[2]);
            }
            continue;
        }
        for (column = 0; column < columns[2]; ++column, from += layer->stride_right * LANES) {
            if (negative) {
                subtract(to + column * LANES, from, 1);
            } else {
                add(to + column * LANES, from, 1);
            }
        }
    }
}

/* Make the largest sums of the places of a window out of some and those of one place. */
static void keep_largest(aann_sum *restrict found, const aann_sum *restrict sums)
{
    unsigned lane;

    for (lane = 0; lane < LANES; ++lane) {
        found[lane] = sums[lane] > found[lane] ? sums[lane] : found[lane];
    }
}

/* Pool one window by its largest sums. */
static void pool_largest(const struct aann_layer *layer, const aann_sum *window, int16_t *restrict outputs)
{
    aann_sum found[LANES];
    unsigned row, column, lane;

    for (lane = 0; lane < LANES; ++lane) {
        found[lane] = window[lane];
    }
    for (row = 0; row < layer->pool_down; ++row, window += layer->positions * LANES) {
        for (column = 0; column < layer->pool_right; ++column) {
            keep_largest(found, window + column * LANES);
        }
    }
    for (lane = 0; lane < LANES; ++lane) {
        aann_sum sum = found[lane] < AANN_SCALE ? found[lane] : AANN_SCALE;

        outputs[lane] = (int16_t)(sum > -AANN_SCALE ? sum : -AANN_SCALE);
    }
}

/* Pool one window by adding its sums up. */
static void pool_average(const struct aann_layer *layer, const aann_sum *window, int16_t *outputs)
{
    int32_t found[LANES] = {0};
    unsigned row, column, lane;

    for (row = 0; row < layer->pool_down; ++row, window += layer->positions * LANES) {
        for (column = 0; column < layer->pool_right; ++column) {
            for (lane = 0; lane < LANES; ++lane) {
                found[lane] += window[column * LANES + lane];
            }
        }
    }
    for (lane = 0; lane < LANES; ++lane) {
        outputs[lane] = hard_tanh(found[lane]);
    }
}

/* Write one row of outputs of a filter: pooled, then limited. The sums are 0 again. */
static void finish(struct aann *memory, const struct aann_layer *layer, int16_t *outputs)
{
    const unsigned size = (unsigned)layer->pool_down * layer->positions;
    const aann_sum *window = memory->sums;
    aann_sum *sums = memory->sums;
    unsigned column, at, lane;

    for (column = 0; column < layer->columns_out; ++column, outputs += LANES) {
        if (layer->average) {
            pool_average(layer, window, outputs);
        } else {
            pool_largest(layer, window, outputs);
        }
        window += layer->pool_stride_right * LANES;
    }
    for (at = 0; at < size; ++at, sums += LANES) {
        for (lane = 0; lane < LANES; ++lane) {
            sums[lane] = 0;
        }
    }
}

/* Compute one row of outputs of all filters, and hand it to the next layer. */
static void convolve(struct aann *memory, unsigned number)
{
    const struct aann_layer *layer = &aann_layers[number];
    struct aann_state *state = &memory->states[number];
    const uint32_t first = (uint32_t)state->row * layer->pool_stride_down * layer->stride_down;
    unsigned filter = 0, channel = 0, down = 0;
    uint32_t right = 0;

    open_weights(&state->reader, layer);
    for (;;) {
        right += read_connection(&state->reader, layer->rice);
        while (right >= layer->kernel_right) {
            right -= layer->kernel_right;
            if (++down < layer->kernel_down) {
                continue;
            }
            down = 0;
            if (++channel < layer->channels) {
                continue;
            }
            channel = 0;
            finish(memory, layer, place(memory, number + 1, filter));
            arrived(memory, number + 1, layer->columns_out);
            if (++filter == layer->outputs) {
                ++state->row;
                ++memory->states[number + 1].rows;
                return;
            }
        }
        connect(memory, layer, first, channel, down, (unsigned)right, state->reader.negative);
        ++right;
    }
}

/* Return whether a layer can compute its next row of outputs. */
static int is_ready(const struct aann *memory, unsigned number)
{
    const struct aann_layer *layer = &aann_layers[number];
    const struct aann_state *state = &memory->states[number];
    uint32_t needed;

    if (layer->kind == AANN_DENSE || state->row == layer->rows_out) {
        return 0;
    }
    needed = (uint32_t)state->row * layer->pool_stride_down * layer->stride_down + layer->kept;
    if (needed > (uint32_t)layer->height + layer->padding_down) {
        needed = (uint32_t)layer->height + layer->padding_down;
    }
    return needed <= (uint32_t)state->rows + layer->padding_down;
}

/* --- networks ------------------------------------------------------------------------------------------------------ */

static void begin(struct aann *memory)
{
    uint32_t at;
    unsigned number;

    for (at = 0; at < (uint32_t)AANN_SUMS * LANES; ++at) {
        memory->sums[at] = 0;
    }
    for (at = 0; at < (uint32_t)AANN_UNITS * LANES; ++at) {
        memory->dense[at] = 0;
    }
    for (number = 0; number < AANN_LAYERS; ++number) {
        struct aann_state *state = &memory->states[number];

        state->rows = 0;
        state->row = 0;
        if (aann_layers[number].kind == AANN_DENSE) {
            open_weights(&state->reader, &aann_layers[number]);
            state->unit = read_connection(&state->reader, aann_layers[number].rice);
        }
    }
}

/* Compute all rows that the newest row of the image makes possible; deeper layers go first. */
static void propagate(struct aann *memory)
{
    unsigned number = 0;

    for (;;) {
        if (is_ready(memory, number)) {
            convolve(memory, number);
            ++number;
        } else if (number > 0) {
            --number;
        } else {
            return;
        }
    }
}

void aann_run(struct aann *memory, const aann_input *images, int32_t *logits)
{
    const int32_t *sums = memory->dense;
    unsigned channel, row, column, lane, number, unit;

    begin(memory);
    for (row = 0; row < AANN_HEIGHT; ++row) {
        for (channel = 0; channel < AANN_CHANNELS; ++channel) {
            int16_t *values = place(memory, 0, channel);
            const aann_input *pixels = images + ((uint32_t)channel * AANN_HEIGHT + row) * AANN_WIDTH;

            for (lane = 0; lane < LANES; ++lane, pixels += AANN_SIZE) {
                for (column = 0; column < AANN_WIDTH; ++column) {
                    values[column * LANES + lane] = (int16_t)pixels[column];
                }
            }
            arrived(memory, 0, AANN_WIDTH);
        }
        ++memory->states[0].rows;
        propagate(memory);
    }
    for (number = 0; number + 1 < AANN_LAYERS; ++number) {
        if (aann_layers[number].kind == AANN_DENSE) {
            sums = memory->dense + aann_layers[number].memory * LANES;
            for (unit = 0; unit < aann_layers[number].outputs; ++unit) {
                for (lane = 0; lane < LANES; ++lane) {
                    memory->row[lane] = hard_tanh(sums[unit * LANES + lane]);
                }
                take(memory, number + 1, memory->row, 1);
            }
        }
    }
    sums = memory->dense + aann_layers[AANN_LAYERS - 1].memory * LANES;
    for (lane = 0; lane < LANES; ++lane) {
        for (unit = 0; unit < AANN_CLASSES; ++unit) {
            logits[lane * AANN_CLASSES + unit] = sums[unit * LANES + lane];
        }
    }
}
