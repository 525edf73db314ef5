import { decode } from 'fast-png';
import * as assert from 'uvu/assert';
import { asFile, drawChart, escapeXml } from '../../src/report/charts/chart.js';
import { accuracyChart, lossChart } from '../../src/report/charts/charts.js';
import { colors, contrast, mix, pairs, scales } from '../../src/report/charts/theme.js';
import { html } from '../../src/report/page/html.js';
import {
  dataUrl,
  enlarge,
  heatPicture,
  montage,
  type Pixels,
  pngOf,
  signedPicture,
} from '../../src/report/page/picture.js';
import { suite } from '../support/suite.js';
import { history } from './support.js';

suite('report colors', (test) => {
  test('a light color stands for one dark color', () => {
    assert.is(new Set(pairs.map(([light]) => light)).size, pairs.length);
    const all = [...Object.values(scales).flat()].flatMap(({ fill, text }) => [fill, text]);
    for (const [light, dark] of [...all, ...Object.values(colors)]) {
      assert.is(pairs.find((pair) => pair[0] === light)?.[1], dark, light);
    }
  });

  test('contrast, as WCAG 2.2 defines it', () => {
    assert.is(contrast('#ffffff', '#000000'), 21);
    // a value that its authors give for gray on white
    assert.ok(Math.abs(contrast('#777777', '#ffffff') - 4.48) < 0.005);
    assert.is(mix('#000000', '#ff8040', 0.5), '#804020');
  });

  test('every text can be read, light and dark', () => {
    for (const which of [0, 1] as const) {
      for (const name of ['ink', 'soft', 'blue', 'orange', 'green'] as const) {
        for (const ground of ['page', 'panel'] as const) {
          const found = contrast(colors[name][which], colors[ground][which]);
          assert.ok(found >= 4.5, `${name} on ${ground} ${which}: ${found}`);
        }
      }
      for (const { fill, text } of Object.values(scales).flat()) {
        const found = contrast(fill[which], text[which]);
        assert.ok(found >= 4.5, `${text[which]} on ${fill[which]}: ${found}`);
      }
    }
  });

  test('scales go one way in brightness, which needs no sight of colors', () => {
    for (const scale of Object.values(scales)) {
      for (let i = 1; i < scale.length; i++) {
        assert.ok(contrast(scale[i]!.fill[0], '#ffffff') > contrast(scale[i - 1]!.fill[0], '#ffffff'));
        assert.ok(contrast(scale[i]!.fill[1], '#000000') > contrast(scale[i - 1]!.fill[1], '#000000'));
      }
    }
  });
});

