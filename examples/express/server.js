// A service behind nginx: nginx asks Lingpai about each request, and we greet whoever was let through.
const { createHash, createHmac, timingSafeEqual } = require("node:crypto");
const express = require("express");

const { IDENTITY_KEY, PORT = "9000" } = process.env;
if (!/^[0-9a-f]{64}$/.test(IDENTITY_KEY)) throw new Error("set IDENTITY_KEY: `lingpai forward key shop` shows it");

function readIdentity(text, key) {
  const [version, body, ...macs] = text.split(".");
  const expected = createHmac("sha256", Buffer.from(key, "hex")).update(`${version}.${body}`).digest();
  const isOurs = (shown) => shown.length === 32 && timingSafeEqual(shown, expected);
  if (version !== "1" || !macs.some((mac) => isOurs(Buffer.from(mac, "base64url")))) return null;
  const claims = JSON.parse(Buffer.from(body, "base64url").toString());
  return claims.service === "shop" && Date.now() / 1000 < claims.exp ? claims : null;
}

const ofThis = ({ method, originalUrl }) => createHash("sha256").update(`${method} ${originalUrl}`).digest("hex").slice(0, 32);

const app = express().disable("x-powered-by");

// Nothing below runs for a caller that Lingpai did not name, for this service and this very request.
app.use((request, response, next) => {
  const caller = readIdentity(request.get("x-lingpai-identity") ?? "", IDENTITY_KEY);
  if (caller?.request !== ofThis(request)) return response.status(401).json({ code: "10024", msg: "请先登录", data: {} });
  request.caller = caller;
  next();
});

app.get("/v1/hello", ({ caller }, response) => {
  response.json({ code: "00000", msg: "成功", data: { greeting: `你好，${caller.name}`, uid: caller.uid, company: caller.company } });
});

app.listen(Number(PORT), "127.0.0.1", () => console.log(`http://127.0.0.1:${PORT}, for nginx`));
