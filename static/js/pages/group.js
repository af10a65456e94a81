// Photographs of the whole class: who was found, who not; a person corrects and accepts.

import { apiErrorOf, post } from "../core/api.js";
import { byId, contextOf, jsonById, make, portrait, tagById, tagIn } from "../core/dom.js";
import { labelsOf, nameElement } from "../core/names.js";
import { _, fill, plural, refusalText } from "../core/text.js";

const MOST_PICTURES = 3;
const SEARCH_TIMEOUT_MS = 120000;
const { session, back = "" } = byId("group").dataset;
/** @type {RegisterMessage} */
const register = jsonById("state");
const students = new Map(register.students.map((student) => [student.id, student]));
const labels = labelsOf(register.students);
/** @param {Named} student */
const labelOf = ({ id, name }) => labels.get(id) ?? name;
const PARTS = ["choose", "found", "refused"];
let token = "";

/** @param {string} text "" where nothing is wrong */
function showProblem(text) {
  byId("fault").hidden = !text;
  tagIn(byId("fault"), "p").textContent = text;
}

/**
 * Show these parts of the page and hide the others.
 *
 * @param {...string} parts
 */
function showOnly(...parts) {
  for (const part of PARTS) byId(part).hidden = !parts.includes(part);
}

byId("pictures").addEventListener("change", async (event) => {
  const input = /** @type {HTMLInputElement} */ (event.target);
  const files = [...(input.files ?? [])];
  showProblem(files.length > MOST_PICTURES ? _("At most three photos at once.") : "");
  if (!files.length || files.length > MOST_PICTURES) return;
  const body = new FormData();
  for (const file of files) body.append("pictures", file);
  byId("busy").hidden = false;
  showOnly("choose"); // Not the list of earlier pictures: it may not be accepted beside a search.
  try {
    await show(await post(`/sessions/${session}/group/`, body, { timeout: SEARCH_TIMEOUT_MS }), files);
  } catch (thrown) {
    showProblem(apiErrorOf(thrown).message);
  } finally {
    byId("busy").hidden = true;
    input.value = "";
  }
});

/**
 * Return whose face it is, or null.
 *
 * @param {GroupFace} face
 */
const studentOf = ({ student }) => students.get(student?.id ?? "") ?? student;

/**
 * @param {GroupResult} result
 * @param {File[]} files
 */
async function show(result, files) {
  token = result.token;
  const ids = new Set();
  const choices = [];
  // In the order of the register, as the list below.
  const places = new Map([...students.keys()].map((id, place) => [id, place]));
  /** @param {GroupFace} face */
  const placeOf = ({ student }) => places.get(student?.id ?? "") ?? students.size;
  for (const face of [...result.found].sort((one, other) => placeOf(one) - placeOf(other))) {
    const student = studentOf(face);
    if (face.state !== "recognised" || !student) continue;
    ids.add(student.id);
    choices.push(choice(student, true, face.distance));
  }
  const missing = [...students.values()].filter((student) => !ids.has(student.id));
  byId("found-list").replaceChildren(...choices);
  byId("missing-list").replaceChildren(...missing.map((student) => choice(student, false)));
  const unknown = plural(
    "1 other face was not recognised.",
    "%(n)s other faces were not recognised.",
    result.unknown,
  );
  const sentences = [fill(_("%(n)s of %(all)s."), { n: ids.size, all: students.size })];
  if (result.unknown) sentences.push(fill(unknown, { n: result.unknown }));
  byId("found-text").textContent = sentences.join(" ");
  showOnly("found");
  showCount();
  byId("found-title").focus();
  await draw(result.found, files);
}

/**
 * @param {Named & { portrait?: string | null }} student
 * @param {boolean} checked
 * @param {number | null} [distance]
 */
