#!/usr/bin/env python3
"""Checks the HTML pages of `rere extract`, `rere evaluate` and rere_eval::page in headless Chromium.

usage: pages.py RERE EXAMPLE FOLDER [SHOTS]

RERE is the command, EXAMPLE the example `page` of rere-eval, FOLDER an empty folder for what is made here, and SHOTS a
folder for screenshots. Needs chromedriver and the small corpus of the repository; nothing outside the standard library.
"""

import base64
import collections
import json
import pathlib
import random
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Texts that a page must survive, by id, with their gold triples. Other sentences do not have these relations, so all of
# these are kept.
HOSTILE = {
    "script": ("<script>alert(1)</script> was born in </script><!-- <img src=x onerror=alert(2)>.",
               [("<script>alert(1)</script>", "odd_born_in", "<img src=x onerror=alert(2)>")]),
    "arabic": ("وُلدت آدا لوفليس في لندن سنة 1815، وعملت مع Charles Babbage.", [("آدا لوفليس", "odd_born_in", "لندن")]),
    "hebrew": ("עדה לאבלייס נולדה בלונדון.", [("עדה לאבלייס", "odd_born_in", "לונדון")]),
    "chinese": ("林建国出生于北京，曾任北京大学校长。", [("林建国", "odd_born_in", "北京"), ("林建国", "odd_works_for", "北京大学")]),
    "emoji": ("👩‍🚀 Zoë was born in 𝒜thens.", [("Zoë", "odd_born_in", "𝒜thens")]),
    "nested": ("The University of New York at Albany is in New York at the Hudson.",
               [("University of New York at Albany", "odd_located_in", "New York"),
                ("New York at Albany", "odd_located_in", "York"), ("York at the Hudson", "odd_located_in", "Hudson")]),
    "absent": ("She was born there.", [("Ada Lovelace", "odd_born_in", "there")]),
    "long": (" ".join(["Ada Lovelace worked on the engine in London for many years."] * 120),
             [("Ada Lovelace", "odd_works_for", "engine")]),
    "word": ("x" * 3000, [("x", "odd", "x")]),
}


