/**
 * How a recipe file comes to be run. `trained`: its user trains with it, so it is added to their list of files. `named`: they
 * named it on the command line. `listed`: something else named it, so it runs only if it and all that it imports are in
 * that list.
 */
export type Way = 'trained' | 'named' | 'listed';

/** The parameter of a module's address that says its way. */
export const wayParameter = 'quern';

export const isWay = (value: unknown): value is Way =>
  value === 'trained' || value === 'named' || value === 'listed';
