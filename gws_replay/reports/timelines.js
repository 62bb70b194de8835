// What is shown, by filters, keys and clicks.
const index = JSON.parse(byId("index").textContent);
const parsed = new Map();
const text = byId("text");
const levels = [...document.querySelectorAll("[data-level]")];
const views = [...document.querySelectorAll("[data-view]")];
const operation = byId("operation");
const choice = byId("recording");
const scale = byId("scale");
const detail = byId("detail");
const now = { view: index.first ? "list" : "time", part: 0, recording: 0, row: null };

// A cassette is read when it is wanted.
function partOf(number) {
  if (parsed.has(number)) return parsed.get(number);
  const part = JSON.parse(byId(`part${number}`)?.textContent ?? "{}");
  for (const recording of part.recordings ?? []) {
    recording.texts = part.texts;
    recording.events.forEach((event, position) => Object.assign(event, { position, told: [] }));
    for (const event of recording.events) {
      if (event.cause === undefined) continue;
      event.causedBy = recording.events[event.cause];
      event.causedBy.told.push(event);
    }
  }
  parsed.set(number, part);
  return part;
}

const recordingNow = () => partOf(now.part).recordings?.[now.recording];

function timeRow({ event }) {
  const { texts } = recordingNow();
  const isTold = event.kind === "notification";
  const moved = (event.proof ? [event.proof] : event.shows ?? []).filter((shown) => shown.before !== null && shown.after !== null);
  const keys = [...new Set(moved.flatMap((shown) => shown.moved.map(([key]) => texts[key])))];
  const said = event.level ? [] : [texts[event.said]];
  const first = (event.shows ?? []).filter((shown) => shown.before === null).length;
  if (first && !keys.length) said.push(`userData of ${several(first, "resource")}`);
  return h(
    "div",
    { class: `row ${isTold ? "told" : "asked"} ${event.level ?? ""}${event.refused ? " refused" : ""}` },
    h("span", { class: "at" }, event.at.toFixed(3)),
    h("span", { class: "way" }, isTold ? "←" : "→"),
    h("span", { class: texts[event.of] ? "what" : "what wide" }, texts[event.what]),
    texts[event.of] ? h("span", { class: "of" }, texts[event.of]) : null,
    h("span", { class: "said" }, keys.length ? h("span", { class: "key" }, keys.join(", ")) : said.filter(Boolean).join(" · ")),
    pill(event.level),
  );
}

function listRow({ event: row }) {
  return h(
    "div",
    { class: `row entry ${row.level}` },
    pill(row.level),
    h("span", { class: "what" }, row.what, " ", h("small", {}, [index.parts.length > 1 ? index.parts[row.part].name : "", row.why || row.rule].filter(Boolean).join(" · "))),
    h("span", { class: "said" }, h("code", {}, row.where), row.where ? "  " : "", row.said),
  );
}

const board = new Board((item) => (now.view === "list" ? listRow(item) : timeRow(item)));

function numbersOf(event) {
  event.numbers ??= [event.what, event.of, event.said, ...event.sent, ...event.got, ...(event.reasons ?? [])];
  return event.numbers;
}

// Each distinct text is searched once, whatever the number of events that show it.
function finder(words, recording) {
  recording.lowered ??= recording.texts.map((each) => each.toLowerCase());
  const hits = words.map((word) => Uint8Array.from(recording.lowered, (each) => each.includes(word)));
  return (event) => hits.every((hit) => numbersOf(event).some((number) => hit[number]));
}

function candidates() {
  if (now.view === "list") return index.rows;
  return recordingNow()?.events ?? [];
}

const nameOf = (event) => (now.view === "list" ? event.operation : recordingNow().texts[event.what]);
const levelOf = (event) => event.level ?? event.causedBy?.level;

