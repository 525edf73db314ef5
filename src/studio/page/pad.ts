/** A place to draw: finger, pen or mouse. Bright on black. */

const side = 280;

/** Gray, `[side, side]`. */
interface PadPixels {
  readonly gray: Uint8Array;
  readonly width: number;
  readonly height: number;
}

export class Pad {
  private readonly context: CanvasRenderingContext2D;
  private last: readonly [number, number] | undefined;
  private touched = false;
  /** What is there is to be prepared as MNIST's digits were; an image of a dataset is not. */
  centered = true;
  /** Of the stroke: bright, or black where it erases. */
  erases = false;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly changed: () => void,
  ) {
    canvas.width = canvas.height = side;
    this.context = canvas.getContext('2d', { willReadFrequently: true })!;
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.last = undefined;
      this.line(this.placeOf(event));
      event.preventDefault();
    });
    canvas.addEventListener('pointermove', (event) => {
      if (this.last === undefined) return;
      for (const each of event.getCoalescedEvents?.() ?? [event]) this.line(this.placeOf(each));
    });
    for (const kind of ['pointerup', 'pointercancel']) {
      canvas.addEventListener(kind, () => {
        this.last = undefined;
      });
    }
    this.black();
  }

  get empty(): boolean {
    return !this.touched;
  }

  private black(): void {
    this.context.fillStyle = '#000';
    this.context.fillRect(0, 0, side, side);
    this.touched = false;
  }

  clear(): void {
    this.black();
    this.centered = true;
    this.changed();
  }

  private placeOf(event: PointerEvent): [number, number] {
    const box = this.canvas.getBoundingClientRect();
    const scale = side / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  }

  private line(to: readonly [number, number]): void {
    this.stroke([this.last ?? to, to], side / 14);
    this.last = to;
  }

  /** Draws through points, in pixels of the pad. */
  stroke(points: readonly (readonly [number, number])[], width: number): void {
    const { context } = this;
    context.strokeStyle = this.erases ? '#000' : '#fff';
    context.lineWidth = width;
    context.lineCap = context.lineJoin = 'round';
    context.beginPath();
    for (const [i, [x, y]] of points.entries()) {
      if (i === 0) context.moveTo(x, y);
      else context.lineTo(x, y);
    }
    context.stroke();
    this.touched = true;
    this.changed();
  }

  /** An image of a dataset, to be altered. */
  image(pixels: Uint8Array, [height, width, channels]: readonly [number, number, number]): void {
    const small = new ImageData(width, height);
    for (let i = 0; i < width * height; i++) {
      const at = (c: number) => pixels[i * channels + Math.min(c, channels - 1)]!;
      small.data.set([at(0), at(1), at(2), 255], 4 * i);
    }
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [width, height];
    canvas.getContext('2d')!.putImageData(small, 0, 0);
    this.context.imageSmoothingEnabled = false;
    this.context.drawImage(canvas, 0, 0, side, side);
    this.touched = true;
    this.centered = false;
    this.changed();
  }

  /** A photo or another picture, fitted; dark on bright is turned round. */
  async photo(file: Blob): Promise<void> {
    const bitmap = await createImageBitmap(file);
    this.context.clearRect(0, 0, side, side);
    const scale = side / Math.max(bitmap.width, bitmap.height);
    const [width, height] = [bitmap.width * scale, bitmap.height * scale];
    this.context.imageSmoothingEnabled = true;
    this.context.drawImage(bitmap, (side - width) / 2, (side - height) / 2, width, height);
    const [x, y] = [Math.ceil((side - width) / 2), Math.ceil((side - height) / 2)];
    const image = this.context.getImageData(x, y, Math.floor(width), Math.floor(height));
    if (image.data.some((value, i) => i % 4 === 3 && value < 255)) lay(image);
    turnBright(image);
    this.black();
    this.context.putImageData(image, x, y);
    this.touched = true;
    this.centered = true;
    this.changed();
  }

  /** What is there, gray. */
  pixels(): PadPixels {
    const { data } = this.context.getImageData(0, 0, side, side);
    return {
      gray: Uint8Array.from({ length: side * side }, (_, i) => grayOf(data, i)),
      width: side,
      height: side,
    };
  }

  /** What is there, as an image of a dataset. */
  small([height, width, channels]: readonly [number, number, number]): Uint8Array {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext('2d', { willReadFrequently: true })!;
    context.imageSmoothingQuality = 'high';
    context.drawImage(this.canvas, 0, 0, width, height);
    const { data } = context.getImageData(0, 0, width, height);
    return Uint8Array.from({ length: width * height * channels }, (_, at) => {
      const [i, channel] = [Math.floor(at / channels), at % channels];
      return channels === 1 ? grayOf(data, i) : data[4 * i + channel]!;
    });
  }
}

/** Luma of ITU-R BT.601. */
const grayOf = (data: Uint8ClampedArray, i: number) =>
  Math.round(0.299 * data[4 * i]! + 0.587 * data[4 * i + 1]! + 0.114 * data[4 * i + 2]!);

/** Lays what is transparent on white, or on black where the ink is bright. */
function lay({ data, width, height }: ImageData): void {
  let [ink, opaque] = [0, 0];
  for (let i = 0; i < width * height; i++) {
    ink += grayOf(data, i) * data[4 * i + 3]!;
    opaque += data[4 * i + 3]!;
  }
  const ground = ink > 127 * opaque ? 0 : 255;
  for (let at = 0; at < data.length; at += 4) {
    const alpha = data[at + 3]! / 255;
    for (let c = at; c < at + 3; c++) data[c] = alpha * data[c]! + (1 - alpha) * ground;
  }
}

/** Ink on paper becomes bright on black, by the gray of the border. */
function turnBright({ data, width, height }: ImageData): void {
  let [sum, count] = [0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (x > 0 && y > 0 && x < width - 1 && y < height - 1) continue;
      sum += grayOf(data, y * width + x);
      count++;
    }
  }
  const inverted = sum / count > 127;
  for (let i = 0; i < width * height; i++) {
    const gray = grayOf(data, i);
    const value = inverted ? 255 - gray : gray;
    data.set([value, value, value, 255], 4 * i);
  }
}
