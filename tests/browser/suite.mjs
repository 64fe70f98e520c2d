// Looks at every page of a running demonstration with a browser: axe (WCAG 2.2 AA), keyboard only, without scripts, 320 pixels,
// 200 % in size, printed. Pictures go to the folder that is named second. Ends with 1 when anything is wrong.
import { chromium } from "playwright-core";
import { readFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";

const [address, pictures] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
mkdirSync(pictures, { recursive: true });
const counts = { pages: 0, states: 0, axe: 0, narrow: 0, large: 0, printed: 0, keyboard: 0, scriptless: 0 };
const wrong = [];
let numbers = [];
const fail = (where, what) => { wrong.push(`${where}: ${what}`); console.error(`WRONG ${where}: ${what}`); };

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });

async function opened(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "sv-SE", bypassCSP: true, ...options });
  return { context, page: await context.newPage() };
}

async function logIn(page, employee) {
  await page.goto(`${address}/logga-in`);
  await page.locator(`form:has(input[value="${employee}"]) button`).click();
  await page.waitForURL(`${address}/`);
}

async function lookUp(page, number) {
  await page.goto(`${address}/patient`);
  await page.fill("#number", number);
  await page.click("main button");
  if (await page.locator("text=Sök ändå").count()) await page.click("main button:has-text('Sök ändå')");
  await page.waitForURL(/\/patient\/[0-9a-f-]+$/);
  return page.url();
}

