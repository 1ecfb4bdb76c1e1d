"use strict";
// The page contains values as little-endian int16; 32767 is the scale of the unit. The fragment of the URL selects
// units: #unit=NAME or #unit=INDEX in the list, from 0, for every text; if repeated, one for each text in order.
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
