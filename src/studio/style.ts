/** How the page looks: one column on a narrow screen, two on a wide one, light or dark as the reader has it. */
export const studioStyle = `
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
header,main{max-width:1280px;margin:0 auto;padding:0 16px}
header{padding-top:18px}
header p{margin:2px 0 0;color:var(--soft)}
h1{font-size:24px;margin:0}
h2{font-size:19px;margin:0 0 10px}
h3{font-size:15px;margin:14px 0 6px}
nav{display:flex;gap:6px;flex-wrap:wrap;margin:8px 0 0}
nav a{color:var(--blue);padding:6px 10px;border:1px solid var(--line);border-radius:8px;text-decoration:none;min-height:36px}
main{display:grid;gap:20px;grid-template-columns:minmax(0,1fr);padding-top:16px;padding-bottom:40px}
@media (min-width:980px){main{grid-template-columns:minmax(0,5fr) minmax(0,6fr)}}
main.one{grid-template-columns:minmax(0,1fr)}
.whole{grid-column:1/-1}
#inside{display:grid;gap:16px;grid-template-columns:minmax(0,1fr)}
@media (max-width:979px){main:not(.one)>.left,main:not(.one)>.right{display:contents}#train{order:1}#watch{order:2}#draw{order:3}#keep{order:4}.whole{order:5}}
.left,.right{display:grid;gap:20px;align-content:start;grid-template-columns:minmax(0,1fr)}
section{border:1px solid var(--line);border-radius:12px;padding:14px 16px;background:var(--panel);scroll-margin-top:8px}
#settings{min-height:470px}@media (max-width:979px){#settings{min-height:610px}}
.soft,small,figcaption,caption{color:var(--soft)}
p{margin:6px 0;overflow-wrap:anywhere}
.wide{grid-column:span 2}
.fields{display:grid;gap:8px 12px;grid-template-columns:repeat(auto-fill,minmax(min(100%,135px),1fr));margin:8px 0}
.field{display:grid;gap:2px;align-content:start}
.field span{font-size:13px;color:var(--soft);overflow-wrap:anywhere}
.field small{font-size:12px;line-height:1.3}
input,select,button,.button{font:inherit;color:inherit;background:var(--page);border:1px solid var(--soft);border-radius:7px;padding:6px 8px;min-height:38px;min-width:0;max-width:100%}
input[type=checkbox]{min-height:0;width:18px;height:18px}
input::placeholder{color:var(--soft);opacity:1}
button,.button{cursor:pointer;padding:7px 13px;display:inline-flex;align-items:center;gap:6px;min-height:42px}
button:disabled{opacity:.55;cursor:default}
button.main{background:var(--blue);border-color:var(--blue);color:var(--page);font-weight:650}
button.small{min-height:32px;padding:3px 9px;font-size:13.5px}
:focus-visible,.button:focus-within{outline:3px solid var(--orange);outline-offset:2px}
input[type=file]{position:absolute;width:1px;height:1px;opacity:0;min-height:0;padding:0;border:0}
.tools{display:flex;flex-wrap:wrap;gap:8px;align-items:center;margin:10px 0 0}
details{margin:8px 0}
summary{cursor:pointer;padding:6px 0;font-weight:600}
.drop{border:1.5px dashed var(--soft);border-radius:9px;padding:9px 11px;display:flex;gap:8px;flex-wrap:wrap;align-items:center;position:relative;font-size:14px}
.drop.over{border-color:var(--blue);background:var(--faint)}
.drop span{flex:1 1 150px}
.notes{margin:6px 0;padding-left:18px;font-size:13.5px;overflow-wrap:anywhere}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:14px;width:100%}
th,td{padding:4px 7px;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th{font-weight:600;color:var(--soft)}
tbody th,th:first-child{text-align:left}
#runs tbody th{white-space:normal}
tr:has(+.how)>*{border-bottom:0;padding-bottom:0}
.how td{white-space:normal;text-align:left;padding-bottom:8px}
.line{display:flex;gap:8px;align-items:flex-end;justify-content:space-between}
.options label{display:inline-flex;align-items:center;gap:4px;margin:1px 8px 1px 0;font-size:13px;color:var(--soft)}
.options input:not([type=checkbox]),.options select{min-height:28px;padding:1px 5px;color:var(--ink)}
.acts{display:flex;gap:4px;flex:none}
@media (max-width:480px){th,td{padding:4px 3px;font-size:13px}thead th{white-space:normal;overflow-wrap:anywhere}#runs thead th{overflow-wrap:normal}.line{flex-wrap:wrap;justify-content:flex-end}.options{flex:1 1 100%}}
tr.bad>*{background:color-mix(in srgb,var(--orange) 22%,transparent)}
tr.current th{color:var(--ink);font-weight:700}
.wrong{color:var(--orange)}
.without{color:var(--orange)}
progress{width:100%;height:10px;accent-color:var(--blue)}
.now{display:grid;grid-template-columns:repeat(auto-fit,minmax(112px,1fr));gap:6px 12px;margin:8px 0}
.now dt{font-size:13px;color:var(--soft)}
.now dd{margin:0;font-size:18px;font-weight:650;font-variant-numeric:tabular-nums;white-space:nowrap}
.hash{display:block;font-size:13px;color:var(--soft)}
code{font:13px/1.4 ui-monospace,SFMono-Regular,Menlo,monospace;overflow-wrap:anywhere}
.charts{display:grid;gap:12px;grid-template-columns:repeat(auto-fit,minmax(min(100%,260px),1fr))}
figure{margin:0;min-width:0}
.two{display:grid;gap:14px;grid-template-columns:minmax(0,1fr)}
@media (min-width:1180px){.two{grid-template-columns:minmax(0,1.25fr) minmax(0,1fr)}}
.matrix td,.matrix th{min-width:26px;padding:3px 4px;border:0;text-align:center;font-size:12.5px}
.matrix.named{table-layout:fixed}
.matrix.named th[scope=row],.matrix.named thead td{width:74px;overflow:hidden;text-overflow:ellipsis;text-align:right}
.matrix.named th[scope=col] span{writing-mode:vertical-rl;transform:rotate(180deg)}
.matrix caption{caption-side:bottom;font-size:12.5px;text-align:left;padding-top:4px}
.matrix td.right{background:color-mix(in srgb,var(--blue) calc(var(--share)*1%),transparent)}
.matrix td.wrong{color:var(--ink);background:color-mix(in srgb,var(--orange) calc(var(--share)*1%),transparent)}
.mistakes{display:grid;grid-template-columns:repeat(auto-fill,minmax(86px,1fr));gap:8px;list-style:none;margin:0;padding:0}
button.image{display:block;width:100%;padding:5px;font-size:12.5px;line-height:1.3;text-align:left;min-height:0}
canvas.pixels{display:block;width:100%;height:auto;image-rendering:pixelated;border-radius:4px}
.drawing{display:grid;gap:16px;grid-template-columns:minmax(0,1fr)}
@media (min-width:560px){.drawing{grid-template-columns:minmax(0,280px) minmax(0,1fr)}}
#pad{display:block;width:100%;max-width:320px;aspect-ratio:1;border:1px solid var(--line);border-radius:9px;touch-action:none;cursor:crosshair;background:#000}
.said{font-size:19px;margin:0 0 6px}
#classes{list-style:none;margin:0;padding:0;display:grid;gap:3px;min-height:272px;align-content:start}
#classes li{display:grid;grid-template-columns:minmax(1.5rem,6rem) minmax(0,1fr) 3.6rem;gap:8px;align-items:center;font-variant-numeric:tabular-nums}
#classes li span:first-child{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
#classes li span:last-child{text-align:right}
.bar{height:13px;border-radius:3px;background:linear-gradient(90deg,var(--blue) calc(var(--share)*100%),var(--faint) 0)}
li.best{font-weight:650}
li.best .bar{background:linear-gradient(90deg,var(--orange) calc(var(--share)*100%),var(--faint) 0)}
.small-pictures{display:flex;gap:14px;margin-top:8px;flex-wrap:wrap}
.small-picture{width:96px;height:96px;border:1px solid var(--line);border-radius:5px;background:#000}
.small-pictures figcaption{font-size:12.5px;max-width:120px;line-height:1.3}
.strip{display:grid;grid-template-columns:repeat(auto-fill,minmax(44px,1fr));gap:4px;margin:2px 0 10px}
`;
