/** Numbers as people read them. */
export * from '../../core/format.js';
