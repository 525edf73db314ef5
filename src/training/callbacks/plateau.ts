import type { Plateau, PlateauState } from '../../optimizers/plateau.js';
import type { Callback } from './callback.js';

/** Lowers the learning rate of a training on a plateau. Fit's option `plateau`. */
export function followPlateau(plateau: Plateau): Callback {
  let state = plateau.initial();
  return {
    name: 'plateau',
    onEpoch(record, training) {
      const before = state.factor;
      state = plateau.next(state, record[plateau.options.monitor] ?? Number.NaN);
      if (state.factor !== before) training.rateFactor *= state.factor / before;
    },
    state: () => ({ values: { ...state } }),
    restore({ values }) {
      state = values as unknown as PlateauState;
    },
  };
}
