"use strict";
/* The network in integers, with all sums of all images, so that a moved connection changes only what it reaches.
 *
 * A layer has the fields of the C header. Sums are kept by image, unit and position; inputs of a layer by image, channel,
 * row and column. A change is a list of features and by how much each differs, handed from layer to layer.
 */
class Network {
  constructor(study) {
    this.layers = study.layers.map(fields => ({...defaults, ...fields, weights: decoded(fields.content, Int8Array)}));
    this.scale = study.scale;
    this.classes = study.classes.length;
    for (const layer of this.layers) {
      layer.size = layer.weights.length / layer.outputs;
      if (layer.kind === DENSE) {
        Object.assign(layer, {rows: 1, positions: 1, rows_out: 1, columns_out: 1, features: layer.size});
      } else {
        layer.rows = (layer.rows_out - 1) * layer.pool_stride_down + layer.pool_down;
        layer.features = layer.channels * layer.height * layer.width;
      }
      layer.places = layer.rows * layer.positions;
      layer.out = layer.rows_out * layer.columns_out;
      this.index(layer);
    }
  }

  /* Write down the connections of a layer by what they come from: a channel, or a feature of a dense layer. Of each, by
   * how much it moves a place among the sums of an image, its sign, and its row and column in the kernel. */
  index(layer) {
    const {weights, size} = layer, wide = layer.kernel_right || 1, taps = (layer.kernel_down || 1) * wide;
    const starts = new Int32Array(size / taps + 1), found = [];
    for (let group = 0; group < size / taps; ++group) {
      for (let unit = 0; unit < layer.outputs; ++unit) {
        for (let tap = 0; tap < taps; ++tap) {
          const sign = weights[unit * size + group * taps + tap], down = Math.floor(tap / wide), right = tap % wide;
          if (sign) found.push(unit * layer.places - down * layer.positions - right, sign, down, right);
        }
      }
      starts[group + 1] = found.length;
    }
    layer.starts = starts;
    layer.connections = Int32Array.from(found);
  }
}

const DENSE = 1;
const defaults = {kind: 0, average: 0, padding_down: 0, padding_right: 0};

function decoded(text, kind) {
  const bytes = atob(text), array = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; ++at) array[at] = bytes.charCodeAt(at);
  return new kind(array.buffer);
}

/* Images in a network: all sums, and which images are right. */
class Counter {
  constructor(network, images, labels) {
    this.network = network;
    this.labels = labels;
    this.size = labels.length;
    this.right = new Uint8Array(this.size);
    this.count = 0;
    const {layers} = network;
    this.inputs = [images, ...layers.slice(0, -1).map(layer => new Int16Array(this.size * layer.outputs * layer.out))];
    this.sums = layers.map(layer => new layer.sums(this.size * layer.outputs * layer.places));
    const most = Math.max(...layers.map(layer => Math.max(layer.features, layer.outputs * layer.out)));
    this.lists = [0, 1].map(() => ({length: 0, at: new Int32Array(most), by: new Int32Array(most)}));
  }

  /* Compute everything of an image from its pixels: all of them differ from none. */
  start(image) {
    const {features} = this.network.layers[0], list = this.lists[0], pixels = this.inputs[0];
    list.length = 0;
    for (let at = 0; at < features; ++at) {
      const value = pixels[image * features + at];
      if (value) this.note(list, at, value);
    }
    this.propagate(image, 0, list);
    this.judge(image);
  }

  note(list, at, by) {
    list.at[list.length] = at;
    list.by[list.length++] = by;
  }

  /* Carry differences of the inputs of a layer to the logits. */
  propagate(image, first, list) {
    const {layers} = this.network;
    for (let number = first; number < layers.length && list.length; ++number) {
      const layer = layers[number];
      if (layer.kind === DENSE) this.carryDense(image, number, list);
      else this.carry(image, number, list);
      if (number + 1 < layers.length) list = this.settle(image, number, 0, layer.outputs, this.other(list));
    }
  }

  other(list) {
    const found = this.lists[list === this.lists[0] ? 1 : 0];
    found.length = 0;
    return found;
  }

  carryDense(image, number, list) {
    const layer = this.network.layers[number], {starts, connections} = layer, sums = this.sums[number];
    const base = image * layer.outputs;
    for (let one = 0; one < list.length; ++one) {
      const at = list.at[one], by = list.by[one], end = starts[at + 1];
      for (let c = starts[at]; c < end; c += 4) sums[base + connections[c]] += connections[c + 1] * by;
    }
  }

  carry(image, number, list) {
    const layer = this.network.layers[number], {starts, connections, width, positions, places, rows} = layer;
    const plane = layer.height * width, sums = this.sums[number], base = image * layer.outputs * places;
    const {kernel_down, kernel_right, padding_down, padding_right} = layer;
    if (layer.stride_down > 1 || layer.stride_right > 1) {
      this.stride(layer, sums, base, list);
      return;
    }
    for (let one = 0; one < list.length; ++one) {
      const at = list.at[one], by = list.by[one], channel = (at / plane) | 0, place = at - channel * plane;
      const line = (place / width) | 0, down = line + padding_down, right = place - line * width + padding_right;
      const to = base + down * positions + right, end = starts[channel + 1];
      if (down >= kernel_down - 1 && down < rows && right >= kernel_right - 1 && right < positions) {
        for (let c = starts[channel]; c < end; c += 4) sums[to + connections[c]] += connections[c + 1] * by;
        continue;
      }
      for (let c = starts[channel]; c < end; c += 4) {
        const row = down - connections[c + 2], column = right - connections[c + 3];
        if (row >= 0 && row < rows && column >= 0 && column < positions) {
          sums[to + connections[c]] += connections[c + 1] * by;
        }
      }
    }
  }

