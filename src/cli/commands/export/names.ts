import { UsageError } from '../../../core/errors.js';
import type { ExportFormat } from '../../../formats/export.js';

/** Formats as the command line calls them, with the ending of their files. */
export const formatNames = {
  onnx: { format: 'onnx', ending: '.onnx' },
  keras: { format: 'keras', ending: '.keras' },
  'keras-weights': { format: 'kerasWeights', ending: '.weights.h5' },
  pytorch: { format: 'pytorch', ending: '.safetensors' },
  tfjs: { format: 'tfjs', ending: '.json' },
  npz: { format: 'npz', ending: '.npz' },
  'hugging-face': { format: 'huggingFace', ending: undefined },
  page: { format: 'page', ending: '.html' },
} as const satisfies Readonly<
  Record<string, { readonly format: ExportFormat; readonly ending: string | undefined }>
>;

type FormatName = keyof typeof formatNames;

const isName = (text: string): text is FormatName => Object.hasOwn(formatNames, text);

const names = Object.keys(formatNames).filter(isName);

/** The format that was named, or that a file's ending means. */
export function formatOf(file: string, to: string | undefined): FormatName {
  if (to !== undefined && isName(to)) return to;
  const found = names.find((name) => {
    const { ending } = formatNames[name];
    return ending !== undefined && file.toLowerCase().endsWith(ending);
  });
  if (found !== undefined) return found;
  const endings = names.flatMap((name) => formatNames[name].ending ?? []).join(', ');
  throw new UsageError(`${file}: its ending names no format that is written: ${endings}`, {
    hint: `--to names one: ${names.join(', ')}. PyTorch's weights are .safetensors, Keras's .keras or .weights.h5.`,
  });
}