// What is wrong with a page as it stands.
async function checked(page, name) {
  counts.states += 1;
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const { violations } = await axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
    return violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 140)}`);
  });
  counts.axe += 1;
  found.forEach((violation) => fail(name, violation));
  const structure = await page.evaluate(() => {
    const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
    return { h1: document.querySelectorAll("h1").length, twice: ids.filter((id, at) => ids.indexOf(id) !== at), title: document.title,
      styles: document.querySelectorAll("[style]").length };
  });
  if (structure.h1 !== 1) fail(name, `${structure.h1} h1`);
  if (structure.twice.length) fail(name, `ids twice: ${structure.twice}`);
  if (structure.styles) fail(name, "style attributes");
  const told = (structure.title + page.url()).replace(/\D/g, " ");
  if (numbers.some((number) => told.includes(number.slice(0, 8)))) fail(name, "a number in title or address");
}

async function sideways(page, name, what) {
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wider > 0) fail(name, `scrolls sideways by ${wider} pixels (${what})`);
}

// A page in all sizes; a picture of it.
async function seen(page, path, name) {
  const reply = await page.goto(path.startsWith("http") ? path : address + path);
  if (!reply.ok()) fail(name, `status ${reply.status()}`);
  counts.pages += 1;
  await checked(page, name);
  await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
  await page.setViewportSize({ width: 320, height: 800 });
  await page.reload();
  await sideways(page, name, "320 px");
  counts.narrow += 1;
  await page.screenshot({ path: `${pictures}/${name}-320.png` });
  // A window of 1280 pixels at 200 % has 640.
  await page.setViewportSize({ width: 640, height: 450 });
  await page.reload();
  await sideways(page, name, "200 %");
  counts.large += 1;
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.reload();
  const printed = await page.pdf({ format: "A4" });
  if (printed.length < 1000) fail(name, "nothing printed");
  counts.printed += 1;
}

const roles = { block: "SE2321000016-A01", log: "SE2321000016-A02", operator: "SE2321000016-A03", reviewer: "SE2321000016-A04",
  security: "SE2321000016-A05", auditor: "SE2321000016-A06", care: "SE2321000016-P0002" };

// The numbers of the stories' patients.
const open = await opened();
await seen(open.page, "/demo", "demo");
numbers = await open.page.evaluate(() => [...document.querySelectorAll("td")].map((td) => td.textContent).filter((t) => /^\d{8}-\d{4}$/.test(t)));
for (const [path, name] of [["/statistik", "statistik"], ["/driftstatus", "driftstatus"], ["/hjalp", "hjalp"],
  ["/tillganglighet", "tillganglighet"], ["/personuppgifter", "personuppgifter"], ["/logga-in", "logga-in"]]) {
  await seen(open.page, path, name);
}
await open.page.goto(`${address}/finns-inte`);
await checked(open.page, "404");
await open.page.goto(`${address}/sprak?sprak=en`);
await open.page.goto(`${address}/statistik`);
await open.page.goto(`${address}/logga-in`);
await checked(open.page, "logga-in, English");
await open.context.close();

{ // Blocks and consents.
  const { context, page } = await opened();
  await logIn(page, roles.block);
  for (const [path, name] of [["/", "start"], ["/uppdrag", "uppdrag"], ["/patient", "sok"], ["/mitt", "mitt"], ["/enhet/sparrar", "enhetens-sparrar"],
    ["/enhet/samtycken", "enhetens-samtycken"], ["/enhet/sparrar/kopiera", "kopiera"], ["/logga-ut", "logga-ut"]]) await seen(page, path, name);
  await page.goto(`${address}/patient`);
  await page.click("main button");
  await checked(page, "sok, errors");
  await page.fill("#number", numbers[5]);
  await page.click("main button");
  await checked(page, "sok, check digit");
  const patient = await lookUp(page, numbers[6]);
  for (const [path, name] of [["", "patient"], ["/sparrar", "sparrar"], ["/sparrar/ny", "registrera-sparr"], ["/samtycken", "samtycken"],
    ["/samtycken/nytt", "registrera-samtycke"], ["/prova", "prova"],
    ["/prova?employee=SE2321000016-P0003&at=SE2321000016-U004&unit=SE2321000016-U001", "prova-svar"]]) await seen(page, patient + path, name);
  await page.goto(`${patient}/sparrar/ny`);
  await page.uncheck("#units input:checked");
  await page.fill("#from", "2026-02-01");
  await page.fill("#to", "2026-01-01");
  await page.click("main button");
  await checked(page, "registrera-sparr, errors");
  await page.goto(`${patient}/sparrar/ny`);
  await page.click("main button");
  await checked(page, "registrera-sparr, så här blir det");
  await page.screenshot({ path: `${pictures}/sa-har-blir-det.png`, fullPage: true });
  await page.goto(patient);
  for (const [words, name] of [["Häv tillfälligt…", "hav-tillfalligt"], ["Häv…", "hav"], ["Makulera…", "makulera"]]) {
    await page.goto(patient);
    const link = await page.locator(`td a:has-text("${words}")`).first().getAttribute("href");
    await seen(page, link, name);
    await page.click("main button");
    await checked(page, `${name}, errors`);
  }
  await page.goto(`${address}/drift`);
  await checked(page, "403");
  await page.goto(`${address}/sprak?sprak=en`);
  await page.goto(patient);
  await checked(page, "patient, English");
  await page.screenshot({ path: `${pictures}/patient-english.png`, fullPage: true });
  await context.close();
}

{ // Which other provider has blocked.
  const { context, page } = await opened();
  await logIn(page, roles.care);
  const patient = await lookUp(page, numbers[6]);
  await seen(page, `${patient}/annan-vardgivare`, "annan-vardgivare");
  await page.click("main button");
  await checked(page, "annan-vardgivare, errors");
  await page.check("#danger");
  await page.check("#cannot");
  await page.fill("#why", "webbläsarprov");
  await page.click("main button");
  await checked(page, "annan-vardgivare, shown");
  await context.close();
}

{ // Reports and extracts.
  const { context, page } = await opened();
  await logIn(page, roles.log);
  for (const [path, name] of [["/loggrapporter", "loggrapporter"], ["/utdrag", "utdragen"], ["/embargo", "embargo"]]) await seen(page, path, name);
  await page.click("text=Loggrapporter");
  await page.click("main button");
  await checked(page, "loggrapporter, errors");
  await page.check("input[value=unit]");
  await page.fill("#matter", "webbläsarprov");
  await page.click("main button");
  await page.waitForURL(/loggrapporter\/[0-9a-f-]+$/);
  await page.locator("text=Hämta XLSX").waitFor({ timeout: 60000 });
  await seen(page, page.url(), "rapport");
  const patient = await lookUp(page, numbers[5]);
  await seen(page, `${patient}/lasningar`, "vem-har-last");
  await seen(page, `${patient}/utdrag`, "begar-utdrag");
  await seen(page, `${patient}/embargo`, "begar-embargo");
  await page.goto(`${patient}/utdrag`);
  await page.fill("#identity_check", "id-kort");
  await page.fill("#names_reason", "webbläsarprov");
  await page.click("main button");
  await page.waitForURL(/utdrag\/[0-9a-f-]+$/);
  await checked(page, "utdrag, begärt");
  await page.click("main button:has-text('Framställ')");
  await page.locator("text=Hämta PDF").waitFor();
  await seen(page, page.url(), "utdrag");
  await context.close();
}

{ // The review of a unit, from its draw to its conclusion: the list by the keyboard alone, without a reload.
  const { context, page } = await opened();
  await logIn(page, roles.reviewer);
  // A demonstration's reviews are made beside: the draws wait for the log's signature.
  const waiting = page.locator("tr:has-text('Systematisk'):has-text('Att granska') a").first();
  for (let at = 0; at < 120 && !(await waiting.count()); at += 1) {
    await page.goto(`${address}/granskning`);
    await page.waitForTimeout(1000);
  }
  await seen(page, "/granskning", "granskning");
  // The longest of those that wait.
  const rows = await page.locator("tr:has-text('Systematisk'):has-text('Att granska')").evaluateAll((all) => all.map((row) =>
    [Number(row.innerText.match(/\d+ av (\d+)/)[1]), row.querySelector("a").getAttribute("href")]));
  const review = address + rows.sort((a, b) => b[0] - a[0])[0][1];
  await seen(page, `${review}/dragning`, "dragning");
  if (!(await page.locator("text=ger samma resultat").count())) fail("dragning", "the draw is not repeated");
  await seen(page, review, "granskning-lista");
  const total = await page.locator("tr[data-open]").count();
  const focused = () => page.evaluate(() => document.activeElement.id);
  async function toList() {
    for (let at = 0; at < 60 && !/^v\d+$/.test(await focused()); at += 1) await page.keyboard.press("Tab");
  }
  await toList();
  const begun = Date.now();
  for (let judged = 1; judged < total; judged += 1) {
    const was = await focused();
    await page.keyboard.press("u");
    await page.waitForFunction((says) => document.getElementById("bedomt").textContent === says, `${judged} av ${total}`, { timeout: 10000 });
    if ((await focused()) === was) fail("granskning-lista", "the focus does not move to the next row");
  }
  const seconds = (Date.now() - begun) / 1000;
  console.log(`${total - 1} visits judged by keys in ${seconds.toFixed(1)} s, without a reload`);
  await checked(page, "granskning-lista, judged");
  await page.keyboard.press("?");
  if (!(await page.locator(".keys[open]").count())) fail("granskning-lista", "? does not show the keys");
  // The last one has a remark.
  await page.keyboard.press("a");
  await page.waitForURL(/tillfalle\/\d+#bedom$/);
  await checked(page, "tillfalle");
  const tabUntil = async (matches) => {
    for (let at = 0; at < 80; at += 1) {
      await page.keyboard.press("Tab");
      if (await page.evaluate(matches)) return;
    }
    fail("tillfalle", "not reached by Tab");
  };
  await tabUntil(() => document.activeElement.name === "judgement");
  await page.keyboard.press("Space");
  await page.keyboard.press("ArrowDown");
  await tabUntil(() => document.activeElement.name === "text");
  await page.keyboard.type("Oklart vilken uppgift som krävde läsningen.");
  await tabUntil(() => document.activeElement.textContent === "Spara bedömningen");
  await page.keyboard.press("Enter");
  await page.waitForURL(/granskning\/\d+$/);
  await tabUntil(() => document.activeElement.textContent === "Avsluta granskningen");
  await page.keyboard.press("Enter");
  await page.locator(".chip:has-text('Med anmärkning')").first().waitFor();
  await checked(page, "granskning, avslutad");
  counts.keyboard += total;
  await seen(page, `${review}?visa=alla`, "granskning-avslutad");
  const visit = await page.locator("a.more-of").first().getAttribute("href");
  await seen(page, visit, "tillfalle");
  await page.check("input[value=clarify]");
  await page.fill("#why", "webbläsarprov");
  await page.click("button:has-text('Visa den fullständiga loggen')");
  await page.locator("text=I tillfället").first().waitFor();
  await seen(page, visit, "full-logg");
  await seen(page, "/arenden", "arenden");
  await seen(page, (await page.locator("main a[href^='/arenden/']").first().getAttribute("href")), "arende");
  await page.locator("summary:has-text('Nästa steg')").first().click();
  await page.locator("details.more button").first().click();
  await checked(page, "arende, errors");
  await seen(page, "/granskning/ny", "riktad-kontroll");
  await page.click("main form button");
  await checked(page, "riktad-kontroll, errors");
  // In another one, those without a flag together.
  let together = 0;
  for (const [, other] of rows.slice(1)) {
    await page.goto(address + other);
    const button = page.locator("button:has-text('utan flagga som utan anmärkning')");
    if (!(await button.count())) continue;
    const left = () => page.locator("tr[data-open]").count();
    const before = await left();
    together = Number((await button.innerText()).match(/\d+/)[0]);
    await button.click();
    await page.waitForLoadState();
    if ((await left()) !== before - together) fail("granskning-lista", `${together} are not judged together`);
    break;
  }
  console.log(`${together} visits without a flag judged together`);
  await context.close();
}

{ // Plans, searches, watched patients, proof.
  const { context, page } = await opened();
  await logIn(page, roles.log);
  await seen(page, "/granskning/plan", "granskningsplan");
  await seen(page, "/granskning/plan/SE2321000016-U001", "plan");
  await page.fill("#reviewer", " ");
  await page.click("main form button");
  await checked(page, "plan, errors");
  await seen(page, "/logg", "sok-i-loggen");
  await page.selectOption("#class", "no_ground");
  await page.fill("#from", new Date(Date.now() - 29 * 86400000).toISOString().slice(0, 10));
  await page.click("main form button");
  await page.waitForURL(/logg\/[0-9a-f-]+$/);
  await seen(page, page.url(), "funnet");
  await seen(page, "/uppfoljning", "uppfoljning");
  await context.close();
  const security = await opened();
  await logIn(security.page, roles.security);
  await seen(security.page, "/bevakning", "bevakning");
  await security.page.click("button:has-text('Lägg till bevakning')");
  await checked(security.page, "bevakning, errors");
  await security.context.close();
  const auditor = await opened();
  await logIn(auditor.page, roles.auditor);
  await seen(auditor.page, "/uppfoljning", "uppfoljning-revisor");
  await auditor.context.close();
}

{ // Operation.
  const { context, page } = await opened();
  await logIn(page, roles.operator);
  for (const path of ["/drift", "/drift/replikering", "/drift/jobb", "/drift/import", "/drift/gallring", "/drift/logg", "/drift/behorighet", "/drift/status"])
    await seen(page, path, path.slice(1).replace("/", "-"));
  await page.click("button:has-text('Planera')");
  await checked(page, "drift-status, errors");
  await context.close();
}

{ // Keyboard only: a block from login to receipt, and the focus is always seen.
  const { context, page } = await opened();
  await page.goto(`${address}/logga-in`);
  const look = () => page.evaluate(() => {
    const it = document.activeElement;
    const box = it.getBoundingClientRect();
    const style = getComputedStyle(it);
    return { text: (it.textContent || "").trim().slice(0, 80), tag: it.tagName, id: it.id, seen: box.width > 0 && (style.outlineStyle !== "none" || style.boxShadow !== "none") };
  });
  // A key may have led to another page: then it is looked at there.
  const focused = () => look().catch(async (error) => {
    if (!/navigation/.test(error.message)) throw error;
    await page.waitForLoadState();
    return look();
  });
  async function tabTo(matches) {
    for (let at = 0; at < 200; at += 1) {
      await page.keyboard.press("Tab");
      const it = await focused();
      if (it.tag !== "BODY" && !it.seen) fail("keyboard", `no focus to be seen on ${it.tag} ${it.id} ${it.text}`);
      if (matches(it)) { counts.keyboard += 1; return; }
    }
    fail("keyboard", "not reached by Tab");
  }
  await tabTo((it) => it.text === "Eva Sand");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${address}/`);
  await page.goto(`${address}/patient`);
  await page.keyboard.press("Tab");
  if ((await focused()).text !== "Till innehållet") fail("keyboard", "the first stop is not the skip link");
  await page.keyboard.press("Enter");
  await tabTo((it) => it.id === "number");
  await page.keyboard.type(numbers[12]);
  await tabTo((it) => it.text === "Sök");
  await page.keyboard.press("Enter");
  await page.locator("button:has-text('Sök ändå')").waitFor();
  await tabTo((it) => it.text === "Sök ändå");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/patient\/[0-9a-f-]+$/);
  await tabTo((it) => it.text === "Registrera spärr");
  await page.keyboard.press("Enter");
  await page.waitForURL(/sparrar\/ny$/);
  await tabTo((it) => it.id === "kind-1");
  await page.keyboard.press("ArrowDown");
  await tabTo((it) => it.text === "Så här blir det…");
  await page.keyboard.press("Enter");
  await tabTo((it) => it.text === "Registrera");
  await page.keyboard.press("Enter");
  await page.locator("text=Klart.").waitFor();
  await checked(page, "kvitto");
  await context.close();
}