function choice(student, checked, distance) {
  const box = make("input", { type: "checkbox", value: student.id, checked, on: { change: showCount } });
  const near =
    typeof distance === "number"
      ? make("span", { className: "soft small num" }, fill(_("distance %(d)s"), { d: distance.toFixed(2) }))
      : null;
  const name = make("span", {}, make("strong", {}, nameElement(labelOf(student))), near);
  return make("li", {}, make("label", { className: "tile" }, portrait(student), name, box));
}

function chosenIds() {
  /** @type {NodeListOf<HTMLInputElement>} */
  const boxes = document.querySelectorAll("#found input:checked");
  return [...boxes].map((box) => box.value);
}

function showCount() {
  const n = chosenIds().length;
  const accept = tagById("button", "accept");
  accept.textContent = fill(plural("Mark one student present", "Mark %(n)s students present", n), { n });
  accept.disabled = n === 0;
}

/**
 * Show the photographs with a box around each face.
 *
 * @param {GroupFace[]} found
 * @param {File[]} files
 */
async function draw(found, files) {
  const shown = byId("shown");
  shown.replaceChildren();
  for (const [position, file] of files.entries()) {
    const picture = await globalThis.createImageBitmap?.(file).catch(() => null);
    if (!picture) continue; // HEIC where the browser cannot show it: the list is complete without.
    const canvas = make("canvas", { width: picture.width, height: picture.height, role: "img" });
    const faces = found.filter((face) => face.picture === position);
    const label = fill(_("Photo %(n)s with %(faces)s faces"), { n: position + 1, faces: faces.length });
    canvas.setAttribute("aria-label", label);
    outline(contextOf(canvas), picture, faces);
    shown.append(canvas);
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {ImageBitmap} picture
 * @param {GroupFace[]} faces
 */
function outline(context, picture, faces) {
  context.drawImage(picture, 0, 0);
  const unit = Math.max(picture.width, picture.height) / 500;
  context.lineWidth = unit;
  context.font = `600 ${unit * 8}px ${getComputedStyle(document.body).fontFamily}`;
  for (const face of faces) {
    const [left, top, right, bottom] = face.box;
    const isKnown = face.state === "recognised";
    context.setLineDash(isKnown ? [] : [unit * 3, unit * 2]);
    context.strokeStyle = isKnown ? "#57d993" : "#ffc861";
    context.strokeRect(left, top, right - left, bottom - top);
    const student = studentOf(face);
    const name = isKnown && student ? labelOf(student) : "?";
    context.fillStyle = "rgb(0 0 0 / 70%)";
    context.fillRect(left, bottom, context.measureText(name).width + unit * 4, unit * 11);
    context.fillStyle = "#fff";
    context.fillText(name, left + unit * 2, bottom + unit * 8.5);
  }
}

byId("again").addEventListener("click", () => showOnly("choose"));

/** @typedef {{ student: string, outcome: string, reason: string }} Accepted */

byId("accept").addEventListener("click", async () => {
  tagById("button", "accept").disabled = true;
  try {
    const body = { token, students: chosenIds() };
    /** @type {{ results: Accepted[] }} */
    const { results } = await post(`/sessions/${session}/group/accept/`, body);
    const refused = results.filter((result) => result.outcome === "refused");
    if (refused.length) showRefused(refused, results.length - refused.length);
    else location.assign(back);
  } catch (thrown) {
    showOnly("choose", "found"); // What was wrong is shown where pictures are chosen.
    showProblem(apiErrorOf(thrown).message);
    showCount();
  }
});

/**
 * Show who was not marked before the register is shown: there they would only be missing.
 *
 * @param {Accepted[]} refused
 * @param {number} marked how many were marked
 */
function showRefused(refused, marked) {
  showOnly("refused");
  byId("refused-list").replaceChildren(
    ...refused.map(({ student, reason }) =>
      make("li", {}, make("strong", {}, nameElement(labels.get(student) ?? "")), ` ${refusalText(reason)}`),
    ),
  );
  byId("others").hidden = marked === 0;
  byId("refused-title").focus();
}
