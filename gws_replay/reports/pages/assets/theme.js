"use strict";
(() => {
  const shade = document.getElementById("shade");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const turn = () => {
    const now = document.documentElement.style.colorScheme || (dark.matches ? "dark" : "light");
    document.documentElement.style.colorScheme = now === "dark" ? "light" : "dark";
  };
  shade.addEventListener("click", turn);
  addEventListener("keydown", (event) => {
    const writing = document.activeElement.matches("input, select") || event.ctrlKey || event.metaKey || event.altKey;
    if (event.key === "t" && !writing) turn();
  });
})();
