"use strict";
/* The page: drawing, logits, connections, counts. */
const study = JSON.parse(document.getElementById("study").textContent);
const find = name => document.getElementById(name);
const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
const COLORS = {"-1": "#D55E00", "0": "#eceff1", "1": "#0072B2"};
const [ROWS, COLUMNS] = study.size;
const SLICE = 30; /* ms of work between two paints */
const TAP = 10; /* CSS pixels that a finger may move while it taps */
const BLUR = 5; /* CSS pixels by which a finger may miss the connection that it puts back */
const ACROSS = 100; /* cells in a row of a map, about */
const [SIDE, AREA] = [16000, 16e6]; /* pixels of a canvas that every browser draws, at most */

for (const fields of study.layers) fields.sums = fields.bits === 16 ? Int16Array : Int32Array;
const network = new Network(study);
const drawn = new Counter(network, new Int16Array(ROWS * COLUMNS), new Uint16Array(1));
const labels = decoded(study.labels, Uint16Array);
const images = Int16Array.from(decoded(study.images, study.bytes === 1 ? Uint8Array : Int16Array));
const counter = new Counter(network, images, labels);
const random = randomNumbers(1);
const state = {ready: false, busy: false, stop: false, layer: 0, cursor: [0, 0], held: null, swaps: [], first: 0, milliseconds: 0};

/* --- drawing ------------------------------------------------------------------------------------------------------- */

const pad = find("pad"), ink = new Float32Array(ROWS * COLUMNS), pen = {x: COLUMNS / 2, y: ROWS / 2, down: false};
let last = null, shown = -1;

/* Give the pad the shape of the images: a canvas of about 280 pixels, shown at most 20rem wide and high. */
function shape() {
  const cell = Math.max(1, Math.round(280 / Math.max(ROWS, COLUMNS)));
  Object.assign(pad, {width: cell * COLUMNS, height: cell * ROWS});
  pad.style.aspectRatio = `${COLUMNS} / ${ROWS}`;
  pad.style.maxWidth = `${20 * Math.min(1, COLUMNS / ROWS)}rem`;
}

function stroke(x0, y0, x1, y1) {
  const steps = Math.max(1, Math.ceil(4 * Math.hypot(x1 - x0, y1 - y0)));
  for (let step = 0; step <= steps; ++step) {
    const x = x0 + (x1 - x0) * step / steps, y = y0 + (y1 - y0) * step / steps;
    for (let row = Math.max(0, Math.floor(y - 2)); row <= Math.min(ROWS - 1, y + 2); ++row) {
      for (let column = Math.max(0, Math.floor(x - 2)); column <= Math.min(COLUMNS - 1, x + 2); ++column) {
        const far = Math.hypot(column + .5 - x, row + .5 - y), at = row * COLUMNS + column;
        ink[at] = Math.max(ink[at], Math.min(1, Math.max(0, 1.9 - far)));
      }
    }
  }
  read();
}

/* Return what the network sees: the drawing in whole numbers, its centre of mass in the middle, as in the test images. */
function seen() {
  const values = new Int16Array(ROWS * COLUMNS);
  let mass = 0, x = 0, y = 0;
  ink.forEach((value, at) => { mass += value; x += value * (at % COLUMNS); y += value * Math.floor(at / COLUMNS); });
  const right = mass && shown < 0 ? Math.round(COLUMNS / 2 - x / mass) : 0;
  const down = mass && shown < 0 ? Math.round(ROWS / 2 - y / mass) : 0;
  ink.forEach((value, at) => {
    const column = at % COLUMNS + right, row = Math.floor(at / COLUMNS) + down;
    if (column >= 0 && column < COLUMNS && row >= 0 && row < ROWS) {
      values[row * COLUMNS + column] = Math.round(value * study.scale);
    }
  });
  return values;
}

function read() {
  drawn.inputs[0].set(seen());
  drawn.inputs.slice(1).forEach(array => array.fill(0));
  drawn.sums.forEach(array => array.fill(0));
  drawn.start(0);
  paintPad();
  paintLogits();
}

