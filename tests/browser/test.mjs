// The test itself, see run.sh.
import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { marks, moved, ran, targets } from './measure.mjs';

const [, , openclick, tree, work, pictures] = process.argv;
const { chromium } = await import(pathToFileURL(process.env.PLAYWRIGHT));
const config = ['--config', path.join(tree, 'fixtures/demo/openclick.toml'), '--message-id', 'm', '--recipient', 'reader@example.org'];

// Documents that notice the pixel, each with the reason.
const NOTICING = JSON.parse(fs.readFileSync(path.join(tree, 'tests/browser/noticing.json')));

let passed = 0;
const failures = [];
const check = (name, holds, why = '') => {
  if (holds) passed += 1;
  else failures.push(`${name}${why ? `: ${why}` : ''}`), console.log(`FAILED ${name}: ${why}`);
};

// ---- The mails

const list = (folder, wanted) => {
  const full = path.join(tree, folder);
  return fs.existsSync(full) ? fs.readdirSync(full).sort().filter((name) => wanted.test(name)).map((name) => path.join(full, name)) : [];
};
const fixtures = [...list('fixtures/html', /\.html$/), ...list('fixtures/mail', /\.eml$/), ...list('fixtures/pathological', /\.html$/)];
const hostile = list('tests/browser/hostile', /\.(html|eml)$/);
const corpus = [...list('../shared/corpus/mail/mail-parser', /\.eml$/), ...list('../shared/corpus/mail/spamassassin', /^t_/)]
  .filter((file) => /text\/html/i.test(fs.readFileSync(file, 'latin1'))).slice(0, 60);
const templates = [...list('../shared/corpus/html/cerberus', /\.html$/), ...list('../shared/corpus/html/postmark', /\.html$/).slice(0, 12)];
if (!corpus.length) console.log('skipped: no ../shared/corpus');

const run = promisify(execFile);
async function make(file, ...flags) {
  const page = path.join(work, path.basename(path.dirname(file)) + '-' + path.basename(file) + '.html');
  await run(openclick, ['preview', ...config, ...flags, '--html', page, file]);
  return page;
}
async function report(file) {
  const out = path.join(work, path.basename(file) + '.report');
  await run(openclick, ['rewrite', ...config, '--report', out, '-o', '/dev/null', file]);
  return JSON.parse(fs.readFileSync(out));
}

// ---- The browser, and a listener behind every name

let heard = 0;
const words = [];
const listener = net.createServer((socket) => { heard += 1; socket.on('error', () => {}); socket.on('data', (data) => words.push(data.toString('latin1').slice(0, 400).replace(/[^ -~]+/g, ' '))); socket.end('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n'); });
await new Promise((done) => listener.listen(0, '127.0.0.1', done));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
    '--disable-default-apps', '--ignore-certificate-errors', // What the browser itself asks for is not the page's doing.
    `--host-resolver-rules=MAP *.googleapis.com ~NOTFOUND, MAP *.google.com ~NOTFOUND, MAP *.gstatic.com ~NOTFOUND, MAP *.gvt1.com ~NOTFOUND, MAP * 127.0.0.1:${listener.address().port}, EXCLUDE 127.0.0.1`],
});

const window_ = { viewport: { width: 1440, height: 900 } };
async function open(url, options = {}, shared = null) {
  const context = shared ?? await browser.newContext({ ...window_, ...options });
  const page = await context.newPage();
  const seen = { errors: [], requests: [] };
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) seen.errors.push(message.text()); });
  page.on('pageerror', (error) => seen.errors.push(String(error)));
  page.on('dialog', (dialog) => { seen.errors.push('a dialog'); dialog.dismiss(); });
  page.on('popup', () => seen.errors.push('a window'));
  page.on('request', (request) => { if (!/^(data|blob|about):/.test(request.url())) seen.requests.push(request.url()); });
  page.setDefaultTimeout(15000);
  const start = Date.now();
  await page.goto(url);
  await page.waitForFunction(() => Number(document.documentElement.dataset.ready) >= 2);
  seen.time = Date.now() - start;
  return { page, context, seen };
}
const settle = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));

// The listener hears what a page does load.
{
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.setContent('<img src="http://remote.example/a.png">');
  await page.waitForTimeout(300);
  check('the listener hears', heard > 0);
  await context.close();
}
heard = 0;

// ---- Every mail: nothing asked, nothing run, the report's numbers, each mark at its link, nothing moved

