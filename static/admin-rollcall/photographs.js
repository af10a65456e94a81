// One photograph at a time: the progress can be shown, no request grows large, and a picture that was held back can be
// sent again with a reason, alone and without choosing it again. Without this script the form still works, in one piece.

import { isZip, membersOf, takeOut } from "./zip.js";

const form = document.querySelector("[data-photographs]");

async function verdictOn(file, from) {
  const body = new FormData(from);
  body.delete("photographs");
  body.append("photographs", file, file.name);
  const answer = await fetch(from.action, {
    method: "POST",
    body,
    headers: { "X-Rollcall-Fragment": "1" },
    credentials: "same-origin",
  });
  if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
  const holder = document.createElement("template");
  holder.innerHTML = await answer.text();
  return holder.content;
}

/** Each verdict that can be overridden is given its own picture: the file itself, or its member of the ZIP. */
async function prepare(shown, file) {
  const held = [...shown.querySelectorAll(".rc-override")];
  if (!held.length) return;
  const members = isZip(file) ? await membersOf(file).catch(() => new Map()) : null;
  for (const again of held) {
    const name = again.closest("li").dataset.file;
    const member = members?.get(name);
    // A picture that cannot be taken out of its ZIP is chosen by hand, in the field that is there for it.
    if (members && !member) continue;
    again.querySelector(".rc-again").remove();
    again.addEventListener("submit", (event) => {
      event.preventDefault();
      sendAgain(again, () => (member ? takeOut(file, name, member) : file));
    });
  }
}

async function sendAgain(again, picture) {
  const button = again.querySelector("button");
  const progress = form.querySelector("[data-progress]");
  button.disabled = true;
  try {
    const file = await picture();
    const next = await verdictOn(file, again);
    await prepare(next, file);
    again.closest("li").replaceWith(next);
  } catch {
    button.disabled = false;
    progress.textContent = progress.dataset.fault;
  }
}

async function sendAll(event) {
  event.preventDefault();
  const input = form.elements.photographs;
  const files = [...input.files];
  const list = document.querySelector("[data-verdicts]");
  const progress = form.querySelector("[data-progress]");
  const button = form.querySelector("button[type=submit]");
  button.disabled = true;
  let done = 0;
  try {
    for (const file of files) {
      const shown = await verdictOn(file, form);
      await prepare(shown, file);
      list.append(shown);
      done += 1;
      progress.textContent = progress.dataset.text.replace("%1", done).replace("%2", files.length);
    }
    input.value = "";
  } catch {
    progress.textContent = progress.dataset.fault;
  }
  button.disabled = false;
  const after = document.querySelector("[data-after]");
  if (after) after.hidden = false;
}

if (form) form.addEventListener("submit", sendAll);