function paintPad() {
  const context = pad.getContext("2d"), cell = pad.width / COLUMNS;
  ink.forEach((value, at) => {
    const grey = Math.round(255 * (1 - value));
    context.fillStyle = `rgb(${grey},${grey},${grey})`;
    context.fillRect((at % COLUMNS) * cell, Math.floor(at / COLUMNS) * cell, cell, cell);
  });
  if (pad.matches(":focus-visible")) {
    context.strokeStyle = pen.down ? "#D55E00" : "#0072B2";
    context.lineWidth = 3;
    context.strokeRect((pen.x - 1) * cell, (pen.y - 1) * cell, 2 * cell, 2 * cell);
  }
}

function paintLogits() {
  const logits = drawn.logits(0), most = Math.max(1, ...logits.map(Math.abs));
  const winner = logits.indexOf(Math.max(...logits)), blank = ink.every(value => value === 0);
  find("logits").replaceChildren(...logits.map((logit, unit) => {
    const row = document.createElement("tr"), bar = document.createElement("td"), fill = document.createElement("span");
    const name = document.createElement("th"), number = document.createElement("td");
    name.textContent = study.classes[unit];
    name.scope = "row";
    number.textContent = logit.toLocaleString("en-US");
    number.className = "number";
    fill.style.width = `${50 * Math.abs(logit) / most}%`;
    fill.style.marginLeft = logit < 0 ? `${50 - 50 * Math.abs(logit) / most}%` : "50%";
    fill.className = logit < 0 ? "minus" : "plus";
    bar.className = "bar";
    bar.append(fill);
    row.append(name, number, bar);
    row.className = unit === winner && !blank ? "winner" : "";
    return row;
  }));
  const label = shown < 0 ? "" : ` Test image ${shown + 1} is labelled ${study.classes[labels[shown]]}.`;
  find("answer").textContent = blank ? "Draw with the mouse, a finger or the arrow keys." : `The network says ${study.classes[winner]}.${label}`;
}

function place(event) {
  const box = pad.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width * COLUMNS, (event.clientY - box.top) / box.height * ROWS];
}

function begin() {
  if (shown >= 0) { ink.fill(0); shown = -1; read(); }
}

pad.addEventListener("pointerdown", event => {
  if (event.button !== 0) return;
  begin();
  pad.setPointerCapture(event.pointerId);
  last = place(event);
  stroke(...last, ...last);
});
pad.addEventListener("pointermove", event => {
  if (!last) return;
  const next = place(event);
  stroke(...last, ...next);
  last = next;
});
for (const name of ["pointerup", "pointercancel"]) pad.addEventListener(name, () => { last = null; });
pad.addEventListener("keydown", event => {
  if (event.key === " " || event.key === "Enter") pen.down = !pen.down;
  else if (!(event.key in ARROWS)) return;
  event.preventDefault();
  begin();
  const [right, down] = ARROWS[event.key] || [0, 0], from = [pen.x, pen.y];
  pen.x = Math.min(COLUMNS, Math.max(0, pen.x + right));
  pen.y = Math.min(ROWS, Math.max(0, pen.y + down));
  if (pen.down) stroke(...from, pen.x, pen.y);
  else paintPad();
});
for (const name of ["focus", "blur"]) pad.addEventListener(name, paintPad);
find("clear").addEventListener("click", () => { shown = -1; pen.down = false; ink.fill(0); read(); });
find("next").addEventListener("click", () => {
  shown = (shown + 1) % labels.length;
  for (let at = 0; at < ink.length; ++at) ink[at] = images[shown * ink.length + at] / study.scale;
  read();
});

/* --- connections --------------------------------------------------------------------------------------------------- */

const map = find("map");

/* Return the channels that a unit of a layer sees, and their rows and columns. Units of a dense layer are one channel. */
function inputsOf(number) {
  const layer = network.layers[number], before = network.layers[number - 1];
  if (layer.kind !== DENSE) return [layer.channels, layer.kernel_down, layer.kernel_right];
  if (!before) return [1, ROWS, COLUMNS];
  if (before.kind !== DENSE) return [before.outputs, before.rows_out, before.columns_out];
  const high = Math.ceil(layer.size / ACROSS);
  return [1, high, Math.ceil(layer.size / high)];
}

/* Return how the weights of a layer lie: maps of one unit and channel, in rows of about ACROSS cells, or of more in a
 * layer that would become more than 16 times as high as wide. */
