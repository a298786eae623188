// The live parts of the dashboard. Every page reads and works without this file; it adds keys, charts and new rows.
//
// No text of a message ever becomes markup here: nodes are made by the DOM and filled with textContent, nothing is evaluated.
//
//   keys    j k  next and previous row (<tr data-href>, its first link takes the focus); Enter opens; / goes to the search box
//   chart   <figure class="chart"> holds its data as a table (the twin); the picture is drawn from that same table:
//             th[data-time]                    the column of instants (<time datetime>)
//             th[data-line=NAME]               a line; data-style: observed counterfactual controls event quiet; data-step: as steps
//             th[data-band=low|high]           the bounds of a band around the first line of style counterfactual
//             th[data-exposure]                share of the bin, 0 to 1: hatched where nothing could be seen
//             td[data-v=NUMBER]                the value; without data-v there is none
//             [data-at=INSTANT]                in the figure: an event, drawn as a vertical rule with its text
//             data-brush=NAME                  the URL's parameter that a brush sets, to START/END
//   live    <section data-live=URL>            rows that arrive by server-sent events: JSON, put into a copy of the section's
//             <template>, whose [data-field=NAME] take text and [data-link=NAME] an address of this server; data-cap rows stay
"use strict";
(() => {
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  // ---- keys -------------------------------------------------------------------------------------------------------------
  const typing = (target) => target.closest?.("input, textarea, select, [contenteditable]");

  function step(by) {
    const rows = all("tr[data-href]").map((row) => row.querySelector("a[href]")).filter((a) => a && a.offsetParent !== null);
    if (!rows.length) return;
    const here = rows.indexOf(document.activeElement);
    const next = here < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, here + by));
    rows[next].focus();
    rows[next].closest("tr")?.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || typing(e.target)) return;
    if (e.key === "j") step(1);
    else if (e.key === "k") step(-1);
    else if (e.key === "/") {
      const box = document.querySelector("main input[type=search]") || document.querySelector("input[type=search]");
      if (!box) return;
      box.focus();
      box.select();
    } else return;
    e.preventDefault();
  });

  // A click anywhere on a row opens it, unless it hits a control or ends a selection of text.
  document.addEventListener("click", (e) => {
    const link = e.target.closest?.("tr[data-href]")?.querySelector("a[href]");
    if (!link || e.target.closest("a, button, input, summary, label") || String(getSelection())) return;
    link.click();
  });

  // ---- charts -----------------------------------------------------------------------------------------------------------
  function column(table, index) {
    return all("tbody tr", table).map((row) => {
      const text = row.cells[index]?.dataset.v;
      return text === undefined || text === "" ? null : Number(text);
    });
  }

  function readChart(figure) {
    const table = figure.querySelector("table");
    const heads = all("thead th", table);
    const chart = { times: [], lines: [], low: null, high: null, exposure: null };
    heads.forEach((th, i) => {
      const d = th.dataset;
      if ("time" in d) {
        chart.times = all("tbody tr", table).map((row) => Date.parse(row.cells[i].querySelector("time").dateTime) / 1000);
      } else if (d.line) {
        chart.lines.push({ name: d.line, style: d.style || "observed", step: "step" in d, values: column(table, i) });
      } else if (d.band) chart[d.band] = column(table, i);
      else if ("exposure" in d) chart.exposure = column(table, i);
    });
    chart.events = all("[data-at]", figure).map((e) => ({ at: Date.parse(e.dataset.at) / 1000, text: e.dataset.label || e.textContent }));
    return chart;
  }

  function hatch(context, x, width, top, height) {
    context.save();
    context.beginPath();
    context.rect(x, top, width, height);
    context.clip();
    context.strokeStyle = css("line");
    context.lineWidth = devicePixelRatio;
    const gap = 6 * devicePixelRatio;
    context.beginPath();
    for (let at = x - height; at < x + width; at += gap) {
      context.moveTo(at, top + height);
      context.lineTo(at + height, top);
    }
    context.stroke();
    context.restore();
  }

  // Bins in which nothing could be seen are hatched, behind the lines.
  function drawBlind(u, chart) {
    if (!chart.exposure || chart.times.length < 2) return;
    const size = chart.times[1] - chart.times[0];
    chart.exposure.forEach((share, i) => {
      if (share !== null && share > 0) return;
      const left = Math.max(u.bbox.left, u.valToPos(chart.times[i], "x", true));
      const right = Math.min(u.bbox.left + u.bbox.width, u.valToPos(chart.times[i] + size, "x", true));
      if (right > left) hatch(u.ctx, left, right - left, u.bbox.top, u.bbox.height);
    });
  }

  function drawEvents(u, chart) {
    const { ctx } = u;
    const px = devicePixelRatio;
    const placed = [];
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = css("event");
    ctx.lineWidth = 1.5 * px;
    ctx.font = `${12 * px}px system-ui, sans-serif`;
    for (const event of chart.events) {
      const x = u.valToPos(event.at, "x", true);
      if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) continue;
      ctx.beginPath();
      ctx.moveTo(x, u.bbox.top);
      ctx.lineTo(x, u.bbox.top + u.bbox.height);
      ctx.stroke();
      // The label goes to the side that has room; one that would lie on another is left to the list below the picture.
      const width = ctx.measureText(event.text).width + 6 * px;
      const start = x + width > u.bbox.left + u.bbox.width ? x - width : x + 4 * px;
      if (start < 0 || placed.some(([from, to]) => start < to && start + width > from)) continue;
      placed.push([start, start + width]);
      ctx.fillText(event.text, start, u.bbox.top - 4 * px);
    }
    ctx.restore();
  }

  // The name of a line stands at its end, as far as no other stands there.
  function drawNames(u, chart) {
    if (chart.lines.length < 2) return;
    const px = devicePixelRatio;
    const taken = [];
    u.ctx.save();
    u.ctx.font = `${12 * px}px system-ui, sans-serif`;
    chart.lines.forEach((line) => {
      const last = line.values.findLastIndex((v) => v !== null);
      if (last < 0) return;
      let y = u.valToPos(line.values[last], "y", true);
      while (taken.some((other) => Math.abs(other - y) < 14 * px)) y -= 14 * px;
      taken.push(y);
      u.ctx.fillStyle = css(line.style);
      u.ctx.fillText(line.name, u.bbox.left + u.bbox.width + 6 * px, y + 4 * px);
    });
    u.ctx.restore();
  }

  function series(chart, line) {
    const dashed = line.style === "counterfactual";
    const few = line.values.filter((v) => v !== null).length <= 60;
    return {
      label: line.name, stroke: css(line.style), width: 1.5, dash: dashed ? [6, 4] : undefined, spanGaps: false,
      paths: line.step ? uPlot.paths.stepped({ align: 1 }) : undefined,
      points: { show: few && !dashed && !line.step, size: 5, fill: css(line.style) },
    };
  }

  const short = (value) => {
    if (value === null) return "";
    const size = Math.abs(value);
    for (const [unit, name] of [[1e9, " bn"], [1e6, " m"], [1e3, " k"]]) if (size >= unit) return `${+(value / unit).toPrecision(4)}${name}`;
    return String(+value.toPrecision(4));
  };

  function draw(figure) {
    const chart = readChart(figure);
    const place = figure.querySelector(".plot");
    if (!chart.times.length || !chart.lines.length) return;
    place.replaceChildren();
    const data = [chart.times, ...chart.lines.map((l) => l.values)];
    const lines = [{}, ...chart.lines.map((l) => series(chart, l))];
    const bands = [];
    if (chart.low && chart.high) {
      data.push(chart.low, chart.high);
      const edge = { stroke: "transparent", width: 0, points: { show: false }, spanGaps: false };
      lines.push({ ...edge, label: "low" }, { ...edge, label: "high" });
      bands.push({ series: [data.length - 1, data.length - 2], fill: css("band") });
    }
    const axis = { stroke: css("quiet"), grid: { stroke: css("line"), width: 1 }, ticks: { stroke: css("line"), width: 1 }, font: "12px system-ui, sans-serif" };
    const names = chart.lines.length > 1 ? Math.min(140, 8 + 7 * Math.max(...chart.lines.map((l) => l.name.length))) : 12;
    const brush = figure.dataset.brush;
    const plot = new uPlot({
      width: Math.max(240, place.clientWidth), height: place.clientWidth < 480 ? 200 : 260, padding: [20, names, 0, 0],
      tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), "UTC"),
      legend: { show: false }, focus: { alpha: 1 },
      cursor: { drag: { x: Boolean(brush), y: false, setScale: false }, points: { size: 7 } },
      scales: { x: { time: true }, y: { range: (_, low, high) => [Math.min(0, low ?? 0), (high || 1) * 1.05] } },
      axes: [axis, { ...axis, size: 56, values: (_, ticks) => ticks.map(short) }],
      series: lines, bands,
      hooks: {
        drawClear: [(u) => drawBlind(u, chart)],
        draw: [(u) => { drawEvents(u, chart); drawNames(u, chart); }],
        setCursor: [(u) => tell(figure, chart, u.cursor.idx)],
        setSelect: brush ? [(u) => zoom(u, brush)] : [],
      },
    }, data, place);
    return plot;
  }

  // What the pointer is on, in words, below the picture.
  function tell(figure, chart, index) {
    const place = figure.querySelector(".reading");
    if (!place || index === null || index === undefined) return;
    const bin = chart.times[1] - chart.times[0];
    const when = new Date(chart.times[index] * 1000).toISOString();
    const parts = chart.lines.map((l) => `${l.name} ${l.values[index] === null ? "none seen" : short(l.values[index])}`);
    const exposure = chart.exposure?.[index];
    if (exposure !== undefined) parts.push(`exposure ${exposure === null ? "unknown" : `${Math.round(exposure * 100)} %`}`);
    place.textContent = `${bin >= 86400 ? when.slice(0, 10) : `${when.slice(0, 10)} ${when.slice(11, 16)} UTC`}: ${parts.join(", ")}`;
  }

  function zoom(u, name) {
    if (u.select.width < 4) return;
    const instant = (x) => new Date(Math.round(u.posToVal(x, "x")) * 1000).toISOString().slice(0, 19) + "Z";
    const url = new URL(location.href);
    url.searchParams.set(name, `${instant(u.select.left)}/${instant(u.select.left + u.select.width)}`);
    url.searchParams.delete("after");
    location.assign(url);
  }

  const drawn = new Map();
  function redraw(root = document) {
    for (const figure of drawn.keys()) if (!figure.isConnected) { drawn.get(figure)?.destroy(); drawn.delete(figure); }
    all("figure.chart", root).forEach((figure) => {
      drawn.get(figure)?.destroy();
      drawn.set(figure, draw(figure));
    });
  }

  let width = innerWidth;
  let waiting;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(() => { redraw(); reachable(); }, 150);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw());
  document.addEventListener("htmx:after:swap", () => redraw());

  // ---- what arrives -----------------------------------------------------------------------------------------------------
  function row(template, message) {
    const node = template.content.firstElementChild.cloneNode(true);
    all("[data-field]", node).forEach((e) => { e.textContent = message[e.dataset.field] ?? ""; });
    all("[data-link]", node).forEach((e) => {
      const path = String(message[e.dataset.link] ?? "");
      // Addresses of this server alone: nothing that a message says can name another.
      if (/^\/(?![\/\\])/.test(path)) e.href = path;
    });
    return node;
  }

  function follow(section) {
    const list = section.querySelector("[data-rows]");
    const template = section.querySelector("template");
    const status = section.querySelector("[data-status]");
    const cap = Number(section.dataset.cap || 50);
    const say = (word) => { if (status && status.textContent !== word) status.textContent = word; };
    let source;
    const start = () => {
      if (source) return;
      source = new EventSource(section.dataset.live);
      source.addEventListener("open", () => say("live"));
      source.addEventListener("error", () => say(source.readyState === EventSource.CLOSED ? "stopped: load the page again" : "waiting for the server"));
      source.addEventListener("message", (e) => {
        list.prepend(row(template, JSON.parse(e.data)));
        section.querySelectorAll("[data-empty]").forEach((n) => n.remove());
        while (list.childElementCount > cap) list.lastElementChild.remove();
      });
    };
    const stop = () => { source?.close(); source = undefined; };
    // A page in the cache of "back" holds no connection.
    addEventListener("pagehide", stop);
    addEventListener("pageshow", start);
    start();
  }

  // What scrolls sideways can be scrolled by keys, and says what it is.
  function reachable() {
    all(".scroll, .wide").forEach((e) => {
      if (e.scrollWidth <= e.clientWidth + 1 || e.hasAttribute("tabindex")) return;
      e.tabIndex = 0;
      e.setAttribute("role", "region");
      e.setAttribute("aria-label", e.querySelector("caption")?.textContent.trim() || "Table");
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    redraw();
    reachable();
    all("[data-live]").forEach(follow);
    // A select in a form of filters acts at once; without script the button does.
    all("form[data-auto] select").forEach((s) => s.addEventListener("change", () => s.form.requestSubmit()));
  });
})();
