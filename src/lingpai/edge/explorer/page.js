// Sends the calls that the page shows, and remembers in the page alone what they answer.
"use strict";

const page = document.body.dataset;

/** What was typed or answered last, by the name of the member; nothing of it leaves the page. */
const known = new Map();

const plain = (name) => name.toLowerCase().replace(/[^a-z0-9]/g, "");

/** Whether an input called `wanted` takes what an answer calls `told`: X-Token takes token, req_timestamp resTimestamp. */
function takes(wanted, told) {
  const [a, b] = [plain(wanted), plain(told)];
  return a === b || (a.startsWith("x") && a.endsWith(b)) || a.replace(/^req/, "") === b.replace(/^res/, "")
    || (a === "authorization" && b.endsWith("token"));
}

function leaves(value, found = []) {
  for (const [name, inner] of Object.entries(value ?? {})) {
    if (inner !== null && typeof inner === "object") leaves(inner, found);
    else found.push([name, inner]);
  }
  return found;
}

function fill(told, value) {
  for (const input of document.querySelectorAll("form input[data-name]")) {
    const isProof = "credential" in input.dataset || /^(req_timestamp|access_token|auth_code|user_id)$/.test(input.dataset.name);
    if (isProof && takes(input.dataset.name, told)) input.value = value;
  }
}

function nest(whole, name, value) {
  const parts = name.split(".");
  const last = parts.pop();
  let inner = whole;
  for (const part of parts) inner = inner[part] ??= {};
  inner[last] = value;
}

function computed(form) {
  const at = (name) => form.querySelector(`input[data-name="${name}"]`);
  const [time, number, token, secret] = [at("t_"), at("p_"), at("api_token"), form.querySelector("input[data-secret]")];
  if (time && number) {
    time.value = String(Date.now());
    number.value = String((Number(time.value) % 10000) * 3 + 2345);
  }
  if (token && secret && secret.value) {
    const day = new Intl.DateTimeFormat("sv-SE", { timeZone: page.zone }).format(new Date());
    token.value = md5(form.dataset.path.split("/").slice(-3).join("") + day + secret.value);
  }
}

function request(form) {
  const query = new URLSearchParams();
  const headers = {};
  const body = {};
  let path = form.dataset.path;
  const basic = {};
  for (const input of form.querySelectorAll("input[data-name]")) {
    const { place, name, prefix = "" } = input.dataset;
    if (input.value === "" && place !== "path") continue;
    const value = "number" in input.dataset ? Number(input.value) : input.value;
    if (place === "path") path = path.replace(`{${name}}`, encodeURIComponent(value || input.placeholder));
    else if (place === "query") query.append(name.replace(/\.(\w+)/g, "[$1]"), value);
    else if (place === "header") headers[name] = encoded(prefix + value);
    else if (place === "basic") basic[name] = value;
    else nest(body, name, value);
  }
  if (basic.user) headers.Authorization = "Basic " + btoa(String.fromCharCode(...new TextEncoder().encode(`${basic.user}:${basic.secret ?? ""}`)));
  headers["Accept-Language"] = document.documentElement.lang;
  const type = form.dataset.type;
  if (type) headers["Content-Type"] = type;
  const sent = type ? (type.includes("json") ? JSON.stringify(body) : new URLSearchParams(body).toString()) : undefined;
  const asked = query.toString();
  return { url: page.base + path + (asked ? "?" + asked : ""), method: form.dataset.method, headers, body: sent };
}

/** A header holds bytes: a name in Chinese travels percent-encoded. */
const encoded = (text) => (/^[\x20-\x7e]*$/.test(text) ? text : encodeURIComponent(text));

function shown(tag, text, kind = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (kind) element.className = kind;
  if (tag === "pre") element.tabIndex = 0;
  return element;
}

/** What was sent, with everything that proves somebody hidden: people show their screens. */
function told({ url, method, headers, body }) {
  const hidden = (text) => text.replace(/((?:token|password|secret|authorization)[^=":]*["=:]+\s*"?)([^&"\n]+)/gi, "$1•••");
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return hidden([`${method} ${url}`, ...lines].join("\n") + (body ? `\n\n${body}` : ""));
}

async function send(form) {
  const output = form.querySelector("output");
  const button = form.querySelector("button");
  computed(form);
  for (const { dataset, value } of form.querySelectorAll("input[data-credential]")) known.set(dataset.name, value);
  const asked = request(form);
  button.disabled = true;
  output.replaceChildren(shown("p", page.sending, "told"));
  try {
    const answer = await fetch(asked.url, { ...asked, credentials: "omit", cache: "no-store" });
    const text = await answer.text();
    const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    let body = text;
    let isGood = answer.ok;
    if ((answer.headers.get("content-type") ?? "").includes("json")) {
      const value = JSON.parse(text);
      body = JSON.stringify(value, null, 2);
      // Many a house answers HTTP 200 to everything: its own number tells.
      if (form.dataset.numberMember) isGood &&= JSON.stringify(value[form.dataset.numberMember]) === form.dataset.good;
      if (isGood) for (const [name, inner] of leaves(value)) fill(name, inner);
    }
    const kind = isGood ? "good" : "bad";
    const size = new TextEncoder().encode(text).length;
    output.replaceChildren(
      shown("pre", told(asked)), shown("p", `HTTP ${answer.status} · ${size} ${page.bytes}`, "told " + kind),
      shown("pre", `${headers}\n\n${body}`),
    );
  } catch (trouble) {
    output.replaceChildren(shown("pre", told(asked)), shown("p", page.silent + trouble.message, "told bad"));
  } finally {
    button.disabled = false;
  }
}

for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", (event) => { event.preventDefault(); send(form); });
  form.closest("details").addEventListener("toggle", () => {
    for (const input of form.querySelectorAll("input[data-credential]")) input.value ||= known.get(input.dataset.name) ?? "";
  });
}

/** RFC 1321, since browsers have no MD5: twokeys asks for it. */
function md5(text) {
  const bytes = new TextEncoder().encode(text);
  const words = new Uint32Array((((bytes.length + 8) >> 6) + 1) * 16);
  bytes.forEach((byte, at) => { words[at >> 2] |= byte << ((at % 4) * 8); });
  words[bytes.length >> 2] |= 0x80 << ((bytes.length % 4) * 8);
  words[words.length - 2] = bytes.length * 8;
  const sines = Uint32Array.from({ length: 64 }, (_, at) => Math.floor(Math.abs(Math.sin(at + 1)) * 2 ** 32));
  const turns = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
  let [a0, b0, c0, d0] = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
  for (let block = 0; block < words.length; block += 16) {
    let [a, b, c, d] = [a0, b0, c0, d0];
    for (let at = 0; at < 64; at += 1) {
      const round = at >> 4;
      const mixed = [(b & c) | (~b & d), (d & b) | (~d & c), b ^ c ^ d, c ^ (b | ~d)][round];
      const word = words[block + [at, (5 * at + 1) % 16, (3 * at + 5) % 16, (7 * at) % 16][round]];
      const sum = (a + mixed + sines[at] + word) | 0;
      const turn = turns[round][at % 4];
      [a, d, c, b] = [d, c, b, (b + ((sum << turn) | (sum >>> (32 - turn)))) | 0];
    }
    [a0, b0, c0, d0] = [(a0 + a) | 0, (b0 + b) | 0, (c0 + c) | 0, (d0 + d) | 0];
  }
  const hex = (word) => [0, 8, 16, 24].map((shift) => ((word >>> shift) & 255).toString(16).padStart(2, "0")).join("");
  return [a0, b0, c0, d0].map(hex).join("");
}
