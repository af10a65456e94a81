// Names of people: told apart where they are equal, never translated, and isolated from the text around them.

import { make } from "./dom.js";

/**
 * Return what each student is called in a list, by id: the name, with the number where another has the same name.
 *
 * @param {(Named & { number?: string | null })[]} students
 */
export function labelsOf(students) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { name } of students) counts.set(name, (counts.get(name) ?? 0) + 1);
  return new Map(
    students.map(({ id, name, number }) => [
      id,
      number && (counts.get(name) ?? 0) > 1 ? `${name} (${number})` : name,
    ]),
  );
}

/**
 * Return an element with a name that browsers do not translate, and whose direction changes nothing around it.
 *
 * @param {string} name
 */
export function nameElement(name) {
  const element = make("bdi", {}, name);
  element.setAttribute("translate", "no");
  return element;
}
