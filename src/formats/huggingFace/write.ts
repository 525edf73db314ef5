/** A folder for the Hugging Face Hub: configuration and model card. https://huggingface.co/docs/hub/model-cards */
import type { Json } from '../../nn/layer.js';
import { describeLayer } from '../../nn/registry.js';
import type { ExportResults, ExportSource } from '../export.js';

/** config.json: architecture, labels and what the model does to pixels. */
export function configJson({ model, details }: ExportSource): Json {
  const { classes, normalization, dataset, recipe } = details;
  const { mean, deviation } = normalization;
  return {
    model_type: 'quern',
    architectures: ['Model'],
    library: 'quern',
    input_shape: [...model.inputShape],
    id2label: Object.fromEntries(classes.map((label, i) => [String(i), label])),
    label2id: Object.fromEntries(classes.map((label, i) => [label, i])),
    preprocessing: { pixels: '0 to 255', rescale: 1 / 255, mean, std: deviation, inside_the_model: true },
    dataset,
    ...(recipe === undefined ? {} : { recipe }),
    architecture: describeLayer(model.layer),
  };
}

const percent = (share: number) => `${(100 * share).toFixed(2)}%`;

/** A text in YAML, whatever is in it. */
const quoted = (text: string) => JSON.stringify(text);

function metadataLines({ details }: ExportSource, name: string, { accuracy }: ExportResults): string[] {
  const { dataset } = details;
  const lines = [
    'library_name: quern',
    'pipeline_tag: image-classification',
    'tags:',
    '- quern',
    '- image-classification',
  ];
  lines.push('datasets:', `- ${quoted(dataset)}`);
  if (accuracy === undefined) return lines;
  return [
    ...lines,
    'metrics:',
    '- accuracy',
    'model-index:',
    `- name: ${quoted(name)}`,
    '  results:',
    '  - task:',
    '      type: image-classification',
    '    dataset:',
    `      name: ${quoted(dataset)}`,
    `      type: ${quoted(dataset)}`,
    '      split: test',
    '    metrics:',
    '    - type: accuracy',
    `      value: ${accuracy}`,
  ];
}

/** README.md: what the model is, what it takes, how it did, under which license its data is. */
export function modelCard(source: ExportSource, name: string, results: ExportResults): string {
  const { model, details } = source;
  const { accuracy, interval, count, epochs, dataLicense, dataHomepage } = results;
  const { classes, dataset, recipe, normalization } = details;
  const parameters = model.parameters.reduce((sum, { size }) => sum + size, 0);
  const [height, width, channels] = model.inputShape;
  const measured =
    accuracy === undefined
      ? 'It was not measured when this card was written.'
      : `Test accuracy ${percent(accuracy)}${count === undefined ? '' : ` of ${count} images`}${
          interval == null ? '' : `, 95% interval ${percent(interval[0])} to ${percent(interval[1])}`
        }.`;
  const trained = [
    `on ${dataset}`,
    ...(recipe === undefined ? [] : [`by the recipe \`${recipe}\``]),
    ...(epochs === undefined ? [] : [`for ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}`]),
  ];
  return `---
${metadataLines(source, name, results).join('\n')}
---

# ${name}

An image classifier of ${parameters} parameters for ${classes.length} classes, trained ${trained.join(' ')} with Quern.

## Results

${measured}

## Use

\`\`\`python
from model import load

model = load()
probabilities = model(images).softmax(-1)  # images: [batch, ${channels}, ${height}, ${width}], pixels from 0 to 255
\`\`\`

\`model.safetensors\` is a state dict with PyTorch's names, \`model.py\` the module that takes it. The model scales pixels itself: (pixel / 255 − ${normalization.mean}) / ${normalization.deviation}.

Classes, in the order of the outputs: ${classes.join(', ')}.

## Data and license

Trained on ${dataset}${dataHomepage === undefined ? '' : ` (${dataHomepage})`}. License of the data: ${dataLicense ?? 'not known to Quern; ask whoever made it'}. The license of the weights is for whoever publishes them to state.
`;
}
