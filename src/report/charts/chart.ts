/** Draws charts as SVG, with a library that is loaded when the first is drawn. */
import type { EChartsCoreOption } from '../../vendor/echarts.js';
import { colors, drawingStyle } from './theme.js';

interface Drawing {
  readonly width: number;
  readonly height: number;
  /** Text for people who do not see it. */
  readonly title: string;
  /** Begins the ids within the drawing, which a page with several needs to be different. */
  readonly name: string;
}

export type ChartOption = EChartsCoreOption;

export function escapeXml(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (character) => entities[character]!);
}

/** Without what only scripts use: classes, hover styles, indices of data; with ids that depend on the name alone. */
function tidy(svg: string, { title, name }: Drawing): string {
  return (
    svg
      .replace(/<style\s*>[\s\S]*?<\/style>\s*/g, '')
      .replace(/ (class|ecmeta_\w+|pointer-events)="[^"]*"/g, '')
      .replace(/zr\d+-/g, `${name}-`)
      // hollow symbols have a white that no option changes
      .replaceAll('fill="#fff"', `fill="${colors.page[0]}"`)
      .replace(/<svg ([^>]*)>/, (_, attributes: string) => {
        const text = escapeXml(title);
        return `<svg ${attributes} role="img" aria-label="${text}"><title>${text}</title>`;
      })
  );
}

/** Draws a chart. The same option gives the same text. */
export async function drawChart(option: ChartOption, drawing: Drawing): Promise<string> {
  const { init } = await import('../../vendor/echarts.js');
  const { width, height } = drawing;
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({ animation: false, ...option });
    return tidy(chart.renderToSVGString(), drawing);
  } finally {
    chart.dispose();
  }
}

/**
 * A drawing as a file of its own: with the style that makes it dark on dark screens, and a ground, since what shows it
 * may be of either color.
 */
export function asFile(svg: string): string {
  const ground = `<rect width="100%" height="100%" fill="${colors.page[0]}"></rect>`;
  return svg.replace(
    /(<svg [^>]*>)(<title>[^<]*<\/title>)?/,
    `$1<style>${drawingStyle()}</style>$2${ground}`,
  );
}

export const font = { fontFamily: 'system-ui, sans-serif', fontSize: 13, color: colors.ink[0] } as const;

/** The look of all axes. */
export const axis = {
  axisLine: { lineStyle: { color: colors.line[0] } },
  axisTick: { lineStyle: { color: colors.line[0] } },
  axisLabel: { color: colors.soft[0], fontSize: 12 },
  splitLine: { lineStyle: { color: colors.faint[0] } },
  nameTextStyle: { color: colors.soft[0], fontSize: 12 },
  nameLocation: 'middle',
} as const;
