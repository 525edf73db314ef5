/** x · Φ(x), which exporters below opset 20 spell out: x · (1 + erf(x / √2)) · ½, in any order of the products. */
import type { NodeProto } from '../../vendor/onnx.js';

interface Found {
  /** The operators inside, which are not read by themselves. */
  readonly skipped: ReadonlySet<NodeProto>;
  /** The value x, by the value that the whole makes. */
  get(output: string): string | undefined;
}

type ConstantOf = (name: string) => number | undefined;

const near = (a: number | undefined, b: number) => a !== undefined && Math.abs(a - b) < 1e-4;

/** The one reader of a node's value, if it has one. */
function readerOf(node: NodeProto, nodes: readonly NodeProto[]): NodeProto | undefined {
  const readers = nodes.filter(({ input }) => input.includes(node.output[0]!));
  return readers.length === 1 ? readers[0] : undefined;
}

/** The operand that is no constant of that value. */
function besides(
  node: NodeProto | undefined,
  opType: string,
  value: number,
  constant: ConstantOf,
): string | undefined {
  if (node?.opType !== opType) return undefined;
  const [a, b] = node.input as [string, string];
  if (near(constant(b), value)) return a;
  return opType !== 'Div' && near(constant(a), value) ? b : undefined;
}

/** Every erf that is part of a gelu. */
export function findGelus(
  nodes: readonly NodeProto[],
  produced: ReadonlyMap<string, NodeProto>,
  constant: ConstantOf,
): Found {
  const skipped = new Set<NodeProto>();
  const outputs = new Map<string, string>();
  for (const erf of nodes.filter(({ opType }) => opType === 'Erf')) {
    const inner = produced.get(erf.input[0]!);
    const x = besides(inner, 'Div', Math.SQRT2, constant) ?? besides(inner, 'Mul', Math.SQRT1_2, constant);
    const plus = readerOf(erf, nodes);
    if (x === undefined || besides(plus, 'Add', 1, constant) === undefined) continue;
    const whole = followProducts(plus!, x, { nodes, produced, constant });
    if (whole === undefined) continue;
    for (const node of [inner!, erf, plus!, ...whole.inside]) skipped.add(node);
    skipped.delete(whole.last);
    outputs.set(whole.last.output[0]!, x);
  }
  return { skipped, get: (output) => outputs.get(output) };
}

interface Surroundings {
  readonly nodes: readonly NodeProto[];
  readonly produced: ReadonlyMap<string, NodeProto>;
  readonly constant: ConstantOf;
}

/** The products behind 1 + erf, until x and one half have both been met. */
function followProducts(from: NodeProto, x: string, { nodes, produced, constant }: Surroundings) {
  const inside: NodeProto[] = [];
  let [half, value] = [false, false];
  let node = from;
  while (!half || !value) {
    const next = readerOf(node, nodes);
    if (next?.opType !== 'Mul') return undefined;
    const [a, b] = next.input as [string, string];
    const other = a === node.output[0] ? b : a;
    const part = produced.get(other);
    if (near(constant(other), 0.5)) half = true;
    else if (other === x) value = true;
    else if (part !== undefined && besides(part, 'Mul', 0.5, constant) === x) {
      [half, value] = [true, true];
      inside.push(part);
    } else return undefined;
    inside.push(next);
    node = next;
  }
  return { inside, last: node };
}
