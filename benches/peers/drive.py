"""Asks the workers in turn and prints the tables. Arguments: the folder for outputs, then --test or nothing,
then the workers' commands, each one argument with its words tab-separated; the first is ours."""

import json
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures/html"
CORPUS = ROOT.parent / "shared/corpus/html"
NAMES = ["transactional-5k", "saas-digest-25k", "newsletter-100k", "news-digest-400k"]
MAIN = "newsletter-100k"
OURS = "openclick"
# Its output is byte for byte that of `openclick`, which the project's tests check, or made for the times alone.
NOT_JUDGED = {"openclick, constant URL", "openclick, template"}


class Worker:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *words):
        self.process.stdin.write("\t".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line.endswith("\n"):
            sys.exit(f"a worker ended at {words}")
        return line.rstrip("\n")


def documents():
    """The corpus where it is present, and the project's own newsletters."""
    found = sorted(CORPUS.rglob("*.html")) if CORPUS.is_dir() else []
    return found + sorted(FIXTURES.glob("*.html"))


def measure(rounds, calls):
    """Every call once in each round, in an order that moves on; the first round warms up."""
    times = {key: [] for key in calls}
    keys = list(calls)
    for number in range(rounds + 1):
        start = number % len(keys)
        for key in keys[start:] + keys[:start]:
            result = calls[key](400 if number == 0 and rounds > 1 else 40)
            if number:
                times[key].append(result)
    return times


def spread(values):
    """Half the middle half, in percent of the median."""
    if len(values) < 4:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4)
    return 50 * (high - low) / statistics.median(values)


def row(cells):
    print("| " + " | ".join(cells) + " |")


def laws(worker, judge, peer, folder):
    total = {}
    files = documents()
    for file in files:
        out = folder / "output.html"
        worker.ask("output", peer, file, out)
        for key, value in json.loads(judge.ask("judge", file, out)).items():
            total[key] = total.get(key, 0) + value
    return total, len(files)


def said(total, count):
    names = [
        ("bytes", f"other bytes in {{}} of {count} documents"),
        ("doctype", "the doctype of {}, and with it the layout mode"),
        ("dom", "the DOM of {}"),
        ("missed", f"{{}} of {total['tracked']} links missed"),
        ("outlook", "{} links in Outlook comments missed"),
        ("destinations", "{} destinations"),
        ("opt_outs", "{} opt-outs ignored"),
        ("pixel", "no pixel in {}"),
    ]
    return "; ".join(text.format(total[key]) for key, text in names if total[key]) or "none"


def html_tables(workers, folder, rounds):
    judge = workers[0]
    peers = {peer: worker for worker in workers for peer in worker.ask("peers").split("\t")}
    files = {name: FIXTURES / f"{name}.html" for name in NAMES}
    calls = {
        (peer, name): lambda budget, worker=worker, peer=peer, name=name: float(
            worker.ask("time", peer, files[name], budget)
        )
        for name in NAMES
        for peer, worker in peers.items()
    }
    times = measure(rounds, calls)
    middle = {key: statistics.median(values) for key, values in times.items()}
    size = files[MAIN].stat().st_size
    order = sorted(peers, key=lambda peer: middle[peer, MAIN])
    row(["peer", "MB/s", "documents/s", "time, ours = 1", "±", "at 5, 25, 400 KB", "breaks"])
    row(["---", "---:", "---:", "---:", "---:", "---:", "---"])
    for peer in order:
        time = middle[peer, MAIN]
        ratio = lambda name: middle[peer, name] / middle[OURS, name]
        others = ", ".join(f"{ratio(name):.2g}" if ratio(name) < 10 else f"{ratio(name):.0f}" for name in NAMES if name != MAIN)
        broken = "" if peer in NOT_JUDGED else said(*laws(peers[peer], judge, peer, folder))
        row([
            peer, f"{size * 1e3 / time:.1f}", f"{1e9 / time:.0f}",
            f"{ratio(MAIN):.2f}" if ratio(MAIN) < 10 else f"{ratio(MAIN):.0f}",
            f"{spread(times[peer, MAIN]):.0f} %", others, broken,
        ])


def token_table(workers, folder, rounds):
    sample = folder / "sample.jsonl"
    workers[0].ask("sample", sample)
    schemes = {}
    for worker in workers:
        found = [scheme for scheme in worker.ask("schemes").split("\t") if scheme]
        if found and worker is not workers[0]:
            worker.ask("load", sample)
        schemes.update(dict.fromkeys(found, worker))
    lengths = {}

    def ask(scheme, budget):
        time, length = map(float, schemes[scheme].ask("token", scheme, budget).split("\t"))
        lengths[scheme] = length
        return time / 1e3

    times = measure(rounds, {scheme: lambda budget, scheme=scheme: ask(scheme, budget) for scheme in schemes})
    row(["token", "URL, mean", "µs", "±", "time, ours = 1"])
    row(["---", "---:", "---:", "---:", "---:"])
    ours = statistics.median(times[OURS])
    for scheme in sorted(schemes, key=lambda scheme: statistics.median(times[scheme])):
        time = statistics.median(times[scheme])
        row([scheme, f"{lengths[scheme]:.0f}", f"{time:.2f}", f"{spread(times[scheme]):.0f} %", f"{time / ours:.1f}"])


def main():
    folder = pathlib.Path(sys.argv[1])
    commands = [word.split("\t") for word in sys.argv[2:] if word != "--test"]
    rounds = 1 if "--test" in sys.argv else 15
    workers = [Worker(command) for command in commands]
    html_tables(workers, folder, rounds)
    print()
    token_table(workers, folder, rounds)


main()