function arrangement(number) {
  const layer = network.layers[number], [channels, high, wide] = inputsOf(number);
  const most = Math.max(ACROSS, Math.sqrt(layer.outputs * channels * (high + 1) * (wide + 1) / 16));
  const across = Math.max(1, Math.floor(most / (wide + 1))), maps = Math.min(channels, across);
  const units = Math.max(1, Math.floor(across / channels)), deep = Math.ceil(channels / maps);
  const gap = deep > 1 ? 2 : 1;
  return {
    channels, high, wide, maps, units, deep,
    columns: Math.min(units, layer.outputs) * maps * (wide + 1) - 1,
    rows: Math.ceil(layer.outputs / units) * (deep * (high + 1) + gap - 1) - gap,
    /* Return the column and row of a weight. */
    cell(index) {
      const unit = Math.floor(index / layer.size), tap = index % layer.size;
      const channel = Math.floor(tap / (high * wide)), at = tap % (high * wide);
      const column = (unit % units * maps + channel % maps) * (wide + 1) + at % wide;
      const row = Math.floor(unit / units) * (deep * (high + 1) + gap - 1) + Math.floor(channel / maps) * (high + 1)
        + Math.floor(at / wide);
      return [column, row];
    },
  };
}

const lying = network.layers.map((layer, number) => {
  const found = arrangement(number), at = new Int32Array(found.columns * found.rows).fill(-1);
  for (let index = 0; index < layer.weights.length; ++index) {
    const [column, row] = found.cell(index);
    at[row * found.columns + column] = index;
  }
  return {...found, at};
});

function under([column, row]) {
  const {columns, rows, at} = lying[state.layer];
  return column >= 0 && column < columns && row >= 0 && row < rows ? at[row * columns + column] : -1;
}

/* Return the pixels of a cell's side: such that the map is as wide as its pane, but not larger than a canvas may be. */
function cellSize(wide, ratio) {
  const {columns, rows} = lying[state.layer];
  const fits = Math.min(wide / columns * ratio, SIDE / columns, SIDE / rows, Math.sqrt(AREA / (columns * rows)));
  return Math.max(1, Math.floor(Math.min(fits, 24 * ratio)));
}

function paintMap() {
  const {columns, rows, at} = lying[state.layer], {weights} = network.layers[state.layer];
  const wide = Math.max(200, find("scroll").clientWidth - 2), ratio = Math.min(2, window.devicePixelRatio || 1);
  const cell = cellSize(wide, ratio);
  map.width = cell * columns;
  map.height = cell * rows;
  map.style.width = `${map.width / ratio}px`;
  const context = map.getContext("2d");
  for (let row = 0; row < rows; ++row) {
    for (let column = 0; column < columns; ++column) {
      const index = at[row * columns + column];
      if (index < 0) continue;
      context.fillStyle = COLORS[weights[index]];
      context.fillRect(column * cell, row * cell, cell, cell);
    }
  }
  const frame = ([column, row], color, width) => {
    context.strokeStyle = color;
    context.lineWidth = width;
    context.strokeRect(column * cell - 1, row * cell - 1, cell + 2, cell + 2);
  };
  if (state.held !== null) frame(lying[state.layer].cell(state.held), "#000", 3);
  if (document.activeElement === map) frame(state.cursor, "#009E73", 3);
}

/* Return what a weight is, in words. */
function words(index) {
  if (index < 0) return "between the maps";
  const layer = network.layers[state.layer], {high, wide} = lying[state.layer];
  const unit = Math.floor(index / layer.size), tap = index % layer.size, at = tap % (high * wide);
  const sign = {"-1": "a connection with −1", "0": "no connection", "1": "a connection with +1"}[layer.weights[index]];
  const from = network.layers[state.layer - 1]?.kind === DENSE ? `unit ${tap + 1}`
    : `channel ${Math.floor(tap / (high * wide)) + 1}, row ${Math.floor(at / wide) + 1}, column ${at % wide + 1}`;
  return `to ${layer.kind === DENSE ? "unit" : "filter"} ${unit + 1} from ${from}: ${sign}`;
}

