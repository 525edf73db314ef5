/**
 * What a page does beside computing. Each function goes into the page as its own text, so none may use a name from
 * outside itself.
 */
import type { PageArray, PageNode, PageOps } from './ops.js';

/** A model as a page holds it; its weights are one text of base64 in a file beside. */
export interface PageModel {
  readonly inputShape: readonly number[];
  readonly classes: readonly string[];
  /** factor · pixel + offset */
  readonly factor: number;
  readonly offset: number;
  /** Brings a drawing to the size and the place that MNIST's digits have. */
  readonly centered: boolean;
  readonly nodes: readonly (PageNode & {
    readonly op: keyof PageOps;
    /** By name: shape, and where in the weights it begins. */
    readonly weights: Readonly<Record<string, readonly [readonly number[], number]>>;
  })[];
}

/** float32, little-endian, from base64. */
function decode(text: string): Float32Array {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return new Float32Array(bytes.buffer);
}

/** The probability of every class for the pixels of one image, 0 to 255. */
function predict(
  model: PageModel,
  ops: PageOps,
  weights: Float32Array,
  pixels: ArrayLike<number>,
): Float32Array {
  const scaled = Float32Array.from(pixels, (pixel) => model.factor * pixel + model.offset);
  const values = new Map<string, PageArray>([['input', { shape: model.inputShape, data: scaled }]]);
  let last: PageArray | undefined;
  for (const node of model.nodes) {
    const own: { [name: string]: PageArray } = {};
    for (const [name, [shape, start]] of Object.entries(node.weights)) {
      own[name] = { shape, data: weights.subarray(start, start + shape.reduce((a, b) => a * b, 1)) };
    }
    const [first, ...others] = node.inputs.flatMap((source) => values.get(source) ?? []);
    if (!first) throw new Error(`${node.name} has no input`);
    last = { shape: node.shape, data: ops[node.op]([first, ...others], node, own) };
    values.set(node.name, last);
  }
  const end = model.nodes.at(-1);
  if (!last || !end) throw new Error('the model has no layers');
  return ops.softmax([last], end, {});
}

/** What was drawn, as pixels of the model's size: bright on dark. */
function pixelsOf(canvas: HTMLCanvasElement, model: PageModel): { gray: Uint8ClampedArray; empty: boolean } {
  const [height = 1, width = 1] = model.inputShape;
  const { width: size } = canvas;
  const drawn = canvas.getContext('2d', { willReadFrequently: true })!.getImageData(0, 0, size, size).data;
  let [top, bottom, left, right] = [size, -1, size, -1];
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      if (drawn[4 * (y * size + x)]! < 32) continue;
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
      left = Math.min(left, x);
      right = Math.max(right, x);
    }
  }
  const empty = bottom < 0;
  const small = document.createElement('canvas');
  [small.width, small.height] = [width, height];
  const context = small.getContext('2d', { willReadFrequently: true })!;
  context.imageSmoothingQuality = 'high';
  context.fillRect(0, 0, width, height);
  const place = (x: number, y: number, scale: number) => {
    context.fillRect(0, 0, width, height);
    const [boxWidth, boxHeight] = [right - left + 1, bottom - top + 1];
    context.drawImage(canvas, left, top, boxWidth, boxHeight, x, y, boxWidth * scale, boxHeight * scale);
  };
  const gray = () => context.getImageData(0, 0, width, height).data.filter((_, i) => i % 4 === 0);
  if (!model.centered || empty) {
    context.drawImage(canvas, 0, 0, size, size, 0, 0, width, height);
    return { gray: gray(), empty };
  }
  // as MNIST was made: within 20 of 28 pixels, the center of mass in the middle
  const scale = ((20 / 28) * Math.min(width, height)) / Math.max(right - left + 1, bottom - top + 1);
  const [x, y] = [(width - (right - left + 1) * scale) / 2, (height - (bottom - top + 1) * scale) / 2];
  place(x, y, scale);
  let [mass, across, down] = [0, 0, 0];
  gray().forEach((value, i) => {
    mass += value;
    across += value * ((i % width) + 0.5);
    down += value * (Math.floor(i / width) + 0.5);
  });
  place(x + width / 2 - across / mass, y + height / 2 - down / mass, scale);
  return { gray: gray(), empty };
}

