"""Sends mails through the Postfix that run.sh started, disturbs it, and counts and compares what arrives."""

import base64
import collections
import os
import quopri
import random
import re
import signal
import smtplib
import subprocess
import sys
import time
from pathlib import Path

WORK = Path(sys.argv[1])
OPENCLICK = str(WORK / "openclick")
SIGNATURE = b"DKIM-Signature: v=1; a=x\n"
FIRST = b"X-First: of the headers that were sent\n"
random.seed(4)


def html(number, size):
    links = "".join(
        f'<p>H\u00e9llo <a href="https://shop.example/{number}/{i}?a=1&amp;b=2">no. {i}</a>\n' for i in range(max(1, size // 80))
    )
    return f"<html><body>\n.\n..dots\nFrom the start\n{links}</body></html>\n".encode()


def mail(number, size=2000, recipients=1):
    """One of several kinds of mail, with LF."""
    to = [f"reader{number}.{i}@example.org" for i in range(recipients)]
    head = FIRST + (
        f"From: Shop <shop@example.com>\nTo: {', '.join(to)}\nMessage-ID: <m{number}@example.com>\nDate: Tue, 1 Sep 2026 10:00:00 +0000\n"
        f"Subject: =?utf-8?q?H=C3=A9llo_{number}?=\nMIME-Version: 1.0\n"
    ).encode()
    body = html(number, size)
    part = {
        0: lambda: (b"8bit", body),
        1: lambda: (b"quoted-printable", quopri.encodestring(body)),
        2: lambda: (b"base64", base64.encodebytes(body)),
    }
    encoding, encoded = part[number % 3]()
    leaf = b"Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: " + encoding + b"\n\n" + encoded
    kind = number // 3 % 4
    if kind == 0:
        whole = head + leaf
    elif kind == 1:
        whole = (
            head
            + b'Content-Type: multipart/mixed; boundary="b"\n\npreamble\n--b\nContent-Type: multipart/alternative; boundary=bb\n\n'
            + b"--bb\nContent-Type: text/plain\n\nhttps://shop.example/plain\n--bb\n"
            + leaf
            + b"\n--bb--\n--b\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n"
            + base64.encodebytes(random.randbytes(size))
            + b"--b--\nepilogue\n"
        )
    elif kind == 2:
        whole = head + b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" + body
    else:
        # Signed already: passes as it is.
        whole = b"".join(head.partition(b"\n")[:2]) + SIGNATURE + head.partition(b"\n")[2] + leaf
    return to, whole


def send(numbers, meanwhile=lambda: None, **kind):
    """Sends mails; what each must become. `meanwhile` runs once that is known and nothing is sent."""
    mails, sent = [], {}
    for number in numbers:
        to, whole = mail(number, recipients=3 if number % 10 == 7 else 1, **kind)
        # Bounces have no sender.
        mails.append(("" if number % 10 == 3 else "bounce+a=b@example.com", to, whole.replace(b"\n", b"\r\n")))
        expected = subprocess.run(
            [OPENCLICK, "rewrite", "--config", WORK / "openclick.toml"], input=whole, stdout=subprocess.PIPE, check=True
        ).stdout
        for recipient in to:
            sent[f"m{number}@example.com", recipient] = expected
    meanwhile()
    with smtplib.SMTP("127.0.0.1", 2525) as smtp:
        for sender, to, whole in mails:
            smtp.sendmail(sender, to, whole, ["BODY=8BITMIME"])
    return sent


def log():
    return (WORK / "log").read_text(errors="replace")


def wait_for_empty_queue():
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        queue = subprocess.run(["postqueue", "-j"], stdout=subprocess.PIPE, check=True).stdout
        if not queue.strip() and not any((WORK / "spool/maildrop").iterdir()):
            return
        time.sleep(0.3)
    sys.exit("the queue does not become empty")


def requeued():
    """How often each mail went back into the queue behind the filter."""
    picked = set(re.findall(r"postfix/pickup\[\d+\]: (\w+): uid=", log()))
    # A milter may have sent it back to the pickup.
    picked &= set(re.findall(r"postfix/qmgr\[\d+\]: (\w+): from=", log()))
    ids = re.findall(r"postfix/cleanup\[\d+\]: (\w+): message-id=<([^>]+)>", log())
    return collections.Counter(name for queue_id, name in ids if queue_id in picked)


def public_key(name, timeout=5):
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode((WORK / "dkim.der").read_bytes())


def check(sent, what):
    """All arrivals of the sent mails, each compared."""
    arrived, signed = collections.Counter(), 0
    for file in (WORK / "mail/new").iterdir():
        whole = file.read_bytes()
        if FIRST not in whole:
            sys.exit(f"{what}: an arrival without its headers, or a bounce:\n{whole[:2000].decode(errors='replace')}")
        trace, _, rest = whole.partition(FIRST)
        rest = FIRST + rest
        key = (
            re.search(rb"^Message-ID: <([^>]+)>", rest, re.M)[1].decode(),
            re.search(rb"^Delivered-To: (.*)$", trace, re.M)[1].decode(),
        )
        if key not in sent:
            continue
        if rest != sent[key]:
            sys.exit(f"{what}: {key} is not what was sent: {len(rest)} bytes, not {len(sent[key])}; see below\n{rest[-300:]!r}")
        arrived[key] += 1
        # OpenDKIM leaves mail with a signature that it cannot read.
        if (WORK / "dkim.der").exists() and SIGNATURE not in rest:
            import dkim

            # What the delivery put in front is not what was signed.
            start = whole.index(b"DKIM-Signature:")
            if not dkim.verify(whole[start:].replace(b"\n", b"\r\n"), dnsfunc=public_key):
                sys.exit(f"{what}: {key}: the signature behind the filter does not hold")
            signed += 1
    again = requeued()
    for key in sent:
        if arrived[key] == 0:
            sys.exit(f"{what}: {key} is lost")
        if arrived[key] != again[key[0]]:
            sys.exit(f"{what}: {key} arrived {arrived[key]} times, queued {again[key[0]]} times")
    for bad in ("status=bounced", "fatal:", "panic:"):
        if bad in log():
            sys.exit(f"{what}: the log has {bad}")
    twice = sum(1 for key in sent if arrived[key] > 1)
    print(f"{what}: {len(sent)} deliveries of {len({key[0] for key in sent})} mails, all equal; {twice} more than once; {signed} signatures hold")


def children(pid):
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []


def filters():
    """The processes of the filter that Postfix started."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0] == OPENCLICK.encode() and b"--exec" in words:
            yield int(process.name)


def kill_filters(most):
    """SIGKILL for the filter: at a random moment, or while the program that takes the mail runs."""
    seen, kills, deadline = set(), collections.Counter(), time.monotonic() + 120
    while sum(kills.values()) < most and time.monotonic() < deadline:
        for pid in filters():
            if pid in seen:
                continue
            seen.add(pid)
            if random.random() < 0.5:
                time.sleep(random.random() * 0.03)
            else:
                while Path(f"/proc/{pid}").exists() and not children(pid):
                    time.sleep(0.0005)
            stage = "while sendmail ran" if children(pid) else "before"
            try:
                os.kill(pid, signal.SIGKILL)
                kills[stage] += 1
            except ProcessLookupError:
                pass
            break
        time.sleep(0.001)
    return kills


def main():
    sent = send(range(200))
    wait_for_empty_queue()
    check(sent, "200 mails")

    sent = send(range(1000, 1050), size=1_000_000)
    kills = kill_filters(50)
    wait_for_empty_queue()
    died = len(re.findall(r"status=deferred \(Command died with (?:status|signal) 9", log()))
    print(f"killed: {dict(kills)}; Postfix saw {died} recipients' deliveries die")
    check(sent, "50 kills")
    if sum(kills.values()) < 50 or len(kills) < 2:
        sys.exit("too few kills")

    sent = send(range(2000, 2010), lambda: os.rename(WORK / "KEYS", WORK / "KEYS.away"))
    deadline = time.monotonic() + 60
    while log().count("key file") < len(sent) and time.monotonic() < deadline:
        time.sleep(0.2)
    waiting = re.findall(r"status=deferred \((temporary failure\. Command output: openclick: .*)\)", log())
    print(f"without the key file: {len(waiting)} deliveries put off: {waiting[0] if waiting else 'none'}")
    os.rename(WORK / "KEYS.away", WORK / "KEYS")
    wait_for_empty_queue()
    check(sent, "10 mails after it")
    if len(waiting) < len(sent):
        sys.exit("not all waited")


main()
