/** Numbers of 16 bits as float32, which holds every one of them exactly. */

function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** IEEE half floats, or the upper halves of float32 (bfloat16). */
export function halfFloats(bits: Uint16Array, kind: 'float16' | 'bfloat16'): Float32Array {
  if (kind === 'float16') return Float32Array.from(bits, float16);
  return new Float32Array(Uint32Array.from(bits, (half) => half * 65536).buffer);
}
