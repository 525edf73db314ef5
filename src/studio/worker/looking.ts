/** What a model makes of one image: which pixels speak for a class, and what its layers give. */
import {
  type CompiledStep,
  type Engine,
  gradients,
  type Model,
  type Normalization,
  type Tensor,
} from '../../browser.js';
import type { FeatureMaps, Filters } from '../shared/messages.js';

/** Feature maps and filters that are shown of one layer. */
const most = 16;
const mostLayers = 8;

const signature = (model: Model) => ({ pixels: { shape: [1, ...model.inputShape] } }) as const;

/** (pixel / 255 − mean) / deviation */
const scaled = (pixels: Tensor, { mean, deviation }: Normalization) =>
  pixels.multiply(1 / (255 * deviation)).add(-mean / deviation);

/** Looks at images with one model. */
export class Looking {
  private readonly steps = new Map<string, CompiledStep>();

  constructor(
    private readonly engine: Engine,
    private readonly model: Model,
    private readonly normalization: Normalization,
  ) {}

  private step(name: string, compile: () => CompiledStep): CompiledStep {
    const known = this.steps.get(name) ?? compile();
    this.steps.set(name, known);
    return known;
  }

  /** Gradient of the class's logit in each pixel, times the pixel: `[height · width]`, channels added up. */
  async saliency(pixels: Uint8Array, label: number): Promise<Float32Array> {
    const { model, normalization } = this;
    const classes = model.outputShape[0]!;
    const step = this.step('saliency', () =>
      this.engine.compile(
        ({ pixels, wanted }) => {
          const { output } = model.apply(scaled(pixels, normalization));
          const [gradient] = gradients(output.multiply(wanted).sum(), [pixels]);
          return { outputs: { spoken: gradient.multiply(pixels) } };
        },
        { ...signature(model), wanted: { shape: [1, classes] } },
      ),
    );
    const wanted = new Float32Array(classes);
    wanted[label] = 1;
    const { spoken } = await step.run({ pixels: Float32Array.from(pixels), wanted });
    const channels = model.inputShape[2] ?? 1;
    const data = spoken!.data as Float32Array;
    return Float32Array.from({ length: data.length / channels }, (_, i) =>
      data.subarray(i * channels, (i + 1) * channels).reduce((sum, each) => sum + each, 0),
    );
  }

  /** What the layers that give images make of this one. */
  async maps(pixels: Uint8Array): Promise<FeatureMaps[]> {
    const { model, normalization } = this;
    const shapes = new Map<string, readonly number[]>();
    const step = this.step('maps', () =>
      this.engine.compile(({ pixels }) => {
        const outputs: Record<string, Tensor> = {};
        const observe = ({
          path,
          layer,
          output,
        }: {
          path: string;
          layer: { kind: string };
          output: Tensor;
        }) => {
          const shown = output.rank === 4 && /^(conv2d|relu|maxPool2d|residual)$/.test(layer.kind);
          if (shown && Object.keys(outputs).length < mostLayers) outputs[`${layer.kind} ${path}`] = output;
        };
        model.apply(scaled(pixels, normalization), { observe });
        return { outputs };
      }, signature(model)),
    );
    const given = await step.run({ pixels: Float32Array.from(pixels) });
    for (const [name, { shape }] of Object.entries(given)) shapes.set(name, shape);
    return Object.entries(given).map(([layer, { data, shape }]) => {
      const [, height, width, channels] = shape as [number, number, number, number];
      const maps = Array.from({ length: Math.min(most, channels) }, (_, channel) =>
        Float32Array.from({ length: height * width }, (_, i) =>
          Number(Reflect.get(data, i * channels + channel)),
        ),
      );
      return { layer, height, width, maps };
    });
  }

  /** The weights of the first layer that has any, as pictures. */
  async filters(): Promise<Filters | undefined> {
    const [leaf] = this.model.parameters;
    if (leaf === undefined) return undefined;
    const [rows, columns, channels = 1] = this.model.inputShape;
    const { shape, name } = leaf;
    const data = (await this.engine.read(leaf)).data as Float32Array;
    const of = (height: number, width: number, channels: number): Filters => {
      const units = shape.at(-1)!;
      const pixel = (i: number, unit: number) => data[i * channels * units + unit]!;
      const filter = (_: unknown, unit: number) =>
        Float32Array.from({ length: height * width }, (_, i) => pixel(i, unit));
      const layer = name.slice(0, Math.max(0, name.lastIndexOf('.')));
      return { layer, height, width, filters: Array.from({ length: Math.min(units, most) }, filter) };
    };
    if (shape.length === 4) return of(shape[0]!, shape[1]!, shape[2]!);
    if (shape.length !== 2 || rows === undefined || columns === undefined) return undefined;
    return shape[0] === rows * columns * channels ? of(rows, columns, channels) : undefined;
  }
}