/* Take the connection under a cell, or put the one that is held there. */
function use(cell) {
  const index = under(cell);
  if (!state.ready || state.busy || index < 0) return;
  const filled = network.layers[state.layer].weights[index] !== 0;
  if (filled) {
    state.held = state.held === index ? null : index;
    say(state.held === null ? "Put back." : "Taken. Now choose an empty place.");
    paintMap();
  } else if (state.held !== null) {
    const from = state.held;
    state.held = null;
    move(state.layer, from, index);
  } else {
    say("Empty. Take a blue or orange one first.");
  }
}

function cellAt(event) {
  const box = map.getBoundingClientRect(), {columns, rows} = lying[state.layer];
  return [Math.floor((event.clientX - box.left) / box.width * columns), Math.floor((event.clientY - box.top) / box.height * rows)];
}

/* Return whether a finger at a cell is on the connection that is held. */
function isOnHeld([column, row]) {
  if (state.held === null) return false;
  const {columns, cell} = lying[state.layer], [x, y] = cell(state.held);
  return Math.max(Math.abs(x - column), Math.abs(y - row)) <= Math.floor(BLUR * columns / map.clientWidth);
}

/* Return the cell that a finger means: a connection close to it, or once one is held, that one or an empty place. */
function meant([column, row]) {
  if (isOnHeld([column, row])) return lying[state.layer].cell(state.held);
  const {weights} = network.layers[state.layer], wanted = cell => {
    const index = under(cell);
    return index >= 0 && (weights[index] !== 0) === (state.held === null);
  };
  const reach = [-2, -1, 0, 1, 2].flatMap(down => [-2, -1, 0, 1, 2].map(right => [right, down]));
  reach.sort((one, other) => Math.hypot(...one) - Math.hypot(...other));
  const found = reach.find(([right, down]) => wanted([column + right, row + down]));
  return found ? [column + found[0], row + found[1]] : [column, row];
}

/* Scroll to where the cursor is. */
function follow() {
  const scroll = find("scroll"), {rows} = lying[state.layer], cell = map.clientHeight / rows, [column, row] = state.cursor;
  const next = (now, at, shown) => Math.min(Math.max(now, (at + 3) * cell - shown), Math.max(0, (at - 2) * cell));
  scroll.scrollTop = next(scroll.scrollTop, row, scroll.clientHeight);
  scroll.scrollLeft = next(scroll.scrollLeft, column, scroll.clientWidth);
}

let pressed = null;

/* Return whether a pointer is where it was pressed: a mouse in the same cell, a finger about there. */
function stayed(event) {
  if (event.pointerType !== "mouse") return Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) <= TAP;
  return String(cellAt(event)) === String(pressed.cell);
}

/* A mouse takes a connection when it is pressed, so that it can drag it. */
map.addEventListener("pointerdown", event => {
  if (event.button !== 0) return;
  map.setPointerCapture(event.pointerId);
  state.cursor = cellAt(event);
  const index = under(state.cursor);
  pressed = {cell: state.cursor, index, x: event.clientX, y: event.clientY, held: state.held};
  if (event.pointerType === "mouse" && network.layers[state.layer].weights[index] && state.held !== index) use(state.cursor);
});
map.addEventListener("pointerup", event => {
  if (!pressed || event.button !== 0) return;
  const {cell, index, held} = pressed, mouse = event.pointerType === "mouse";
  if (!stayed(event)) {
    if (mouse && index === state.held) use(cellAt(event));
  } else if (!mouse) {
    use(meant(cell));
  } else if (held === state.held) {
    use(cell);
  }
  pressed = null;
});
map.addEventListener("pointercancel", () => { pressed = null; });
map.addEventListener("pointermove", event => { if (event.pointerType === "mouse") find("under").textContent = words(under(cellAt(event))); });
map.addEventListener("keydown", event => {
  if (event.key === "Enter" || event.key === " ") use(state.cursor);
  else if (event.key === "Escape") { state.held = null; paintMap(); }
  else if (event.key in ARROWS) {
    const {columns, rows} = lying[state.layer], [right, down] = ARROWS[event.key];
    let [column, row] = state.cursor;
    do { column += right; row += down; } while (column >= 0 && column < columns && row >= 0 && row < rows && under([column, row]) < 0);
    if (under([column, row]) >= 0) state.cursor = [column, row];
    find("under").textContent = words(under(state.cursor));
    follow();
    paintMap();
  } else return;
  event.preventDefault();
});
for (const name of ["focus", "blur"]) map.addEventListener(name, paintMap);
find("layer").addEventListener("change", event => choose(Number(event.target.value)));
window.addEventListener("resize", paintMap);

