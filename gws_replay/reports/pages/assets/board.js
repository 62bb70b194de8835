// The list with its lanes. Only visible elements exist: a row has a position (`top`), its event one in time (`node`).
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

  // Items have `event` and `at`; without a recording there are no lanes, and rows are taller.
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
    const wires = this.recording ? wireLanes(this.recording) : 0;
    const lanes = wires + Math.max(0, ...this.spans.map((span) => span.lane + 1));
    const room = Math.min(240, this.list.clientWidth / 4) / Math.max(1, Math.min(lanes - wires, LANES));
    this.step = Math.max(6, Math.min(narrow ? 13 : 22, room));
    this.left = this.scaled ? 58 : 14;
    this.wide = lanes ? this.left + laneAt(lanes - 1, this.step, wires) + (this.scaled ? 40 : 18) : 0;
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

  // The first item whose position is not smaller.
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
    // Read before anything is changed: otherwise the browser lays out everything twice.
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

  // The position of a moment, which may be between two rows.
  placeOf(at) {
    if (this.scaled) return (at - this.items[0].at) * this.perSecond + this.high / 2;
    const after = this.firstAt(at, "at");
    if (after === 0) return this.items[0].node;
    const before = this.items[after - 1];
    const next = this.items[after];
    const part = next ? (at - before.at) / (next.at - before.at || 1) : 0.5;
    return before.node + part * this.high;
  }

  // Every row, each with content below it, for printing.
  all(below) {
    this.onPaper = true;
    byId("rows").replaceChildren(
      ...this.items.map((item, place) => fill(this.row(item, place), {}, [below(item.event)])),
    );
  }
}
