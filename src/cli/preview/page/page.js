'use strict';
(() => {
const $ = (id) => document.getElementById(id);
const ROW = 47; // pixels: 46 and a line, as the stylesheet has it
const MANY = 300; // rows; more are made only where they are seen
const HUNKS = 100;
const LABELLED = 100; // boxes with words in them, in a document
const MOST_FINDINGS = 500;
const AROUND = 70; // characters of source around a change
const GIF = 'data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==';
const REASONS = {
  off: 'click tracking is off', 'opt-out': 'the author opted out with an attribute', 'bad-charset': 'it holds bytes that the charset cannot decode',
  empty: 'it is empty', 'merge-tag': 'it holds a merge tag that nothing has filled in', fragment: 'it is a place in this document',
  scheme: 'it is neither http nor https', relative: 'it has no scheme', unparsable: 'it has no host, or a form that only browsers repair',
  userinfo: 'it has a user and password in front of the host, as phishing does', 'already-tracked': 'it points at the tracking domain already',
  unsubscribe: 'it is a URL of List-Unsubscribe', 'skip-host': 'the settings skip its host', 'visible-url': 'its text is a URL itself, and the settings leave such links',
  'max-links': 'the cap on tracked links is reached', policy: 'a policy said so', 'too-long': 'it or its tracking URL is too long',
  'line-too-long': 'its tracking URL does not fit a line of the transfer encoding',
};
const PLACES = {
  'body-start': 'at the start of the body', 'after-preheader': 'after the hidden preheader', 'body-end': 'before the end of the body',
  'end-of-file': 'at the end of the file', placeholder: 'in place of the placeholder',
};
const ABSENT = {
  off: 'switched off', present: 'it stands there already', frameset: 'the document is a frameset', unfinished: 'the file ends inside a tag, a comment or raw text',
  template: 'the file ends inside a template', limit: 'a limit was passed before its place', 'too-long': 'its URL would be too long',
  'line-too-long': 'no line of the transfer encoding holds it', 'passed-through': 'the document came back as it was',
};
const PARTS = {
  multipart: 'holds the parts below', 'not-html': 'not HTML: as it was', attachment: 'an attachment: as it was', 'related-non-root': 'belongs to the HTML: as it was',
  signed: 'signed: as it was', encrypted: 'encrypted: as it was', pgp: 'holds PGP: as it was', message: 'a message of its own: as it was', report: 'a delivery report: as it was',
  amp: 'AMP: as it was', ambiguous: 'its header is ambiguous: as it was', encoding: 'an unknown transfer encoding: as it was', charset: 'a charset that cannot be read: as it was',
  boundary: 'a boundary that is missing or wrong: as it was', depth: 'too deep: as it was', 'header-too-long': 'its header is too long: as it was', 'no-body': 'no blank line ends its header: as it was',
  'line-too-long': 'no line could hold what would be put in: as it was', parts: 'too many parts: as it was',
};
const STATUS = {
  'already-rewritten': 'It was rewritten before, and came back as it was.', signed: 'It is signed (DKIM or ARC), which a rewrite would break: it came back as it was. See --on-signed.',
  charset: 'Its charset cannot be read: it came back as it was.', unchanged: 'There was nothing to change.',
};

let data, links, shownRows = [], current = -1, chosen = -1, width = 720, outlines = true, doc = 0;
const frames = [$('before'), $('after')];
const turns = [0, 0]; // how often each frame was given a document
const shell = document.documentElement;
const marked = [new Map(), new Map()]; // link to its elements, in each frame

// Text of mails, made safe to show: what would turn round or hide its neighbours is spelled out.
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
const safe = (text) => String(text ?? '').replace(UNSAFE, (c) => '\\u{' + c.codePointAt(0).toString(16) + '}');
function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === 'class') element.className = value;
    else if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, '');
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  for (const child of children.flat()) if (child != null && child !== false) element.append(child);
  return element;
}
const number = (n) => n.toLocaleString('en-US');
const plural = (n, what) => number(n) + ' ' + what + (n === 1 ? '' : 's');
const kilobytes = (n) => n < 1000 ? plural(n, 'byte') : (n / 1000).toFixed(1) + ' KB'; // as the 102 KB of the clip are 102,400 bytes
const plain = (text) => text.replaceAll('&amp;', '&').trim();

// ---- The mail in the frames

// A mail can name its elements like what a document or an element has, and hide that: the page's own are asked.
const reach = (method) => (what, ...values) => method.apply(what, values);
const selectAll = reach(Document.prototype.querySelectorAll);
const listen = reach(EventTarget.prototype.addEventListener);
const closest = reach(Element.prototype.closest);
const attribute = reach(Element.prototype.getAttribute);
const root = reach(Object.getOwnPropertyDescriptor(Document.prototype, 'documentElement').get);
const state = reach(Object.getOwnPropertyDescriptor(Document.prototype, 'readyState').get);
const adopt = reach(Object.getOwnPropertyDescriptor(Document.prototype, 'adoptedStyleSheets').set);

