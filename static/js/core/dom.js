// Small helpers for making and finding elements. Text is always set as text, never as markup.

export const byId = (id) => document.getElementById(id);

const SVG = "http://www.w3.org/2000/svg";

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${document.body.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
}

/** An element with properties, `data` and `aria` members and children; null children are left out. */
export function make(tag, { data = {}, aria = {}, on = {}, ...properties } = {}, ...children) {
  const element = document.createElement(tag);
  Object.assign(element, properties);
  Object.assign(element.dataset, data);
  for (const [name, value] of Object.entries(aria)) element.setAttribute(`aria-${name}`, value);
  for (const [name, listener] of Object.entries(on)) element.addEventListener(name, listener);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const initials = (name) =>
  name
    .split(/\s+/)
    .filter(Boolean)
    .slice(0, 2)
    .map((word) => [...word][0])
    .join("");

/** A portrait, or the initials where there is none or it does not load. */
export function portrait(student, className = "portrait") {
  const letters = () => make("span", { className, aria: { hidden: "true" } }, initials(student.name));
  if (!student.portrait) return letters();
  const image = make("img", {
    className,
    src: student.portrait,
    alt: "",
    loading: "lazy",
    width: 72,
    height: 72,
  });
  image.addEventListener("error", () => image.replaceWith(letters()), { once: true });
  return image;
}

export function button(label, { name = null, className = "button", press, ...rest } = {}) {
  const made = make("button", { type: "button", className, ...rest }, name && icon(name), label);
  if (press) made.addEventListener("click", press);
  return made;
}