function choose(number) {
  Object.assign(state, {layer: number, cursor: [0, 0], held: null});
  find("layer").value = String(number);
  paintMap();
}

/* --- counts -------------------------------------------------------------------------------------------------------- */

function say(text) { find("said").textContent = text; }

function paintCount() {
  const all = labels.length.toLocaleString("en-US"), change = counter.count - state.first;
  find("count").textContent = counter.count.toLocaleString("en-US");
  find("of").textContent = `of ${all} test images are right`;
  const steps = state.swaps.length;
  find("since").textContent = steps
    ? `${change >= 0 ? "+" : "−"}${Math.abs(change)} since the start, ${steps} ${steps === 1 ? "swap" : "swaps"} away; counted in ${state.milliseconds.toFixed(0)} ms`
    : "as it was trained";
  find("undo").disabled = !state.ready || state.busy || !steps;
  find("best").disabled = !state.ready;
  find("best").textContent = state.busy ? "Stop" : "Best of 1,000 random neighbors";
}

/* Move a connection, count again, and show it. */
function move(number, from, to, remember = true) {
  const before = counter.count, began = performance.now();
  counter.swap(number, from, to);
  state.milliseconds = performance.now() - began;
  if (remember) state.swaps.push([number, from, to]);
  say(`${before} before, ${counter.count} now.`);
  read();
  paintMap();
  paintCount();
  return counter.count;
}

function undo() {
  if (!state.ready || state.busy || !state.swaps.length) return counter.count;
  const [number, from, to] = state.swaps.pop();
  state.held = null;
  return move(number, to, from, false);
}

const painted = () => new Promise(done => { requestAnimationFrame(() => setTimeout(done, 0)); });

/* Count random neighbors of a layer, and go to the best one unless it is worse: SENSE, by hand. */
async function best(number, tries) {
  const {weights} = network.layers[number], filled = [], empty = [];
  weights.forEach((weight, index) => (weight ? filled : empty).push(index));
  if (!filled.length || !empty.length) { say("This layer has no neighbors."); return null; }
  Object.assign(state, {busy: true, stop: false, held: null});
  const before = counter.count;
  let found = null, most = -1, done = 0, since = performance.now();
  paintCount();
  for (; done < tries && !state.stop; ++done) {
    const from = filled[random(filled.length)], to = empty[random(empty.length)];
    const count = counter.swap(number, from, to);
    counter.swap(number, to, from);
    if (count > most) { most = count; found = [from, to]; }
    if (performance.now() - since > SLICE) {
      say(`${done + 1} of ${tries} neighbors counted; the best: ${most} right.`);
      await painted();
      since = performance.now();
    }
  }
  state.busy = false;
  if (most >= before) {
    move(number, ...found);
    say(`The best of ${done} neighbors: ${most} right; before, ${before}.`);
  } else {
    say(`The best of ${done} neighbors: ${most} right, fewer than ${before}; none taken.`);
    paintCount();
  }
  return most;
}

find("undo").addEventListener("click", undo);
find("best").addEventListener("click", () => { if (state.busy) state.stop = true; else best(state.layer, 1000); });
document.addEventListener("keydown", event => {
  if (event.key === "z" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); undo(); }
  if (event.key === "Escape") state.stop = true;
});

/* --- the start ----------------------------------------------------------------------------------------------------- */

async function start() {
  study.layers.forEach((fields, number) => find("layer").append(new Option(`${fields.name} (${fields.words})`, number)));
  shape();
  choose(network.layers.length - 1);
  read();
  await painted();
  let since = performance.now();
  for (let image = 0; image < labels.length; ++image) {
    counter.start(image);
    if (performance.now() - since > SLICE) {
      find("since").textContent = `${image + 1} of ${labels.length} images counted`;
      await painted();
      since = performance.now();
    }
  }
  Object.assign(state, {ready: true, first: counter.count});
  say("Take a connection, and put it where none is.");
  paintCount();
}

window.explorer = {network, counter, state, seen, move, undo, best, choose, lying, logits: () => drawn.logits(0)};
start();