function filter() {
  const wanted = text.value.toLowerCase().split(/\s+/).filter(Boolean);
  const pressed = new Set(levels.filter((each) => each.getAttribute("aria-pressed") === "true").map((each) => each.dataset.level));
  const all = candidates();
  const matches =
    now.view === "list"
      ? (row) => wanted.every((word) => `${row.what} ${row.where} ${row.said} ${row.rule} ${row.why ?? ""} ${index.parts[row.part].name}`.toLowerCase().includes(word))
      : wanted.length
        ? finder(wanted, recordingNow())
        : () => true;
  const shown = all.filter(
    (event) =>
      (pressed.size === 0 || pressed.has(levelOf(event))) &&
      (!operation.value || nameOf(event) === operation.value) &&
      matches(event),
  );
  const chosen = board.items[board.chosen]?.event;
  board.show(shown.map((event) => ({ event, at: event.at ?? 0 })), now.view === "time" ? recordingNow() : null);
  byId("none").hidden = shown.length > 0;
  byId("none").textContent = all.length ? "Nothing matches." : "Nothing to show.";
  byId("count").textContent = shown.length === all.length ? several(all.length, now.view === "list" ? "entry" : "event").replace("entrys", "entries") : `${shown.length.toLocaleString("en")} of ${all.length.toLocaleString("en")}`;
  board.chosen = chosen ? shown.indexOf(chosen) : -1;
  board.draw();
}

function offer() {
  const counts = new Map();
  for (const event of candidates()) counts.set(nameOf(event), (counts.get(nameOf(event)) ?? 0) + 1);
  const options = [...counts].sort((one, other) => other[1] - one[1]);
  operation.replaceChildren(
    h("option", { value: "" }, "All operations"),
    ...options.map(([name, count]) => h("option", { value: name }, `${name} (${count.toLocaleString("en")})`)),
  );
}

function show(view, part = now.part, recording = now.recording) {
  Object.assign(now, { view, part, recording });
  document.body.dataset.view = view;
  for (const each of views) each.setAttribute("aria-pressed", String(each.dataset.view === view));
  byId("scales").hidden = view === "list";
  choice.hidden = choice.options.length < 2 || view === "list";
  choice.value = `${part}/${recording}`;
  board.items = [];
  board.list.scrollTop = 0;
  offer();
  filter();
}

function open(event) {
  if (!event) return;
  if (now.view === "time") {
    const recording = recordingNow();
    const shown = eventDetail(recording, event);
    const rows = index.rows.filter((row) => row.part === now.part);
    detail.replaceChildren(close(), shown, ...(event.pair === undefined ? [] : [pairDetail(partOf(now.part), event.pair, rows)]));
  } else if (event.pair === undefined && event.at === undefined) {
    detail.replaceChildren(close(), h("div", { class: "event" }, h("h3", {}, event.what, " ", pill(event.level)), h("p", {}, event.said)));
  } else if (event.pair === undefined) {
    const recording = partOf(event.part).recordings[0];
    const toTime = h("button", { type: "button", class: "link", "data-part": event.part, "data-go": event.at }, h("b", {}, "In its timeline"), ` ${index.parts[event.part].name}`);
    detail.replaceChildren(close(), toTime, eventDetail(recording, recording.events[event.at]));
  } else {
    const rows = index.rows.filter((row) => row.part === event.part);
    detail.replaceChildren(close(), pairDetail(partOf(event.part), event.pair, rows, event));
  }
  detail.scrollTop = 0;
}

const close = () => h("button", { type: "button", id: "close", "aria-label": "close" }, "✕");

function move(step) {
  const start = step > 0 ? 0 : board.items.length - 1;
  open(board.choose(board.chosen < 0 ? start : board.chosen + step)?.event);
}

function jump(part, recording, position) {
  show("time", part, recording);
  let place = board.items.findIndex((item) => item.event.position === position);
  if (place < 0) {
    clear();
    place = position;
  }
  board.list.scrollTop = board.items[place].top - board.list.clientHeight / 3;
  open(board.choose(place)?.event);
}

function clear() {
  text.value = "";
  operation.value = "";
  for (const each of levels) each.setAttribute("aria-pressed", "false");
  document.body.classList.remove("reading");
  filter();
  text.blur();
}

