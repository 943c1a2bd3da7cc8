// The playground: the SDK's calls by buttons, under the contract that is chosen, and every exchange as a card.
import { TEXTS } from "./texts.js";
import { card, element, learn, learnFrom } from "./wire.js";

const find = (id) => document.getElementById(id);
const MOST_CARDS = 200;
const CROWD = 50;

const about = await (await fetch("/playground/about.json")).json();
const state = {
  language: new URLSearchParams(location.search).get("language") ?? (navigator.language.startsWith("zh") ? "zh" : "en"),
  contract: about.contracts.includes("oppmg") ? "oppmg" : about.contracts[0],
  guest: null,
  houses: new Map(),
  exchanges: [],
  number: 0,
  busy: false,
  quiet: false,
};
if (!(state.language in TEXTS)) state.language = "zh";
const text = () => TEXTS[state.language];

async function ask(path, header = "1") {
  const answer = await fetch(`/playground/${path}`, { method: "POST", headers: { "X-Lingpai-Playground": header } });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return answer.json();
}

/** Tokens that the page can reach; they are gone with the page. */
function openStorage() {
  const kept = new Map();
  return {
    kept,
    read: (key) => kept.get(key) ?? null,
    write: (key, value) => { kept.set(key, value); },
    remove: (key) => { kept.delete(key); },
  };
}

const CLASSES = { mowork: "Mowork", oppmg: "Oppmg", twokeys: "Twokeys", zhiyun: "Zhiyun", thinkjs: "Thinkjs" };
const WITH_APPS = ["twokeys", "zhiyun"];

/** The SDK's client for *name*, with what this page knows of it. */
async function house(name) {
  if (!state.houses.has(name)) {
    const app = WITH_APPS.includes(name) ? await ask(`app/${name}`) : {};
    learn(app.clientSecret);
    const storage = openStorage();
    const api = new Lingpai[CLASSES[name]]({ base: `${location.origin}/${name}`, storage, ...app });
    const made = { api, storage, user: null, over: null };
    api.onWire(hear);
    api.onSignedOut((reason) => { made.over = reason; });
    state.houses.set(name, made);
  }
  return state.houses.get(name);
}

function hear(wire) {
  learnFrom(wire);
  state.exchanges.unshift({ number: ++state.number, wire, open: !state.quiet });
  state.exchanges.length = Math.min(state.exchanges.length, MOST_CARDS);
  for (const older of state.exchanges.slice(1)) older.open = false;
  if (!state.quiet) showWire();
}

function showWire() {
  const shows = find("secrets").checked;
  find("exchanges").replaceChildren(...state.exchanges.map(({ number, wire, open }) => card(number, wire, text(), { shows, open })));
  find("empty").hidden = state.exchanges.length > 0;
}

function tell(message, kind = "good") {
  find("told").replaceChildren(element("p", { text: message, kind: `told ${kind}` }));
}

function tellTrouble(error) {
  const told = text();
  if (error.name === "SignedOut") tell(`${told.ended}${told.reasons[error.reason] ?? error.reason} (${error.reason})`, "bad");
  else tell(`${told.failed}${error.message || told.outcomes[error.outcome] || error.name}`, "bad");
}

/** Do *work* for the contract that is chosen, with the buttons asleep; what goes wrong is told. */
async function during(work) {
  if (state.busy) return;
  state.busy = true;
  show();
  try {
    await work(await house(state.contract));
  } catch (error) {
    tellTrouble(error);
  } finally {
    state.busy = false;
    state.quiet = false;
    show();
    showWire();
  }
}

async function credentials() {
  const who = find("who").value;
  if (who) return { username: who, password: find("password").value };
  state.guest ??= await ask("guest");
  return state.guest;
}

async function signIn({ username, password }) {
  await during(async (made) => {
    learn(password);
    await made.api.login({ [state.contract === "oppmg" ? "account" : "username"]: username, password });
    made.user = username;
    made.over = null;
    tell(`${text().signedIn}: ${username}`);
  });
}

async function crowd({ api }) {
  const before = state.number;
  state.quiet = true;
  const ended = await Promise.allSettled(Array.from({ length: CROWD }, () => api.info()));
  const good = ended.filter(({ status }) => status === "fulfilled").length;
  if (good === CROWD) tell(text().manyDone(CROWD, state.number - before));
  else {
    tellTrouble(ended.find(({ status }) => status === "rejected").reason);
    find("told").append(element("p", { text: text().manyMixed(good, CROWD - good), kind: "hint" }));
  }
}

async function age({ api, storage }) {
  const token = api.tokens.access_token;
  const { access_token: aged } = await ask("aged", token);
  learn(aged);
  for (const [key, value] of storage.kept) storage.write(key, value.split(token).join(aged));
  tell(text().ageDone);
}

/** What the SDK gave back: nothing, or data. */
function told(value) {
  if (value === undefined) tell(text().outcomes.ok);
  else find("told").replaceChildren(element("pre", { text: JSON.stringify(value, null, 2), kind: "told good", tabindex: "0" }));
}

