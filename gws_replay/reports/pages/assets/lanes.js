// The lanes of what is in sight: moments, what touched which resource, and arrows from causes.
// Where so many resources are seen at once, the rest share the last lane.
const LANES = 24;
const laneAt = (lane, step) => (lane < 2 ? lane * 32 : 64 + Math.min(lane - 2, LANES - 1) * step);

// What of each resource is shown, from its first event to its last.
function spansOf(items, recording) {
  const found = new Map();
  items.forEach((item, place) => {
    for (const number of item.event.on ?? []) {
      const span = found.get(number) ?? { lane: recording.resources[number].lane, number, first: place, last: place };
      span.last = place;
      found.set(number, span);
    }
  });
  return [...found.values()];
}

function drawLanes(board, art, top, bottom) {
  const { items, wide, left } = board;
  const x = (lane) => left + laneAt(lane, board.step);
  fill(
    art,
    { width: wide, height: Math.max(0, bottom - top), viewBox: `0 ${top} ${wide} ${Math.max(1, bottom - top)}` },
    [],
  );
  art.style.transform = `translateY(${top}px)`;
  const drawn = [];
  const line = (kind, x1, y1, x2, y2) => drawn.push(s("line", { class: kind, x1, y1, x2, y2 }));
  const chosen = items[board.chosen]?.event;
  if (board.scaled) drawAxis(board, drawn, top, bottom);
  for (const lane of [0, 1]) line("lane", x(lane), top, x(lane), bottom);
  const seen = board.spans.filter((span) => items[span.first].node < bottom && items[span.last].node > top);
  for (const span of seen) {
    const mine = chosen?.on?.includes(span.number) ? " mine" : "";
    line(
      `lane resource${mine}`,
      x(span.lane + 2),
      Math.max(top, items[span.first].node),
      x(span.lane + 2),
      Math.min(bottom, items[span.last].node),
    );
  }
  for (const { from, to } of board.links) {
    const [cause, told] = [items[from], items[to]];
    if (cause.node > bottom || told.node < top) continue;
    const start = told.event.after === "response" ? Math.min(board.placeOf(cause.event.end), told.node) : cause.node;
    const mine = chosen === cause.event || chosen === told.event ? " mine" : "";
    const [x1, x2] = [x(0) + 4, x(1) - 6];
    const bend = Math.min(40, Math.max(6, (told.node - start) / 2));
    drawn.push(
      s("path", {
        class: `cause${mine}`,
        d: `M${x1} ${start}C${x1 + 12} ${start + bend} ${x2 - 12} ${told.node - 1} ${x2} ${told.node}`,
      }),
    );
    drawn.push(s("path", { class: `tip${mine}`, d: `M${x2 + 1} ${told.node}l-6 -3.5v7z` }));
  }
  const from = Math.min(board.firstAt(top, "node"), board.firstAt(top - board.high, "top"));
  const to = Math.max(board.firstAt(bottom, "node"), board.firstAt(bottom, "top"));
  for (const item of items.slice(from, to)) drawItem(board, item, x, line, drawn);
  art.replaceChildren(...drawn);
  drawHeads(board, seen, x);
}

function drawItem(board, item, x, line, drawn) {
  const { event, node } = item;
  const isTold = event.kind === "notification";
  const lane = x(isTold ? 1 : 0);
  const level = event.level ? ` ${event.level}` : event.refused ? " refused" : "";
  const farthest = Math.max(0, ...(event.on ?? []).map((number) => x(board.recording.resources[number].lane + 2)));
  if (farthest) line(isTold ? "touch told" : "touch", lane, node, farthest, node);
  if (board.scaled) {
    const middle = item.top + board.high / 2;
    const edge = Math.max(farthest, x(1)) + 6;
    drawn.push(
      s("path", {
        class: `leader${board.items[board.chosen] === item ? " mine" : ""}`,
        d: `M${edge} ${node}C${board.wide - 14} ${node} ${board.wide - 22} ${middle} ${board.wide - 4} ${middle}`,
      }),
    );
  }
  if (isTold) {
    drawn.push(
      s("path", { class: `told${event.causedBy ? "" : " alone"}`, d: `M${lane} ${node - 5}l5 5l-5 5l-5 -5z` }),
    );
  } else {
    const end = Math.max(node + 4, board.placeOf(event.end));
    drawn.push(
      s("rect", { class: `asked${level}`, x: lane - 3.5, y: node - 4, width: 7, height: end - node + 4, rx: 3.5 }),
    );
  }
  const changed = new Set((event.shows ?? []).filter((shown) => shown.moved.length).map((shown) => shown.of));
  for (const number of event.on ?? []) {
    const resource = board.recording.resources[number];
    const moved = changed.has(resource.name) ? " moved" : "";
    drawn.push(
      s("circle", {
        class: `dot${isTold ? " told" : ""}${level}${moved}`,
        cx: x(resource.lane + 2),
        cy: node,
        r: moved || event.level ? 4.5 : 3,
      }),
    );
  }
}

function drawAxis(board, drawn, top, bottom) {
  const wanted = 90 / board.perSecond;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const unit = [1, 2, 5, 10].find((factor) => factor * power >= wanted) * power;
  const digits = Math.max(0, -Math.floor(Math.log10(unit)));
  const first = board.items.length ? board.items[0].at : 0;
  const timeAt = (y) => first + (y - board.high / 2) / board.perSecond;
  for (let n = Math.ceil(Math.max(first, timeAt(top)) / unit); n * unit <= timeAt(bottom); n += 1) {
    const y = board.placeOf(n * unit);
    drawn.push(s("line", { class: "tick", x1: 0, y1: y, x2: board.wide, y2: y }));
    drawn.push(s("text", { class: "tick", x: 4, y: y - 3 }, `${(n * unit).toFixed(digits)} s`));
  }
}

// The names of the lanes, slanted; of the resources those that are in sight.
function drawHeads(board, seen, x) {
  const heads = byId("heads");
  const texts = board.recording.texts;
  const name = (text, at, kind) => s("text", { class: kind, transform: `translate(${at + 4} 66) rotate(-38)` }, text);
  const current = new Map();
  const [top, bottom] = board.sight;
  for (const span of seen) {
    const inside = board.items[span.first].node < bottom && board.items[span.last].node >= top;
    if (inside && !current.has(span.lane)) current.set(span.lane, span);
  }
  const chosen = board.items[board.chosen]?.event;
  heads.replaceChildren(
    name("REST", x(0), "head"),
    name("CometD", x(1), "head"),
    ...[...current.values()].map((span) => {
      const full = texts[board.recording.resources[span.number].name];
      const short = full.length > 14 ? `${full.slice(0, 4)}…${full.slice(-8)}` : full;
      const label = name(short, x(span.lane + 2), `head resource${chosen?.on?.includes(span.number) ? " mine" : ""}`);
      label.append(s("title", {}, full));
      return label;
    }),
  );
}