function toScale() {
  const middle = board.items[board.firstAt(board.list.scrollTop + board.list.clientHeight / 2, "top")];
  board.scaled = !board.scaled;
  scale.setAttribute("aria-pressed", String(board.scaled));
  board.layOut();
  if (middle) board.list.scrollTop = middle.top - board.list.clientHeight / 2;
}

function zoom(factor) {
  if (!board.scaled) toScale();
  const middle = board.items[board.firstAt(board.list.scrollTop + board.list.clientHeight / 2, "top")];
  board.zoom = Math.min(1000, Math.max(0.02, board.zoom * factor));
  board.layOut();
  if (middle) board.list.scrollTop = middle.top - board.list.clientHeight / 2;
}

function toCause() {
  const event = now.view === "time" && board.items[board.chosen]?.event;
  const other = event && (event.causedBy ?? event.told[0]);
  if (other) jump(now.part, now.recording, other.position);
}

function turnView() {
  if (index.first && choice.options.length) show(now.view === "list" ? "time" : "list");
}

function read(on) {
  document.body.classList.toggle("reading", on);
  (on ? detail : board.list).focus({ preventScroll: true });
}

text.addEventListener("input", filter);
operation.addEventListener("change", filter);
choice.addEventListener("change", () => show("time", ...choice.value.split("/").map(Number)));
text.form.addEventListener("submit", (event) => event.preventDefault());
for (const button of levels) {
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    filter();
  });
}
for (const button of views) button.addEventListener("click", () => show(button.dataset.view));
scale.addEventListener("click", toScale);
byId("less").addEventListener("click", () => zoom(1 / 1.6));
byId("more").addEventListener("click", () => zoom(1.6));
byId("rows").addEventListener("click", (event) => {
  const row = event.target.closest(".row");
  if (!row) return;
  open(board.choose(Number(row.dataset.place))?.event);
  read(true);
});
detail.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.id === "close") read(false);
  if (button?.dataset.go === undefined) return;
  const { part, side } = button.dataset;
  const inList = now.view === "list" ? board.items[board.chosen].event.part : now.part;
  jump(Number(part ?? inList), Number(side ?? now.recording), Number(button.dataset.go));
});
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") return document.body.classList.contains("reading") ? read(false) : clear();
  if (document.activeElement === text) {
    if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      text.blur();
      board.list.focus();
      move(1);
    }
    return;
  }
  if (document.activeElement.matches("select, summary, button") && event.key === "Enter") return;
  if (document.activeElement.matches("select")) return;
  const page = Math.max(1, Math.floor(board.list.clientHeight / board.high) - 1);
  const inList = document.activeElement === board.list || document.activeElement === document.body;
  const actions = {
    "/": () => text.focus(),
    j: () => move(1),
    k: () => move(-1),
    Enter: () => read(true),
    c: toCause,
    s: () => now.view === "time" && toScale(),
    v: turnView,
    "+": () => now.view === "time" && zoom(1.6),
    "-": () => now.view === "time" && zoom(1 / 1.6),
    ...(inList && {
      ArrowDown: () => move(1),
      ArrowUp: () => move(-1),
      PageDown: () => move(page),
      PageUp: () => move(-page),
      Home: () => move(-board.items.length),
      End: () => move(board.items.length),
    }),
  };
  if (Object.hasOwn(actions, event.key)) {
    event.preventDefault();
    actions[event.key]();
  }
});
// On paper every row that the filter shows stands below the other, with what it changed.
addEventListener("beforeprint", () => {
  const recording = recordingNow();
  board.all(({ proof }) => (proof?.moved?.length ? h("div", { class: "changes" }, changes(recording, proof)) : null));
});
addEventListener("afterprint", () => {
  board.onPaper = false;
  board.draw();
});

index.parts.forEach(({ name, sides }, part) => {
  sides.forEach((side, number) => {
    choice.append(h("option", { value: `${part}/${number}` }, [side, name].filter(Boolean).join(": ")));
  });
});
for (const button of views) button.disabled = choice.options.length === 0;
now.part = Math.max(0, index.parts.findIndex((part) => part.sides.length));
show(now.view);
move(1);
