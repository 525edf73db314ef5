/** HTML from templates that escape what is put into them. */

/** A piece of HTML that is safe as it is. */
export class Html {
  constructor(readonly text: string) {}
}

export type Content = Html | string | number | undefined | false | readonly Content[];

function textOf(content: Content): string {
  if (content instanceof Html) return content.text;
  if (Array.isArray(content)) return content.map(textOf).join('');
  if (content === undefined || content === false) return '';
  return String(content).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/**
 * A piece of HTML: html`<b title="${title}">${content}</b>`. Texts and numbers are escaped, pieces of HTML are not,
 * lists are joined, undefined and false are nothing. Attributes must stand in quotes.
 */
export function html(parts: TemplateStringsArray, ...contents: readonly Content[]): Html {
  return new Html(String.raw({ raw: parts }, ...contents.map(textOf)));
}
