/** Models for PyTorch: a state dict as safetensors, and a module of Python that takes it. */
import { ModelError } from '../../core/errors.js';
import { at, last } from '../../core/lists.js';
import { isJoin } from '../../nn/layers/graph.js';
import type { StoredTensor } from '../../training/files/safetensors.js';
import type { Normalization } from '../../training/inference/normalization.js';
import type { Network } from '../network.js';
import { FlattenedOrders } from './flattened.js';
import { type Printed, type Printing, printers, python } from './printers.js';

const joined: Readonly<Record<string, (values: readonly string[], axis: number) => string>> = {
  add: (values) => values.join(' + '),
  subtract: (values) => values.join(' - '),
  multiply: (values) => values.join(' * '),
  maximum: (values) => values.reduce((a, b) => `torch.maximum(${a}, ${b})`),
  minimum: (values) => values.reduce((a, b) => `torch.minimum(${a}, ${b})`),
  average: (values) => `(${values.join(' + ')}) / ${values.length}`,
  concatenate: (values, axis) => `torch.cat([${values.join(', ')}], ${axis})`,
};

/** What modules are usually called. */
const usualNames: Readonly<Record<string, string>> = {
  conv2d: 'conv',
  depthwiseConv2d: 'depthwise',
  separableConv2d: 'separable',
  dense: 'fc',
  batchNorm: 'bn',
  layerNorm: 'norm',
};

export interface PytorchFiles {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Of the module, in Python. */
  readonly code: string;
}

/**
 * A state dict with PyTorch's names and layouts, and a module that computes with it.
 *
 * @param weightsFile name of the file that the module loads by default, from beside itself
 * @throws ModelError for a layer that has no counterpart
 */
export function pytorchFiles(
  network: Network,
  normalization: Normalization,
  weightsFile: string,
): PytorchFiles {
  const orders = new FlattenedOrders(network, false);
  const counters = new Map<string, number>();
  const variables = new Map([['input', 'x']]);
  const modules: string[] = [];
  const lines: string[] = [];
  const tensors = new Map<string, StoredTensor>();
  const readers = (node: string) => network.nodes.filter(({ inputs }) => inputs.includes(node)).length;
  for (const [i, node] of network.nodes.entries()) {
    const usual = usualNames[node.kind] ?? node.kind.toLowerCase();
    const count = (counters.get(usual) ?? 0) + 1;
    counters.set(usual, count);
    const printing: Printing = {
      network,
      node,
      own: `${usual}${count}`,
      inputs: node.inputs.map((source) => variables.get(source)!),
      order: orders.of(at(node.inputs, 0)),
      moved: orders.of(node.name) !== undefined,
    };
    const { modules: made = {}, forward, tensors: own = {} } = printNode(printing);
    for (const [key, text] of Object.entries(made)) modules.push(`        self.${key} = ${text}`);
    for (const [key, floats] of Object.entries(own)) if (floats) tensors.set(key, floats);
    // one variable goes from layer to layer, another is taken for what is read again
    const again =
      node.inputs.some((source) => readers(source) > 1) || readers(node.name) > 1 || node.inputs.length > 1;
    const variable = again ? `x${i}` : at(printing.inputs, 0);
    variables.set(node.name, variable);
    lines.push(`        ${variable} = ${forward}`);
  }
  const end = variables.get(last(network.nodes).name)!;
  return { tensors, code: moduleText({ network, normalization, weightsFile, modules, lines, end }) };
}

function printNode(printing: Printing): Printed {
  const { node, inputs } = printing;
  if (isJoin(node.kind)) return { forward: joined[node.kind]!(inputs, node.shape.length === 3 ? 1 : -1) };
  const printer = printers[node.kind];
  if (printer === undefined)
    throw new ModelError(`pytorch: ${node.name}: a layer '${node.kind}' has no counterpart`);
  return printer(printing);
}

const affineClass = `class Affine(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))

    def forward(self, x):
        return x * self.weight + self.bias


`;

function moduleText({
  network,
  normalization: { mean, deviation },
  weightsFile,
  modules,
  lines,
  end,
}: {
  readonly network: Network;
  readonly normalization: Normalization;
  readonly weightsFile: string;
  readonly modules: readonly string[];
  readonly lines: readonly string[];
  readonly end: string;
}): string {
  const [height, across, channels] = network.inputShape;
  const offset = mean === 0 ? '' : ` + ${python(-mean / deviation)}`;
  return `"""An image classifier trained with Quern.

Input: pixels from 0 to 255, [batch, ${channels}, ${height}, ${across}] (channels, height, width), uint8 or float.
Output: logits, [batch, ${last(network.nodes).shape.join(', ')}]; softmax makes probabilities of them.

    model = load()
    probabilities = model(images).softmax(-1)
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn


${modules.some((line) => line.includes('= Affine(')) ? affineClass : ''}class Model(nn.Module):
    def __init__(self):
        super().__init__()
${modules.length === 0 ? '        pass' : modules.join('\n')}

    def forward(self, images):
        x = images.float() * ${python(1 / (255 * deviation))}${offset}
${lines.join('\n')}
        return ${end}


def load(path=Path(__file__).with_name(${JSON.stringify(weightsFile)})):
    model = Model()
    model.load_state_dict(load_file(path))
    return model.eval()
`;
}
