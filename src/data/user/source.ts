/** The images of a source, before they are brought to one form. */
import type { ImageShape } from '../images/picture.js';
import type { Part } from './names.js';
import type { Numbers } from './pixels/scale.js';

/** Images as they are stored, in whatever scale. */
export interface Raw {
  readonly numbers: Numbers;
  readonly shape: ImageShape;
  /** `[count]`, the names of classes. */
  readonly labels: readonly string[];
}

/** Pictures in files, which are decoded one by one. */
export interface Pictures {
  readonly pictures: readonly { readonly path: string; readonly label: string }[];
}

export type Sources = { readonly [part in Part]?: Raw | Pictures | undefined };
