"use strict";
// Everything is made of text and elements: no markup comes from data.
const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const s = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
const byId = (id) => document.getElementById(id);
const several = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

// Where two texts begin and cease to differ, so that only what lies between is marked.
function parted(one, other) {
  const most = Math.min(one.length, other.length);
  let start = 0;
  while (start < most && one[start] === other[start]) start += 1;
  let end = 0;
  while (end < most - start && one[one.length - 1 - end] === other[other.length - 1 - end]) end += 1;
  return [one, other].map((text) => [
    text.slice(0, start),
    text.slice(start, text.length - end),
    text.slice(text.length - end),
  ]);
}

const SIGNS = { failed: "✗", error: "✗", passed: "✓", unknown: "?", warning: "!", info: "i", suppressed: "○" };
const WORDS = { unknown: "cannot tell" };
const pill = (level) =>
  level ? h("span", { class: `verdict ${level}` }, `${SIGNS[level]} ${WORDS[level] ?? level}`) : null;
