// The list with its lanes. Only what is in sight exists: rows have a place (`top`), moments a place in time (`node`).
const MARGIN = 300;
const TALLEST = 8e6;

class Board {
  constructor(rowOf) {
    this.rowOf = rowOf;
    this.list = byId("list");
    this.items = [];
    this.links = [];
    this.chosen = -1;
    this.scaled = false;
    this.zoom = 1;
    this.list.addEventListener("scroll", () => this.later());
    new ResizeObserver(() => this.layOut()).observe(this.list);
  }

  // Items have `event` and `at`; without lanes they are rows of a list, and taller.
  show(items, recording) {
    this.items = items;
    this.recording = recording;
    this.chosen = -1;
    const places = new Map(items.map((item, place) => [item.event, place]));
    this.links = items.flatMap((item, place) => {
      const cause = recording && item.event.causedBy ? places.get(item.event.causedBy) : undefined;
      return cause === undefined ? [] : [{ from: cause, to: place }];
    });
    this.spans = recording ? spansOf(items, recording) : [];
    this.layOut();
  }

  layOut() {
    const narrow = this.list.clientWidth < 560;
    this.high = this.recording ? (narrow ? 48 : 30) : narrow ? 84 : 56;
    const lanes = this.recording ? 2 + Math.max(0, ...this.spans.map((span) => span.lane + 1)) : 0;
    const room = Math.min(240, this.list.clientWidth / 4) / Math.max(1, Math.min(lanes - 2, LANES));
    this.step = Math.max(6, Math.min(narrow ? 13 : 22, room));
    this.left = this.scaled ? 58 : 14;
    this.wide = lanes ? this.left + laneAt(lanes - 1, this.step) + (this.scaled ? 40 : 18) : 0;
    const first = this.items.length ? this.items[0].at : 0;
    const lasts = this.items.length ? this.items[this.items.length - 1].at - first : 0;
    const usual = lasts ? (this.items.length * this.high * 1.3) / lasts : 1;
    this.perSecond = Math.min(usual * this.zoom, TALLEST / Math.max(1, lasts));
    let floor = 0;
    for (const item of this.items) {
      item.node = this.scaled ? (item.at - first) * this.perSecond + this.high / 2 : floor + this.high / 2;
      item.top = Math.max(floor, item.node - this.high / 2);
      floor = item.top + this.high;
    }
    this.tall = floor;
    byId("content").style.height = `${this.tall}px`;
    byId("list").style.setProperty("--row", `${this.high}px`);
    byId("list").style.setProperty("--lanes", `${this.wide}px`);
    this.draw();
  }

