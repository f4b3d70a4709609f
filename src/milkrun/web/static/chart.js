// The phase chart: one stacked bar a result; warm and cold in lanes of their own, as their scales differ by far.
"use strict";

function paint(name) { // a canvas needs the colour that light-dark() comes to
  const probe = document.createElement("i");
  probe.className = `paint-${name}`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function milliseconds(value) {
  return value === 0 ? "0" : value >= 1000 ? `${(value / 1000).toFixed(1)} s` : `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

if (document.querySelector("#points")) {
  const outcomes = ["up", "degraded", "down", "unknown"];
  const lanes = {
    warm: { cold: 0, phases: ["send", "wait", "receive"], height: 168 },
    cold: { cold: 1, phases: ["dns", "connect", "tls", "send", "wait", "receive"], height: 128 },
  };
  const columns = JSON.parse(document.querySelector("#points").textContent);
  const interval = Number(document.querySelector("#chart").dataset.interval) / 1000;
  const reading = document.querySelector("#reading");
  const KEPT = 360;
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const exact = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

  // Hours and minutes under the chart; seconds too while two marks would read the same.
  function clock(ticks) {
    const close = ticks.length > 1 && ticks[1] - ticks[0] < 60;
    const format = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: close ? "2-digit" : undefined, hourCycle: "h23" });
    return (tick) => format.format(tick * 1000);
  }

  // Cumulative sums: uPlot draws the tallest first, each next one over its foot.
  function stacked(lane) {
    const tops = lane.phases.map(() => []);
    columns.t.forEach((_, n) => {
      let sum = 0;
      lane.phases.forEach((phase, p) => {
        const value = columns[phase][n];
        sum += value ?? 0;
        tops[p].push(value === null || columns.cold[n] !== lane.cold ? null : sum);
      });
    });
    return [columns.t, ...tops.reverse()];
  }

  function bar(plot, seconds) { // a result's width on the canvas: its interval, with a gap
    const wide = plot.valToPos(columns.t[0] + seconds, "x", true) - plot.valToPos(columns.t[0], "x", true);
    return Math.max(2 * devicePixelRatio, Math.min(14 * devicePixelRatio, wide * 0.7));
  }

  function drawBars(lane, paints) {
    return (plot) => {
      const { ctx, bbox } = plot;
      const foot = bbox.top + bbox.height;
      const width = bar(plot, lane.cold ? interval * 4 : interval);
      ctx.save();
      ctx.beginPath();
      ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
      ctx.clip();
      lane.phases.slice().reverse().forEach((phase, p) => {
        ctx.fillStyle = paints[phase];
        columns.t.forEach((at, n) => {
          const value = plot.data[p + 1][n];
          if (value === null) return;
          const top = plot.valToPos(value, "y", true);
          ctx.fillRect(plot.valToPos(at, "x", true) - width / 2, top, width, foot - top);
        });
      });
      ctx.restore();
    };
  }

  function shadeOutages(paints) {
    return (plot) => {
      const { ctx, bbox } = plot;
      const half = interval / 2;
      for (const [code, name] of [[2, "down"], [3, "unknown"]]) {
        ctx.fillStyle = paints[name];
        columns.outcome.forEach((outcome, n) => {
          if (outcome !== code) return;
          const from = plot.valToPos(columns.t[n] - half, "x", true);
          const to = plot.valToPos(columns.t[n] + half, "x", true);
          ctx.fillRect(Math.max(bbox.left, from), bbox.top, Math.min(bbox.left + bbox.width, to) - Math.max(bbox.left, from), bbox.height);
        });
      }
    };
  }

  function read(plot) {
    const n = plot.cursor.idx;
    if (n == null) return;
    const cold = columns.cold[n] === 1;
    const parts = lanes.cold.phases.filter((phase) => columns[phase][n]).map((phase) => `${phase} ${milliseconds(columns[phase][n])}`);
    const total = lanes.cold.phases.reduce((sum, phase) => sum + (columns[phase][n] ?? 0), 0);
    reading.textContent = `${exact.format(columns.t[n] * 1000)}: ${outcomes[columns.outcome[n]]}, ` +
      (parts.length ? `${cold ? "cold" : "warm"}, ${milliseconds(total)} (${parts.join(", ")})` : "no answer");
  }

  function draw(name, lane) {
    const paints = { down: paint("outage"), unknown: paint("blind") };
    for (const phase of lane.phases) paints[phase] = paint(`${name}-${phase}`);
    const place = document.querySelector(`#lane-${name}`);
    const axis = { stroke: paint("muted"), grid: { stroke: paint("line"), width: 1 }, ticks: { show: false }, font: `12px ${style("--sans")}` };
    return new uPlot({
      width: place.clientWidth,
      height: lane.height,
      legend: { show: false },
      cursor: { sync: { key: "phases" }, y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: { y: { range: (_, __, most) => [0, Math.max(most * 1.1, 1)] }, x: { range: (_, from, to) => [from - interval, to + interval] } },
      axes: [
        { ...axis, grid: { show: false }, size: 24, values: (_, ticks) => ticks.map(clock(ticks)), space: 90 },
        { ...axis, size: 60, space: 36, values: (_, ticks) => ticks.map(milliseconds) },
      ],
      series: [{}, ...lane.phases.map(() => ({ paths: () => null, points: { show: false } }))],
      hooks: { drawClear: [shadeOutages(paints)], draw: [drawBars(lane, paints)], setCursor: [read] },
    }, stacked(lane), place);
  }

  let plots = {};
  function drawAll() {
    for (const plot of Object.values(plots)) plot.destroy();
    plots = Object.fromEntries(Object.entries(lanes).map(([name, lane]) => [name, draw(name, lane)]));
  }

  function add(points) {
    for (const [name, values] of Object.entries(points)) columns[name] = [...columns[name], ...values].slice(-KEPT);
    for (const [name, lane] of Object.entries(lanes)) plots[name].setData(stacked(lane));
  }

  drawAll();
  new ResizeObserver(() => {
    for (const [name, lane] of Object.entries(lanes)) {
      plots[name].setSize({ width: document.querySelector(`#lane-${name}`).clientWidth, height: lane.height });
    }
  }).observe(document.querySelector("#chart"));
  document.addEventListener("theme", drawAll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  document.addEventListener("points", (event) => add(JSON.parse(event.detail.data)));
}
