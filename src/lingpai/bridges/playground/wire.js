// One exchange as a card: request, what was computed for it, answer, and what its code means; secrets hidden unless asked for.

const SECRET_MEMBERS = /token|secret|password|auth_code|authorization/i;

/** Everything that proves somebody, as it was seen on this page. */
const secrets = new Set();

/** A value too short to be a secret would be hidden everywhere. */
const SHORTEST = 6;

export function learn(value) {
  if (typeof value === "string" && value.length >= SHORTEST) secrets.add(value);
}

function learnMembers(value) {
  for (const [name, inner] of Object.entries(value ?? {})) {
    if (inner !== null && typeof inner === "object") learnMembers(inner);
    else if (SECRET_MEMBERS.test(name)) learn(inner);
  }
}

function parsed(text) {
  try { return JSON.parse(text); } catch { return null; }
}

const shortened = (secret) => (secret.length < 24 ? "•".repeat(8) : `${secret.slice(0, 6)}…${secret.slice(-4)}`);

/** *text* with every known secret shortened, as it stands there or percent-encoded; the longest first: one may hold another. */
export function masked(text) {
  let told = text;
  for (const secret of [...secrets].sort((a, b) => b.length - a.length)) {
    for (const spelt of new Set([secret, encodeURIComponent(secret)])) told = told.split(spelt).join(shortened(secret));
  }
  return told;
}

export function element(tag, { text, kind, ...attributes } = {}, ...children) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function pretty(text, isForm) {
  const value = parsed(text);
  if (value !== null && typeof value === "object") return JSON.stringify(value, null, 2);
  return isForm ? text.split("&").join("\n&") : text;
}

/** A target that is longer than a line has each member of its query on a line of its own. */
function target(url) {
  const { pathname, search } = new URL(url, location.href);
  const whole = decodeURI(pathname) + search;
  return whole.length < 70 ? whole : whole.replace("?", "\n  ?").split("&").join("\n  &");
}

const lines = (headers) => Object.entries(headers).map(([name, value]) => `${name}: ${value}`).join("\n");

function requestText({ method, url, headers, body }) {
  const isForm = /urlencoded/.test(headers["Content-Type"] ?? "");
  return `${method} ${target(url)}\n${lines(headers)}` + (body ? `\n\n${pretty(body, isForm)}` : "");
}

/** Headers that every answer has; the browser's own tools show them. */
const EVERYWHERE = /^(access-control-.*|cache-control|connection|content-length|date|keep-alive|server|transfer-encoding|vary)$/i;

function answerText({ status, headers, text }) {
  const telling = Object.fromEntries(Object.entries(headers).filter(([name]) => !EVERYWHERE.test(name)));
  return `HTTP ${status}\n${lines(telling)}\n\n${pretty(text, false)}`;
}

/** The contract's own code, by whichever name it has. */
function codeOf(answer) {
  const envelope = (answer && parsed(answer.text)) ?? {};
  for (const name of ["resCode", "code", "errno"]) if (name in envelope) return JSON.stringify(envelope[name]);
  return answer ? "–" : "";
}

function reasonOf(answer) {
  const envelope = (answer && parsed(answer.text)) ?? {};
  return answer?.headers["x-lingpai-reason"] ?? envelope.data?.reason ?? envelope.responseParam?.reason ?? null;
}

/** Take secrets from *wire* before anything of it is shown. */
export function learnFrom(wire) {
  for (const { name, value } of wire.canonical) if (name !== "p_") learn(value.replace(/^Basic /, ""));
  for (const [name, value] of Object.entries(wire.request.headers)) if (SECRET_MEMBERS.test(name)) learn(value.replace(/^Basic /, ""));
  learnMembers(parsed(wire.request.body ?? ""));
  if (wire.answer) learnMembers(parsed(wire.answer.text));
  for (const part of [wire.request.url.split("?")[1] ?? "", wire.request.body ?? ""]) {
    for (const [name, value] of new URLSearchParams(part)) if (SECRET_MEMBERS.test(name)) learn(value);
  }
}

function block(title, text, shows) {
  return [element("h3", { text: title, kind: "part" }), element("pre", { text: shows ? text : masked(text), tabindex: "0", "aria-label": title })];
}

/** Return the card for *wire*, which is the exchange *number* of this page; *open* where its parts are in sight. */
export function card(number, wire, texts, { shows, open }) {
  const { request, canonical, answer, outcome, milliseconds } = wire;
  const kind = outcome === "ok" ? "good" : outcome === "renewed" ? "new" : "bad";
  const reason = outcome === "session_over" ? reasonOf(answer) : null;
  const path = new URL(request.url, location.href).pathname;
  const status = answer ? `HTTP ${answer.status}` : texts.noAnswer;
  const summary = element("summary", {},
    element("span", { kind: "count", text: `${number}` }),
    element("span", { kind: `method ${request.method}`, text: request.method }),
    element("code", { kind: "path", text: decodeURI(path) }),
    element("span", { kind: `outcome ${kind}`, text: `${status} · ${texts.code} ${codeOf(answer)}` }),
    element("span", { kind: "time", text: `${milliseconds} ms` }));
  const meaning = texts.outcomes[outcome] + (reason ? ` · ${texts.reasons[reason] ?? reason} (${reason})` : "");
  const computed = canonical.length
    ? block(texts.computed, canonical.map((one) => `${one.name} = ${one.value}\n  ← ${HOW[one.name] ?? ""}${one.from}${HOW[one.name] ? ")" : ""}`).join("\n"), shows)
    : [element("p", { kind: "hint", text: texts.nothingComputed })];
  const details = element("details", {}, summary,
    element("p", { kind: `meaning ${kind}`, text: meaning }),
    ...block(texts.request, requestText(request), shows), ...computed,
    ...(answer ? block(texts.answer, answerText(answer), shows) : []));
  details.open = open;
  return element("li", { "data-outcome": outcome, "data-call": wire.call }, details);
}

const HOW = { api_token: "md5(", Authorization: "Basic base64(" };
