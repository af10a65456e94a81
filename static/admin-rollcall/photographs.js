// One photograph at a time: the progress can be shown, no request grows large, and a picture that was held back can be
// sent again with a reason without choosing it again. Without this script the form still works, in one piece.

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

function prepare(shown, file) {
  const again = shown.querySelector(".rc-override");
  if (!again) return;
  again.querySelector(".rc-again").remove();
  again.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = again.querySelector("button");
    button.disabled = true;
    const item = again.closest("li");
    try {
      const next = await verdictOn(file, again);
      prepare(next, file);
      item.replaceWith(next);
    } catch {
      button.disabled = false;
      form.querySelector("[data-progress]").textContent = form.querySelector("[data-progress]").dataset.fault;
    }
  });
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
      prepare(shown, file);
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