class Browser:
    """A session of chromedriver, over its HTTP protocol."""

    def __init__(self, downloads):
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True)
        ports = (re.search(r"successfully on port (\d+)", line) for line in self.driver.stdout)
        port = next(filter(None, ports))[1]
        self.base = f"http://127.0.0.1:{port}/session"
        arguments = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"]
        options = {
            "goog:chromeOptions": {"args": arguments, "prefs": {"download.default_directory": str(downloads)}},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        self.base += "/" + self.call("", {"capabilities": {"alwaysMatch": options}})["sessionId"]
        self.cdp("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))

    def call(self, path, body=None, method="POST"):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{path}: {error.read().decode()[:2000]}") from None

    def cdp(self, command, **parameters):
        return self.call("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def run(self, script, *arguments):
        """Runs the body of a function in the page, after the next frame, and returns its value."""
        script = (
            "const [done, ...rest] = [arguments[arguments.length - 1], ...Array.from(arguments).slice(0, -1)];"
            f"const body = (...args) => {{ {script} }};"
            "const run = () => {"
            "  try { done({ value: body(...rest) }); } catch (error) { done({ error: String(error.stack) }); }"
            "};"
            "requestAnimationFrame(() => setTimeout(run));"
        )
        result = self.call("/execute/async", {"script": script, "args": list(arguments)})
        if "error" in result:
            raise RuntimeError(result["error"])
        return result.get("value")

    def texts(self, selector):
        return self.run("return [...document.querySelectorAll(args[0])].map((e) => e.textContent);", selector)

    def count(self, selector):
        return self.run("return document.querySelectorAll(args[0]).length;", selector)

    def click(self, selector, index=0):
        self.run("document.querySelectorAll(args[0])[args[1]].click();", selector, index)

    def open(self, path, width=1280, height=900, scheme="light", mobile=False):
        self.log("browser"), self.log("performance")
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("/url", {"url": path.as_uri()})

    def log(self, kind):
        return self.call("/se/log", {"type": kind})

    def keys(self, text):
        actions = [{"type": action, "value": key} for key in text for action in ("keyDown", "keyUp")]
        self.call("/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def screenshot(self, path):
        path.write_bytes(base64.b64decode(self.call("/screenshot", method="GET")))

    def close(self):
        try:
            self.call("", method="DELETE")
        finally:
            self.driver.terminate()
            self.driver.wait()


def check(is_right, message):
    if not is_right:
        raise AssertionError(message)


def equal(found, expected, what):
    check(found == expected, f"{what}: expected {expected!r}, found {found!r}")


# The controls of a page, by their labels.
SELECT = """
const [label, text] = args;
const fields = [...document.querySelectorAll('section:not([hidden]) .field')];
const field = fields.find((field) => field.textContent.startsWith(label));
const input = field.querySelector('select, input');
if (input.tagName === 'SELECT') {
  input.value = [...input.options].find((option) => option.textContent.startsWith(text)).value;
  input.dispatchEvent(new Event('change'));
} else {
  input.value = text;
  input.dispatchEvent(new Event('input'));
}
"""
SUMMARY = "return document.querySelector('section:not([hidden]) .summary').innerText.replace(/\\s+/g, ' ');"
COUNTS = """
const count = (kind) => document.querySelector(`.toggle.${kind} .count`).textContent;
return Object.fromEntries(['right', 'missing', 'wrong'].map((kind) => [kind, count(kind)]));
"""
OVERFLOW = """
const isWide = (e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('svg');
const wide = [...document.querySelectorAll('body *')].filter(isWide).slice(0, 3);
const { scrollWidth } = document.documentElement;
return [scrollWidth, innerWidth, wide.map((e) => `${e.className}: ${e.textContent.slice(0, 80)}`)];
"""
CARD = """
const hasLabel = (card) => card.querySelector('.label')?.textContent === args[0];
const card = [...document.querySelectorAll('.sentence')].find(hasLabel);
if (!card) return null;
card.scrollIntoView({ block: 'center' });
const text = card.querySelector('.text');
const texts = (element, selector) => [...element.querySelectorAll(selector)].map((e) => e.textContent);
return {
  text: text.textContent,
  mentions: texts(card, '.mention'),
  rows: [...card.querySelectorAll('.triple')].map((row) => texts(row, '.kind, .claim bdi')),
  notes: texts(card, '.note'),
  direction: getComputedStyle(text).direction,
};
"""


def quiet(browser, path):
    """Checks that a page has logged nothing, run no script of its texts and asked for nothing but itself."""
    equal([entry["message"] for entry in browser.log("browser")], [], f"{path.name}: console")
    asked = []
    for entry in browser.log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            asked.append(message["params"]["request"]["url"])
    strange = [url for url in asked if url != path.as_uri() and not url.startswith(("data:", "blob:"))]
    equal(strange, [], f"{path.name}: requests")
    equal(browser.count("script"), 2, f"{path.name}: scripts")
    equal(browser.count("main img[src=x], main b, main script"), 0, f"{path.name}: elements of texts")


def fits(browser, path, shots):
    """Checks wide and narrow windows, in light and dark."""
    for scheme in ("light", "dark"):
        for width, height in ((1280, 900), (390, 844)):
            browser.open(path, width, height, scheme, mobile=width < 500)
            scrolled, window, wide = browser.run(OVERFLOW)
            check(scrolled <= window == width, f"{path.name}, {width} px: {scrolled} px wide: {wide}")
            background = browser.run("return getComputedStyle(document.documentElement).backgroundColor")
            red = int(re.search(r"\d+", background)[0])
            check((red < 60) == (scheme == "dark"), f"{path.name}, {scheme}: background {background}")
            if shots:
                browser.screenshot(shots / f"{path.stem}-{scheme}-{width}.png")
    browser.click(".theme")
    equal(browser.run("return document.documentElement.dataset.theme"), "light", f"{path.name}: theme after the button")


def triple(text, subject, relation, obj, score=None):
    def mention(surface):
        start = text.find(surface)
        return {"text": surface} if start < 0 else {"text": surface, "start": start, "end": start + len(surface)}

    value = {"subject": mention(subject), "relation": relation, "object": mention(obj)}
    return value if score is None else value | {"score": score}


def corpus(folder):
    """Writes gold sentences and predictions that are made of them, and returns the pairs."""
    draw = random.Random(1)
    pairs = []
    for id, (text, triples) in HOSTILE.items():
        gold = {"id": id, "text": text, "triples": [triple(text, *parts) for parts in triples]}
        predicted = dict(gold, triples=[value | {"score": 0.625} for value in gold["triples"]])
        pairs.append((gold, predicted))
    lines = (ROOT / "datasets/small/train.jsonl").read_text().splitlines()
    relations = sorted({value["relation"] for line in lines for value in json.loads(line)["triples"]})
    for line in lines:
        gold = json.loads(line)
        predicted = []
        for value in gold["triples"]:
            chance = draw.random()
            if chance < 0.8:
                predicted.append(value | {"score": round(draw.uniform(0.3, 1), 4)})
            if chance > 0.7:
                predicted.append(value | {"relation": draw.choice(relations), "score": round(draw.random() ** 1.5, 4)})
        pairs.append((gold, dict(gold, triples=predicted)))
    for name, side in (("gold", 0), ("predicted", 1)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(pair[side]) + "\n" for pair in pairs))
    return pairs


def counted(pairs, least, relation=None):
    """Counts right, missing and wrong triples at a least score, by the definition of --match exact."""
    counts = collections.Counter()
    for gold, predicted in pairs:
        def keys(sentence):
            for value in sentence["triples"]:
                if value.get("score", 1) >= least and relation in (None, value["relation"]):
                    yield value["subject"]["text"], value["relation"], value["object"]["text"]

        gold, predicted = set(keys(gold)), set(keys(predicted))
        counts.update(right=len(gold & predicted), missing=len(gold - predicted), wrong=len(predicted - gold))
    return {kind: f"{counts[kind]:,}" for kind in ("right", "missing", "wrong")}


def evaluation(browser, rere, folder, shots):
    pairs = corpus(folder)
    path = folder / "evaluation.html"
    files = ["--gold", folder / "gold.jsonl", "--pred", folder / "predicted.jsonl"]
    command = [rere, "evaluate", *files, "--html", path, "--plot", folder / "plots", "--json"]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    score = json.loads(printed.stdout)["scores"][0]

    times = []
    for _ in range(3):
        browser.open(path)
        times.append(browser.run("""
            const { navigationStart, domInteractive, loadEventEnd } = performance.timing;
            return [domInteractive - navigationStart, loadEventEnd - navigationStart];
        """))
    print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB; to interactive and to loaded, in ms: {times}")
    check(min(loaded for _, loaded in times) < 1000, f"{path.name}: loaded in {times} ms")
    quiet(browser, path)
    expected = f"Shown: 2,000 of 2,000 sentences, which were kept of {len(pairs):,}."
    equal(browser.texts(".matching"), [expected], "sentences")

    # Counts of all sentences, whatever the page has kept.
    summary = browser.run(SUMMARY)
    for name, key in (("Precision", "precision"), ("Recall", "recall"), ("F1", "f1")):
        check(f"{name} {100 * score[key]:.1f} %" in summary, f"{name} of {score}: {summary}")
    for least in (0, 0.5, 0.73, 1):
        browser.run(SELECT, "Score", str(round(100 * least)))
        equal(browser.run(COUNTS), counted(pairs, least), f"counts at {least}")
        shown = [float(score) for score in browser.texts(".triple:not(.missing) .score")]
        check(all(score >= least for score in shown), f"scores at {least}: {min(shown, default=None)}")
    browser.run(SELECT, "Score", "60")
    browser.run(SELECT, "Relation", "works_for")
    equal(browser.run(COUNTS), counted(pairs, 0.6, "works_for"), "counts of works_for at 0.6")
    equal(set(browser.texts(".triple .relation")), {"works_for"}, "shown relations")
    browser.click(".toggle.right input")
    browser.click(".toggle.missing input")
    equal(set(browser.texts(".triple .kind")), {"wrong"}, "shown kinds")
    equal(browser.run(COUNTS), counted(pairs, 0.6, "works_for"), "counts with some kinds hidden")

    # Texts of all kinds, which are found by their ids.
    browser.open(path)
    for id, (text, triples) in HOSTILE.items():
        browser.run(SELECT, "Text", text[:40] if id != "long" else "engine in London for many years")
        card = browser.run(CARD, id)
        check(card, f"{id}: no such sentence")
        equal(card["text"], text, id)
        equal(sorted(row[1:] for row in card["rows"]), sorted(list(parts) for parts in triples), f"{id}: triples")
        equal([row[0] for row in card["rows"]], ["right"] * len(triples), f"{id}: kinds")
        surfaces = {surface for subject, _, obj in triples for surface in (subject, obj) if surface in text}
        marked = "".join(card["mentions"])
        check(all(surface in marked for surface in surfaces), f"{id}: mentions {card['mentions']}")
        equal(card["direction"], "rtl" if id in ("arabic", "hebrew") else "ltr", f"{id}: direction")
        equal(card["notes"], ["not in the text as it is written"] if id == "absent" else [], f"{id}: notes")
        if shots:
            browser.screenshot(shots / f"text-{id}.png")
    browser.run(SELECT, "Text", "New York at Albany")
    # Overlapping and nested mentions are cut where one begins or ends.
    parts = ["University of ", "New ", "York", " at Albany", "York at the ", "Hudson"]
    equal(browser.run(CARD, "nested")["mentions"], parts, "nested mentions")
    # A row shows its triple in the text, also by keyboard.
    browser.run("document.querySelector('.triple').focus()")
    equal((browser.count(".arrow"), browser.count(".is-subject") > 0), (1, True), "arrow")
    if shots:
        browser.screenshot(shots / "arrow.png")

    # The list grows as it is scrolled.
    browser.open(path)
    before = browser.count(".sentence")
    browser.run("document.querySelector('.more').scrollIntoView()")
    time.sleep(0.3)
    check(browser.count(".sentence") > before, "the list does not grow")
    pdf = base64.b64decode(browser.call("/print", {"background": True}))
    check(pdf.startswith(b"%PDF"), "the page cannot be printed")
    if shots:
        (shots / "evaluation.pdf").write_bytes(pdf)
    browser.click(".figures summary")
    browser.run("scrollTo(0, 0);")
    time.sleep(0.3)
    equal(browser.run("return [...document.images].map((image) => image.naturalWidth > 0);"), [True, True], "figures")
    if shots:
        browser.screenshot(shots / "figures.png")
    quiet(browser, path)
    fits(browser, path, shots)


SETTINGS = """
[data]
train = "train.jsonl"
dev = "train.jsonl"
[encoder.random]
model_type = "bilstm"
embedding_size = 32
direction_size = 32
layers = 1
[rere.relation]
epochs = 30
batch = 1
learning_rate = 1e-2
[rere.entity]
epochs = 30
batch = 1
learning_rate = 1e-2
"""


def extraction(browser, rere, folder, shots):
    training = [{"id": id, "text": text, "triples": [triple(text, *parts) for parts in triples]}
                for id, (text, triples) in HOSTILE.items() if id not in ("absent", "long", "word")]
    (folder / "train.jsonl").write_text("".join(json.dumps(sentence) + "\n" for sentence in training))
    (folder / "rere.toml").write_text(SETTINGS)
    model = folder / "model"
    command = [rere, "train", "--config", folder / "rere.toml", "--out", model]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    path = folder / "extraction.html"
    output = folder / "triples.jsonl"
    command = [rere, "extract", "--model", model, folder / "train.jsonl", "-o", output, "--html", path]
    subprocess.run(command, check=True)
    found = [json.loads(line) for line in output.read_text().splitlines()]
    total = sum(len(sentence["triples"]) for sentence in found)
    check(total > 0, "the model finds nothing to show")
    browser.open(path)
    quiet(browser, path)
    equal(browser.run(SUMMARY), f"Triples {total} in all {len(found)} sentences", "summary")
    for sentence in found:
        card = browser.run(CARD, sentence["id"])
        equal(card["text"], sentence["text"], "text")
        rows = [[value["subject"]["text"], value["relation"], value["object"]["text"]] for value in sentence["triples"]]
        equal(sorted(card["rows"]), sorted(rows), f"triples of {sentence['id']}")
    least = sorted(value["score"] for sentence in found for value in sentence["triples"])[total // 2]
    browser.run(SELECT, "Score", str(int(100 * least)))
    kept = sum(value["score"] >= int(100 * least) / 100 for sentence in found for value in sentence["triples"])
    equal(browser.run(SUMMARY), f"Triples {kept} in all {len(found)} sentences", "summary at a score")
    fits(browser, path, shots)


def facts(browser, example, folder, shots):
    path = folder / "facts.html"
    subprocess.run([example, path], check=True)
    browser.open(path)
    quiet(browser, path)
    equal(browser.count(".fact"), 12, "facts")
    for label, text, count in (("Status", "known", 3), ("Relation", "educated_at", 2), ("Text", "stockholm", 1)):
        browser.run(SELECT, label, text)
        equal(browser.count(".fact"), count, f"facts with {label} {text}")
        browser.run(SELECT, label, "" if label == "Text" else "All")
    browser.run(SELECT, "Score", "90")
    scores = [float(score) for score in browser.texts(".heading .score")]
    check(0 < len(scores) < 12 and min(scores) >= 0.9, f"scores of at least 0.9: {scores}")
    browser.run(SELECT, "Score", "0")

    # Judged by keys, then by buttons; the same verdict again takes it back.
    def judged(start):
        found = browser.texts(".progress")[0].replace("\u00a0", " ")
        check(found.startswith(start), f"progress: expected {start!r}, found {found!r}")

    browser.click(".mode")
    browser.keys("rrwru")
    # The interval of 3 of 4 by Wilson's score.
    interval = "Precision 75.0 % (95 % interval 30.1 to 95.4 %), 3 of 4 right; 1 unsure."
    judged(f"5 of 12 shown facts judged. {interval}")
    browser.click(".verdict.unsure", 4)
    judged("4 of 12")
    browser.run("document.querySelector('.field.search input').focus()")
    browser.keys("r")
    browser.run(SELECT, "Text", "")
    judged("4 of 12")
    if shots:
        browser.screenshot(shots / "judging-light-1280.png")
    parts = browser.texts(".heading .claim bdi")
    claims = ["\t".join(parts[3 * fact:3 * fact + 3]) for fact in range(4)]
    browser.click(".primary")
    saved = folder / "downloads" / "judgements.tsv"
    for _ in range(50):
        if saved.exists():
            break
        time.sleep(0.1)
    lines = saved.read_text().splitlines()
    equal(lines[0], "subject\trelation\tobject\tverdict", "first line")
    expected = [f"{claim}\t{verdict}" for claim, verdict in zip(claims, ["right", "right", "wrong", "right"])]
    equal(sorted(lines[1:]), sorted(expected), "judgements")

    # A reload loses nothing, or the page says that it will; a saved file restores the judgements.
    hint = browser.run("return document.querySelector('.judging > .hint:last-child').hidden")
    browser.call("/refresh", {})
    browser.click(".mode")
    judged("4 of 12" if hint else "0 of 12")
    browser.run("localStorage.clear()")
    browser.call("/refresh", {})
    browser.click(".mode")
    judged("0 of 12")
    element = browser.call("/element", {"using": "css selector", "value": "input[type=file]"})
    browser.call(f"/element/{next(iter(element.values()))}/value", {"text": str(saved)})
    time.sleep(0.3)
    judged("4 judgements loaded. 4 of 12")
    if shots:
        for scheme in ("light", "dark"):
            browser.open(path, 390, 844, scheme, mobile=True)
            browser.click(".mode")
            browser.screenshot(shots / f"judging-{scheme}-390.png")
    browser.run("localStorage.clear()")

    browser.open(path)
    browser.click(".tabs button", 1)
    equal((browser.count(".facts[hidden]"), browser.count(".sentence")), (1, 18), "the tab of sentences")
    quiet(browser, path)
    fits(browser, path, shots)


def main():
    rere, example, folder = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
    shots = pathlib.Path(sys.argv[4]).resolve() if len(sys.argv) > 4 else None
    downloads = folder / "downloads"
    for made in (folder, downloads, *([shots] if shots else [])):
        made.mkdir(parents=True, exist_ok=True)
    browser = Browser(downloads)
    try:
        evaluation(browser, rere, folder, shots)
        extraction(browser, rere, folder, shots)
        facts(browser, example, folder, shots)
        print("all pages passed")
    finally:
        browser.close()


if __name__ == "__main__":
    main()
