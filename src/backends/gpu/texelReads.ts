/**
 * How a shader of WebGL 2 finds an element in a texture. gpu.js divides by the texture's width twice for each read, in
 * integers, which most GPUs do not have and software drivers do number by number; and samples, as it must in WebGL 1. Here
 * every width is a power of two, so bits do.
 */

/** `texel` at `index`. What is left of the index without its low bits is exact in float32, and so is its quotient. */
const fetchTexel = [
  '  int low = index & (texSize.x - 1);',
  '  vec4 texel = texelFetch(tex, ivec2(low, int(float(index - low) / float(texSize.x))), 0);',
];

const parameters = '(sampler2D tex, ivec2 texSize, ivec3 texDim, int z, int y, int x)';

const functions = [
  {
    head: `vec4 getImage2D${parameters} {`,
    body: ['  int index = x + texDim.x * (y + texDim.y * z);', ...fetchTexel, '  return texel;'],
  },
  {
    head: `float getMemoryOptimized32${parameters} {`,
    body: [
      '  int place = x + texDim.x * (y + texDim.y * z);',
      '  int index = place >> 2;',
      ...fetchTexel,
      '  return texel[place & 3];',
    ],
  },
];

/**
 * The text of a shader for textures whose widths are powers of two, with faster reads. What is not found is left: it is
 * right for any width.
 */
export function withFastReads(shader: string): string {
  if (!shader.startsWith('#version 300 es')) return shader;
  let text = shader;
  for (const { head, body } of functions) {
    const start = text.indexOf(head);
    if (start < 0) continue;
    const end = text.indexOf('\n}', start);
    text = `${text.slice(0, start)}${[head, ...body].join('\n')}${text.slice(end)}`;
  }
  return text;
}
