// The record of the descent: one chart for each quantity, against steps or time.

const data = JSON.parse(document.getElementById("data").textContent);

{
  const place = document.getElementById("curves");
  const logarithmic = document.getElementById("logarithmic");
  const timeNote = document.getElementById("time-note");
  let isTime = false;
  let charts = [];

  const digits = (value) => (value == null ? "–" : Number(value.toPrecision(7)).toString());
  const tick = (value) => (value === 0 || (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e5) ? Number(value.toPrecision(4)).toString() : value.toExponential(0).replace("e+", "e"));

  /** A tick of a logarithmic axis. uPlot's own axis does not end for numbers below 1e-16, so logarithms are drawn on an even one. */
  const power = (exponent) => (Number.isInteger(exponent) ? `10${[...String(exponent)].map((sign) => SUPERSCRIPTS[sign]).join("")}` : "");
  const SUPERSCRIPTS = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

  /** Series that share a chart: the validation loss stands beside the loss. */
  function groups() {
    const series = data.curves.series;
    const validation = series.find((one) => one.label === "validation loss");
    return series
      .filter((one) => one !== validation)
      .map((one, number) => (number === 0 && validation ? [one, validation] : [one]));
  }

  /** The smallest and the largest of many numbers. */
  function ends(values) {
    let [low, high] = [Infinity, -Infinity];
    for (const value of values) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return [low, high];
  }

  /** All steps of some series, the seconds at which they were, and for each series its values there. */
  function aligned(group) {
    const steps = [...new Set(group.flatMap((one) => one.step))].sort((a, b) => a - b);
    const columns = group.map((one) => {
      const at = new Map(one.step.map((step, i) => [step, one.value[i]]));
      return steps.map((step) => at.get(step));
    });
    const seconds = new Map(group.flatMap((one) => one.step.map((step, i) => [step, one.seconds[i]])));
    return [steps, steps.map((step) => seconds.get(step)), ...columns];
  }

  function draw() {
    for (const chart of charts) chart.destroy();
    place.replaceChildren();
    charts = groups().map((group, number) => {
      const box = document.createElement("div");
      box.className = "curve";
      const heading = document.createElement("h3");
      heading.textContent = group.map((one) => one.label).join(", ");
      box.append(heading);
      place.append(box);
      const [steps, seconds, ...columns] = aligned(group);
      const known = columns.flat().filter((value) => value != null);
      const [low, high] = ends(known.filter((value) => value > 0));
      const isLogarithmic = logarithmic.checked && high > 30 * low && known.every((value) => value >= 0);
      const drawn = isLogarithmic ? columns.map((column) => column.map((value) => (value > 0 ? Math.log10(value) : null))) : columns;
      const axis = {
        stroke: colourOf("soft-ink"),
        grid: { stroke: colourOf("grid"), width: 1 },
        ticks: { stroke: colourOf("line"), width: 1 },
        font: "12px system-ui, sans-serif",
      };
      const options = {
        width: Math.max(box.clientWidth, 240),
        height: 230,
        scales: { x: { time: false }, y: {} },
        cursor: { sync: { key: "descent" } },
        axes: [
          { ...axis, values: (_, values) => values.map((value) => (value == null ? "" : tick(value))) },
          {
            ...axis,
            size: 64,
            ...(isLogarithmic ? { incrs: [1, 2, 3, 4, 5, 10, 20, 50, 100] } : {}),
            values: (_, values) => values.map((value) => (value == null ? "" : isLogarithmic ? power(value) : tick(value))),
          },
        ],
        series: [
          { label: isTime ? "seconds" : "step", value: (_, value) => digits(value) },
          ...group.map((one, i) => ({
            label: one.label,
            stroke: colourOf(`curve-${number + 1 + 2 * i}`),
            width: 1.75,
            spanGaps: true,
            points: { show: steps.length < 2 },
            value: (_, value, __, row) => digits(row == null ? null : columns[i][row]),
          })),
        ],
      };
      return new uPlot(options, [isTime ? seconds : steps, ...drawn], box);
    });
  }

  if (data.curves.series.length) {
    for (const button of document.querySelectorAll("[data-axis]")) {
      button.addEventListener("click", () => {
        isTime = button.dataset.axis === "time";
        timeNote.hidden = !isTime;
        for (const other of document.querySelectorAll("[data-axis]")) other.setAttribute("aria-pressed", String(other === button));
        draw();
      });
    }
    logarithmic.addEventListener("change", draw);
    onThemeChange(draw);
    new ResizeObserver(() => {
      for (const chart of charts) chart.setSize({ width: Math.max(chart.root.parentElement.clientWidth, 240), height: 230 });
    }).observe(place);
    draw();
  }
}
