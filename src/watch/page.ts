/** The page that `quern watch` serves: what does not change of it. */
import { pageVariables } from '../report/charts/theme.js';

const style = `
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main,header{max-width:1180px;margin:0 auto;padding:0 18px}
header{padding-top:22px}
h1{font-size:24px;margin:0;overflow-wrap:anywhere}
h2{font-size:17px;margin:0 0 8px}
.soft{color:var(--soft);margin:2px 0 0;overflow-wrap:anywhere}
section{margin:26px 0 0}
.now{display:grid;grid-template-columns:repeat(auto-fit,minmax(128px,1fr));gap:10px 18px;margin:16px 0 0;padding:14px 18px;background:var(--panel);border:1px solid var(--line);border-radius:12px}
.now:empty{display:none}
.now dt{font-size:13px;color:var(--soft)}
.now dd{margin:0;font-size:20px;font-weight:650;font-variant-numeric:tabular-nums}
.bar{grid-column:1/-1;height:8px;border-radius:4px;background:var(--faint);overflow:hidden}
.bar i{display:block;height:100%;background:var(--blue)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:24px}
svg{display:block;width:100%;height:auto}
svg text{fill:var(--soft);font-size:12px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:14px;width:100%}
th,td{padding:4px 9px;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th{color:var(--soft);font-weight:600}
th:first-child,td:first-child{text-align:left;padding-left:0;max-width:260px;overflow:hidden;text-overflow:ellipsis}
.key{display:inline-block;width:18px;height:4px;border-radius:2px;margin-right:8px;vertical-align:middle}
.matrix td{min-width:30px;padding:3px 5px;border:0;text-align:center;font-size:12.5px}
.matrix th{font-size:12px;padding:3px 6px}
.two{display:grid;grid-template-columns:minmax(0,1.2fr) minmax(0,1fr);gap:26px}
.mistakes{display:grid;grid-template-columns:repeat(auto-fill,minmax(92px,1fr));gap:10px;list-style:none;margin:0;padding:0;font-size:12.5px;line-height:1.3}
.mistakes canvas{display:block;width:100%;border-radius:5px;image-rendering:pixelated}
.mistakes b{display:block;margin-top:4px;overflow-wrap:anywhere}
@media (max-width:820px){.two{grid-template-columns:minmax(0,1fr)}}
`;

/** The page that the script fills. */
export const watchPage = (): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark"><title>quern watch</title><link rel="icon" href="data:,">
<style>${pageVariables()}${style.replaceAll('\n', '')}</style></head>
<body><header><h1 id="title">quern watch</h1><p class="soft" id="about" role="status">Waiting for what there is to see …</p></header>
<main><dl class="now" id="now"></dl>
<section class="charts" id="charts"></section>
<section id="runs"></section>
<section id="validation"></section></main>
<script type="module" src="watch/client.js"></script></body></html>
`;
