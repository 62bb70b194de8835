// What is chosen and opened, by keys and clicks.
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
    detail.replaceChildren(
      close(),
      shown,
      ...(event.pair === undefined ? [] : [pairDetail(partOf(now.part), event.pair, rows)]),
    );
  } else if (event.pair === undefined && event.at === undefined) {
    detail.replaceChildren(
      close(),
      h("div", { class: "event" }, h("h3", {}, event.what, " ", pill(event.level)), h("p", {}, event.result)),
    );
  } else if (!index.parts[event.part].sides.length) {
    const command = `gws-replay show ${index.parts[event.part].name} --format html`;
    const elsewhere = `The page would be too great with this timeline: ${command}`;
    detail.replaceChildren(
      close(),
      h(
        "div",
        { class: "event" },
        h("h3", {}, event.what, " ", pill(event.level)),
        h("p", {}, event.result),
        h("p", { class: "quiet" }, elsewhere),
      ),
    );
  } else if (event.pair === undefined) {
    const recording = partOf(event.part).recordings[0];
    const toTime = h(
      "button",
      { type: "button", class: "link", "data-part": event.part, "data-go": event.at },
      h("b", {}, "In its timeline"),
      ` ${index.parts[event.part].name}`,
    );
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
  const other = event && (event.causedBy ?? event.effects[0]);
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
  board.all(({ proof, besides }) =>
    proof?.changes?.length ? h("div", { class: "changes" }, changes(recording, proof, besides)) : null,
  );
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
now.part = Math.max(
  0,
  index.parts.findIndex((part) => part.sides.length),
);
show(now.view);
move(1);
