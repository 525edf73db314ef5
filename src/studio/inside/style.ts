/** How what is inside looks, in the studio and on a page of its own. */
export const insideStyle = `
.op{display:inline-block;font:12px/1.35 ui-monospace,SFMono-Regular,Menlo,monospace;color:var(--ink);border:1px solid;border-left-width:4px;border-radius:5px;padding:1px 5px;margin:1px;background:var(--page);min-height:0}
button.op{cursor:pointer}
.op.forward{border-color:var(--blue)}
.op.gradient{border-color:var(--orange);border-left-style:double}
.op.update{border-color:var(--green);border-left-style:dotted}
.op.leaf{font-weight:700}
.op.chosen{background:var(--ink);color:var(--page)}
.op.reads{background:color-mix(in srgb,var(--blue) 30%,var(--page))}
.op.used{background:color-mix(in srgb,var(--orange) 30%,var(--page))}
.tall{max-height:520px;overflow:auto}
.graph td.ops{text-align:left;white-space:normal;min-width:170px;vertical-align:top}
.graph th[scope=row]{vertical-align:top;white-space:normal;min-width:110px}
.graph small,.kernels small{display:block;font-weight:400;font-size:12px;white-space:normal}
.kernels td.text{text-align:left;white-space:normal;min-width:160px;overflow-wrap:anywhere}
.kernels tbody th{white-space:normal}
.kernels th[scope=row],.graph thead th,.kernels thead th:nth-child(3){text-align:left}
.kernels thead th{white-space:normal;vertical-align:bottom}
td.share{min-width:62px;background:linear-gradient(90deg,color-mix(in srgb,var(--blue) 30%,transparent) calc(var(--share)*100%),transparent 0)}
.graph thead th,.kernels thead th{position:sticky;top:0;background:var(--panel)}
canvas.memory{width:100%;height:auto;border:1px solid var(--line);border-radius:6px;background:var(--page)}
pre{max-height:420px;overflow:auto;background:var(--page);border:1px solid var(--line);border-radius:6px;padding:10px;font:12.5px/1.4 ui-monospace,SFMono-Regular,Menlo,monospace;margin:0}
.tiny{display:grid;gap:14px;grid-template-columns:minmax(0,1fr)}
@media (min-width:760px){.tiny{grid-template-columns:minmax(0,1fr) minmax(0,1fr)}}
.tiny input[type=range]{width:100%;padding:0}
.now-op{min-height:120px}
.tape{max-height:230px;overflow:auto;margin:0;padding:0 0 0 8px;list-style:none;font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,monospace;border-left:1px solid var(--line)}
.tape li{border-left:4px solid;padding-left:7px;overflow-wrap:anywhere}
.tape .forward{border-color:var(--blue)}.tape .gradient{border-left-style:double;border-color:var(--orange)}.tape .update{border-left-style:dotted;border-color:var(--green)}
.tape .here{background:var(--faint);font-weight:700}
.numbers{width:auto}
.numbers td{border:1px solid var(--line);min-width:66px}
.numbers .minus{background:color-mix(in srgb,var(--orange) 22%,transparent)}
.numbers .plus{background:color-mix(in srgb,var(--blue) 15%,transparent)}
.lead{font-size:16px}
.said-op{min-height:2.9em}
.choice{display:inline-flex;gap:6px;align-items:center;padding:6px 0}
`;
