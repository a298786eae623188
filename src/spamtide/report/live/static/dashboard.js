// Keys and charts of the dashboard. Every page reads and works without this file. What arrives is live.js.
//
// No text of a message ever becomes markup here: nodes are made by the DOM and filled with textContent, nothing is evaluated.
//
//   keys    j k  next and previous row (<tr data-href>, its first link takes the focus); Enter opens; / goes to the search box
//   chart   <div class="chart" data-chart=JSON>: {time, series: [{label, role, values, dash}], unit, exposure, band, events, zoom}.
//           time in seconds; role is a colour's name; a value of null was not seen; exposure 0 is hatched; band {low, high}; zoom is a URL
//           of this page with {start} and {end}. What is drawn stands in a table of the page too.
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
    if (!chart.exposure || chart.time.length < 2) return;
    const size = chart.time[1] - chart.time[0];
    chart.exposure.forEach((share, i) => {
      if (share !== null && share > 0) return;
      const left = Math.max(u.bbox.left, u.valToPos(chart.time[i], "x", true));
      const right = Math.min(u.bbox.left + u.bbox.width, u.valToPos(chart.time[i] + size, "x", true));
      if (right > left) hatch(u.ctx, left, right - left, u.bbox.top, u.bbox.height);
    });
  }

  // The exposure of each bin as a strip under the axis, where it varies.
  function drawExposure(u, chart) {
    if (!chart.exposure || chart.time.length < 2) return;
    const px = devicePixelRatio;
    const size = chart.time[1] - chart.time[0];
    const top = u.bbox.top + u.bbox.height + 6 * px;
    u.ctx.save();
    chart.exposure.forEach((share, i) => {
      const left = Math.max(u.bbox.left, u.valToPos(chart.time[i], "x", true));
      const right = Math.min(u.bbox.left + u.bbox.width, u.valToPos(chart.time[i] + size, "x", true));
      if (right <= left) return;
      if (share > 0) {
        u.ctx.globalAlpha = 1;
        u.ctx.fillStyle = css("controls");
        u.ctx.fillRect(left, top + 6 * px * (1 - share), right - left + 0.5, 6 * px * share);
      } else hatch(u.ctx, left, right - left, top, 6 * px);
    });
    u.ctx.restore();
  }

  function drawEvents(u, chart) {
    const { ctx } = u;
    const px = devicePixelRatio;
    const rows = [[], []];
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = css("event");
    ctx.lineWidth = 1.5 * px;
    ctx.setLineDash([]);
    ctx.font = `${12 * px}px system-ui, sans-serif`;
    ctx.textAlign = "left";
    ctx.textBaseline = "alphabetic";
    for (const event of chart.events) {
      const x = u.valToPos(event.at, "x", true);
      if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) continue;
      ctx.beginPath();
      ctx.moveTo(x, u.bbox.top);
      ctx.lineTo(x, u.bbox.top + u.bbox.height);
      ctx.stroke();
      // The label goes where there is room, right of its rule or left, in one of two rows; else it stands in the page's list alone.
      const width = ctx.measureText(event.label).width + 4 * px;
      const free = (start, row) => start >= u.bbox.left && start + width <= u.bbox.left + u.bbox.width + u.bbox.left / 2
        && !rows[row].some(([from, to]) => start < to + 8 * px && start + width + 8 * px > from);
      const found = [0, 1].flatMap((row) => [[x + 4 * px, row], [x - width, row]]).find(([start, row]) => free(start, row));
      if (!found) continue;
      rows[found[1]].push([found[0], found[0] + width]);
      ctx.fillText(event.label, found[0], u.bbox.top - (4 + 15 * found[1]) * px);
    }
    ctx.restore();
  }

  // The name of a line stands at its end, as far as no other stands there.
  function drawNames(u, chart) {
    if (chart.series.length < 2) return;
    const px = devicePixelRatio;
    const taken = [];
    u.ctx.save();
    u.ctx.font = `${12 * px}px system-ui, sans-serif`;
    u.ctx.textAlign = "left";
    u.ctx.textBaseline = "alphabetic";
    chart.series.forEach((line) => {
      const last = line.values.findLastIndex((v) => v !== null);
      if (last < 0) return;
      let y = u.valToPos(line.values[last], "y", true);
      while (taken.some((other) => Math.abs(other - y) < 14 * px)) y -= 14 * px;
      taken.push(y);
      u.ctx.fillStyle = css(line.role);
      u.ctx.fillText(line.label, u.bbox.left + u.bbox.width + 6 * px, y + 4 * px);
    });
    u.ctx.restore();
  }

  function series(line) {
    const few = line.values.filter((v) => v !== null).length <= 60;
    return {
      label: line.label, stroke: css(line.role), width: 1.5, dash: line.dash ? [6, 4] : undefined, spanGaps: false,
      points: { show: few && !line.dash, size: 5, fill: css(line.role) },
    };
  }

  const short = (value) => {
    if (value === null || value === undefined) return "";
    const size = Math.abs(value);
    for (const [unit, name] of [[1e9, " bn"], [1e6, " m"], [1e3, " k"]]) if (size >= unit) return `${+(value / unit).toPrecision(4)}${name}`;
    return String(+value.toPrecision(4));
  };

  function draw(place) {
    const chart = JSON.parse(place.dataset.chart);
    place.replaceChildren();
    if (!chart.time.length || !chart.series.length) return undefined;
    const data = [chart.time, ...chart.series.map((l) => l.values)];
    const lines = [{}, ...chart.series.map(series)];
    const bands = [];
    if (chart.band) {
      data.push(chart.band.low, chart.band.high);
      const edge = { stroke: "transparent", width: 0, points: { show: false }, spanGaps: false };
      lines.push({ ...edge, label: "low" }, { ...edge, label: "high" });
      bands.push({ series: [data.length - 1, data.length - 2], fill: css("band") });
    }
    const axis = { stroke: css("quiet"), grid: { stroke: css("line"), width: 1 }, ticks: { stroke: css("line"), width: 1 }, font: "12px system-ui, sans-serif" };
    const names = chart.series.length > 1 ? Math.min(140, 8 + 7 * Math.max(...chart.series.map((l) => l.label.length))) : 12;
    const reading = document.createElement("p");
    reading.className = "reading";
    const plot = new uPlot({
      width: Math.max(240, place.clientWidth), height: place.clientWidth < 480 ? 200 : 260, padding: [chart.events.length ? 36 : 12, names, 0, 0],
      tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), "UTC"),
      legend: { show: false },
      cursor: { drag: { x: Boolean(chart.zoom), y: false, setScale: false }, points: { size: 7 } },
      scales: { x: { time: true }, y: chart.log ? { distr: 3, log: 10, range: (_, low, high) => [Math.min(0.1, low ?? 0.1), 2 * (high || 1)] } : { range: (_, low, high) => [Math.min(0, low ?? 0), (high || 1) * 1.05] } },
      axes: [{ ...axis, values: dates, ...(chart.exposure ? { ticks: { ...axis.ticks, size: 5 }, gap: 14, size: 64 } : {}) }, { ...axis, size: 56, values: (_, ticks) => ticks.map(short), ...(chart.log ? { splits: tens } : {}) }],
      series: lines, bands,
      hooks: {
        drawClear: [(u) => drawBlind(u, chart)],
        draw: [(u) => { drawExposure(u, chart); drawEvents(u, chart); drawNames(u, chart); }],
        setCursor: [(u) => tell(reading, chart, u.cursor.idx)],
        setSelect: chart.zoom ? [(u) => zoom(u, chart.zoom)] : [],
      },
    }, data, place);
    place.append(reading);
    return plot;
  }

  // Powers of ten.
  const tens = (_u, _axis, low, high) => Array.from({ length: 40 }, (_, i) => 10 ** (i - 10)).filter((v) => v >= low && v <= high);

  // ISO dates; the year where it changes or at the first tick, the hour where days are wide.
  function dates(u, ticks, _axis, _space, step) {
    return ticks.map((tick, i) => {
      const iso = new Date(tick * 1000).toISOString();
      const day = iso.slice(5, 10);
      const year = i === 0 || iso.slice(0, 4) !== new Date(ticks[i - 1] * 1000).toISOString().slice(0, 4) ? `\n${iso.slice(0, 4)}` : "";
      return step < 86400 ? `${iso.slice(11, 16)}${i === 0 || iso.slice(11, 16) === "00:00" ? `\n${iso.slice(0, 10)}` : ""}` : day + year;
    });
  }

  // What the pointer is on, in words, below the picture.
  function tell(place, chart, index) {
    if (index === null || index === undefined) return;
    const bin = chart.time[1] - chart.time[0];
    const when = new Date(chart.time[index] * 1000).toISOString();
    const parts = chart.series.map((l) => `${l.label} ${l.values[index] === null ? "not seen" : short(l.values[index])}`);
    if (chart.exposure) parts.push(`exposure ${Math.round(chart.exposure[index] * 100)} %`);
    place.textContent = `${bin >= 86400 ? when.slice(0, 10) : `${when.slice(0, 10)} ${when.slice(11, 16)} UTC`}: ${parts.join(", ")}`;
  }

  function zoom(u, template) {
    if (u.select.width < 4) return;
    const instant = (x) => new Date(Math.round(u.posToVal(x, "x")) * 1000).toISOString().slice(0, 19) + "Z";
    const url = template.replace("{start}", instant(u.select.left)).replace("{end}", instant(u.select.left + u.select.width));
    location.assign(new URL(url, location.href));
  }

  const drawn = new Map();
  function redraw(root = document) {
    for (const [place, plot] of drawn) if (!place.isConnected) { plot?.destroy(); drawn.delete(place); }
    all("[data-chart]", root).forEach((place) => {
      drawn.get(place)?.destroy();
      drawn.set(place, draw(place));
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
  // Charts have the colours of what they are drawn for; paper is light whatever the screen is.
  for (const query of ["(prefers-color-scheme: dark)", "print"]) matchMedia(query).addEventListener("change", () => redraw());
  document.addEventListener("htmx:after:swap", () => redraw());

  // ---- the page -----------------------------------------------------------------------------------------------------------
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
  });
})();
