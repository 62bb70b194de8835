// Which events and rows are shown, and how each looks.
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

// A cassette is parsed when it is first shown.
function partOf(number) {
  if (parsed.has(number)) return parsed.get(number);
  const part = JSON.parse(byId(`part${number}`)?.textContent ?? "{}");
  for (const recording of part.recordings ?? []) {
    recording.texts = part.texts;
    recording.events.forEach((event, position) => Object.assign(event, { position, effects: [] }));
    for (const event of recording.events) {
      if (event.cause === undefined) continue;
      event.causedBy = recording.events[event.cause];
      event.causedBy.effects.push(event);
    }
  }
  parsed.set(number, part);
  return part;
}

const recordingNow = () => partOf(now.part).recordings?.[now.recording];

function timeRow({ event }) {
  const { texts } = recordingNow();
  const isNotification = isPush(event);
  const changed = (event.proof ? [event.proof] : (event.shows ?? [])).filter(
    (shown) => shown.before !== null && shown.after !== null,
  );
  const besides = event.verdict === "failed" ? [] : (event.besides ?? []);
  const listed = changed.flatMap((shown) => shown.changes.map(([key]) => key)).filter((key) => !besides.includes(key));
  const keys = [...new Set(listed)].map((key) => texts[key]);
  const result = event.verdict && keys.length ? [] : [texts[event.result]];
  const first = (event.shows ?? []).filter((shown) => shown.before === null).length;
  if (first && !keys.length) result.unshift(`userData of ${several(first, "resource")}`);
  return h(
    "div",
    { class: `row ${isNotification ? "notification" : "request"} ${event.level ?? ""}${event.refused ? " refused" : ""}` },
    h("span", { class: "at" }, event.at.toFixed(3)),
    h("span", { class: "way" }, isNotification ? "←" : "→"),
    h("span", { class: texts[event.of] ? "what" : "what wide" }, texts[event.what]),
    texts[event.of] ? h("span", { class: "of" }, texts[event.of]) : null,
    h(
      "span",
      { class: "result" },
      keys.length ? h("span", { class: "key" }, keys.join(", ")) : result.filter(Boolean).join(" · "),
    ),
    pill(event.level),
  );
}

function listRow({ event: row }) {
  return h(
    "div",
    { class: `row entry ${row.level}` },
    pill(row.level),
    h(
      "span",
      { class: "what" },
      row.what,
      " ",
      h(
        "small",
        {},
        [index.parts.length > 1 ? index.parts[row.part].name : "", row.why || row.rule].filter(Boolean).join(" · "),
      ),
    ),
    h("span", { class: "result" }, h("code", {}, row.where), row.where ? "  " : "", row.result),
  );
}

const board = new Board((item) => (now.view === "list" ? listRow(item) : timeRow(item)));

function numbersOf(event) {
  event.numbers ??= [event.what, event.of, event.result, ...event.sent, ...event.received, ...(event.reasons ?? [])];
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
  const pressed = new Set(
    levels.filter((each) => each.getAttribute("aria-pressed") === "true").map((each) => each.dataset.level),
  );
  const all = candidates();
  const matches =
    now.view === "list"
      ? (row) =>
          wanted.every((word) =>
            `${row.what} ${row.where} ${row.result} ${row.rule} ${row.why ?? ""} ${index.parts[row.part].name}`
              .toLowerCase()
              .includes(word),
          )
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
  board.show(
    shown.map((event) => ({ event, at: event.at ?? 0 })),
    now.view === "time" ? recordingNow() : null,
  );
  byId("none").hidden = shown.length > 0;
  byId("none").textContent = all.length ? "Nothing matches." : "Nothing to show.";
  byId("count").textContent =
    shown.length === all.length
      ? several(all.length, now.view === "list" ? "entry" : "event").replace("entrys", "entries")
      : `${shown.length.toLocaleString("en")} of ${all.length.toLocaleString("en")}`;
  board.chosen = chosen ? shown.indexOf(chosen) : -1;
  board.draw();
}
