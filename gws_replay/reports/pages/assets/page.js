
"use strict";
(() => {
  const tests = [...document.querySelectorAll(".test")];
  const words = new Map(tests.map((test) => [test, test.textContent.toLowerCase()]));
  const text = document.getElementById("text");
  const buttons = [...document.querySelectorAll("[data-outcome][aria-pressed]")];
  const fold = document.getElementById("fold");
  const count = document.getElementById("count");
  const none = document.getElementById("none");

  const shown = () => tests.filter((test) => !test.hidden);

  function filter() {
    const wanted = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const pressed = buttons.filter((each) => each.getAttribute("aria-pressed") === "true");
    const outcomes = new Set(pressed.map((each) => each.dataset.outcome));
    for (const test of tests) {
      const content = words.get(test);
      test.hidden =
        (outcomes.size > 0 && !outcomes.has(test.dataset.outcome)) || !wanted.every((word) => content.includes(word));
    }
    const number = shown().length;
    none.hidden = number > 0;
    count.textContent = number === tests.length ? "" : `${number} of ${tests.length}`;
  }

  function foldAll() {
    const open = shown().some((test) => !test.open);
    for (const test of shown()) test.open = open;
    named();
  }

  function named() {
    fold.textContent = shown().every((test) => test.open) ? "Close all" : "Open all";
  }

  function move(step) {
    const visible = shown();
    if (visible.length === 0) return;
    const at = visible.findIndex((test) => test.contains(document.activeElement));
    const next = at < 0 ? (step > 0 ? 0 : visible.length - 1) : Math.min(Math.max(at + step, 0), visible.length - 1);
    const summary = visible[next].querySelector("summary");
    summary.focus();
    summary.scrollIntoView({ block: "nearest" });
  }

  function clear() {
    text.value = "";
    for (const each of buttons) each.setAttribute("aria-pressed", "false");
    filter();
    text.blur();
  }

  text.addEventListener("input", filter);
  text.form.addEventListener("submit", (event) => event.preventDefault());
  for (const button of buttons) {
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      filter();
    });
  }
  fold.addEventListener("click", foldAll);
  for (const test of tests) test.addEventListener("toggle", named);
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") clear();
    if (document.activeElement === text) {
      if (event.key === "ArrowDown" || event.key === "Enter") {
        event.preventDefault();
        move(1);
      }
      return;
    }
    const actions = { "/": () => text.focus(), j: () => move(1), k: () => move(-1), e: foldAll };
    if (Object.hasOwn(actions, event.key)) {
      event.preventDefault();
      actions[event.key]();
    }
  });

  // The timeline of a run is a page of its own, in a frame that is made when it is wanted.
  function draw(button) {
    const opened = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!opened));
    if (opened) return button.nextElementSibling.remove();
    const [before, after] = JSON.parse(document.getElementById("around").textContent);
    const shown = document.getElementById(`timeline${button.dataset.timeline}`).textContent;
    const frame = document.createElement("iframe");
    frame.title = "Timeline";
    frame.srcdoc = before + shown + after;
    button.after(frame);
  }

  for (const button of document.querySelectorAll(".draw")) button.addEventListener("click", () => draw(button));

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = tests.filter((test) => !test.open);
    for (const test of closed) test.open = true;
  });
  addEventListener("afterprint", () => {
    for (const test of closed) test.open = false;
  });
  filter();
  named();
})();