{ // Without scripts: everything that is needed works.
  const { context, page } = await opened({ javaScriptEnabled: false });
  await logIn(page, roles.block);
  const patient = await lookUp(page, numbers[13]);
  await page.click("text=Registrera samtycke");
  await page.click("main button:has-text('Registrera')");
  await page.waitForURL(patient);
  if (!(await page.locator("text=tills vidare").count())) fail("scriptless", "no consent registered");
  counts.scriptless += 1;
  await page.setViewportSize({ width: 320, height: 800 });
  await page.reload();
  if (!(await page.locator(".menu a:has-text('Mina visningar')").isVisible())) fail("scriptless", "the menu cannot be reached");
  counts.scriptless += 1;
  await page.click("text=Logga ut");
  await page.waitForURL(`${address}/logga-in`);
  counts.scriptless += 1;
  await context.close();
}

{ // A double click is a repetition, and Back shows nothing after logging out.
  const { context, page } = await opened();
  await logIn(page, roles.block);
  const patient = await lookUp(page, numbers[8]);
  await page.click("text=Logga ut");
  await page.goto(patient);
  if (!page.url().includes("/logga-in")) fail("logout", "a page is shown after logging out");
  await context.close();
}

await browser.close();
console.log(`${counts.pages} pages, ${counts.states} states: axe ${counts.axe}, 320 px ${counts.narrow}, 200 % ${counts.large}, printed ${counts.printed}, ` +
  `keyboard stops ${counts.keyboard}, without scripts ${counts.scriptless}; ${wrong.length} wrong`);
process.exit(wrong.length ? 1 : 0);
