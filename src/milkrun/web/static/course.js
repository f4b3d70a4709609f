// The chart of history: medians with a band up to the 99th percentile, warm and cold; outages shaded.
"use strict";

{
  const place = document.querySelector("#course-chart");
  const course = place && JSON.parse(document.querySelector("#course").textContent);
  const reading = document.querySelector("#course-reading");
  const HEIGHT = 220;

  function table() { // a gap in time is a gap in the line: one empty point after the last before it
    const columns = [course.t, course.warm99, course.warm, course.cold99, course.cold].map(() => []);
    course.t.forEach((at, n) => {
      if (n && at - course.t[n - 1] > course.period * 1.5) [course.t[n - 1] + course.period, null, null, null, null].forEach((value, c) => columns[c].push(value));
      [at, course.warm99[n], course.warm[n], course.cold99[n], course.cold[n]].forEach((value, c) => columns[c].push(value));
    });
    return columns;
  }

  function shade(paint) {
    return ({ ctx, bbox, valToPos }) => {
      ctx.fillStyle = paint;
      for (const [from, to] of course.outages) {
        const left = Math.max(bbox.left, valToPos(from, "x", true));
        const right = Math.min(bbox.left + bbox.width, valToPos(to, "x", true));
        if (right >= bbox.left && left <= bbox.left + bbox.width) ctx.fillRect(left, bbox.top, Math.max(2 * devicePixelRatio, right - left), bbox.height);
      }
    };
  }

  const dates = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
  const moments = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: course?.period < 86400 ? "short" : undefined });
  const hours = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

  function read({ cursor, data }) {
    const n = cursor.idx;
    if (n == null) return;
    const said = [["warm", 2, 1], ["cold", 4, 3]].filter(([, middle]) => data[middle][n] != null)
      .map(([name, middle, high]) => `${name} ${milliseconds(data[middle][n])}, 99% within ${milliseconds(data[high][n])}`);
    reading.textContent = `${moments.format(data[0][n] * 1000)}: ${said.join("; ") || "no answer"}`;
  }

  function draw() {
    const line = (name) => ({ stroke: paint(name), width: 2, points: { show: course.t.length < 40, size: 5 } });
    const high = (name) => ({ stroke: paint(`${name}-band`), width: 1, points: { show: false } });
    const axis = { stroke: paint("muted"), grid: { stroke: paint("line"), width: 1 }, ticks: { show: false }, font: `12px ${getComputedStyle(document.body).fontFamily}` };
    return new uPlot({
      width: place.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: { y: { range: (_, __, most) => [0, Math.max((most ?? 0) * 1.1, 1)] } },
      axes: [
        { ...axis, grid: { show: false }, size: 24, space: 90, values: (_, ticks) => ticks.map((tick) => (tick % 86400 && ticks[1] - ticks[0] < 86400 ? hours : dates).format(tick * 1000)) },
        { ...axis, size: 60, space: 36, values: (_, ticks) => ticks.map(milliseconds) },
      ],
      bands: [{ series: [1, 2], fill: paint("warm-band") }, { series: [3, 4], fill: paint("cold-band") }],
      series: [{}, high("warm"), line("warm"), high("cold"), line("cold")],
      hooks: { drawClear: [shade(paint("outage"))], setCursor: [read] },
    }, table(), place);
  }

  if (place) {
    let plot = draw();
    const again = () => { plot.destroy(); plot = draw(); };
    new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
    document.addEventListener("theme", again);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  }
}
