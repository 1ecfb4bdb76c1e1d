"""The style sheet and the script inside every page of `page.py`."""

from __future__ import annotations

from seq2seq_tf.inspection.coloured_text import NEGATIVE, POSITIVE
from seq2seq_tf.inspection.text_grid import TAB

STYLE = (
    f""":root {{
  --positive: {", ".join(map(str, POSITIVE))}; --negative: {", ".join(map(str, NEGATIVE))};
  --map: 33, 102, 172; --look: 255, 70, 0;
  --tab: {TAB};
}}"""
    + """
* { box-sizing: border-box; }
html { color-scheme: light; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
body { margin: 2rem auto 4rem; padding: 0 1.5rem; max-width: 72rem; background: #fff; color: #1a1a1a;
  font: 16px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 1rem; }
h2 { font-size: 1.15rem; margin: 0 0 .6rem; break-after: avoid; }
section { margin: 2.2rem 0 0; padding-top: 1.1rem; border-top: 1px solid #e3e3e3; }
nav { font-size: .9rem; } nav ol { margin: 0; padding-left: 1.4rem; columns: 2 20rem; }
a { color: #1f5c99; }
p { max-width: 44rem; margin: 0 0 .7rem; white-space: pre-line; }
figure { margin: 0 0 1.2rem; break-inside: avoid; } figcaption { color: #444; font-size: .9rem; margin: .2rem 0 .4rem; }
img { max-width: 100%; height: auto; }
output, .legend, small { color: #555; font-size: .85rem; font-variant-numeric: tabular-nums; }
output { min-height: 1.3rem; white-space: pre; }
.bar { position: sticky; top: 0; display: flex; flex-wrap: wrap; gap: .3rem 1.4rem; align-items: center;
  background: #fff; padding: .4rem 0; border-bottom: 1px solid #eee; }
select { font: inherit; font-size: .9rem; max-width: 30rem; }
.ramp { display: inline-block; width: 8rem; height: .8rem; margin: 0 .4rem; vertical-align: -.1rem;
  border: 1px solid #ddd; background: linear-gradient(to right, rgb(var(--negative)), #fff, rgb(var(--positive))); }
pre { margin: .6rem 0; font: .86rem/1.6 "DejaVu Sans Mono", Menlo, Consolas, monospace; tab-size: var(--tab);
  white-space: pre-wrap; overflow-wrap: anywhere; }
pre > span { padding: .12em 0; } pre > span:hover { outline: 1px solid #333; }
pre > .n::before { content: "\\21B5"; color: #999; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
.rows th, .rows td { padding: .22rem 1.3rem .22rem 0; text-align: left; border-bottom: 1px solid #eee; }
.rows thead th { border-bottom: 1px solid #888; vertical-align: bottom; }
.rows .r { text-align: right; }
.map th { font-weight: normal; font-size: .85rem; padding: .1rem .35rem; white-space: pre; }
.map thead td { border: 0; } .map thead th { vertical-align: bottom; }
.map thead th span { writing-mode: vertical-rl; transform: rotate(180deg); }
.map tbody th { text-align: right; }
.map td { min-width: 1.9rem; height: 1.6rem; padding: 0 .1rem; text-align: center; font-size: .68rem; color: #333;
  border: 1px solid #f0f0f0; background: rgba(var(--map), var(--a, 0)); }
.map .d { color: #fff; }
.map .on { outline: 1px solid #e08a00; outline-offset: -1px; } .map th.on { background: #ffe9c4; outline: 0; }
.frames { display: flex; flex-wrap: wrap; gap: 1rem; }
.frames figure { width: 9.5rem; margin: 0; } .frames figcaption { text-align: center; color: #1a1a1a; }
.image { position: relative; width: 100%; border: 1px solid #ddd;
  background: var(--png) 0 0 / 100% 100%; image-rendering: pixelated; }
.over { display: grid; position: absolute; inset: 0; }
.over i { background: rgba(var(--look), calc(var(--a, 0) * .75)); }
@media print { body { margin: 0; max-width: none; font-size: 11pt; } nav, output { display: none; }
  .bar { position: static; } .scroll { overflow: visible; } pre { font-size: 8.5pt; } }
"""
)

# Values stand in the page as little-endian int16, 32767 being the scale of the unit. The fragment of the address
# chooses units: #unit=NAME or #unit=PLACE in the list, from 0, for every text; several for one text after another.
SCRIPT = r"""
"use strict";
const texts = [...document.querySelectorAll("section.coloured")].map(section => {
  const data = JSON.parse(section.querySelector("script").textContent);
  const view = new DataView(Uint8Array.from(atob(data.values), c => c.charCodeAt(0)).buffer);
  const spans = [...section.querySelectorAll("pre > span")];
  const select = section.querySelector("select");
  const show = unit => {
    const scale = data.scales[unit];
    spans.forEach((span, n) => {
      const strength = view.getInt16(2 * (unit * spans.length + n), true) / 32767;
      const colour = strength < 0 ? "--negative" : "--positive";
      span.style.backgroundColor = `rgba(var(${colour}), ${Math.abs(strength).toFixed(3)})`;
      span.title = `${JSON.stringify(span.textContent)} ${(strength * scale).toFixed(3)}`;
    });
    section.querySelector(".low").textContent = "\u2212" + scale.toPrecision(3);
    section.querySelector(".high").textContent = "+" + scale.toPrecision(3);
    select.value = unit;
    section.dataset.unit = data.units[unit];
  };
  const find = name => {
    const place = data.units.indexOf(name);
    if (place >= 0) return place;
    return /^\d+$/.test(name) && Number(name) < data.units.length ? Number(name) : -1;
  };
  select.addEventListener("change", () => {
    show(Number(select.value));
    const all = texts.map(text => "unit=" + text.select.value).join("&");
    history.replaceState(null, "", "#" + all);
  });
  section.querySelector("pre").addEventListener("mouseover", event => {
    if (event.target.title) section.querySelector("output").textContent = event.target.title;
  });
  show(0);
  return { section, select, show, find };
});

function choose(scroll) {
  const names = new URLSearchParams(location.hash.slice(1)).getAll("unit");
  texts.forEach((text, n) => {
    const name = names.length > 1 ? names[n] : names[0];
    const unit = name === undefined ? -1 : text.find(name);
    if (unit < 0) return;
    text.show(unit);
    if (scroll) { text.section.scrollIntoView(); scroll = false; }
  });
}
addEventListener("hashchange", () => choose(true));
choose(false);

for (const table of document.querySelectorAll("table.map")) {
  const heads = table.tHead.rows[0].cells;
  const output = table.closest("figure").querySelector("output");
  const mark = (cell, on) => {
    for (const row of table.rows) row.cells[cell.cellIndex].classList.toggle("on", on);
    for (const other of cell.parentNode.cells) other.classList.toggle("on", on);
  };
  let marked = null;
  table.addEventListener("mouseover", event => {
    if (marked) mark(marked, false);
    marked = event.target.closest("td");
    if (!marked) return;
    mark(marked, true);
    const weight = Number(marked.style.getPropertyValue("--a") || 0).toFixed(3);
    marked.title = `${marked.parentNode.cells[0].textContent} \u2190 ${heads[marked.cellIndex].textContent}: ${weight}`;
    output.textContent = marked.title;
  });
  table.addEventListener("mouseleave", () => { if (marked) mark(marked, false); marked = null; });
}
"""
