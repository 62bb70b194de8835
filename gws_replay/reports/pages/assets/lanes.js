// The lanes of the visible events: two for each user (REST and CometD), one for each resource, and arrows from causes.
// If more resources are visible at once than this, the others share the last lane.
const LANES = 24;
const wireLanes = (recording) => 2 * Math.max(1, recording.users.length);
const laneAt = (lane, step, wires) =>
  lane < wires ? lane * 32 : wires * 32 + Math.min(lane - wires, LANES - 1) * step;

// The part of each resource that is shown, from its first event to its last.
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
  const wires = wireLanes(board.recording);
  const x = (lane) => left + laneAt(lane, board.step, wires);
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
  for (let lane = 0; lane < wires; lane += 1) line("lane", x(lane), top, x(lane), bottom);
  const seen = board.spans.filter((span) => items[span.first].node < bottom && items[span.last].node > top);
  for (const span of seen) {
    const mine = chosen?.on?.includes(span.number) ? " mine" : "";
    line(
      `lane resource${mine}`,
      x(span.lane + wires),
      Math.max(top, items[span.first].node),
      x(span.lane + wires),
      Math.min(bottom, items[span.last].node),
    );
  }
  for (const { from, to } of board.links) {
    const [cause, effect] = [items[from], items[to]];
    if (cause.node > bottom || effect.node < top) continue;
    const isAfter = effect.event.after === "response";
    const start = isAfter ? Math.min(board.placeOf(cause.event.end), effect.node) : cause.node;
    const mine = chosen === cause.event || chosen === effect.event ? " mine" : "";
    const [x1, x2] = [x(laneOf(cause.event)) + 4, x(laneOf(effect.event)) - 6];
    const bend = Math.min(40, Math.max(6, (effect.node - start) / 2));
    drawn.push(
      s("path", {
        class: `cause${mine}`,
        d: `M${x1} ${start}C${x1 + 12} ${start + bend} ${x2 - 12} ${effect.node - 1} ${x2} ${effect.node}`,
      }),
    );
    drawn.push(s("path", { class: `tip${mine}`, d: `M${x2 + 1} ${effect.node}l-6 -3.5v7z` }));
  }
  const from = Math.min(board.firstAt(top, "node"), board.firstAt(top - board.high, "top"));
  const to = Math.max(board.firstAt(bottom, "node"), board.firstAt(bottom, "top"));
  for (const item of items.slice(from, to)) drawItem(board, item, x, line, drawn);
  art.replaceChildren(...drawn);
  drawHeads(board, seen, x);
}

// What the server sent unasked; kinds "sent" and "received" are messages of other WebSockets.
const isPush = (event) => event.kind === "notification" || event.kind === "received";
const laneOf = (event) => 2 * event.user + (isPush(event) ? 1 : 0);

function drawItem(board, item, x, line, drawn) {
  const { event, node } = item;
  const isNotification = isPush(event);
  const wires = wireLanes(board.recording);
  const lane = x(laneOf(event));
  const level = event.level ? ` ${event.level}` : event.refused ? " refused" : "";
  const farthest = Math.max(0, ...(event.on ?? []).map((number) => x(board.recording.resources[number].lane + wires)));
  if (farthest) line(isNotification ? "touch notification" : "touch", lane, node, farthest, node);
  if (board.scaled) {
    const middle = item.top + board.high / 2;
    const edge = Math.max(farthest, x(wires - 1)) + 6;
    drawn.push(
      s("path", {
        class: `leader${board.items[board.chosen] === item ? " mine" : ""}`,
        d: `M${edge} ${node}C${board.wide - 14} ${node} ${board.wide - 22} ${middle} ${board.wide - 4} ${middle}`,
      }),
    );
  }
  if (isNotification) {
    drawn.push(
      s("path", { class: `notification${event.causedBy ? "" : " alone"}`, d: `M${lane} ${node - 5}l5 5l-5 5l-5 -5z` }),
    );
  } else {
    const end = Math.max(node + 4, board.placeOf(event.end));
    drawn.push(
      s("rect", { class: `request${level}`, x: lane - 3.5, y: node - 4, width: 7, height: end - node + 4, rx: 3.5 }),
    );
  }
  const changed = new Set((event.shows ?? []).filter((shown) => shown.changes.length).map((shown) => shown.of));
  for (const number of event.on ?? []) {
    const resource = board.recording.resources[number];
    const changes = changed.has(resource.name) ? " changed" : "";
    drawn.push(
      s("circle", {
        class: `dot${isNotification ? " notification" : ""}${level}${changes}`,
        cx: x(resource.lane + wires),
        cy: node,
        r: changes || event.level ? 4.5 : 3,
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

const shortened = (text) => (text.length > 14 ? `${text.slice(0, 4)}…${text.slice(-8)}` : text);

// The names of the lanes, slanted; of resources only the visible ones.
function drawHeads(board, seen, x) {
  const heads = byId("heads");
  const texts = board.recording.texts;
  const { users } = board.recording;
  const wires = wireLanes(board.recording);
  const name = (text, at, kind) => s("text", { class: kind, transform: `translate(${at + 4} 66) rotate(-38)` }, text);
  const current = new Map();
  const [top, bottom] = board.sight;
  for (const span of seen) {
    const inside = board.items[span.first].node < bottom && board.items[span.last].node >= top;
    if (inside && !current.has(span.lane)) current.set(span.lane, span);
  }
  const chosen = board.items[board.chosen]?.event;
  heads.replaceChildren(
    ...Array.from({ length: wires }, (_, lane) => {
      const user = users[lane >> 1];
      const wire = lane % 2 ? "CometD" : "REST";
      const label = name(user ? `${wire} ${shortened(user)}` : wire, x(lane), "head");
      if (user) label.append(s("title", {}, `${wire} of ${user}`));
      return label;
    }),
    ...[...current.values()].map((span) => {
      const full = texts[board.recording.resources[span.number].name];
      const label = name(shortened(full), x(span.lane + wires), `head resource${chosen?.on?.includes(span.number) ? " mine" : ""}`);
      label.append(s("title", {}, full));
      return label;
    }),
  );
}
