// What is measured inside a page of `openclick preview --html`. These functions run in the browser.

/** The number of its marks, and those that do not lead where the page's table says. */
export function marks() {
  const data = JSON.parse(document.getElementById('data').textContent);
  const clean = (href) => href.replace(/[\t\r\n]/g, '').replace(/^[\0-\x20]+|[\0-\x20]+$/g, '');
  const plain = (text) => text.replaceAll('&amp;', '&').trim();
  const wrong = [];
  let count = 0;
  const shown = Math.max(0, data.documents.findIndex((one) => one.html));
  ['before', 'after'].forEach((id, side) => {
    const inner = document.getElementById(id).contentDocument;
    const found = new Map();
    for (const element of Document.prototype.querySelectorAll.call(inner, `[${data.mark}]`)) found.set(Number(element.getAttribute(data.mark).slice(1)), element);
    data.links.forEach(([tracked, index, owner, kind, place, at, length, text, name, target, url], row) => {
      if (owner !== shown || place === 'outlook' || place === 'text') return;
      // In SVG one element can be two links.
      const twin = row > 0 && data.links[row - 1][2] === owner && place === 'svg' && !found.has(row) ? found.get(row - 1) : null;
      const element = found.get(row) ?? twin;
      if (!element) return wrong.push(`${id}: link ${index} is not in the frame`);
      count += 1;
      const source = data.documents[owner];
      const edit = source.edits.find((edit) => edit[0] === at);
      const should = side && tracked ? url ?? plain(edit[2]) : target ?? plain(source.text.slice(at, at + length));
      const hrefs = [element.getAttribute('href'), element.getAttribute('xlink:href')].filter((href) => href != null).map(clean);
      const harmful = /^(javascript|vbscript|data|blob|file|filesystem|about):/i.test(clean(should));
      if (!hrefs.includes(clean(harmful ? '#' : should)) && kind !== 'bad-charset') wrong.push(`${id}: link ${index} leads to ${hrefs}, not ${should}`);
    });
  });
  return { count, wrong };
}

/** The visible boxes of the mail's own elements that differ before and after. */
export function moved() {
  const pixel = /^data:image\/gif;base64,R0lGODlhAQABAAAA/;
  const around = 'display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;font-size:0;line-height:0';
  const isOurs = (element) => element.localName === 'img' && pixel.test(element.getAttribute('src') || '') ||
    element.localName === 'div' && element.getAttribute('style') === around && element.children.length === 1 && isOurs(element.children[0]);
  const isInline = (element) => element.ownerDocument.defaultView.getComputedStyle(element).display === 'inline';
  const boxes = (id) => {
    const inner = document.getElementById(id).contentDocument;
    const view = document.getElementById(id).contentWindow;
    view.scrollTo(0, 0);
    const growing = new Set();
    const list = [];
    for (const element of Document.prototype.querySelectorAll.call(inner, '*')) {
      if (isOurs(element)) {
        for (let above = element.parentElement; above; above = above.parentElement) growing.add(above);
        continue;
      }
      const at = element.getBoundingClientRect();
      list.push({ name: element.localName, element, box: [at.x, at.y, at.width, at.height].map((n) => Math.round(n * 100) / 100) });
    }
    return { list, growing };
  };
  const before = boxes('before'), after = boxes('after');
  if (before.list.length !== after.list.length) return [`${before.list.length} elements before, ${after.list.length} after`];
  const differing = [];
  before.list.forEach(({ name, box }, at) => {
    const other = after.list[at];
    const isVisible = box[2] * box[3] > 0 || other.box[2] * other.box[3] > 0;
    if (!isVisible) return;
    // What holds the pixel may grow by it at its end (and by a margin that no longer collapses), but begins where it did.
    const mayGrow = after.growing.has(other.element);
    const same = box.every((n, side) => Math.abs(n - other.box[side]) < 0.02 || mayGrow && (side === 3 && other.box[3] > n || side === 2 && isInline(other.element)));
    if (!same || name !== other.name) differing.push(`${name} ${box} -> ${other.name} ${other.box}`);
  });
  return differing;
}

/** What a mail's script would have left behind. */
export function ran() {
  const windows = [window, ...[...document.querySelectorAll('iframe')].map((frame) => frame.contentWindow)];
  return windows.filter((one) => one.ran !== undefined).length;
}

/** Where in the window each thing of a frame is that can be clicked. */
export function targets(id) {
  const frame = document.getElementById(id);
  const outer = frame.getBoundingClientRect();
  const scale = outer.width / frame.offsetWidth;
  const found = Document.prototype.querySelectorAll.call(frame.contentDocument, 'a,button,input,area,summary,label,select');
  return [...found].slice(0, 20).flatMap((element) => {
    const at = Element.prototype.getBoundingClientRect.call(element);
    const [x, y] = [at.x + Math.min(at.width / 2, 20), at.y + Math.min(at.height / 2, 8)];
    const isSeen = at.width > 0 && at.height > 0 && x > 0 && y > 0 && y * scale < outer.height;
    return isSeen ? [[outer.x + x * scale, outer.y + y * scale]] : [];
  });
}
