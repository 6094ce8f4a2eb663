"""The peers that are written in Python; commands as in src/main.rs."""

import base64
import json
import re
import sys
import time
import zlib
from urllib.parse import quote

import jwt
import pytracking
from bs4 import BeautifulSoup
from cryptography.fernet import Fernet
from lxml import etree, html as lxml_html
from pytracking.html import adapt_html

PIXEL = {"src": "https://t.example.com/o", "alt": "", "width": "1", "height": "1", "border": "0"}
PIXEL_TEXT = '<img src="https://t.example.com/o" alt="" width="1" height="1" border="0">'
OPT_OUT = "data-msys-clicktrack"


def constant(_target):
    return "https://t.example.com/r?u="


def redirect(target):
    return "https://t.example.com/r?u=" + quote(target, safe="")


def is_http(value):
    return value[:8].lower().startswith(("http://", "https://"))


CONFIGURATION = pytracking.Configuration(
    base_open_tracking_url="https://t.example.com/o/", base_click_tracking_url="https://t.example.com/c/"
)


def run_pytracking(html, _url):
    # Its tokens are its own: Base64 of JSON, unsigned.
    metadata = {"m": "0190c2f4-7c1e-7d3a-9b52-6a1f0c8d4e21", "r": "reader@example.org"}
    return adapt_html(html, extra_metadata=metadata, configuration=CONFIGURATION)


def run_beautiful_soup(html, url):
    soup = BeautifulSoup(html, "lxml")
    for link in soup.find_all(["a", "area"], href=True):
        if link.get(OPT_OUT) == "0":
            del link[OPT_OUT]
            continue
        target = link["href"].strip()
        if is_http(target):
            link["href"] = url(target)
    if soup.body:
        soup.body.append(soup.new_tag("img", attrs=PIXEL))
    return soup.decode()


PARSER = lxml_html.HTMLParser(encoding="utf-8")


def run_lxml(html, url):
    tree = lxml_html.document_fromstring(html.encode(), parser=PARSER)
    for link in tree.iter("a", "area"):
        if link.get(OPT_OUT) == "0":
            del link.attrib[OPT_OUT]
            continue
        target = (link.get("href") or "").strip()
        if is_http(target):
            link.set("href", url(target))
    body = tree.find("body")
    if body is not None:
        etree.SubElement(body, "img", PIXEL)
    return etree.tostring(tree.getroottree(), method="html", encoding="utf-8").decode()


LINK = re.compile(r"""(<a(?:rea)?\s(?:[^>]*?\s)?href\s*=\s*)(["'])(https?://.*?)\2([^>]*>)""", re.I | re.S)


def run_regex(html, url):
    def change(found):
        if 'data-msys-clicktrack="0"' in found[0]:
            return found[0].replace(' data-msys-clicktrack="0"', "")
        return f'{found[1]}"{url(found[3].replace("&amp;", "&"))}"{found[4]}'

    html = LINK.sub(change, html)
    at = html.rfind("</body>")
    at = len(html) if at < 0 else at
    return html[:at] + PIXEL_TEXT + html[at:]


PEERS = {
    "pytracking (Python)": run_pytracking,
    "BeautifulSoup, lxml (Python)": run_beautiful_soup,
    "lxml (Python)": run_lxml,
    "regex (Python)": run_regex,
}

SAMPLE = []
KEY = bytes([7] * 32)
FERNET = Fernet(base64.urlsafe_b64encode(KEY))


def compact(claims):
    return json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode()


SCHEMES = {
    "zlib+JSON (Python)": lambda claims: base64.urlsafe_b64encode(zlib.compress(compact(claims))).rstrip(b"="),
    "JWT HS256 (PyJWT)": lambda claims: jwt.encode(claims, KEY, algorithm="HS256"),
    "Fernet (cryptography)": lambda claims: FERNET.encrypt(compact(claims)),
}


def mean_time(milliseconds, call):
    budget = int(milliseconds) * 1_000_000
    count, start = 0, time.process_time_ns()
    while count < 3 or time.process_time_ns() - start < budget:
        call()
        count += 1
    return (time.process_time_ns() - start) / count


FILES = {}


def text(path):
    if path not in FILES:
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            FILES[path] = file.read()
    return FILES[path]


def answer(command, *words):
    if command == "peers":
        return "\t".join(PEERS)
    if command == "schemes":
        return "\t".join(SCHEMES)
    if command == "time":
        peer, path, milliseconds = words
        run, html = PEERS[peer], text(path)
        return str(mean_time(milliseconds, lambda: run(html, constant)))
    if command == "output":
        peer, path, out = words
        with open(out, "w", encoding="utf-8", newline="") as file:
            file.write(PEERS[peer](text(path), redirect))
        return "ok"
    if command == "load":
        with open(words[0], encoding="utf-8") as file:
            SAMPLE[:] = [json.loads(line) for line in file]
        return "ok"
    if command == "token":
        make = SCHEMES[words[0]]
        length = sum(len("https://t.example.com/") + len(make(claims)) for claims in SAMPLE)
        spent = mean_time(words[1], lambda: [make(claims) for claims in SAMPLE])
        return f"{spent / len(SAMPLE)}\t{length / len(SAMPLE)}"
    raise ValueError(command)


for line in sys.stdin:
    print(answer(*line.rstrip("\n").split("\t")), flush=True)