  /* The same for kernels that skip inputs. */
  stride(layer, sums, base, list) {
    const {starts, connections, width, positions, rows, stride_down, stride_right} = layer;
    const plane = layer.height * width;
    for (let one = 0; one < list.length; ++one) {
      const at = list.at[one], by = list.by[one], channel = (at / plane) | 0, place = at - channel * plane;
      const down = ((place / width) | 0) + layer.padding_down, right = place % width + layer.padding_right;
      for (let c = starts[channel]; c < starts[channel + 1]; c += 4) {
        const row = down - connections[c + 2], column = right - connections[c + 3];
        if (row < 0 || column < 0 || row % stride_down || column % stride_right) continue;
        const y = row / stride_down, x = column / stride_right;
        if (y >= rows || x >= positions) continue;
        const unit = connections[c] + connections[c + 2] * positions + connections[c + 3];
        sums[base + unit + y * positions + x] += connections[c + 1] * by;
      }
    }
  }

  /* Pool and limit the sums of some units, and list the outputs that differ. */
  settle(image, number, first, last, list) {
    const layer = this.network.layers[number], {positions, places, rows_out, columns_out, out, average} = layer;
    const sums = this.sums[number], outputs = this.inputs[number + 1], scale = this.network.scale;
    const deep = layer.pool_down || 1, wide = layer.pool_right || 1, step = layer.pool_stride_right || 1;
    const line = (layer.pool_stride_down || 1) * positions;
    for (let unit = first; unit < last; ++unit) {
      const base = (image * layer.outputs + unit) * places;
      let at = unit * out, place = image * layer.outputs * out + at;
      for (let row = 0; row < rows_out; ++row) {
        let start = base + row * line;
        for (let column = 0; column < columns_out; ++column, start += step, ++at, ++place) {
          let value = average ? 0 : sums[start];
          for (let down = 0, from = start; down < deep; ++down, from += positions) {
            for (let right = from; right < from + wide; ++right) {
              const sum = sums[right];
              if (average) value += sum;
              else if (sum > value) value = sum;
            }
          }
          value = value > scale ? scale : value < -scale ? -scale : value;
          const before = outputs[place];
          if (value !== before) {
            outputs[place] = value;
            this.note(list, at, value - before);
          }
        }
      }
    }
    return list;
  }

  logits(image) {
    const last = this.network.layers.length - 1, {classes} = this.network;
    return Array.from(this.sums[last].subarray(image * classes, (image + 1) * classes));
  }

  judge(image) {
    const sums = this.sums[this.network.layers.length - 1], {classes} = this.network, base = image * classes;
    let found = 0;
    for (let unit = 1; unit < classes; ++unit) if (sums[base + unit] > sums[base + found]) found = unit;
    const right = found === this.labels[image] ? 1 : 0;
    this.count += right - this.right[image];
    this.right[image] = right;
  }

  /* Add what one connection carries, with a sign. */
  connect(image, number, index, sign) {
    const layer = this.network.layers[number], unit = (index / layer.size) | 0, tap = index - unit * layer.size;
    const inputs = this.inputs[number], sums = this.sums[number], start = image * layer.features;
    if (layer.kind === DENSE) {
      sums[image * layer.outputs + unit] += sign * inputs[start + tap];
      return;
    }
    const taps = layer.kernel_down * layer.kernel_right, channel = (tap / taps) | 0, place = tap - channel * taps;
    const down = (place / layer.kernel_right) | 0, right = place - down * layer.kernel_right;
    const {width, height, positions} = layer, base = (image * layer.outputs + unit) * layer.places;
    for (let row = 0; row < layer.rows; ++row) {
      const y = row * layer.stride_down + down - layer.padding_down;
      if (y < 0 || y >= height) continue;
      const from = start + (channel * height + y) * width;
      for (let column = 0; column < positions; ++column) {
        const x = column * layer.stride_right + right - layer.padding_right;
        if (x >= 0 && x < width) sums[base + row * positions + column] += sign * inputs[from + x];
      }
    }
  }

  /* Move a connection, as a bit-swap, and return how many images are right then. */
  swap(number, from, to) {
    const layer = this.network.layers[number], {weights} = layer, sign = weights[from];
    if (!sign || weights[to]) throw new Error("a swap moves a connection to where none is");
    const units = [...new Set([from, to].map(index => (index / layer.size) | 0))];
    const last = this.network.layers.length - 1;
    for (let image = 0; image < this.size; ++image) {
      this.connect(image, number, from, -sign);
      this.connect(image, number, to, sign);
      if (number < last) {
        let list = this.other(null);
        for (const unit of units) list = this.settle(image, number, unit, unit + 1, list);
        if (!list.length) continue;
        this.propagate(image, number + 1, list);
      }
      this.judge(image);
    }
    weights[to] = sign;
    weights[from] = 0;
    this.network.index(layer);
    return this.count;
  }
}

/* Random whole numbers below a limit, always the same ones. */
function randomNumbers(seed) {
  let state = seed >>> 0;
  return limit => {
    state = (state + 0x6D2B79F5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor(((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32 * limit);
  };
}