function box({ w, h, t = '', s = '' }) {
  const text = (y, size, what, weight) => what && `<text x='8' y='${y}' font-size='${size}' font-weight='${weight}'>${what.replace(/[&<>'"]/g, (c) => `&#${c.charCodeAt(0)};`)}</text>`;
  const seen = w > 2 && h > 2;
  const lines = seen && w >= 40 && h >= 14 ? h < 34 ? text(h / 2 + 4, 11, t || s, 400) : text(18, 12, t || s, 600) + (t && h >= 38 ? text(33, 11, `${s}  ${w}×${h}`, 400) : '') : '';
  const body = seen ? `<rect x='.5' y='.5' width='${w - 1}' height='${h - 1}' fill='#eef1f5' stroke='#8a94a3' stroke-dasharray='4 3'/><g font-family='sans-serif' fill='#4a5463'>${lines}</g>` : '';
  const svg = `<svg xmlns='http://www.w3.org/2000/svg' width='${w}' height='${h}' viewBox='0 0 ${w} ${h}'>${body}</svg>`;
  return 'data:image/svg+xml,' + encodeURIComponent(svg.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd'));
}
// Browsers make a document of each such URL: the same one is used for boxes that look the same.
const boxes = new Map();
function shared(size) {
  const key = JSON.stringify(size);
  if (!boxes.has(key)) boxes.set(key, box(size));
  return boxes.get(key);
}
function spell(shown, isLabelled) {
  if (typeof shown === 'string') return shown;
  if (typeof shown === 'number') return ` ${data.mark}="${links[shown].tracked ? 't' : 'l'}${shown}"`;
  return `src="${'p' in shown ? data.pictures[shown.p] : shared(isLabelled ? shown : { w: shown.w, h: shown.h })}"`;
}
function build(document, after) {
  let boxed = 0;
  const edits = document.shown.map(([at, length, shown], order) => {
    if (shown.w != null) boxed += 1;
    return [at, length, spell(shown, boxed <= LABELLED), order];
  });
  if (after) {
    for (const [at, length, text, pixel] of document.edits) {
      edits.push([at, length, pixel ? text.replace(/(<img src=")[^"]*(" alt="" width="1" height="1" border="0")/g, `$1${GIF}$2`) : text, edits.length]);
    }
    edits.sort((a, b) => a[0] - b[0] || a[3] - b[3]);
  }
  const pieces = [];
  let done = 0;
  for (const [at, length, text] of edits) {
    if (at < done) continue;
    pieces.push(document.text.slice(done, at), text);
    done = at + length;
  }
  pieces.push(document.text.slice(done));
  return pieces.join('');
}
const escaped = (text) => text.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);
function source(document, after) {
  if (!document) return '<p style="font:14px sans-serif;color:#555">There is no HTML in it that a rewrite reads.</p>';
  if (document.html) return build(document, after);
  return `<pre style="white-space:pre-wrap;font:13px/1.4 monospace">${escaped(build(document, after))}</pre>`;
}
function show(keep) {
  const document = data.documents[doc];
  frames.forEach((frame, side) => {
    const [x, y] = keep ? place(frame) : [0, 0];
    marked[side] = new Map();
    const old = frame.contentDocument, turn = ++turns[side];
    let held = null, wired = false, reached = '';
    // A picture that does not answer keeps `load` away: the document works as soon as it is read. Clicks are held back from its
    // first tag on.
    const look = () => {
      const inner = frame.contentDocument;
      if (!inner || inner === old || wired) return;
      if (held !== inner) hold(held = inner);
      if (state(inner) === 'loading') return;
      wired = true;
      wire(frame, side);
      frame.contentWindow.scrollTo(x, y);
      reached = String(place(frame));
    };
    const poll = () => { if (turn !== turns[side] || wired) return; look(); setTimeout(poll, 10); };
    frame.onload = () => {
      look();
      // Pictures make it higher; where it was scrolled meanwhile it stays.
      if (String(place(frame)) === reached) view(frame)?.scrollTo(x, y);
      if (wired) shell.dataset.ready = Number(shell.dataset.ready || 0) + 1;
    };
    frame.srcdoc = source(document, side === 1);
    poll();
    const size = document ? kilobytes(side ? document.after : document.before) : '';
    frame.closest('figure').querySelector('.size').textContent = size;
  });
}
// None where the frame holds a document of another origin, such as the browser's own about an error.
const view = (frame) => frame.contentDocument && frame.contentWindow;
const place = (frame) => { const w = view(frame); return w ? [w.scrollX, w.scrollY] : [0, 0]; };
function hold(inner) {
  for (const name of ['click', 'auxclick', 'submit', 'dragstart']) listen(inner, name, (event) => event.preventDefault(), true);
}
function wire(frame, side) {
  const inner = frame.contentDocument;
  if (!inner) return;
  for (const element of selectAll(inner, `[${data.mark}]`)) {
    const link = Number(element.getAttribute(data.mark).slice(1));
    if (!marked[side].has(link)) marked[side].set(link, []);
    marked[side].get(link).push(element);
  }
  if (side === 0) {
    // What a link without text shows is its picture.
    for (const [link, [element]] of marked[0]) {
      const alt = !links[link].text && element.querySelector?.('img')?.getAttribute('alt')?.trim();
      if (alt && !links[link].alt) { links[link].alt = alt; links[link].key += ' ' + alt.toLowerCase(); }
    }
    drawn = '';
    rows();
  }
  style(frame);
  const link = (event) => {
    const on = event.target?.nodeType === 1 ? closest(event.target, `[${data.mark}]`) : null;
    return on ? Number(attribute(on, data.mark).slice(1)) : -1;
  };
  const enter = (event) => { const on = link(event); if (on >= 0) highlight(on, side); };
  listen(inner, 'mouseover', enter);
  listen(inner, 'focusin', enter);
  listen(inner, 'click', (event) => { const on = link(event); if (on >= 0) choose(on); }, true);
  listen(inner, 'keydown', slash);
  listen(frame.contentWindow, 'scroll', () => follow(side), { passive: true });
}
let leading = -1, calm = 0;
function follow(side) {
  if (leading === 1 - side) return;
  leading = side;
  clearTimeout(calm);
  calm = setTimeout(() => { leading = -1; }, 120);
  const [x, y] = place(frames[side]);
  view(frames[1 - side])?.scrollTo(x, y);
}
function style(frame) {
  const m = data.mark, inner = frame.contentDocument;
  if (!inner) return;
  const sheet = new frame.contentWindow.CSSStyleSheet();
  // Outlines take no room: nothing of the mail moves.
  sheet.replaceSync(outlines
    ? `[${m}^=t],[${m}^=t] img{outline:2px solid #0b9a5e!important;outline-offset:1px!important}[${m}^=l],[${m}^=l] img{outline:2px dashed #d97706!important;outline-offset:1px!important}` +
      `[${m}-on],[${m}-on] img{outline:4px solid #7c3aed!important;outline-offset:2px!important}`
    : `[${m}-on],[${m}-on] img{outline:4px solid #7c3aed!important;outline-offset:2px!important}`);
  adopt(inner, [sheet]);
}
function elements(side, link) {
  // An area has no box of its own.
  return (marked[side].get(link) || []).map((element) => {
    const map = element.localName === 'area' && closest(element, 'map')?.getAttribute('name');
    return map && frames[side].contentDocument ? [...selectAll(frames[side].contentDocument, 'img')].find((image) => image.useMap === '#' + map) || element : element;
  });
}
function highlight(link, from = -1) {
  if (current === link && from < 0) return;
  const name = data.mark + '-on';
  frames.forEach((frame, side) => {
    for (const element of elements(side, current)) element.removeAttribute(name);
    const found = elements(side, link);
    for (const element of found) element.setAttribute(name, '');
    if (side !== from && found[0]) bring(frame, found[0]);
  });
  current = link;
  for (const row of $('rows').querySelectorAll('tr.on')) row.classList.remove('on');
  if (from >= 0) reveal(link);
  $('rows').querySelector(`tr[data-row="${link}"]`)?.classList.add('on');
}
function bring(frame, element) {
  const window = view(frame);
  if (!window) return;
  const at = element.getBoundingClientRect();
  if (at.height && (at.top < 20 || at.bottom > window.innerHeight - 20)) {
    window.scrollTo(window.scrollX, window.scrollY + at.top - (window.innerHeight - at.height) / 2);
  }
}

// ---- The size of the frames

function layout(paper) {
  for (const frame of frames) {
    const stage = frame.closest('.stage'), holder = frame.parentElement;
    const room = paper ? 330 : stage.clientWidth - 2;
    const scale = Math.min(1, Math.max(0.2, room / width));
    const high = paper ? Math.min(30000, ((frame.contentDocument && root(frame.contentDocument))?.scrollHeight || 600) + 4) : Math.max(200, stage.clientHeight - 2) / scale;
    holder.style.width = width * scale + 'px';
    holder.style.height = high * scale + 'px';
    frame.style.width = width + 'px';
    frame.style.height = high + 'px';
    frame.style.transform = scale === 1 ? 'none' : `scale(${scale})`;
  }
}

// ---- The table of links

function filter() {
  const words = $('filter').value.toLowerCase().split(/\s+/).filter(Boolean);
  const which = $('which').value;
  shownRows = [];
  links.forEach((link, index) => {
    if (which && (which === 't') !== link.tracked) return;
    if (words.every((word) => link.key.includes(word))) shownRows.push(index);
  });
  const all = data.counts.total;
  const unlisted = all > links.length ? ` (the first ${number(links.length)} of ${number(all)} are listed)` : '';
  $('count').textContent = (shownRows.length === links.length ? plural(links.length, 'link') : `${number(shownRows.length)} of ${plural(links.length, 'link')}`) + unlisted;
  drawn = '';
  rows();
}
let drawn = '';
function rows(all) {
  const view = $('rows'), body = view.querySelector('tbody');
  const windowed = !all && shownRows.length > MANY;
  const visible = Math.ceil(view.clientHeight / ROW) + 1;
  const first = windowed ? Math.max(0, Math.min(Math.floor(view.scrollTop / ROW) - 10, shownRows.length - visible - 20)) : 0;
  const last = windowed ? Math.min(shownRows.length, first + visible + 20) : shownRows.length;
  const key = `${first}:${last}`;
  if (key === drawn) return;
  drawn = key;
  const focused = document.activeElement?.closest?.('tr[data-row]')?.dataset.row;
  const pad = (count) => count > 0 && make('tr', { 'aria-hidden': 'true' }, make('td', { class: 'pad', colspan: 3, style: `height:${count * ROW}px` }));
  const made = [];
  for (let at = first; at < last; at++) made.push(row(shownRows[at], at));
  body.replaceChildren(...[pad(first), ...made, pad(shownRows.length - last)].filter(Boolean));
  view.querySelector('table').setAttribute('aria-rowcount', shownRows.length + 1);
  const tabbable = body.querySelector(`tr[data-row="${chosen}"]`) || body.querySelector('tr[data-row]');
  if (tabbable) tabbable.tabIndex = 0;
  if (focused != null) body.querySelector(`tr[data-row="${focused}"]`)?.focus({ preventScroll: true });
}
// Of a URL the host and the end of the path say most: on a screen the rest goes where it does not fit.
function ends(url) {
  const scheme = url.startsWith('https://') ? 8 : 0;
  const query = url.includes('?') ? url.indexOf('?') : url.length;
  const cut = query - scheme > 26 ? query - 10 : query;
  const span = (text, name) => text && make('span', { class: name || '' }, text);
  return [span(url.slice(scheme, cut)), span(url.slice(cut, query)), query < url.length && span('?…', 'short'), span(url.slice(query), 'whole')];
}
function row(index, at) {
  const link = links[index];
  const where = link.place === 'html' ? null : make('span', { class: 'tag' }, link.place === 'outlook' ? 'Outlook' : link.place);
  const text = link.text ? safe(link.text) : link.place !== 'text' && make('span', { class: 'alt' }, link.alt ? `picture: ${safe(link.alt)}` : 'no text');
  return make('tr', {
    role: 'row', 'data-row': index, 'aria-rowindex': at + 2, tabindex: -1, class: index === current ? 'on' : '', 'aria-selected': String(index === chosen),
    onmouseenter: () => highlight(index), onfocus: () => highlight(index), onclick: () => choose(index),
  },
  make('td', { role: 'gridcell' }, String(link.index)),
  make('td', { role: 'gridcell' }, make('div', { class: 'state ' + (link.tracked ? 't' : 'l') }, link.tracked ? link.kind === 'click' ? 'tracked' : 'unsubscribe' : link.kind)),
  make('td', { role: 'gridcell' },
    make('div', { dir: 'auto' }, text || safe(link.target), ' ', where, link.name && make('span', { class: 'tag' }, safe(link.name))),
    make('div', { class: 'to mono', title: safe(link.target) }, ends(safe(link.target)))));
}
function reveal(index) {
  const at = shownRows.indexOf(index);
  if (at < 0) return;
  const view = $('rows');
  const first = view.querySelector('tr[data-row]');
  const high = shownRows.length > MANY || !first ? ROW : first.offsetHeight;
  const top = at * high;
  if (top < view.scrollTop || top + high > view.scrollTop + view.clientHeight) {
    view.scrollTop = top - (view.clientHeight - high) / 2;
    rows();
  }
}
function choose(index) {
  tab('links');
  if (!shownRows.includes(index)) {
    $('filter').value = '';
    $('which').value = '';
    filter();
  }
  const old = $('rows').querySelector('tr[aria-selected=true]');
  if (old) { old.setAttribute('aria-selected', 'false'); old.tabIndex = -1; }
  chosen = index;
  const link = links[index];
  if (link.document !== doc && link.document != null) switchTo(link.document);
  highlight(index);
  detail(link);
  rows();
  reveal(index);
  const now = $('rows').querySelector(`tr[data-row="${index}"]`);
  if (now) { now.setAttribute('aria-selected', 'true'); now.tabIndex = 0; }
}
function detail(link) {
  const list = make('dl');
  const add = (term, value, mono) => value && list.append(make('dt', {}, term), make('dd', mono ? { class: 'mono' } : { dir: 'auto' }, value));
  const state = link.tracked ? make('span', { class: 't' }, link.kind === 'click' ? 'tracked' : 'tracked, as an unsubscribe link')
    : make('span', { class: 'l' }, `left (${link.kind}): ${REASONS[link.kind] || ''}`);
  add('Link', `${link.index}`);
  add('What happens', state);
  add('Text', safe(link.text));
  add('Picture', safe(link.alt));
  add('Name', safe(link.name));
  add('Destination', safe(link.target), true);
  add('Becomes', safe(link.url), true);
  const spots = [link.at >= 0 && `line ${number(line(link.document, link.at))} of the source`, link.place === 'outlook' && 'only Outlook for Windows shows it',
    link.place === 'svg' && 'in svg', unseen(link) && 'not visible at this width'];
  add('Where', spots.filter(Boolean).join(', '));
  $('detail').replaceChildren(list);
  $('detail').hidden = false;
}
function unseen(link) {
  const found = elements(1, links.indexOf(link));
  return link.document === doc && found.length > 0 && found.every((element) => !element.getClientRects().length);
}
function keys(event) {
  const now = event.target.closest('tr[data-row]');
  if (!now) return;
  const at = shownRows.indexOf(Number(now.dataset.row));
  const page = Math.max(1, Math.floor($('rows').clientHeight / ROW) - 1);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: shownRows.length - 1 }[event.key];
  if (to != null) {
    event.preventDefault();
    const index = shownRows[Math.max(0, Math.min(shownRows.length - 1, to))];
    reveal(index);
    rows();
    $('rows').querySelector(`tr[data-row="${index}"]`)?.focus({ preventScroll: true });
  } else if (event.key === 'Enter' || event.key === ' ') {
    event.preventDefault();
    choose(Number(now.dataset.row));
  }
}

function slash(event) {
  if (event.key !== '/' || /^(input|textarea|select)$/.test(event.target.localName)) return;
  event.preventDefault();
  tab('links');
  $('filter').focus();
  $('filter').select();
}

// ---- The source

function starts(document) {
  if (!document.starts) {
    document.starts = [0];
    for (let at = document.text.indexOf('\n'); at >= 0; at = document.text.indexOf('\n', at + 1)) document.starts.push(at + 1);
  }
  return document.starts;
}
function line(index, at) {
  const list = starts(data.documents[index]);
  let low = 0, high = list.length;
  while (low < high) { const middle = (low + high) >> 1; if (list[middle] <= at) low = middle + 1; else high = middle; }
  return low;
}
// Changes that stand close to each other in a line are shown together; a line may be the whole mail.
function hunks() {
  const made = [];
  data.documents.forEach((document, index) => {
    const list = starts(document);
    let group = null;
    for (const edit of document.edits) {
      const [at, length] = edit;
      const from = line(index, at), to = line(index, at + length);
      const isNear = group && from <= group.to;
      if (isNear && at - group.last < 4 * AROUND && group.edits.length < 20) group.edits.push(edit);
      else {
        if (isNear) group.end = at;
        made.push(group = { index, from, to, edits: [edit], isCut: isNear, start: isNear ? group.last : list[from - 1] });
      }
      group.to = Math.max(to, group.to);
      group.last = at + length;
      group.end = list[group.to] ?? document.text.length;
    }
  });
  return made;
}
// Where a text may be cut: not within a character of two units, nor within a line break.
const cut = (text, at) => /[\udc00-\udfff]/.test(text[at] ?? '') || text[at] === '\n' && text[at - 1] === '\r' ? at - 1 : at;
const lines = (text) => safe(text.replaceAll('\r\n', '\n'));
function hunk(group) {
  const document = data.documents[group.index];
  const old = make('pre', { class: 'old mono' }), now = make('pre', { class: 'new mono' });
  let done = group.start, end = group.end;
  while (end > done && '\r\n'.includes(document.text[end - 1])) end--;
  const same = (to, first, last) => {
    const piece = (from, to) => lines(document.text.slice(from, to));
    const gap = () => make('span', { class: 'gap' }, '…');
    const pieces = to - done <= (first ? 0 : AROUND) + (last ? 0 : AROUND) + 20 ? [first && group.isCut && gap, piece(done, to)]
      : [!first && piece(done, cut(document.text, done + AROUND)), gap, !last && piece(cut(document.text, to - AROUND), to)];
    for (const side of [old, now]) side.append(...pieces.filter(Boolean).map((piece) => typeof piece === 'string' ? piece : gap()));
  };
  group.edits.forEach(([at, length, text], order) => {
    same(at, order === 0, false);
    if (length) old.append(make('del', {}, lines(document.text.slice(at, at + length))));
    if (text) now.append(make('ins', {}, lines(text)));
    done = at + length;
  });
  if (end > done) same(end, false, true);
  const about = group.edits.flatMap(([at, length, , pixel]) => {
    const link = document.links.get(at);
    if (pixel) return ['pixel'];
    if (link != null) return [make('button', { type: 'button', onclick: () => choose(link), onmouseenter: () => highlight(link), onfocus: () => highlight(link) }, `link ${links[link].index}`)];
    return length ? ['removed'] : ['added'];
  });
  const names = about.slice(0, 6).flatMap((name, order) => order ? [', ', name] : [name]);
  return make('div', { class: 'hunk' },
    make('div', {}, make('span', {}, (document.path && data.documents.length > 1 ? `part ${document.path}, ` : '') + `line ${number(group.from)}`), make('span', {}, ...names, about.length > 6 ? ' …' : '')), old, now);
}
let waiting = [];
function more(count) {
  const list = $('diff').querySelector('div');
  list.querySelector('button.more')?.remove();
  list.append(...waiting.splice(0, count).map(hunk));
  if (waiting.length) list.append(make('button', { type: 'button', class: 'more', onclick: () => more(HUNKS) }, `Show more: ${plural(waiting.length, 'place')} left`));
}

// ---- The rest

function summary() {
  const { counts, pixels } = data;
  const list = make('dl');
  const add = (term, ...value) => list.append(make('dt', {}, term), make('dd', {}, ...value));
  const left = Object.entries(counts.left);
  add('Links', make('span', { class: 'big t' }, `${number(counts.tracked)} tracked`), counts.total > counts.tracked && make('span', { class: 'l' }, `, ${number(counts.total - counts.tracked)} left`),
    left.length ? ` (${left.map(([reason, count]) => `${number(count)} ${reason}`).join(', ')})` : '');
  for (const pixel of pixels) {
    const part = pixel.part != null && data.parts[pixel.part] && data.documents.length > 1 ? `, part ${data.parts[pixel.part].path}` : '';
    add(pixel.kind === 'initial_open' ? 'Top pixel' : 'Bottom pixel', pixel.place ? PLACES[pixel.place] || pixel.place : make('span', { class: pixel.reason === 'off' ? 'dim' : 'l' }, `none: ${ABSENT[pixel.reason] || pixel.reason}`), part);
  }
  if (!pixels.length) add('Pixels', make('span', { class: 'l' }, 'none: no HTML was read'));
  const largest = data.documents.reduce((most, document) => document.html && document.after > (most?.after || 0) ? document : most, null);
  const size = largest || { before: data.bytes[0], after: data.bytes[1] };
  const over = size.after > data.clip;
  add(largest ? 'HTML' : 'Size', `${kilobytes(size.before)} → `, make('span', { class: over ? 'bad big' : '' }, kilobytes(size.after)), ' ',
    make('meter', { min: 0, max: data.clip * 1.25, high: data.clip, low: data.clip * 0.9, optimum: 0, value: Math.min(size.after, data.clip * 1.25), 'aria-label': 'Size against the 102 KB that Gmail shows' }),
    make('span', { class: 'dim' }, over ? ' Gmail clips over 102\u00a0KB' : ' of\u00a0102\u00a0KB'));
  if (data.removed) add('Removed', plural(data.removed, 'tracking attribute'));
  for (const change of data.changes) add('Also', safe(change));
  if (data.pictures.length) add('Pictures', plural(data.pictures.length, 'picture') + ' of the message itself');
  const notes = [STATUS[data.status], data.limit != null && `From byte ${number(data.limit)} on nothing was changed: a limit was passed.`,
    data.unshown && `${plural(data.unshown, 'further part')} with changes are not shown here.`,
    data.trial && `Nothing is configured: ${data.domain} is an example, and the key is thrown away. Links of this page lead nowhere.`];
  $('summary').replaceChildren(list, ...notes.filter(Boolean).map((note) => make('p', { class: 'trial' }, note)));
}
function parts() {
  const html = data.documents[0];
  if (!data.parts.length) {
    $('parts').querySelector('div').replaceChildren(make('p', {}, `HTML, not a message. Read as ${html?.charset || data.charset}.`));
    return;
  }
  const head = make('tr', {}, ['Part', 'Type', 'Read as', 'Encoding', 'What happens'].map((title) => make('th', { scope: 'col' }, title)));
  const body = data.parts.map((part) => {
    const depth = part.path ? part.path.split('.').length : 0;
    const what = part.rewritten ? make('span', { class: 't' }, 'rewritten') : part.reason ? PARTS[part.reason] || part.reason : 'read, nothing to change';
    const index = data.documents.findIndex((document) => document.path === part.path && document.html);
    const name = part.path || 'message';
    return make('tr', {},
      make('td', { style: `padding-left:${Math.min(depth, 12) * 12}px` }, index >= 0 && data.documents.length > 1 ? make('button', { type: 'button', onclick: () => switchTo(index) }, name) : name),
      make('td', { class: 'mono' }, safe(part.media_type)), make('td', {}, part.charset || ''), make('td', {}, part.encoding), make('td', {}, what));
  });
  $('parts').querySelector('div').replaceChildren(make('table', { class: 'list' }, make('thead', {}, head), make('tbody', {}, body)));
}
function findings() {
  const places = new Map(links.map((link, place) => [link.index, place]));
  const list = data.findings.slice(0, MOST_FINDINGS).map((finding) => {
    const link = places.get(finding.link);
    return make('div', { class: 'finding' },
      make('p', {}, make('b', { class: finding.severity === 'error' ? 'bad' : finding.severity === 'warning' ? 'l' : 'dim' }, `${finding.severity} ${finding.code}`), ' ', safe(finding.message)),
      make('p', { class: 'dim' }, safe(finding.help), ` Line ${number(finding.line)}, column ${number(finding.column)}. `,
        link != null && make('button', { type: 'button', onclick: () => choose(link) }, `link ${finding.link}`)));
  });
  if (!list.length) list.push(make('p', {}, 'No warnings.'));
  if (data.findings.length > MOST_FINDINGS) list.push(make('p', {}, `And ${number(data.findings.length - MOST_FINDINGS)} more: openclick lint tells them all.`));
  $('findings').querySelector('div').replaceChildren(...list);
}
function tab(name, focus) {
  for (const button of document.querySelectorAll('[role=tab]')) {
    const on = button.id === 'tab-' + name;
    button.setAttribute('aria-selected', String(on));
    button.tabIndex = on ? 0 : -1;
    $(button.getAttribute('aria-controls')).hidden = !on;
    if (on && focus) button.focus();
  }
  if (name === 'links') { drawn = ''; rows(); }
}
function switchTo(index) {
  doc = index;
  $('document').value = index;
  show(false);
}
function notice(text) {
  $('notice').textContent = text || '';
  $('notice').hidden = !text;
}

// ---- The whole page

function prepare(next) {
  data = next;
  boxes.clear();
  links = data.links.map(([tracked, index, document, kind, place, at, length, text, name, target, url]) => {
    const from = document != null && at >= 0 ? data.documents[document] : null;
    return { index, tracked: !!tracked, document, kind, place, at, text, name, target: target ?? (from ? plain(from.text.slice(at, at + length)) : ''), url };
  });
  data.documents.forEach((document) => { document.links = new Map(); });
  const replaced = data.documents.map((document) => new Map(document.edits.map((edit) => [edit[0], edit[2]])));
  links.forEach((link, index) => {
    link.key = [link.index, link.tracked ? 'tracked' : 'left', link.kind, link.place, link.text, link.name, link.target].join(' ').toLowerCase();
    if (link.at < 0) return;
    data.documents[link.document].links.set(link.at, index);
    if (link.tracked && link.url == null) link.url = plain(replaced[link.document].get(link.at) ?? '');
  });
}
function render(next, keep) {
  const table = $('rows').scrollTop;
  prepare(next);
  current = -1;
  if (!keep) { chosen = -1; doc = Math.max(0, data.documents.findIndex((document) => document.html)); $('detail').hidden = true; }
  if (doc >= data.documents.length) doc = 0;
  if (chosen >= links.length) { chosen = -1; $('detail').hidden = true; }
  const title = data.subject || data.file || 'a mail';
  $('subject').textContent = safe(title);
  document.title = safe(title) + ' - openclick preview';
  $('document').replaceChildren(...data.documents.map((document, index) => make('option', { value: index }, `${document.path} ${document.html ? 'HTML' : 'plain text'}`)));
  $('document').value = doc;
  $('document-label').hidden = data.documents.length < 2;
  summary();
  parts();
  findings();
  waiting = hunks();
  const places = waiting.length;
  $('diff').querySelector('div').replaceChildren(...(places ? [] : [make('p', {}, 'Nothing differs.')]));
  more(HUNKS);
  for (const [name, count] of [['links', data.counts.total], ['diff', places], ['parts', data.parts.length || 1], ['findings', data.findings.length]]) {
    $('tab-' + name).querySelector('b').textContent = number(count);
  }
  show(keep);
  filter();
  $('rows').scrollTop = keep ? table : 0;
  rows();
  if (chosen >= 0) detail(links[chosen]);
  layout();
}

for (const frame of frames) {
  const holder = make('div', { class: 'box' });
  frame.replaceWith(holder);
  holder.append(frame);
}
$('filter').addEventListener('input', filter);
$('which').addEventListener('change', filter);
$('rows').addEventListener('scroll', () => rows(), { passive: true });
$('rows').addEventListener('keydown', keys);
$('document').addEventListener('change', (event) => switchTo(Number(event.target.value)));
for (const button of document.querySelectorAll('[data-width]')) {
  button.addEventListener('click', () => {
    width = Number(button.dataset.width);
    for (const other of document.querySelectorAll('[data-width]')) other.setAttribute('aria-pressed', String(other === button));
    layout();
  });
}
$('outline').addEventListener('click', () => {
  outlines = !outlines;
  $('outline').setAttribute('aria-pressed', String(outlines));
  frames.forEach(style);
});
const THEMES = [['', '◐', 'as the system'], ['light', '☀', 'light'], ['dark', '☾', 'dark']];
let theme = 0;
$('theme').addEventListener('click', () => {
  theme = (theme + 1) % THEMES.length;
  const [name, sign, words] = THEMES[theme];
  if (name) document.documentElement.dataset.theme = name; else delete document.documentElement.dataset.theme;
  $('theme').textContent = sign;
  $('theme').setAttribute('aria-label', 'Colours: ' + words);
});
const tabs = [...document.querySelectorAll('[role=tab]')];
tabs.forEach((button, at) => {
  const name = button.id.slice(4);
  button.addEventListener('click', () => tab(name));
  button.addEventListener('keydown', (event) => {
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to != null) { event.preventDefault(); tab(tabs[(to + tabs.length) % tabs.length].id.slice(4), true); }
  });
});
document.addEventListener('keydown', slash);
addEventListener('resize', () => { layout(); drawn = ''; rows(); });
addEventListener('beforeprint', () => { rows(true); more(2000); layout(true); });
addEventListener('afterprint', () => { drawn = ''; rows(); layout(); });

render(JSON.parse($('data').textContent), false);

// ---- Where a program serves the page

if (data.live != null) {
  let pasted = false, seen = data.live, trouble = data.trouble;
  notice(trouble);
  const hasFile = !data.empty;
  const load = async (request, keep) => {
    const answer = await request;
    if (!answer.ok) throw new Error((await answer.text()) || answer.statusText);
    render(await answer.json(), keep);
    trouble = data.trouble;
    notice(trouble);
  };
  const fresh = () => load(fetch('/data', { cache: 'no-store' }), true).catch((error) => notice(error.message));
  const listenToServer = () => {
    const events = new EventSource('/events?seen=' + seen);
    events.addEventListener('change', (event) => { seen = event.lastEventId; if (!pasted) fresh(); });
    events.addEventListener('trouble', (event) => { seen = event.lastEventId; if (!pasted) notice(trouble = event.data); });
    events.addEventListener('error', () => {
      // Refused it does not ask again by itself.
      const refused = events.readyState === EventSource.CLOSED;
      notice(refused ? 'openclick cannot tell this page of changes now, such as where many pages wait for them. It asks again.' : 'openclick has ended, or cannot be reached.');
      if (refused) setTimeout(listenToServer, 2000);
    });
    events.addEventListener('open', () => notice(trouble));
  };
  listenToServer();
  const paste = (open) => { $('paste').hidden = !open; if (open) $('pasted').focus(); layout(); };
  $('paste-open').hidden = false;
  $('paste-open').addEventListener('click', () => paste($('paste').hidden));
  $('paste-close').addEventListener('click', () => { paste(false); $('paste-open').focus(); });
  $('paste-back').addEventListener('click', () => { pasted = false; $('paste-back').hidden = true; paste(false); fresh(); });
  $('paste').addEventListener('submit', (event) => {
    event.preventDefault();
    load(fetch('/paste', { method: 'POST', body: $('pasted').value, headers: { 'Content-Type': 'text/plain;charset=utf-8' } }), false)
      .then(() => { pasted = true; $('paste-back').hidden = !hasFile; paste(false); })
      .catch((error) => notice(error.message));
  });
  if (data.empty) paste(true);
}
})();
