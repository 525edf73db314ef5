/** The rewriting passes in their order. They know one kind, `map`; what others take over, their contracts say. */
import { type Draft, removeDead } from '../draft.js';
import type { Limits } from '../limits.js';
import { Uses } from '../uses.js';
import { absorbMakers, absorbReaders } from './absorb.js';
import { foldConstants, forwardCopies } from './constants.js';
import { fuseEpilogues } from './epilogues.js';
import { fuseMaps } from './maps.js';
import { fusePrologues } from './prologues.js';
import { repeatCheapMaps } from './recompute.js';
import { mergeSiblings } from './siblings.js';

/** Rewrites the draft in place into fewer, larger steps that the backend's limits allow. */
export function fuse(draft: Draft, limits: Limits): void {
  removeDead(draft);
  foldConstants(draft);
  forwardCopies(draft);
  const uses = new Uses(draft);
  mergeSiblings(uses, limits);
  absorbReaders(uses, limits);
  absorbMakers(uses, limits);
  repeatCheapMaps(uses, limits);
  // results with one user first: a mask belongs to where it is used, not to where its operand is made
  fuseMaps(uses, limits, 1);
  fusePrologues(uses, limits);
  // a rule may look into a prologue
  absorbMakers(uses, limits);
  fusePrologues(uses, limits);
  fuseEpilogues(uses, limits);
  absorbReaders(uses, limits);
  fuseEpilogues(uses, limits);
  fuseMaps(uses, limits, limits.outputs);
  draft.steps = uses.inOrder();
}
