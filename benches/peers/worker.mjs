// The peers that are written in JavaScript; commands as in src/main.rs.

import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { load } from "cheerio";
import { decodeHTMLAttribute } from "entities";
import { DomUtils, Parser, parseDocument } from "htmlparser2";
import { RewritingStream } from "parse5-html-rewriting-stream";

const PIXEL = '<img src="https://t.example.com/o" alt="" width="1" height="1" border="0">';
const OPT_OUT = "data-msys-clicktrack";
const HTTP = /^https?:\/\//i;

const constant = () => "https://t.example.com/r?u=";
const redirect = (target) => `https://t.example.com/r?u=${encodeURIComponent(target)}`;

function parse5(html, url) {
    return new Promise((resolve, reject) => {
        const stream = new RewritingStream();
        let out = "";
        stream.on("startTag", (tag, raw) => {
            if (tag.tagName !== "a" && tag.tagName !== "area") return stream.emitRaw(raw);
            const find = (name) => tag.attrs.find((attribute) => attribute.name === name);
            const href = find("href");
            if (find(OPT_OUT)?.value === "0") {
                tag.attrs = tag.attrs.filter((attribute) => attribute.name !== OPT_OUT);
            } else if (href && HTTP.test(href.value.trim())) {
                href.value = url(href.value.trim());
            } else {
                return stream.emitRaw(raw);
            }
            stream.emitStartTag(tag);
        });
        let pixel = PIXEL;
        stream.on("endTag", (tag, raw) => {
            if (tag.tagName === "body") {
                stream.emitRaw(pixel);
                pixel = "";
            }
            stream.emitRaw(raw);
        });
        stream.on("data", (text) => (out += text));
        stream.on("end", () => resolve(out + pixel));
        stream.on("error", reject);
        stream.end(html);
    });
}

function cheerio(html, url) {
    const $ = load(html);
    for (const link of $("a[href], area[href]")) {
        const target = link.attribs.href.trim();
        if (link.attribs[OPT_OUT] === "0") delete link.attribs[OPT_OUT];
        else if (HTTP.test(target)) link.attribs.href = url(target);
    }
    $("body").append(PIXEL);
    return $.html();
}

const pixelNodes = () => parseDocument(PIXEL).children;

// References are left as they are, so that text comes out as it went in.
function htmlparser2Dom(html, url) {
    const dom = parseDocument(html, { decodeEntities: false });
    const isLink = ({ name }) => name === "a" || name === "area";
    for (const { attribs } of DomUtils.findAll((element) => isLink(element) && "href" in element.attribs, dom.children)) {
        const target = decodeHTMLAttribute(attribs.href.trim());
        if (attribs[OPT_OUT] === "0") delete attribs[OPT_OUT];
        else if (HTTP.test(target)) attribs.href = url(target);
    }
    const body = DomUtils.findOne((element) => element.name === "body", dom.children);
    if (body) DomUtils.appendChild(body, pixelNodes()[0]);
    return DomUtils.getOuterHTML(dom.children, { decodeEntities: false });
}

// The tokenizer alone, and the changes put into the source at the places that it tells.
function htmlparser2Splice(html, url) {
    let out = "";
    let from = 0;
    let pixel = PIXEL;
    const splice = (start, end, text) => {
        out += html.slice(from, start) + text;
        from = end;
    };
    const parser = new Parser({
        onopentag(name, attributes) {
            if ((name !== "a" && name !== "area") || attributes.href === undefined) return;
            const [start, end] = [parser.startIndex, parser.endIndex + 1];
            const tag = html.slice(start, end);
            if (attributes[OPT_OUT] === "0") {
                splice(start, end, tag.replace(/\sdata-msys-clicktrack\s*=\s*(?:"0"|'0'|0)/i, ""));
            } else if (HTTP.test(attributes.href.trim())) {
                const value = `"${url(attributes.href.trim())}"`;
                splice(start, end, tag.replace(/(\shref\s*=\s*)(?:"[^"]*"|'[^']*'|[^\s>]*)/i, (_, name) => name + value));
            }
        },
        onclosetag(name, implied) {
            if (name !== "body" || implied) return;
            splice(parser.startIndex, parser.startIndex, pixel);
            pixel = "";
        },
    });
    parser.end(html);
    return out + html.slice(from) + pixel;
}

const LINK = /(<a(?:rea)?\s(?:[^>]*?\s)?href\s*=\s*)(["'])(https?:\/\/.*?)\2([^>]*>)/gis;

function regex(html, url) {
    html = html.replace(LINK, (tag, before, _quote, target, after) =>
        tag.includes('data-msys-clicktrack="0"')
            ? tag.replace(' data-msys-clicktrack="0"', "")
            : `${before}"${url(target.replaceAll("&amp;", "&"))}"${after}`,
    );
    const last = html.lastIndexOf("</body>");
    const at = last < 0 ? html.length : last;
    return html.slice(0, at) + PIXEL + html.slice(at);
}

const PEERS = {
    "parse5-html-rewriting-stream (JS)": parse5,
    "cheerio (JS)": cheerio,
    "htmlparser2, DOM (JS)": htmlparser2Dom,
    "htmlparser2, splicing (JS)": htmlparser2Splice,
    "regex (JS)": regex,
};

const files = new Map();
function text(path) {
    if (!files.has(path)) files.set(path, readFileSync(path, "utf8"));
    return files.get(path);
}

async function answer(command, ...words) {
    if (command === "peers") return Object.keys(PEERS).join("\t");
    if (command === "schemes") return "";
    const run = PEERS[words[0]];
    const html = text(words[1]);
    if (command === "output") {
        writeFileSync(words[2], await run(html, redirect));
        return "ok";
    }
    if (command !== "time") throw new Error(command);
    const budget = Number(words[2]) * 1e6;
    const start = process.cpuUsage(); // of the garbage collector's threads too
    const spent = () => {
        const { user, system } = process.cpuUsage(start);
        return (user + system) * 1000;
    };
    let count = 0;
    while (count < 3 || spent() < budget) {
        // A synchronous peer does not pay for a promise.
        const result = run(html, constant);
        if (result instanceof Promise) await result;
        count += 1;
    }
    return String(spent() / count);
}

for await (const line of createInterface({ input: process.stdin })) {
    console.log(await answer(...line.split("\t")));
}
