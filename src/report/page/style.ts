/** How the page looks: light and dark, on screens of any width and on paper. */
import { drawingStyle, pageVariables } from '../charts/theme.js';

const rules = `
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main,header,footer{max-width:1120px;margin:0 auto;padding:0 20px}
header{padding-top:40px}
header p{max-width:none}
h1{font-size:clamp(26px,4vw,38px);line-height:1.15;margin:0 0 6px;letter-spacing:-.02em;overflow-wrap:anywhere}
h2{font-size:22px;margin:0 0 4px;letter-spacing:-.01em}
h3{font-size:15px;margin:0 0 8px}
p{margin:0 0 14px;max-width:75ch}
.soft,figcaption,.about{color:var(--soft)}
.about{font-size:15px}
a{color:var(--blue)}
nav{display:flex;flex-wrap:wrap;gap:4px 18px;margin:14px 0 0;font-size:15px}
section{margin:40px 0 0;padding:28px 0 0;border-top:1px solid var(--line)}
.headline{display:flex;flex-wrap:wrap;align-items:center;gap:18px 40px;margin:24px 0 0;padding:22px 26px;background:var(--panel);border:1px solid var(--line);border-radius:14px}
.score{font-size:clamp(46px,8vw,72px);line-height:1;font-weight:700;letter-spacing:-.03em;font-variant-numeric:tabular-nums;color:var(--blue)}
.score small{display:block;margin-top:8px;line-height:1.3;font-size:14px;font-weight:400;letter-spacing:0;color:var(--soft)}
.facts{flex:1 1 460px;display:grid;grid-template-columns:repeat(auto-fit,minmax(128px,1fr));gap:14px 22px;margin:0}
.facts dt{font-size:13px;color:var(--soft)}
.facts dd{margin:0;font-size:19px;font-weight:600;font-variant-numeric:tabular-nums}
.notes{margin:18px 0 0;padding:12px 18px;border-left:4px solid var(--orange);background:var(--panel);border-radius:0 8px 8px 0}
.notes p{margin:4px 0}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,320px),1fr));gap:26px 32px;align-items:start}
figure{margin:0;break-inside:avoid}
figcaption{font-size:14px;margin-top:6px}
.charts svg,.wide svg{display:block;width:100%;height:auto;max-width:560px}
.wide svg{width:auto;max-width:100%}
.wide{overflow-x:auto}
.two{display:grid;grid-template-columns:minmax(0,1.15fr) minmax(0,1fr);gap:30px 44px;align-items:start}
@media (max-width:820px){.two{grid-template-columns:minmax(0,1fr)}}
.scroll{overflow-x:auto}
.sources{margin:0;padding:0;list-style:none;font-size:13.5px;line-height:1.4;color:var(--soft)}
.sources li{margin:0 0 8px;overflow-wrap:anywhere}
.sources b{color:var(--ink)}
table{border-collapse:collapse;font-size:14.5px;font-variant-numeric:tabular-nums;width:100%}
th,td{padding:5px 10px;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left;padding-left:0}
th{font-weight:600;color:var(--soft)}
tbody th{color:var(--ink);font-weight:500}
td.text,th.text{text-align:left}
td.text{white-space:normal;overflow-wrap:anywhere;min-width:8em}
.bar{display:inline-block;width:64px;height:7px;margin-left:8px;border-radius:4px;background:var(--faint);overflow:hidden;vertical-align:middle}
.bar,.bar i,.guesses i{print-color-adjust:exact}
.bar i{display:block;height:100%;background:var(--blue)}
.bar.wrong i{background:var(--orange)}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(116px,1fr));gap:14px;list-style:none;margin:16px 0 0;padding:0}
.gallery>li{display:flex;flex-direction:column;padding:10px;background:var(--panel);border:1px solid var(--line);border-radius:10px;font-size:13px;line-height:1.35;break-inside:avoid}
.gallery img{display:block;width:100%;border-radius:5px}
img{height:auto;image-rendering:pixelated}
.gallery b{display:block;margin:8px 0 2px;overflow-wrap:anywhere}
.gallery .wrong b::before{content:"✗ ";color:var(--orange)}
.gallery .right b::before{content:"✓ ";color:var(--blue)}
.gallery .was{margin-bottom:4px;color:var(--soft);overflow-wrap:anywhere}
.guesses{margin:auto 0 0;padding:0;list-style:none}
.guesses li{position:relative;display:flex;justify-content:space-between;gap:6px;padding:0 0 5px;margin:0 0 2px;border:0;border-radius:0;background:none;font-size:12px}
.guesses span:first-child{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.guesses i{position:absolute;left:0;bottom:1px;height:3px;border-radius:2px;background:var(--blue)}
.wrong .guesses li:first-child i{background:var(--orange)}
.kinds{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:24px 60px;margin-top:18px}
.kinds h3{text-transform:capitalize}
.worse{display:grid;grid-template-columns:repeat(4,1fr);gap:14px;margin:0;padding:0;list-style:none;font-size:13px;color:var(--soft)}
.worse img{display:block;width:100%;border-radius:6px}
.worse b{display:block;margin-top:6px;font-size:17px;color:var(--ink)}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(60px,1fr));gap:8px;margin:12px 0 0}
.tiles img{display:block;width:100%;border-radius:4px;border:1px solid var(--line)}
.example{display:flex;gap:20px;align-items:flex-start}
.example>img{width:112px;flex:none;border-radius:6px}
.example .tiles{flex:1;margin:0}
details{margin:14px 0 0}
summary{cursor:pointer;color:var(--blue);font-size:15px}
summary:focus-visible,a:focus-visible,.scroll:focus-visible,.wide:focus-visible{outline:3px solid var(--orange);outline-offset:3px;border-radius:3px}
code{font:13.5px/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
footer{margin-top:48px;padding-top:20px;padding-bottom:48px;font-size:14px;color:var(--soft)}
@media (max-width:560px){.gallery{grid-template-columns:repeat(2,1fr)}.example{flex-direction:column;align-items:stretch}.tiles{grid-template-columns:repeat(auto-fill,minmax(48px,1fr))}.headline{padding:18px}th,td{padding:5px 7px}}
@media print{nav,summary{display:none}details::details-content{content-visibility:visible;display:block}.scroll,.wide{overflow:visible}.scroll table{font-size:9px}.scroll th,.scroll td{white-space:normal;overflow-wrap:anywhere;padding:3px 4px}.scroll .many{font-size:5px}.scroll .many th,.scroll .many td{padding:1px}.bar{display:none}.wide svg{max-width:100%}body{font-size:12px}section{break-inside:auto;margin-top:22px;padding-top:16px}.gallery{grid-template-columns:repeat(6,1fr)}}
`;

export const pageStyle = (): string => `${pageVariables()}${rules.replaceAll('\n', '')}${drawingStyle()}`;
