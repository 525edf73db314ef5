import { allocateHost, type Dtype, type HostArray } from '../../core/dtype.js';
import { isContiguous, type View } from '../../core/view.js';

/** A row-major copy of a strided view of `source`. */
export function readStrided(source: HostArray, view: View, dtype: Dtype, size: number): HostArray {
  if (isContiguous(view)) return source.slice(view.offset, view.offset + size);
  const target = allocateHost(dtype, size);
  const index = new Array<number>(view.shape.length).fill(0);
  let position = view.offset;
  for (let i = 0; i < size; i++) {
    target[i] = source[position]!;
    for (let axis = index.length - 1; axis >= 0; axis--) {
      position += view.strides[axis]!;
      if (++index[axis]! < view.shape[axis]!) break;
      position -= view.strides[axis]! * view.shape[axis]!;
      index[axis] = 0;
    }
  }
  return target;
}
