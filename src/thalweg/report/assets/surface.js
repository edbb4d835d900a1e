// The loss as a surface that can be turned, drawn from back to front.

{
  const canvas = document.getElementById("surface");
  const surface = data.surface;
  let turn = -0.6;
  let tilt = 0.75;

  /** From the unit cube, with the height upwards, to the canvas; the third number is the distance. */
  function project(x, y, z, scale, width, height) {
    const [c, s] = [Math.cos(turn), Math.sin(turn)];
    const [a, b] = [(x - 0.5) * c - (y - 0.5) * s, (x - 0.5) * s + (y - 0.5) * c];
    const up = (z - 0.5) * 0.75;
    return [width / 2 + a * scale, height * 0.49 - (up * Math.cos(tilt) + b * Math.sin(tilt)) * scale, b * Math.cos(tilt) - up * Math.sin(tilt)];
  }

  function shades(count) {
    const parts = (colour) => colour.match(/[\d.]+/g).slice(0, 3).map(Number);
    const [low, high] = [parts(colourOf("curve-1")), parts(colourOf("depth-high"))];
    return Array.from({ length: count }, (_, k) => {
      const share = 0.05 + (0.85 * k) / (count - 1);
      return `rgb(${low.map((value, i) => Math.round(value + (high[i] - value) * share)).join(",")})`;
    });
  }

  function draw() {
    const ratio = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const scale = Math.min(width * 0.58, height * 0.66);
    const [columns, rows] = [surface.x.length, surface.y.length];
    const at = (i, j) => project(i / (columns - 1), j / (rows - 1), surface.height[j][i], scale, width, height);
    const points = Array.from({ length: rows }, (_, j) => Array.from({ length: columns }, (_, i) => at(i, j)));
    const colours = shades(24);
    const pieces = [];
    for (let j = 0; j + 1 < rows; j++) {
      for (let i = 0; i + 1 < columns; i++) {
        const corners = [points[j][i], points[j][i + 1], points[j + 1][i + 1], points[j + 1][i]];
        const mean = (surface.height[j][i] + surface.height[j + 1][i + 1] + surface.height[j][i + 1] + surface.height[j + 1][i]) / 4;
        pieces.push({ corners, far: corners.reduce((sum, corner) => sum + corner[2], 0) / 4, colour: colours[Math.min(23, Math.floor(mean * 24))] });
      }
    }
    floor(pen, scale, width, height);
    pen.lineWidth = 0.5;
    pen.lineJoin = "round";
    for (const piece of [...pieces, ...way(scale, width, height)].sort((a, b) => b.far - a.far)) {
      pen.beginPath();
      piece.corners.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)));
      if (piece.isWay) {
        pen.lineWidth = 2.5;
        pen.strokeStyle = piece.colour;
        pen.stroke();
        pen.lineWidth = 0.5;
      } else {
        pen.closePath();
        pen.fillStyle = pen.strokeStyle = piece.colour;
        pen.fill();
        pen.stroke();
      }
    }
  }

  /** The way on the surface, in short pieces that are drawn with what lies around them. */
  function way(scale, width, height) {
    if (!surface.path.length) return [];
    const [xs, ys, heights] = surface.path;
    const share = (value, axis) => (value - axis[0]) / (axis.at(-1) - axis[0]);
    const inside = (u, v) => u >= 0 && u <= 1 && v >= 0 && v <= 1;
    const colour = colourOf("curve-2");
    const pieces = [];
    for (let i = 0; i + 1 < xs.length; i++) {
      const [u0, v0, u1, v1] = [share(xs[i], surface.x), share(ys[i], surface.y), share(xs[i + 1], surface.x), share(ys[i + 1], surface.y)];
      if (!inside(u0, v0) || !inside(u1, v1)) continue;
      const corners = [project(u0, v0, heights[i] + 0.015, scale, width, height), project(u1, v1, heights[i + 1] + 0.015, scale, width, height)];
      pieces.push({ corners, far: (corners[0][2] + corners[1][2]) / 2 - 0.03, colour, isWay: true });
    }
    return pieces;
  }

  /** The base with the names of its sides. */
  function floor(pen, scale, width, height) {
    const corner = (x, y) => project(x, y, -0.04, scale, width, height);
    pen.strokeStyle = colourOf("line");
    pen.lineWidth = 1;
    pen.beginPath();
    [corner(0, 0), corner(1, 0), corner(1, 1), corner(0, 1), corner(0, 0)].forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.stroke();
    pen.fillStyle = colourOf("soft-ink");
    pen.font = "12px system-ui, sans-serif";
    pen.textAlign = "center";
    const middle = [width / 2, height / 2];
    const label = (text, [x, y]) => pen.fillText(text, x + Math.sign(x - middle[0]) * 14, y + 16);
    const nearest = (a, b) => (a[2] < b[2] ? a : b);
    label(surface.names[0], nearest(corner(0.5, 0), corner(0.5, 1)));
    label(surface.names[1], nearest(corner(0, 0.5), corner(1, 0.5)));
  }

  function turned(dx, dy) {
    turn += dx;
    tilt = Math.min(1.5, Math.max(0.05, tilt + dy));
    draw();
  }

  if (canvas && surface) {
    canvas.hidden = false;
    let last = null;
    canvas.addEventListener("pointerdown", (event) => {
      last = [event.clientX, event.clientY];
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!last) return;
      turned((event.clientX - last[0]) * 0.01, (event.clientY - last[1]) * 0.01);
      last = [event.clientX, event.clientY];
    });
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => (last = null));
    const keys = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.08], ArrowDown: [0, 0.08] };
    canvas.addEventListener("keydown", (event) => {
      if (!keys[event.key]) return;
      event.preventDefault();
      turned(...keys[event.key]);
    });
    onThemeChange(draw);
    new ResizeObserver(draw).observe(canvas);
    draw();
  }
}
