// Pictures of the whole class: who was found, who not; a person corrects and accepts.

import { post } from "../core/api.js";
import { byId, make, portrait } from "../core/dom.js";
import { _, fill, plural, refusalWord } from "../core/text.js";

const MOST = 3;
const PATIENCE = 120000;
const { session, back } = byId("group").dataset;
const students = new Map(
  JSON.parse(byId("state").textContent).students.map((student) => [student.id, student]),
);
let token = "";

function fault(text) {
  byId("fault").hidden = !text;
  byId("fault").querySelector("p").textContent = text;
}

/** Shows these parts of the page and hides the others. */
function only(...shown) {
  for (const part of ["choose", "found", "refused"]) byId(part).hidden = !shown.includes(part);
}

byId("pictures").addEventListener("change", async ({ target }) => {
  const files = [...target.files];
  fault(files.length > MOST ? _("At most three pictures at once.") : "");
  if (!files.length || files.length > MOST) return;
  const body = new FormData();
  for (const file of files) body.append("pictures", file);
  byId("busy").hidden = false;
  only("choose"); // Not the list of earlier pictures: it may not be accepted beside a search.
  try {
    show(await post(`/sessions/${session}/group/`, body, { patience: PATIENCE }), files);
  } catch (said) {
    fault(said.message);
  } finally {
    byId("busy").hidden = true;
    target.value = "";
  }
});

const named = (entry) => students.get(entry.student?.id ?? entry.student ?? entry.id) ?? entry.student;

async function show(answer, files) {
  token = answer.token;
  const sure = answer.found.filter((face) => face.state === "recognised" && named(face));
  const ids = new Set(sure.map((face) => named(face).id));
  byId("found-list").replaceChildren(...sure.map((face) => choice(named(face), true, face.distance)));
  byId("missing-list").replaceChildren(
    ...[...students.values()]
      .filter((student) => !ids.has(student.id))
      .map((student) => choice(student, false)),
  );
  const strangers = answer.unknown
    ? fill(
        plural(
          "One more face belongs to nobody the camera knows.",
          "%(n)s more faces belong to nobody the camera knows.",
          answer.unknown,
        ),
        { n: answer.unknown },
      )
    : "";
  byId("found-text").textContent = [
    fill(_("%(n)s of %(all)s."), { n: ids.size, all: students.size }),
    strangers,
  ]
    .filter(Boolean)
    .join(" ");
  only("found");
  count();
  byId("found-title").focus();
  await draw(answer.found, files);
}

function choice(student, checked, distance) {
  const box = make("input", { type: "checkbox", value: student.id, checked, on: { change: count } });
  const near =
    typeof distance === "number"
      ? make("span", { className: "soft small num" }, fill(_("distance %(d)s"), { d: distance.toFixed(2) }))
      : null;
  return make(
    "li",
    {},
    make(
      "label",
      { className: "tile" },
      portrait(student),
      make("span", {}, make("strong", {}, student.name), near),
      box,
    ),
  );
}

const chosen = () => [...document.querySelectorAll("#found input:checked")].map((box) => box.value);

function count() {
  const n = chosen().length;
  byId("accept").textContent = fill(plural("Mark one student here", "Mark %(n)s students here", n), { n });
  byId("accept").disabled = n === 0;
}

async function draw(found, files) {
  const shown = byId("shown");
  shown.replaceChildren();
  for (const [place, file] of files.entries()) {
    const picture = await globalThis.createImageBitmap?.(file).catch(() => null);
    if (!picture) continue; // HEIC where the browser cannot show it: the list says all the same.
    const canvas = make("canvas", { width: picture.width, height: picture.height, role: "img" });
    const faces = found.filter((face) => (face.picture ?? 0) === place);
    canvas.setAttribute(
      "aria-label",
      fill(_("Picture %(n)s with %(faces)s faces"), { n: place + 1, faces: faces.length }),
    );
    outline(canvas.getContext("2d"), picture, faces);
    shown.append(canvas);
  }
}

function outline(pen, picture, faces) {
  pen.drawImage(picture, 0, 0);
  const unit = Math.max(picture.width, picture.height) / 500;
  pen.lineWidth = unit;
  pen.font = `600 ${unit * 8}px ${getComputedStyle(document.body).fontFamily}`;
  for (const face of faces) {
    const [left, top, right, bottom] = face.box;
    const known = face.state === "recognised";
    pen.setLineDash(known ? [] : [unit * 3, unit * 2]);
    pen.strokeStyle = known ? "#57d993" : "#ffc861";
    pen.strokeRect(left, top, right - left, bottom - top);
    const name = known ? (named(face)?.name ?? "") : "?";
    pen.fillStyle = "rgb(0 0 0 / 70%)";
    pen.fillRect(left, bottom, pen.measureText(name).width + unit * 4, unit * 11);
    pen.fillStyle = "#fff";
    pen.fillText(name, left + unit * 2, bottom + unit * 8.5);
  }
}

byId("again").addEventListener("click", () => only("choose"));

byId("accept").addEventListener("click", async () => {
  byId("accept").disabled = true;
  try {
    const { results } = await post(`/sessions/${session}/group/accept/`, { token, students: chosen() });
    const refused = results.filter((result) => result.outcome === "refused");
    if (refused.length) tell(refused, results.length - refused.length);
    else location.assign(back);
  } catch (said) {
    only("choose", "found"); // What was wrong is said where pictures are chosen.
    fault(said.message);
    count();
  }
});

/** Who was not marked all the same, before the register is shown: there they would only be missing. */
function tell(refused, marked) {
  only("refused");
  byId("refused-list").replaceChildren(
    ...refused.map(({ student, reason }) =>
      make("li", {}, make("strong", {}, students.get(student)?.name ?? ""), ` ${refusalWord(reason)}`),
    ),
  );
  byId("others").hidden = marked === 0;
  byId("refused-title").focus();
}
