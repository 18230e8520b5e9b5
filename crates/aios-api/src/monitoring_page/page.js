
"use strict";
const TOKEN = "aios-admin-token";
const byId = (id) => document.getElementById(id);

// Whatever comes from the server becomes text, never HTML.
function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = String(text);
  if (className) made.className = className;
  return made;
}

function say(text, isBad) {
  const state = byId("state");
  state.textContent = text;
  state.className = isBad ? "bad" : "";
}

const millis = (value) => value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 3 : 0 }) + " ms";
const count = (value) => (value === null ? "unknown" : value.toLocaleString("en"));

function figures(pairs) {
  const list = element("dl");
  for (const [name, value] of pairs) {
    const pair = element("div");
    pair.append(element("dt", name), element("dd", value));
    list.append(pair);
  }
  return list;
}

function more(title, ...content) {
  const details = element("details");
  details.append(element("summary", title), ...content);
  return details;
}

function copyable(sql) {
  const box = element("div");
  const button = element("button", "Copy");
  button.type = "button";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(sql);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select it by hand";
    }
  });
  box.append(element("pre", sql), button);
  return box;
}

function change(measured) {
  const figure = (value) => value.toLocaleString("en", { maximumFractionDigits: 2 });
  return measured.unit + ": " + figure(measured.before) + " → " + figure(measured.after);
}

function advice(one) {
  const article = element("article");
  const title = element("h3");
  title.append(element("span", one.kind.replaceAll("_", " "), "kind"), one.subject);
  article.append(title, element("p", (one.table ? "Table " + one.table + ". " : "") + one.reason));
  if (one.measured) article.append(element("p", change(one.measured)));
  article.append(...one.sql.map(copyable));
  if (one.statements.length) {
    const statements = one.statements.flatMap((statement) => [
      element("pre", statement.sql),
      element("p", count(statement.calls) + " calls, " + millis(statement.total_ms) + " in all; " + change(statement.measured)),
    ]);
    article.append(more("Which statements", ...statements));
  }
  return article;
}

function query(one) {
  const article = element("article");
  article.append(
    element("pre", one.sql),
    figures([
      ["Calls", count(one.calls)],
      ["Total", millis(one.total_ms)],
      ["Mean", millis(one.mean_ms)],
      ["p95", millis(one.p95_ms)],
      ["p99", millis(one.p99_ms)],
      ["Longest", millis(one.max_ms)],
      ["Rows", count(one.rows)],
      ["Failures", count(one.failures)],
    ]),
  );
  if (one.call_site) article.append(element("p", "From " + one.call_site));
  const slowest = one.slowest;
  if (slowest) {
    article.append(
      more(
        "The slowest run: " + millis(slowest.took_ms) + (slowest.route ? ", for " + slowest.route : ""),
        element("pre", slowest.sql),
        element("p", "Values: " + (slowest.values ?? "none")),
        element("pre", slowest.plan ?? slowest.plan_failure ?? "Its plan is being asked for."),
      ),
    );
  }
  return article;
}

function route(one) {
  const article = element("article");
  article.append(
    element("h3", one.route),
    figures([
      ["Requests", count(one.requests)],
      ["Statements", count(one.statements)],
      ["Waits for a turn", millis(one.times.queue_ms)],
      ["For a thread", millis(one.times.thread_ms)],
      ["For a connection", millis(one.times.pool_ms)],
      ["In the database", millis(one.times.database_ms)],
    ]),
  );
  return article;
}

function repeat(one) {
  const article = element("article");
  const title = element("h3");
  title.append(element("span", one.kind === "n_plus_one" ? "N+1" : one.kind, "kind"), one.route);
  article.append(
    title,
    element("pre", one.sql),
    element("p", count(one.requests) + " requests, up to " + count(one.most) + " runs in one."),
    element("p", "Instead: " + one.cure),
  );
  if (one.call_site) article.append(element("p", "From " + one.call_site));
  return article;
}

function fill(id, articles, nothing) {
  const section = byId(id);
  section.hidden = false;
  section.querySelector(".list").replaceChildren(...(articles.length ? articles : [element("p", nothing)]));
}

async function ask(path, token) {
  const answer = await fetch(path, { headers: { Authorization: "Bearer " + token }, cache: "no-store" });
  if (answer.ok) return answer.json();
  const problem = await answer.json().catch(() => ({}));
  const failure = new Error(problem.detail ?? "the server answered " + answer.status);
  failure.isRefusal = answer.status === 401 || answer.status === 403;
  throw failure;
}

function signOut(text, isBad) {
  sessionStorage.removeItem(TOKEN);
  byId("sign-in").hidden = false;
  for (const id of ["again", "out", "advice", "queries", "routes", "repeats"]) byId(id).hidden = true;
  say(text, isBad);
}

async function load(token) {
  say("Loading.");
  try {
    const known = await ask("/api/v1/admin/queries", token);
    sessionStorage.setItem(TOKEN, token);
    byId("sign-in").hidden = true;
    byId("again").hidden = byId("out").hidden = false;
    fill("queries", known.queries.slice(0, 30).map(query), "No statement has run yet.");
    fill("routes", known.routes.map(route), "No route has used the database yet.");
    fill("repeats", known.repeats.map(repeat), "No request has run a statement again and again.");
    say(count(known.statements) + " statements since the server started. Advice is being made, which may take a minute.");
    const told = await ask("/api/v1/admin/advice", token);
    const notes = told.notes.map((note) => element("p", note));
    fill("advice", [...told.advice.map(advice), ...notes], "There is nothing to do.");
    say(count(known.statements) + " statements since the server started; advice from " + count(told.statements) + " forms of them.");
  } catch (failure) {
    if (failure.isRefusal) signOut("This token does not do: " + failure.message, true);
    else say("Not loaded: " + failure.message + " Try again in a moment.", true);
  }
}

byId("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = byId("token");
  const token = field.value.trim();
  field.value = "";
  load(token);
});
byId("again").addEventListener("click", () => load(sessionStorage.getItem(TOKEN)));
byId("out").addEventListener("click", () => signOut("Signed out.", false));
const kept = sessionStorage.getItem(TOKEN);
if (kept) load(kept);
