// The details of one event, or of what two recordings show in one place.
// Who sent a request or received a notification, where there are several users.
function userOf(recording, event) {
  const user = recording.users[event.user];
  return user ? `${isPush(event) ? "received" : "sent"} by ${user}` : null;
}

const seconds = (at) => `${at.toFixed(3)} s`;

function cellsOf(before, after) {
  const absent = () => h("td", {}, h("i", {}, "absent"));
  if (before === null || after === null)
    return [before, after].map((text) => (text === null ? absent() : h("td", {}, text)));
  return parted(before, after).map(([start, middle, end]) =>
    h("td", {}, start, middle ? h("mark", {}, middle) : null, end),
  );
}

// Rows are [name, before, after, kind]; those without a kind are equal, and show one value.
function row([name, before, after, kind, note]) {
  const cells = kind ? cellsOf(before, after) : [h("td", { colspan: 2 }, before)];
  return h(
    "tr",
    { class: kind },
    h("th", { scope: "row" }, h("span", {}, name), note ? h("small", {}, note) : null),
    cells,
  );
}

const marked = (columns, rows) =>
  h(
    "table",
    { class: "marked" },
    h(
      "tr",
      {},
      columns.map((column) => h("th", {}, column)),
    ),
    rows.map(row),
  );

// A part that is folded, and created when it is opened.
function folded(title, content, open = false) {
  const details = h("details", { open }, h("summary", {}, title));
  const once = () => {
    if (details.open && details.children.length === 1) details.append(content());
  };
  details.addEventListener("toggle", once);
  once();
  return details;
}

function userData(recording, shown, besides) {
  const { texts } = recording;
  const pairs = (number) => {
    const listed = number === null ? [] : recording.shown[number];
    const found = new Map();
    for (let at = 0; at < listed.length; at += 2) found.set(listed[at], listed[at + 1]);
    return found;
  };
  const [before, after] = [pairs(shown.before), pairs(shown.after)];
  const where = shown.places.filter(Boolean).join(" to ");
  const title = h("p", { class: "quiet" }, `userData of ${texts[shown.of]}`, where ? `, ${where}` : "");
  if (shown.before === null || shown.after === null) {
    const known = shown.after === null ? before : after;
    if (known.size === 0) return [title, h("p", { class: "quiet" }, "none was seen")];
    const rows = [...known].map(([key, value]) => [texts[key], texts[value], null, ""]);
    const seen = `${several(rows.length, "key")}, ${shown.after === null ? "not seen again" : "first seen here"}`;
    return [title, folded(seen, () => h("table", {}, rows.map(row)))];
  }
  const keys = new Set(shown.changes.map(([key]) => key));
  const alike = [...after]
    .filter(([key]) => !keys.has(key))
    .map(([key, value]) => [texts[key], texts[value], null, ""]);
  const none = shown.changes.length ? null : h("p", { class: "quiet" }, "nothing changed");
  const rest = alike.length
    ? folded(`${several(alike.length, "other key")} as before`, () => h("table", {}, alike.map(row)))
    : null;
  return [title, none, changes(recording, shown, besides), rest];
}

// What changed; keys that the operation does not write have a note.
function changes(recording, shown, besides = []) {
  const text = (number) => (number === null ? null : recording.texts[number]);
  const note = (key) => (besides.includes(key) ? "not sent by it" : "");
  const rows = shown.changes.map(([key, path, kind, one, other]) => [
    text(path),
    text(one),
    text(other),
    kind,
    note(key),
  ]);
  return rows.length ? marked(["key", "before", "after"], rows) : null;
}

function lines(recording, title, numbers, most = 60) {
  if (numbers.length === 0) return null;
  const content = () => h("pre", {}, numbers.map((number) => recording.texts[number]).join("\n"));
  return folded(title, content, numbers.length <= most);
}

// The evidence behind a verdict: what each piece is about, and what it says.
function evidence(texts, pieces) {
  return h(
    "table",
    { class: "evidence" },
    pieces.map(([about, text]) => h("tr", {}, h("th", { scope: "row" }, texts[about]), h("td", {}, texts[text]))),
  );
}

