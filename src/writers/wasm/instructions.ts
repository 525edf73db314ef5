/** The instructions that kernels use, by the name that expressions have for them, with their code in WebAssembly. */

/** A vector instruction: the prefix 0xfd and its number in LEB128. */
const simd = (number: number): readonly number[] =>
  number < 0x80 ? [0xfd, number] : [0xfd, (number & 0x7f) | 0x80, number >> 7];

/** Values of their immediates alone. */
export const constants = { 'i32.const': [0x41], 'f32.const': [0x43], 'v128.const': simd(0x0c) } as const;

/** Their first immediate is a byte offset, a second one a lane. */
export const loads = {
  'i32.load': [0x28],
  'i32.load8U': [0x2d],
  'v128.load': simd(0x00),
  'v128.load8Splat': simd(0x07),
  'v128.load32Splat': simd(0x09),
  'v128.load32Zero': simd(0x5c),
  'v128.load64Zero': simd(0x5d),
  'v128.load8Lane': simd(0x54),
  'v128.load32Lane': simd(0x56),
} as const;

/** Like loads, but they leave nothing. */
export const stores = {
  'i32.store': [0x36],
  'i32.store8': [0x3a],
  'f32.store': [0x38],
  'v128.store': simd(0x0b),
  'v128.store8Lane': simd(0x58),
  'v128.store32Lane': simd(0x5a),
  'v128.store64Lane': simd(0x5b),
} as const;

/** Their immediates are lanes. */
export const operations = {
  'i32.eqz': [0x45],
  'i32.eq': [0x46],
  'i32.ne': [0x47],
  'i32.ltS': [0x48],
  'i32.ltU': [0x49],
  'i32.gtS': [0x4a],
  'i32.gtU': [0x4b],
  'i32.geS': [0x4e],
  'i32.add': [0x6a],
  'i32.sub': [0x6b],
  'i32.mul': [0x6c],
  'i32.divU': [0x6e],
  'i32.and': [0x71],
  'i32.or': [0x72],
  'i32.shl': [0x74],
  'i32.shrS': [0x75],
  'i32.shrU': [0x76],
  'v128.not': simd(0x4d),
  'v128.and': simd(0x4e),
  'v128.andnot': simd(0x4f),
  'v128.or': simd(0x50),
  'v128.xor': simd(0x51),
  'v128.bitselect': simd(0x52),
  'f32x4.splat': simd(0x13),
  'f32x4.extractLane': simd(0x1f),
  'f32x4.eq': simd(0x41),
  'f32x4.ne': simd(0x42),
  'f32x4.lt': simd(0x43),
  'f32x4.gt': simd(0x44),
  'f32x4.le': simd(0x45),
  'f32x4.ge': simd(0x46),
  'f32x4.floor': simd(0x68),
  'f32x4.abs': simd(0xe0),
  'f32x4.neg': simd(0xe1),
  'f32x4.sqrt': simd(0xe3),
  'f32x4.add': simd(0xe4),
  'f32x4.sub': simd(0xe5),
  'f32x4.mul': simd(0xe6),
  'f32x4.div': simd(0xe7),
  'f32x4.min': simd(0xe8),
  'f32x4.max': simd(0xe9),
  'f32x4.pmin': simd(0xea),
  'f32x4.pmax': simd(0xeb),
  'f32x4.convertI32x4S': simd(0xfa),
  'f32x4.relaxedMadd': simd(0x105),
  'f32x4.relaxedLaneselect': simd(0x10b),
  'i32x4.splat': simd(0x11),
  'i32x4.eq': simd(0x37),
  'i32x4.ne': simd(0x38),
  'i32x4.ltS': simd(0x39),
  'i32x4.gtS': simd(0x3b),
  'i32x4.leS': simd(0x3d),
  'i32x4.geS': simd(0x3f),
  'i32x4.abs': simd(0xa0),
  'i32x4.neg': simd(0xa1),
  'i32x4.bitmask': simd(0xa4),
  'i32x4.extendLowI16x8U': simd(0xa9),
  'i32x4.shl': simd(0xab),
  'i32x4.shrS': simd(0xac),
  'i32x4.shrU': simd(0xad),
  'i32x4.add': simd(0xae),
  'i32x4.sub': simd(0xb1),
  'i32x4.mul': simd(0xb5),
  'i32x4.minS': simd(0xb6),
  'i32x4.maxS': simd(0xb8),
  'i32x4.truncSatF32x4S': simd(0xf8),
  'i16x8.extendLowI8x16U': simd(0x89),
  'i8x16.splat': simd(0x0f),
  'i8x16.shuffle': simd(0x0d),
  'i8x16.swizzle': simd(0x0e),
  'i8x16.relaxedSwizzle': simd(0x100),
} as const;

/**
 * Parts of vectors, which may be wider than those of WebAssembly: the first lanes from adjacent elements, or from elements
 * some bytes apart; the first lanes to adjacent words, or their low bytes to adjacent bytes.
 */
export type Load = keyof typeof loads | 'v128.loadLanes' | 'v128.gather';
export type Store = keyof typeof stores | 'v128.storeLanes' | 'v128.storeBytes';
export type Operation = keyof typeof operations;
/** `local` is the value of a variable, whose index is its immediate. */
export type Instruction = keyof typeof constants | Load | Operation | 'select' | 'local';
