// Small helpers for making and finding elements. Text is always set as text, never as markup.

/**
 * Return the element of that id, or null where this page has none.
 *
 * @param {string} id
 */
export const findById = (id) => document.getElementById(id);

/**
 * Return the element of that id; the page must have it.
 *
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const element = findById(id);
  if (!element) throw new Error(`This page has no element #${id}.`);
  return element;
}

/**
 * Return the element of that id, which must be a `tag`.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} id
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function tagById(tag, id) {
  const element = byId(id);
  if (element.localName !== tag) throw new Error(`#${id} is no <${tag}>.`);
  return /** @type {HTMLElementTagNameMap[Tag]} */ (element);
}

/**
 * Return the first `tag` inside an element; there must be one.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {ParentNode} parent
 * @param {Tag} tag
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function tagIn(parent, tag) {
  const element = parent.querySelector(tag);
  if (!element) throw new Error(`There is no <${tag}> here.`);
  return element;
}

/**
 * Read the JSON that a template has put into the page.
 *
 * @param {string} id
 */
export const jsonById = (id) => JSON.parse(byId(id).textContent ?? "");

/**
 * Return the element that an event came from.
 *
 * @param {Event} event
 */
export const targetOf = (event) => /** @type {HTMLElement} */ (event.target);

/**
 * Return a canvas's drawing context.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2DSettings} [settings]
 */
export function contextOf(canvas, settings) {
  const context = canvas.getContext("2d", settings);
  if (!context) throw new Error("This browser cannot draw.");
  return context;
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * Return an icon of the sprite.
 *
 * @param {string} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${document.body.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
}

/**
 * Return an element with properties, `data` and `aria` members, listeners and children; null children are left out.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {ElementOptions<Tag>} [options]
 * @param {...(Node | string | null | undefined)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, options = {}, ...children) {
  const { data = {}, aria = {}, on = {}, role, ...properties } = options;
  const element = document.createElement(tag);
  Object.assign(element, properties);
  Object.assign(element.dataset, data);
  // Not every browser in use knows the property.
  if (role) element.setAttribute("role", role);
  for (const [name, value] of Object.entries(aria)) element.setAttribute(`aria-${name}`, value);
  for (const [name, listener] of Object.entries(on)) {
    element.addEventListener(name, /** @type {EventListener} */ (listener));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** @param {string} name */
export const initials = (name) =>
  name
    .split(/\s+/)
    .filter(Boolean)
    .slice(0, 2)
    .map((part) => [...part][0])
    .join("");

/**
 * Return a portrait, or the initials where there is none or it does not load.
 *
 * @param {{ name: string, portrait?: string | null }} student
 */
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

/**
 * Return a button with a label and, where `name` is given, that icon before it.
 *
 * @param {string} label
 * @param {{ name?: string, className?: string, title?: string, tabIndex?: number, press: () => unknown }} options
 */
export function button(label, { name, className = "button", press, ...rest }) {
  const element = make("button", { type: "button", className, ...rest }, name ? icon(name) : null, label);
  element.addEventListener("click", () => press());
  return element;
}
