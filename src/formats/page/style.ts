/** How the page looks: one column on a narrow screen, two on a wide one, light or dark as the reader has it. */
export const pageStyle = `
:root { color-scheme: light dark; --back: #fbfaf8; --text: #1f2328; --soft: #59636e; --line: #d1d9e0; --bar: #3b6ea8; --best: #b35900; }
@media (prefers-color-scheme: dark) {
  :root { --back: #15181c; --text: #e8eaed; --soft: #a3acb6; --line: #3a424b; --bar: #6ba3e0; --best: #f0a35e; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 52rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; }
p { margin: 0 0 1rem; color: var(--soft); overflow-wrap: anywhere; }
.columns { display: grid; gap: 1.5rem; grid-template-columns: minmax(0, 1fr); }
@media (min-width: 720px) { .columns { grid-template-columns: 20rem minmax(0, 1fr); } }
#drawing { display: block; width: 100%; max-width: 20rem; aspect-ratio: 1; border: 1px solid var(--line); border-radius: 8px; touch-action: none; cursor: crosshair; background: #000; }
.tools { display: flex; flex-wrap: wrap; align-items: center; gap: .75rem; margin-top: .75rem; }
button, .button { font: inherit; color: inherit; background: transparent; border: 1px solid var(--soft); border-radius: 6px; padding: .5rem .9rem; min-height: 44px; cursor: pointer; display: inline-flex; align-items: center; }
button:focus-visible, .button:focus-within { outline: 3px solid var(--bar); outline-offset: 2px; }
input[type=file] { position: absolute; width: 1px; height: 1px; opacity: 0; }
figure { margin: 0; display: flex; align-items: center; gap: .5rem; color: var(--soft); font-size: .85rem; }
#preview { width: 56px; height: 56px; image-rendering: pixelated; border: 1px solid var(--line); border-radius: 4px; }
.said { font-size: 1.25rem; } .said strong { color: var(--text); }
ol { list-style: none; margin: 0; padding: 0; display: grid; gap: .4rem; }
li { display: grid; grid-template-columns: 7rem minmax(0, 1fr) 3.6rem; gap: .6rem; align-items: center; font-variant-numeric: tabular-nums; }
li span:first-child { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; } li span:last-child { text-align: right; }
.bar { height: .9rem; border-radius: 3px; background: linear-gradient(90deg, var(--bar) calc(var(--share) * 100%), color-mix(in srgb, var(--line) 55%, transparent) 0); }
li.best { font-weight: 600; } li.best .bar { background: linear-gradient(90deg, var(--best) calc(var(--share) * 100%), color-mix(in srgb, var(--line) 55%, transparent) 0); }
`;