  later() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw();
    });
  }

  // The first item whose place is not above.
  firstAt(place, of) {
    let low = 0;
    let high = this.items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.items[middle][of] < place) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  draw() {
    if (this.onPaper) return;
    // Read before anything is changed: the browser would lay all out again for the answer.
    this.sight = [this.list.scrollTop, this.list.scrollTop + this.list.clientHeight];
    const top = this.sight[0] - MARGIN;
    const bottom = this.sight[1] + MARGIN;
    const from = this.firstAt(top - this.high, "top");
    const to = this.firstAt(bottom, "top");
    byId("rows").replaceChildren(...this.items.slice(from, to).map((item, n) => this.row(item, from + n)));
    const active = this.chosen >= from && this.chosen < to;
    this.list.toggleAttribute("aria-activedescendant", false);
    if (active) this.list.setAttribute("aria-activedescendant", `row${this.chosen}`);
    const art = byId("art");
    art.toggleAttribute("hidden", !this.recording);
    byId("heads").toggleAttribute("hidden", !this.recording);
    if (this.recording) drawLanes(this, art, Math.max(0, top), Math.min(bottom, this.tall));
  }

  row(item, place) {
    const row = this.rowOf(item);
    row.id = `row${place}`;
    row.dataset.place = place;
    row.setAttribute("role", "option");
    row.setAttribute("aria-selected", String(place === this.chosen));
    row.style.transform = `translateY(${item.top}px)`;
    return row;
  }

  choose(place) {
    if (this.items.length === 0) return null;
    this.chosen = Math.min(Math.max(place, 0), this.items.length - 1);
    const { top } = this.items[this.chosen];
    if (top < this.list.scrollTop) this.list.scrollTop = top;
    const under = top + this.high - this.list.clientHeight;
    if (under > this.list.scrollTop) this.list.scrollTop = under;
    this.draw();
    return this.items[this.chosen];
  }

  // Where a moment stands, also one that is between two rows.
  placeOf(at) {
    if (this.scaled) return (at - this.items[0].at) * this.perSecond + this.high / 2;
    const after = this.firstAt(at, "at");
    if (after === 0) return this.items[0].node;
    const before = this.items[after - 1];
    const next = this.items[after];
    const part = next ? (at - before.at) / (next.at - before.at || 1) : 0.5;
    return before.node + part * this.high;
  }

  // Every row, with what it is to have below it.
  all(below) {
    this.onPaper = true;
    byId("rows").replaceChildren(...this.items.map((item, place) => fill(this.row(item, place), {}, [below(item.event)])));
  }
}

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
  fill(art, { width: wide, height: Math.max(0, bottom - top), viewBox: `0 ${top} ${wide} ${Math.max(1, bottom - top)}` }, []);
  art.style.transform = `translateY(${top}px)`;
  const drawn = [];
  const line = (kind, x1, y1, x2, y2) => drawn.push(s("line", { class: kind, x1, y1, x2, y2 }));
  const chosen = items[board.chosen]?.event;
  if (board.scaled) drawAxis(board, drawn, top, bottom);
  for (const lane of [0, 1]) line("lane", x(lane), top, x(lane), bottom);
  const seen = board.spans.filter((span) => items[span.first].node < bottom && items[span.last].node > top);
  for (const span of seen) {
    const mine = chosen?.on?.includes(span.number) ? " mine" : "";
    line(`lane resource${mine}`, x(span.lane + 2), Math.max(top, items[span.first].node), x(span.lane + 2), Math.min(bottom, items[span.last].node));
  }
  for (const { from, to } of board.links) {
    const [cause, told] = [items[from], items[to]];
    if (cause.node > bottom || told.node < top) continue;
    const start = told.event.after === "response" ? Math.min(board.placeOf(cause.event.end), told.node) : cause.node;
    const mine = chosen === cause.event || chosen === told.event ? " mine" : "";
    const [x1, x2] = [x(0) + 4, x(1) - 6];
    const bend = Math.min(40, Math.max(6, (told.node - start) / 2));
    drawn.push(s("path", { class: `cause${mine}`, d: `M${x1} ${start}C${x1 + 12} ${start + bend} ${x2 - 12} ${told.node - 1} ${x2} ${told.node}` }));
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
    drawn.push(s("path", { class: `leader${board.items[board.chosen] === item ? " mine" : ""}`, d: `M${edge} ${node}C${board.wide - 14} ${node} ${board.wide - 22} ${middle} ${board.wide - 4} ${middle}` }));
  }
  if (isTold) {
    drawn.push(s("path", { class: `told${event.causedBy ? "" : " alone"}`, d: `M${lane} ${node - 5}l5 5l-5 5l-5 -5z` }));
  } else {
    const end = Math.max(node + 4, board.placeOf(event.end));
    drawn.push(s("rect", { class: `asked${level}`, x: lane - 3.5, y: node - 4, width: 7, height: end - node + 4, rx: 3.5 }));
  }
  const changed = new Set((event.shows ?? []).filter((shown) => shown.moved.length).map((shown) => shown.of));
  for (const number of event.on ?? []) {
    const resource = board.recording.resources[number];
    const moved = changed.has(resource.name) ? " moved" : "";
    drawn.push(s("circle", { class: `dot${isTold ? " told" : ""}${level}${moved}`, cx: x(resource.lane + 2), cy: node, r: moved || event.level ? 4.5 : 3 }));
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