let links = 0;
const noticed = [];
async function mail(file, shared) {
  const name = path.relative(tree, file);
  const told = await report(file);
  const url = pathToFileURL(await make(file)).href;
  const { page, seen } = await open(url, {}, shared);
  try {
    const shown = await page.evaluate(() => ({
      total: document.querySelector('#tab-links b').textContent, tracked: document.querySelector('#summary .big').textContent,
      rows: document.querySelector('[role=grid]').getAttribute('aria-rowcount'), count: document.getElementById('count').textContent,
      pixels: [...document.querySelectorAll('#summary dt')].filter((term) => /pixel/.test(term.textContent) && !/^none/.test(term.nextSibling.textContent)).length,
    }));
    const number = (text) => Number(text.replace(/[^0-9]/g, ''));
    const placed = told.pixels.filter((pixel) => pixel.place).length;
    if (told.bytes_in) check(`${name}: numbers`, number(shown.total) === told.links_total && number(shown.tracked) === told.links_tracked &&
      Number(shown.rows) === told.links.length + 1 && number(shown.count) === told.links.length && shown.pixels === placed, JSON.stringify(shown));
    const found = await page.evaluate(marks);
    links += found.count;
    if (!NOTICING[name]) check(`${name}: marks`, !found.wrong.length, found.wrong.slice(0, 3).join('; '));
    // A placeholder is text of the author's that goes, and what stands behind it moves.
    const hasPlaceholder = told.changes.some((change) => change.change === 'placeholder-removed') || told.pixels.some((pixel) => pixel.place === 'placeholder');
    for (const width of hasPlaceholder ? [] : [600, 375]) {
      await page.evaluate((width) => document.querySelector(`[data-width="${width}"]`).click(), width);
      const differing = await page.evaluate(moved);
      if (differing.length && NOTICING[name]) noticed.push(`${name} at ${width}`);
      else check(`${name}: nothing moves at ${width}`, !differing.length, `${differing.length}: ${differing.slice(0, 3).join('; ')}`);
    }
    const linked = await page.evaluate(linking);
    check(`${name}: links and rows find each other`, !linked.length, linked.join('; '));
    if (hostile.includes(file)) await attack(page);
    check(`${name}: no script runs`, await page.evaluate(ran) === 0);
    check(`${name}: frames stay`, page.frames().slice(1).every((frame) => /^about:(srcdoc|blank)$/.test(frame.url())) && page.url() === url, page.frames().map((frame) => frame.url()).join(' '));
    check(`${name}: no console error`, !seen.errors.length, seen.errors.slice(0, 3).join('; '));
    check(`${name}: no request`, seen.requests.every((one) => one === url), seen.requests.join(' '));
  } finally {
    await page.close();
  }
}

/** Each of some rows marks its link in both frames, and each link its row. Runs in the browser. */
function linking() {
  const data = JSON.parse(document.getElementById('data').textContent);
  const wrong = [];
  const frames = ['before', 'after'].map((id) => document.getElementById(id));
  const rows = [...document.querySelectorAll('tr[data-row]')].slice(0, 12);
  for (const row of rows) {
    row.dispatchEvent(new MouseEvent('mouseenter'));
    for (const frame of frames) {
      const all = (selector) => [...Document.prototype.querySelectorAll.call(frame.contentDocument, selector)];
      const own = all(`[${data.mark}="t${row.dataset.row}"],[${data.mark}="l${row.dataset.row}"]`)[0];
      const lit = all(`[${data.mark}-on]`);
      if (own && own.localName !== 'area' && !(lit.includes(own))) wrong.push(`row ${row.dataset.row} does not light ${frame.id}`);
      if (lit.length > 1 && new Set(lit.map((one) => one.getAttribute(data.mark))).size > 1) wrong.push('two links are lit');
    }
  }
  for (const frame of frames) {
    const inner = frame.contentDocument;
    for (const link of [...Document.prototype.querySelectorAll.call(inner, `[${data.mark}]`)].slice(0, 12)) {
      link.dispatchEvent(new frame.contentWindow.MouseEvent('mouseover', { bubbles: true }));
      const row = document.querySelector(`tr[data-row="${link.getAttribute(data.mark).slice(1)}"]`);
      if (!row?.classList.contains('on')) wrong.push(`a link in ${frame.id} does not light its row`);
      if (document.querySelectorAll('tr.on').length > 1) wrong.push('two rows are lit');
    }
  }
  return wrong;
}

/** Everything that can be clicked is clicked, with every button and key. */
async function attack(page) {
  for (const id of ['before', 'after']) {
    for (const [x, y] of await page.evaluate(targets, id)) {
      await page.mouse.move(x, y);
      await page.mouse.click(x, y);
      await page.keyboard.press('Enter');
      await page.mouse.click(x, y, { button: 'middle' });
    }
  }
  await page.waitForTimeout(300);
}

// MAILS=… takes those alone whose name it matches, for work on this test.
const queue = [...hostile, ...fixtures, ...corpus, ...templates].filter((file) => new RegExp(process.env.MAILS ?? '').test(file));
await Promise.all([1, 2, 3].map(async () => {
  const shared = await browser.newContext(window_);
  for (let file; (file = queue.shift());) await mail(file, shared).catch((error) => check(path.relative(tree, file), false, String(error).split('\n').slice(0, 3).join(' ')));
}));
console.log(`mails: ${hostile.length} hostile, ${fixtures.length} fixtures, ${corpus.length + templates.length} of the corpus; ${links} marks; ${heard} requests heard`);
check('no remote URL was asked for', heard === 0, `${heard}: ` + words.map((text) => text.match(/[a-z0-9-]+(\.[a-z0-9-]+)+/gi)).join(' | '));
console.log(`moved by the mail's own :first-child and the like: ${noticed.join(', ') || 'none'}`);
if (!process.env.MAILS) check('the exceptions are exceptions', Object.keys(NOTICING).filter((name) => corpus.length || !name.startsWith('..')).every((name) => noticed.some((other) => other.startsWith(name))));

// ---- As a person uses it

const { usage } = await import('./usage.mjs');
await usage({ open, make, check, settle, tree, work, openclick, config, spawn, pictures, heard: () => heard });

await browser.close();
listener.close();
console.log(`${passed} passed, ${failures.length} failed`);
process.exit(failures.length ? 1 : 0);
