/** The script of the page that `quern view` writes: what is to be seen stands in the page itself. */
import type { InsideView } from '../../browser.js';
import { byId } from '../page/dom.js';
import { renderInside } from './render.js';

renderInside(
  byId('inside', HTMLElement),
  JSON.parse(byId('view', HTMLElement).textContent ?? '') as InsideView,
);