suite('report drawings', (test) => {
  const option = {
    xAxis: { type: 'value' },
    yAxis: { type: 'value' },
    series: [
      {
        type: 'line',
        name: 'a<b',
        data: [
          [1, 2],
          [2, 3],
        ],
        color: colors.blue[0],
      },
    ],
  };
  const drawing = { width: 200, height: 100, name: 'one', title: 'Loss & "more"' };

  test('are the same every time, and told to who does not see them', async () => {
    const svg = await drawChart(option, drawing);
    assert.is(await drawChart(option, drawing), svg);
    assert.match(
      svg,
      /^<svg [^>]*role="img" aria-label="Loss &amp; &quot;more&quot;"><title>Loss &amp; &quot;more&quot;<\/title>/,
    );
    assert.match(svg, `stroke="${colors.blue[0]}"`);
    assert.not.match(svg, /<style|class=|ecmeta|zr\d|on\w+=/);
    assert.match(svg, 'id="one-c0"');
  });

  test('as files they have a style for dark screens', async () => {
    const file = asFile(await drawChart(option, drawing));
    assert.match(file, /^<svg [^>]*><style>@media screen and \(prefers-color-scheme: dark\)\{/);
    assert.match(file, `[stroke="${colors.blue[0]}"]{stroke:${colors.blue[1]}}`);
  });

  test('as files they have a ground of their own', async () => {
    const file = asFile(await drawChart(option, drawing));
    assert.match(file, `</title><rect width="100%" height="100%" fill="${colors.page[0]}"></rect>`);
  });

  test('axes stay within what there can be, also around one value', async () => {
    const labels = (svg: string) =>
      [...svg.matchAll(/>([\d.]+)%<\/text>/g)].map(([, number]) => Number(number));
    for (const accuracy of [0.9, 0.999, 1, 0.004, 0]) {
      const { validationAccuracy: _, ...record } = history[0]!;
      const found = labels(await accuracyChart([{ ...record, accuracy }]));
      assert.ok(found.length >= 2, `${found}`);
      assert.ok(Math.min(...found) >= 0 && Math.max(...found) <= 100, `${accuracy}: ${found}`);
      assert.ok(Math.min(...found) <= 100 * accuracy && Math.max(...found) >= 100 * accuracy, `${found}`);
    }
  });

  test('the steps of one epoch are drawn', async () => {
    const steps = [0.25, 0.5, 1].map((at) => ({ at, loss: 2.4 - at, accuracy: at / 2 }));
    const svg = await lossChart([history[0]!], steps);
    assert.match(svg, '>steps</text>');
    assert.match(svg, `stroke="${colors.green[0]}"`);
    assert.not.match(await lossChart([history[0]!]), '>steps</text>');
  });

  test('XML', () => assert.is(escapeXml(`<a href="&'">`), '&lt;a href=&quot;&amp;&#39;&quot;&gt;'));
});

suite('report HTML', (test) => {
  test('escapes what is put into it, in texts and attributes', () => {
    const evil = `"><script>alert('x')</script>&`;
    const { text } = html`<b title="${evil}">${evil}</b>`;
    const escaped = '&#34;&#62;&#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62;&#38;';
    assert.is(text, `<b title="${escaped}">${escaped}</b>`);
  });

  test('pieces, lists, numbers and nothing', () => {
    const items = ['a&b', 2].map((item) => html`<li>${item}</li>`);
    assert.is(
      html`<ul>${items}</ul>${false}${undefined}${[['<'], 0]}`.text,
      '<ul><li>a&#38;b</li><li>2</li></ul>&#60;0',
    );
  });
});

suite('report pictures', (test) => {
  const gray = (...data: number[]): Pixels => ({
    width: 2,
    height: 1,
    channels: 1,
    data: Uint8Array.from(data),
  });

  test('PNG keeps the pixels', () => {
    const { width, height, channels, data } = decode(pngOf(gray(7, 200)));
    assert.equal([width, height, channels, ...data], [2, 1, 1, 7, 200]);
    assert.match(dataUrl(gray(7, 200)), /^data:image\/png;base64,iVBORw0KGgo/);
  });

  test('signed numbers: blue, white, orange', () => {
    const { data } = signedPicture([-2, 0, 1, 9], 4, 1, 2);
    assert.equal([...data], [0, 114, 178, 250, 250, 250, 232, 172, 125, 213, 94, 0]);
    assert.equal([...signedPicture([0], 1, 1, 0).data], [250, 250, 250]);
  });

  test('numbers from low to high: viridis', () => {
    const { data } = heatPicture([5, 10, 7.5, 99], 4, 1, [5, 10]);
    assert.equal([...data], [68, 1, 84, 253, 231, 37, 33, 145, 140, 253, 231, 37]);
    assert.equal([...heatPicture([3], 1, 1, [3, 3]).data], [68, 1, 84]);
  });

  test('several in one, with gaps; enlarged', () => {
    const whole = montage([gray(1, 2), gray(3, 4), gray(5, 6)], 2, 1);
    assert.equal([whole.width, whole.height], [5, 3]);
    assert.equal([...whole.data], [1, 2, 128, 3, 4, 128, 128, 128, 128, 128, 5, 6, 128, 128, 128]);
    const large = enlarge(gray(1, 2), 2);
    assert.equal([large.width, large.height, ...large.data], [4, 2, 1, 1, 2, 2, 1, 1, 2, 2]);
  });
});