/** Lets a pen, a finger or a mouse draw; calls `changed` as it goes. */
function drawing(canvas: HTMLCanvasElement, changed: () => void): { clear(): void } {
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  const clear = () => {
    context.fillStyle = '#000';
    context.fillRect(0, 0, canvas.width, canvas.height);
  };
  let last: [number, number] | undefined;
  const place = (event: PointerEvent): [number, number] => {
    const box = canvas.getBoundingClientRect();
    const scale = canvas.width / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  };
  const line = (to: [number, number]) => {
    context.strokeStyle = '#fff';
    context.lineWidth = canvas.width / 14;
    context.lineCap = 'round';
    context.beginPath();
    context.moveTo(...(last ?? to));
    context.lineTo(...to);
    context.stroke();
    last = to;
    changed();
  };
  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = undefined;
    line(place(event));
    event.preventDefault();
  });
  canvas.addEventListener('pointermove', (event) => {
    if (last !== undefined) line(place(event));
  });
  for (const kind of ['pointerup', 'pointercancel']) {
    canvas.addEventListener(kind, () => {
      last = undefined;
    });
  }
  clear();
  return { clear };
}

/** A picture from a file, fitted into the place to draw; dark on bright is turned round. */
async function load(canvas: HTMLCanvasElement, file: Blob): Promise<void> {
  const picture = await createImageBitmap(file);
  const { width: size } = canvas;
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.fillStyle = '#000';
  context.fillRect(0, 0, size, size);
  const scale = size / Math.max(picture.width, picture.height);
  const [width, height] = [picture.width * scale, picture.height * scale];
  context.drawImage(picture, (size - width) / 2, (size - height) / 2, width, height);
  const image = context.getImageData(0, 0, size, size);
  const { data } = image;
  const brightness = (i: number) => (data[i]! + data[i + 1]! + data[i + 2]!) / 3;
  const corners = [0, 4 * (size - 1), 4 * size * (size - 1), 4 * (size * size - 1)];
  const inverted = corners.filter((i) => brightness(i) > 128).length > 2;
  for (let i = 0; i < data.length; i += 4) {
    const value = inverted ? 255 - brightness(i) : brightness(i);
    data[i] = data[i + 1] = data[i + 2] = value;
    data[i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

/** The bars, the best classes first. */
function show(model: PageModel, probabilities: Float32Array | undefined): void {
  const list = document.getElementById('classes')!;
  const answer = document.getElementById('answer')!;
  const order = model.classes.map((_, i) => i);
  if (probabilities !== undefined && model.classes.length > 10) {
    order.sort((a, b) => probabilities[b]! - probabilities[a]!);
  }
  const rows = order.slice(0, 10).map((i) => {
    const row = document.createElement('li');
    const share = probabilities?.[i] ?? 0;
    const [name, bar, number] = ['span', 'div', 'span'].map((tag) => document.createElement(tag));
    name!.textContent = model.classes[i]!;
    bar!.className = 'bar';
    bar!.style.setProperty('--share', String(share));
    number!.textContent = probabilities === undefined ? '' : `${(100 * share).toFixed(1)}%`;
    row.append(name!, bar!, number!);
    return row;
  });
  list.replaceChildren(...rows);
  if (probabilities === undefined) {
    answer.textContent = '…';
    return;
  }
  const best = probabilities.indexOf(Math.max(...probabilities));
  rows[order.indexOf(best)]?.classList.add('best');
  answer.textContent = model.classes[best]!;
}

type Script = {
  readonly decode: typeof decode;
  readonly predict: typeof predict;
  readonly pixelsOf: typeof pixelsOf;
  readonly drawing: typeof drawing;
  readonly load: typeof load;
  readonly show: typeof show;
};

/** Ties the parts together. */
function start(model: PageModel, ops: PageOps, script: Script, stored: string): void {
  const canvas = document.getElementById('drawing') as HTMLCanvasElement;
  const preview = document.getElementById('preview') as HTMLCanvasElement;
  const weights = script.decode(stored);
  const [height, width, channels] = model.inputShape as [number, number, number];
  [preview.width, preview.height] = [width, height];
  let waiting = false;
  const update = () => {
    waiting = false;
    const { gray, empty } = script.pixelsOf(canvas, model);
    const image = new ImageData(width, height);
    for (let i = 0; i < gray.length; i++) {
      const value = gray[i]!;
      image.data.set([value, value, value, 255], 4 * i);
    }
    preview.getContext('2d')!.putImageData(image, 0, 0);
    const pixels = Array.from({ length: gray.length * channels }, (_, i) => gray[Math.floor(i / channels)]!);
    script.show(model, empty ? undefined : script.predict(model, ops, weights, pixels));
  };
  const soon = () => {
    if (!waiting) requestAnimationFrame(update);
    waiting = true;
  };
  const { clear } = script.drawing(canvas, soon);
  document.getElementById('clear')!.addEventListener('click', () => {
    clear();
    soon();
  });
  const file = document.getElementById('file') as HTMLInputElement;
  file.addEventListener('change', async () => {
    if (file.files?.[0]) await script.load(canvas, file.files[0]);
    file.value = '';
    soon();
  });
  update();
}

export const pageScript = { decode, predict, pixelsOf, drawing, load, show, start };
