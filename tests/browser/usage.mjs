// The page as a person uses it: keys, filter, widths, colours, paper, a large mail, the server.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** Waits for a condition, which holds soon or never. */
async function until(holds) {
  for (let tries = 0; tries < 100; tries++) {
    if (await holds()) return true;
    await new Promise((done) => setTimeout(done, 100));
  }
  return false;
}

export async function usage({ open, make, check, settle, tree, work, openclick, config, spawn, pictures }) {
  const fixture = (name) => path.join(tree, 'fixtures', name);
  const url = async (file, ...flags) => pathToFileURL(await make(file, ...flags)).href;
  const picture = async (page, name, options = {}) => { if (pictures) await page.screenshot({ path: path.join(pictures, name), ...options }); };
  const lit = (page, id) => page.evaluate((id) => {
    const data = JSON.parse(document.getElementById('data').textContent);
    return [...document.getElementById(id).contentDocument.querySelectorAll(`[${data.mark}-on]`)].map((one) => Number(one.getAttribute(data.mark).slice(1)));
  }, id);

  // ---- Remote pictures: those of the mail, never a pixel, also not those that a rewrite put in before
  {
    const mail = path.join(work, 'remote.html'), tracked = path.join(work, 'tracked.html');
    fs.writeFileSync(mail, '<body><p>Hi</p><img src="https://remote.example/a.png"><img src="https://other.example/p" width="1" height="1"><picture><source srcset="https://other.example/q"><img src="https://other.example/r" width="1" height="1"></picture><img src="https://other.example/s" style="display:none"></body>');
    fs.writeFileSync(tracked, execFileSync(openclick, ['rewrite', ...config, mail]));
    for (const file of [mail, tracked]) {
      const { context, seen } = await open(await url(file, '--load-remote'));
      const asked = seen.requests.filter((one) => one.startsWith('http'));
      check(`${path.basename(file)} with --load-remote`, asked.length > 0 && asked.every((one) => one === 'https://remote.example/a.png'), asked.join(' '));
      await context.close();
    }
  }

  // ---- By mouse and by keyboard
  {
    const { page, context, seen } = await open(await url(fixture('html/newsletter-100k.html')));
    await page.hover('tr[data-row="9"]');
    check('hovering a row lights its link in both frames', String([await lit(page, 'before'), await lit(page, 'after')]) === '9,9');
    const spot = await page.evaluate(() => {
      const frame = document.getElementById('after');
      const outer = frame.getBoundingClientRect();
      const link = [...frame.contentDocument.querySelectorAll('a')].find((one) => one.textContent.includes('Knitwear'));
      const at = link.getBoundingClientRect();
      frame.contentWindow.scrollTo(0, 0);
      const top = link.getBoundingClientRect();
      const scale = outer.width / frame.offsetWidth;
      return [outer.x + (top.x + at.width / 2) * scale, outer.y + (top.y + at.height / 2) * scale];
    });
    await page.mouse.move(...spot);
    check('hovering a link lights its row and the other frame', await until(async () =>
      (await page.textContent('tr.on') || '').includes('Knitwear') && String(await lit(page, 'before')) === '3'));
    await page.mouse.click(...spot);
    check('a click shows the link', (await page.textContent('#detail')).includes('Knitwear') && page.frames().length === 3);
    await page.keyboard.press('/');
    await page.keyboard.type('lantern');
    check('the filter counts aloud', (await page.textContent('#count')).includes('of 64 links') && await page.getAttribute('#count', 'aria-live') === 'polite');
    check('the filter filters', await page.evaluate(() => [...document.querySelectorAll('tr[data-row]')].every((row) => /lantern/i.test(row.textContent))));
    await page.fill('#filter', '');
    await page.focus('tr[data-row="0"]');
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowUp']) await page.keyboard.press(key);
    check('arrows go from row to row', await page.evaluate(() => document.activeElement.dataset.row) === '1' && String(await lit(page, 'after')) === '1');
    await page.keyboard.press('End');
    check('End goes to the last', await page.evaluate(() => document.activeElement.dataset.row) === '63');
    await page.keyboard.press('Enter');
    check('Enter chooses', await page.getAttribute('tr[data-row="63"]', 'aria-selected') === 'true' && !(await page.isHidden('#detail')));
    await page.focus('#tab-links');
    await page.keyboard.press('ArrowRight');
    check('arrows go from tab to tab', await page.getAttribute('#tab-diff', 'aria-selected') === 'true' && await page.isVisible('#diff') && !(await page.isVisible('#links')));
    const hunks = await page.$$eval('.hunk', (all) => all.length);
    check('the source shows each change', hunks === Number(await page.textContent('#tab-diff b')) && hunks > 60, String(hunks));
    check('each part of the page has a name', await page.evaluate(() => [...document.querySelectorAll('button,input,select,iframe,section,[role=tabpanel],meter,textarea')]
      .filter((one) => !one.closest('[hidden]') || one.getAttribute('role')).every((one) => one.getAttribute('aria-label') || one.getAttribute('aria-labelledby') || one.title || one.textContent.trim() || one.labels?.length)));
    await page.click('#outline');
    check('outlines can be turned off', await page.evaluate(() => getComputedStyle(document.getElementById('after').contentDocument.querySelector('a[href]')).outlineStyle === 'none'));
    await page.click('#outline');
    for (const name of ['light', 'dark']) {
      await page.click('#theme');
      check(`${name} by the button`, await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme) === name);
    }
    await page.pdf({ path: path.join(pictures || work, 'print.pdf'), format: 'A4', printBackground: true });
    check('no console error in use', !seen.errors.length, seen.errors.join('; '));
    await context.close();
  }

  // ---- Pictures to look at
  for (const [name, scheme, width, height, file] of [
    ['light.png', 'light', 1440, 900, 'html/newsletter-100k.html'], ['dark.png', 'dark', 1440, 900, 'html/saas-digest-25k.html'],
    ['small.png', 'light', 420, 900, 'html/transactional-5k.html'], ['message.png', 'light', 1440, 900, 'mail/newsletter-qp.eml'],
  ]) {
    const { page, context, seen } = await open(await url(fixture(file)), { colorScheme: scheme, viewport: { width, height } });
    await settle(page);
    await picture(page, name);
    check(`${name}: no console error`, !seen.errors.length, seen.errors.join('; '));
    check(`${name}: nothing stands out at the side`, await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    await context.close();
  }
  if (pictures) {
    const { page, context } = await open(await url(fixture('html/saas-digest-25k.html')), { viewport: { width: 1240, height: 700 } });
    await page.hover('tr[data-row="5"]');
    await settle(page);
    await picture(page, 'preview.png');
    await context.close();
  }

  // ---- Many links
  {
    const file = path.join(work, 'many.html');
    fs.writeFileSync(file, '<body>' + Array.from({ length: 10000 }, (_, n) => `<p><a href="https://shop.example/${n}?a=1&amp;b=2">Link number ${n}</a></p>\n`).join('') + '</body>');
    // One line, as some programs write mail.
    const line = path.join(work, 'line.html');
    fs.writeFileSync(line, fs.readFileSync(file, 'utf8').replaceAll('\n', ''));
    const single = await open(await url(line));
    console.log(`the same in one line: ${single.seen.time} ms`);
    check('one line is shown in pieces', await single.page.$$eval('.hunk', (all) => all.length === 100 && all.every((one) => one.textContent.length < 10000)));
    await single.context.close();
    const { page, context, seen } = await open(await url(file));
    console.log(`a mail of 10,000 links: ${seen.time} ms`);
    check('rows are made where they are seen', await page.$$eval('tr[data-row]', (rows) => rows.length) < 100 && await page.getAttribute('[role=grid]', 'aria-rowcount') === '10001');
    await page.evaluate(() => { const view = document.getElementById('rows'); view.scrollTop = view.scrollHeight; });
    check('the last row is there', await until(() => page.$('tr[data-row="9999"]')));
    await page.focus('tr[data-row="9999"]');
    await page.keyboard.press('Home');
    check('Home goes to the first of many', await until(() => page.evaluate(() => document.activeElement.dataset.row === '0')));
    await page.fill('#filter', 'number 77');
    check('many are filtered', (await page.textContent('#count')).startsWith('280 of'), await page.textContent('#count'));
    check('hunks are made some at a time', await page.$$eval('.hunk', (all) => all.length) === 100);
    check('no console error with many', !seen.errors.length, seen.errors.join('; '));
    await context.close();
  }
  {
    const { context, seen } = await open(await url(fixture('html/news-digest-400k.html')));
    console.log(`a mail of 400 links and 400 KB: ${seen.time} ms`);
    await context.close();
  }

  // ---- The server
  {
    const file = path.join(work, 'served.html');
    const mail = (word) => `<body>${Array.from({ length: 200 }, (_, n) => `<p><a href="https://shop.example/${n}">${word} ${n}</a></p>`).join('\n')}</body>`;
    fs.writeFileSync(file, mail('first'));
    const child = spawn(openclick, ['preview', ...config, '--serve', '0', file], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise((done) => child.on('exit', (code, signal) => done(code ?? signal)));
    const address = await new Promise((done) => child.stdout.once('data', (data) => done(String(data).trim())));
    const { page, context, seen } = await open(address);
    const shown = (word) => until(() => page.evaluate((word) => document.getElementById('after').contentDocument?.body?.textContent.includes(word), word));
    check('the server shows the file', await shown('first 7'));
    await page.evaluate(() => document.getElementById('after').contentWindow.scrollTo(0, 1500));
    await page.evaluate(() => { document.getElementById('rows').scrollTop = 900; });
    await page.waitForTimeout(300);
    fs.writeFileSync(file, mail('second'));
    check('a change is shown', await shown('second 7'));
    check('the place is kept', await until(() => page.evaluate(() => document.getElementById('after').contentWindow.scrollY === 1500 &&
      document.getElementById('before').contentWindow.scrollY === 1500 && document.getElementById('rows').scrollTop === 900)));
    await page.click('#paste-open');
    await page.fill('#pasted', '\n\nSubject: Pasted\nContent-Type: text/html\n\n<p>pasted words <a href="https://shop.example/">x</a></p>\n');
    await page.click('#paste button[type=submit]');
    check('a pasted mail is shown', await shown('pasted words') && await until(async () => (await page.textContent('#subject')) === 'Pasted'));
    await page.click('#paste-open');
    await page.fill('#pasted', 'Subject: Gr\u00fc\u00dfe\nContent-Type: text/html; charset=iso-8859-1\nContent-Transfer-Encoding: 8bit\n\n<p>Gr\u00fc\u00dfe von dort</p>\n');
    await page.click('#paste button[type=submit]');
    check('in the charset that it declares', await shown('Gr\u00fc\u00dfe von dort'));
    await page.click('#paste-open');
    await page.click('#paste-back');
    check('and the file again', await shown('second 7'));
    fs.rmSync(file);
    check('a file that is gone is told of', await until(async () => /served\.html/.test(await page.textContent('#notice'))));
    check('no console error from the server', !seen.errors.length, seen.errors.join('; '));
    check('no request but to the server', seen.requests.every((one) => one.startsWith(address)), seen.requests.join(' '));
    child.kill('SIGINT');
    check('Ctrl-C ends the server', await ended === 0);
    check('which is told of', await until(async () => /ended/.test(await page.textContent('#notice'))));
    await context.close();
  }
}