// The details of an event; `go` is called with the event of a button.
function eventDetail(recording, event, go) {
  const { texts } = recording;
  const isNotification = event.kind === "notification";
  const isMessage = event.kind === "sent" || event.kind === "received";
  const place = isMessage
    ? `websocket message ${event.n}, ${event.kind}, not replayed`
    : `${isNotification ? "notification" : "interaction"} ${event.n}`;
  const when = isNotification || isMessage
    ? `seen at ${seconds(event.at)}`
    : `${seconds(event.at)} to ${seconds(event.end)}, ${((event.end - event.at) * 1000).toFixed(0)} ms`;
  const link = (other, words) =>
    h(
      "button",
      { type: "button", class: "link", "data-go": other.position },
      h("b", {}, texts[other.what]),
      ` ${words}`,
    );
  const parts = [
    h("h3", {}, texts[event.what], " ", pill(event.verdict ?? event.level)),
    event.of ? h("p", { class: "of" }, texts[event.of]) : null,
    h("p", { class: "quiet" }, [place, userOf(recording, event), when, texts[event.result]].filter(Boolean).join(" · ")),
    (event.reasons ?? []).map((reason) =>
      h("p", { class: event.verdict === "failed" ? "reason bad" : "reason odd" }, texts[reason]),
    ),
    ["ignored", "coerced"].map((list) =>
      event[list]?.length
        ? h("p", { class: "quiet" }, `${list}: ${event[list].map((name) => texts[name]).join(", ")}`)
        : null,
    ),
  ];
  if (isNotification) {
    const after = event.after === "response" ? "after its response" : "before its response";
    parts.push(h("h2", {}, "Cause"));
    parts.push(
      event.causedBy
        ? link(event.causedBy, `interaction ${event.causedBy.n}, found by ${event.rule}, ${after}`)
        : h("p", { class: "quiet" }, "unsolicited"),
    );
  } else if (event.effects.length) {
    parts.push(h("h2", {}, "Notifications"));
    parts.push(
      event.effects.map((effect) =>
        link(effect, `notification ${effect.n}, ${((effect.at - event.at) * 1000).toFixed(0)} ms after the request`),
      ),
    );
  }
  const tables = event.proof ? [event.proof] : (event.shows ?? []);
  if (tables.length)
    parts.push(
      h("h2", {}, "userData"),
      tables.map((shown) => userData(recording, shown, event.besides)),
    );
  if (event.evidence?.length)
    parts.push(folded("Evidence for the verdict", () => evidence(texts, event.evidence), event.verdict !== "passed"));
  parts.push(h("h2", {}, isMessage ? "WebSocket message" : isNotification ? "Notification" : "Exchange"));
  parts.push(
    lines(recording, isMessage ? "Sent" : "Request", event.sent),
    lines(recording, isMessage ? "Received" : isNotification ? "Message" : "Response", event.received),
  );
  return fill(h("div", { class: `event ${event.level ?? ""}` }), {}, parts);
}

// The details of what two recordings show in one place, with all findings there.
function pairDetail(part, number, rows, chosen) {
  const pair = part.pairs[number];
  const { texts } = part;
  const text = (value) => (value === null ? null : texts[value]);
  const found = rows.filter((row) => row.pair === number);
  const names = ["baseline", "candidate"];
  return h(
    "div",
    { class: "event" },
    h("h3", {}, found[0].what),
    names.map((name, side) =>
      pair.places[side]
        ? h(
            "button",
            { type: "button", class: "link", "data-side": side, "data-go": pair.at[side] },
            h("b", {}, name),
            ` ${pair.places[side]}`,
          )
        : h("p", { class: "quiet" }, `missing in the ${name}`),
    ),
    h("h2", {}, found.length === 1 ? "Finding" : "Findings"),
    found.map((row) =>
      h(
        "div",
        { class: `finding ${row.level}${row === chosen ? " chosen" : ""}` },
        pill(row.level),
        " ",
        h("small", {}, row.why || row.rule),
        h("p", {}, h("code", {}, row.where || row.what)),
        h("p", { class: "result" }, row.result),
      ),
    ),
    pair.tables.map(({ title, rows: listed }) => {
      const named = listed.map(([name, one, other, level]) => [
        texts[name] || "(whole)",
        text(one),
        text(other),
        level,
      ]);
      const [apart, alike] = [named.filter((each) => each[3]), named.filter((each) => !each[3])];
      return [
        h("h2", { class: "plain" }, title),
        apart.length ? marked(["key", ...names], apart) : null,
        alike.length
          ? folded(`${several(alike.length, "other value")} equal`, () => h("table", {}, alike.map(row)))
          : null,
      ];
    }),
  );
}