/** Buttons by the name of their text: the contracts that have one, and what it does. */
const CALLS = [
  ["read", null, async ({ api }) => told(await api.info())],
  ["list", null, async ({ api }) => told((await api.notices.list()).map(({ title }) => title))],
  ["add", null, async ({ api }) => {
    const { noticeTitle, noticeText } = text();
    told(await api.notices.add({ title: noticeTitle, content: `${noticeText} ${new Date().toLocaleTimeString()}` }));
  }],
  ["check", ["mowork"], async ({ api }) => told({ expire_time: (await api.checkToken()).expire_time })],
  ["refresh", ["oppmg"], async ({ api }) => { await api.refresh(); told(); }],
  ["age", ["oppmg"], age],
  ["authorize", ["zhiyun"], async ({ api }) => { await api.authorize(); told(); }],
  ["many", null, crowd],
  ["logout", null, async ({ api }) => { await api.logout(); tell(text().signedOut); }],
];

const quoted = (name) => (/^[\w-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`);

function show() {
  const { contract, language } = state;
  const made = state.houses.get(contract);
  const isIn = Boolean(made?.api.signedIn);
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = `${text().title} · Lingpai`;
  for (const each of document.querySelectorAll("[data-text]")) each.textContent = text()[each.dataset.text];
  find("language").textContent = text().language;
  find("language").lang = language === "zh" ? "en" : "zh-CN";
  find("contracts").setAttribute("aria-label", text().contracts);
  find("version").textContent = about.version;
  for (const tab of find("contracts").children) {
    const isChosen = tab.dataset.contract === contract;
    tab.setAttribute("aria-selected", isChosen);
    tab.tabIndex = isChosen ? 0 : -1;
    tab.classList.toggle("in", Boolean(state.houses.get(tab.dataset.contract)?.api.signedIn));
  }
  find("panel").setAttribute("aria-labelledby", `tab-${contract}`);
  const [what, proof] = text().houses[contract] ?? [contract, ""];
  find("house-what").textContent = what;
  find("house-proof").textContent = proof;
  find("house-docs").href = `/${contract}/docs?language=${language}`;
  showWho();
  const user = made?.user ?? state.guest?.username ?? "NAME";
  find("state").textContent = isIn ? text().in + made.user
    : made?.over ? `${text().over}: ${text().reasons[made.over] ?? made.over} (${made.over})` : text().out;
  find("state").className = `state ${isIn ? "good" : made?.over ? "bad" : ""}`;
  find("command").textContent = about.commands.end.replace("NAME", () => quoted(user));
  find("calls").replaceChildren(...CALLS.filter(([, only]) => !only || only.includes(contract)).map(([name, , work]) => {
    const button = element("button", { type: "button", id: `call-${name}`, text: text()[name], kind: "plain" });
    button.disabled = state.busy || !isIn;
    button.addEventListener("click", () => during(work).then(() => find(`call-${name}`)?.focus()));
    return button;
  }));
  for (const id of ["sign-in", "wrong"]) find(id).disabled = state.busy || !about.hasSdk;
}

function showWho() {
  const chosen = find("who").value;
  const guest = state.guest ? `${text().sameGuest} ${state.guest.username}` : text().guest;
  const people = about.people.map((one) => element("option", { value: one.name, text: `${one.name} · ${one.truename} · ${one[state.language]}` }));
  find("who").replaceChildren(element("option", { value: "", text: guest }), ...people);
  find("who").value = chosen;
  find("typed").hidden = !chosen;
  find("guest-hint").hidden = Boolean(chosen);
  find("reset").textContent = about.commands.reset.replace("NAME", () => chosen);
}

function choose(contract) {
  state.contract = contract;
  find("told").replaceChildren();
  show();
}

for (const name of about.contracts) {
  if (!(name in CLASSES)) continue;
  const tab = element("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": "panel", "data-contract": name, text: name });
  tab.addEventListener("click", () => choose(name));
  find("contracts").append(tab);
}
find("contracts").addEventListener("keydown", (event) => {
  const tabs = [...find("contracts").children];
  const at = tabs.findIndex((tab) => tab.dataset.contract === state.contract);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  const next = tabs[(to + tabs.length) % tabs.length];
  choose(next.dataset.contract);
  next.focus();
});
find("language").addEventListener("click", () => {
  state.language = state.language === "zh" ? "en" : "zh";
  find("told").replaceChildren();
  show();
  showWire();
});
find("who").addEventListener("change", () => { find("password").value = ""; show(); });
find("secrets").addEventListener("change", showWire);
find("clear").addEventListener("click", () => { state.exchanges = []; find("told").replaceChildren(); showWire(); });
find("entrance").addEventListener("submit", async (event) => {
  event.preventDefault();
  try { await signIn(await credentials()); } catch (error) { tellTrouble(error); }
});
find("wrong").addEventListener("click", async () => {
  try { await signIn({ ...(await credentials()), password: "not-my-password" }); } catch (error) { tellTrouble(error); }
});
find("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText(find("command").textContent);
  find("copy").textContent = text().copied;
  setTimeout(() => { find("copy").textContent = text().copy; }, 1500);
});

if (!about.hasSdk) {
  find("missing").textContent = text().noSdk;
  find("missing").hidden = false;
}
show();
showWire();
