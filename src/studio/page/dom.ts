/** Elements, made in one call. */

type Child = Node | string | undefined | false;
type Listener = (event: Event) => void;

/** Attributes by their names; `onclick` and the like are listeners, true is an attribute without a value. */
type Attributes = Readonly<Record<string, string | number | boolean | Listener | undefined>>;

/** h('button', { class: 'plain', onclick }, 'Start') */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.filter((child) => child !== undefined && child !== false));
  return element;
}

/** An element of the page by its id, of the class that it must be. */
export function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
}

/** A field with its name above it. */
export function field(label: string, input: HTMLElement, hint = ''): HTMLLabelElement {
  return h('label', { class: 'field' }, h('span', {}, label), input, hint !== '' && h('small', {}, hint));
}

export const percent = (share: number, digits = 2) => `${(100 * share).toFixed(digits)}%`;

export const grouped = (value: number) => Math.round(value).toLocaleString('en');

export const clock = (seconds: number) => {
  const whole = Math.max(0, Math.round(seconds));
  const rest = String(whole % 60).padStart(2, '0');
  return whole < 3600
    ? `${Math.floor(whole / 60)}:${rest}`
    : `${Math.floor(whole / 3600)}:${String(Math.floor(whole / 60) % 60).padStart(2, '0')}:${rest}`;
};

/** A color of the style sheet, as it is now, light or dark. */
export const color = (name: string) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Calls once things have been quiet for a while. */
export function settled(milliseconds: number, work: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(work, milliseconds);
  };
}

/** Gives a file to whoever reads the page. */
export function download(name: string, content: BlobPart, type = 'application/octet-stream'): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  h('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
