"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { relations, counts, sentences: allSentences, is_evaluated: isEvaluated, has_scores: hasScores } = data.totals;
  // The kind that tells most comes first.
  const KINDS = isEvaluated ? ["wrong", "missing", "right"] : [];
  const STEP = 25;
  const PRINTED = 200;
  const LONG = 2500;

  // Elements. Texts of the data become text nodes and nothing else, so markup in them has no effect.

  function el(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== false && value != null) element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child != null));
    return element;
  }

  function svg(tag, attributes) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  }

  const number = (value) => value.toLocaleString("en-US");
  const plural = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
  const decimals = (percent) => (percent / 100).toFixed(2);
  const share = (part, whole) => (whole ? `${((100 * part) / whole).toFixed(1)}\u00a0%` : "–");
  const tint = (score) => `${Math.round(6 + 24 * score)}%`;

  /** A score in the steps of the slider, rounded down, so that 0.999 is not 1. */
  function scoreLabel(score, percent) {
    const label = el("span", { class: "score", title: `score ${score}` }, decimals(percent));
    label.style.setProperty("--tint", tint(score));
    return label;
  }

  /** A triple as text: subject, relation on an arrow, object. */
  function claim(subject, relation, object) {
    return el(
      "span",
      { class: "claim" },
      el("bdi", { class: "subject" }, subject),
      el("span", { class: "relation" }, el("bdi", {}, relation)),
      el("bdi", { class: "object" }, object),
    );
  }

  // A text with its triples.

  const surface = (sentence, mention) =>
    typeof mention === "number" ? sentence.text.slice(...sentence.mentions[mention]) : mention;

  /** The triple at a least score, in percent: a right one below it is missing, any other one is not there. */
  function atScore(triple, least) {
    if (triple.percent >= least || triple.kind === "missing") return triple;
    return triple.kind === "right" ? { ...triple, kind: "missing" } : null;
  }

  const byKind = (a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || b.percent - a.percent;

  /** Returns the text with marked mentions; `links` are the parts of each mention. */
  function markedText(sentence, triples) {
    const used = new Map();
    for (const triple of [...triples].sort(byKind)) {
      for (const mention of [triple.subject, triple.object]) {
        if (typeof mention !== "number") continue;
        const score = triple.kind === "missing" ? 0 : (triple.score ?? 0.6);
        const mark = used.get(mention);
        if (mark) mark.score = Math.max(mark.score, score);
        else used.set(mention, { mention, kind: triple.kind, score, span: sentence.mentions[mention], parts: [] });
      }
    }
    // Shorter mentions are underlined nearer to the text, so that each line of nested ones can be seen.
    const marks = [...used.values()].sort((a, b) => a.span[1] - a.span[0] - (b.span[1] - b.span[0]));
    const overlap = (a, b) => a.span[0] < b.span[1] && b.span[0] < a.span[1];
    let lanes = 1;
    marks.forEach((mark, index) => {
      const below = marks.slice(0, index).filter((other) => overlap(mark, other));
      mark.lane = below.reduce((lane, other) => Math.max(lane, other.lane + 1), 0);
      lanes = Math.max(lanes, mark.lane + 1);
    });
    const text = el("p", { class: "text", dir: "auto" });
    text.style.setProperty("--lanes", Math.min(lanes, 5));
    const borders = [...new Set([0, sentence.text.length, ...marks.flatMap((mark) => mark.span)])].sort(
      (a, b) => a - b,
    );
    for (let i = 0; i + 1 < borders.length; i++) {
      const [start, end] = [borders[i], borders[i + 1]];
      const part = sentence.text.slice(start, end);
      const covering = marks.filter((mark) => mark.span[0] <= start && end <= mark.span[1]);
      if (!covering.length) {
        text.append(part);
        continue;
      }
      const element = el("span", { class: `mention ${covering[0].kind}` }, part);
      const line = (mark) => `var(--line-${mark.kind})`;
      const place = (mark) => `0 calc(100% - ${3 * (Math.min(lanes, 5) - 1 - Math.min(mark.lane, 4))}px)`;
      element.style.setProperty("--tint", tint(covering[0].score));
      element.style.backgroundImage = covering.map(line).join(", ");
      element.style.backgroundPosition = covering.map(place).join(", ");
      covering.forEach((mark) => mark.parts.push(element));
      text.append(element);
    }
    const links = new Map(marks.map((mark) => [mark.mention, mark.parts]));
    return { text, links };
  }

  /** The part of a mention on its first line. */
  function firstLine(parts) {
    const rects = parts.flatMap((part) => [...part.getClientRects()]);
    const line = rects.filter((rect) => Math.abs(rect.bottom - rects[0].bottom) < rect.height / 2);
    const [left, right] = [Math.min(...line.map((rect) => rect.left)), Math.max(...line.map((rect) => rect.right))];
    return { middle: (left + right) / 2, top: rects[0].top, bottom: rects[0].bottom };
  }

  /** Draws an arrow over the text, from a subject to an object, if both can be seen. */
  function arrow(text, from, to) {
    // White space at the end of a line has no place.
    if (![from, to].every((parts) => parts.some((part) => part.getClientRects().length))) return [];
    const frame = text.getBoundingClientRect();
    const [a, b] = [firstLine(from), firstLine(to)];
    const [x1, x2] = [a.middle - frame.left, b.middle - frame.left];
    let [y1, y2] = [a.top - frame.top, b.top - frame.top];
    let lift = Math.min(18, 9 + Math.abs(x1 - x2) / 16);
    let lift2 = lift;
    if (y2 - y1 > 8) [y1, lift, lift2] = [a.bottom - frame.top, -16, 16];
    else if (y1 - y2 > 8) [y2, lift, lift2] = [b.bottom - frame.top, 16, -16];
    const head = lift2 > 0 ? -6 : 6;
    const overlay = svg("svg", { class: "arrow", "aria-hidden": "true" });
    overlay.append(
      svg("path", { d: `M${x1} ${y1} C${x1} ${y1 - lift} ${x2} ${y2 - lift2} ${x2} ${y2}`, fill: "none" }),
      svg("path", { d: `M${x2} ${y2} l-4 ${head} h8 z`, class: "head" }),
      svg("circle", { cx: x1, cy: y1, r: 2.5, class: "head" }),
    );
    return [overlay];
  }

  /** Marks the mentions of the shown triples, and returns a function that hides them again. */
  function highlight(text, links, triples) {
    const overlays = [];
    const marked = [];
    const mark = (mention, role) => {
      for (const part of links.get(mention) ?? []) {
        part.classList.add(role);
        marked.push([part, role]);
      }
    };
    for (const { subject, object } of triples) {
      mark(subject, "is-subject");
      mark(object, "is-object");
      if (links.has(subject) && links.has(object) && subject !== object) {
        overlays.push(...arrow(text, links.get(subject), links.get(object)));
      }
    }
    text.append(...overlays);
    return () => {
      overlays.forEach((overlay) => overlay.remove());
      marked.forEach(([part, role]) => part.classList.remove(role));
    };
  }

  /** Folds a long text, with a button to unfold it. */
  function foldable(text, length) {
    if (length <= LONG) return { parts: [text], unfold() {} };
    const fold = (isFolded) => {
      text.classList.toggle("folded", isFolded);
      button.textContent = isFolded ? "Show the whole text" : "Show less";
      button.setAttribute("aria-expanded", String(!isFolded));
    };
    const button = el("button", {
      type: "button",
      class: "plain",
      onclick: () => fold(!text.classList.contains("folded")),
    });
    fold(true);
    return { parts: [text, button], unfold: () => fold(false) };
  }

  function row(sentence, triple) {
    const absent = [triple.subject, triple.object].some((mention) => typeof mention !== "number");
    return el(
      "button",
      { type: "button", class: `triple ${triple.kind}`, "aria-pressed": "false" },
      isEvaluated ? el("span", { class: "kind" }, triple.kind) : null,
      el(
        "span",
        { class: "words" },
        claim(surface(sentence, triple.subject), relations[triple.relation], surface(sentence, triple.object)),
        triple.gold
          ? el("span", { class: "note" }, "gold: ", el("bdi", {}, triple.gold[0]), ", ", el("bdi", {}, triple.gold[1]))
          : null,
        absent ? el("span", { class: "note" }, "not in the text as it is written") : null,
      ),
      triple.score == null ? null : scoreLabel(triple.score, triple.percent),
    );
  }

  function sentenceCard(sentence, triples) {
    const shown = [...triples].sort(byKind);
    const { text, links } = markedText(sentence, shown);
    const { parts: foldableText, unfold } = foldable(text, sentence.text.length);
    let pinned = null;
    let hide = () => {};
    const show = (chosen) => {
      hide();
      hide = highlight(text, links, chosen);
    };
    const rows = shown.map((triple) => {
      const button = row(sentence, triple);
      const pin = () => {
        const wasPinned = pinned === triple;
        pinned = wasPinned ? null : triple;
        rows.forEach((other) => other.setAttribute("aria-pressed", String(!wasPinned && other === button)));
        if (pinned) unfold();
        show(pinned ? [pinned] : []);
      };
      const leave = () => show(pinned ? [pinned] : []);
      button.addEventListener("click", pin);
      for (const event of ["pointerenter", "focus"]) button.addEventListener(event, () => show([triple]));
      for (const event of ["pointerleave", "blur"]) button.addEventListener(event, leave);
      return button;
    });
    for (const [mention, parts] of links) {
      const touching = shown.filter((triple) => triple.subject === mention || triple.object === mention);
      const touched = rows.filter((_, index) => touching.includes(shown[index]));
      for (const part of parts) {
        part.addEventListener("pointerenter", () => {
          show(touching);
          touched.forEach((button) => button.classList.add("touched"));
        });
        part.addEventListener("pointerleave", () => {
          show(pinned ? [pinned] : []);
          touched.forEach((button) => button.classList.remove("touched"));
        });
      }
    }
    const place = el("p", { class: "place" }, `Sentence ${number(sentence.number)}`);
    if (sentence.label != null) place.append(el("bdi", { class: "label" }, sentence.label));
    return el(
      "li",
      { class: "card sentence" },
      place,
      ...foldableText,
      rows.length
        ? el("ul", { class: "triples" }, ...rows.map((button) => el("li", {}, button)))
        : el("p", { class: "none" }, "No triples."),
    );
  }

  // Controls.

  function select(label, options, onchange) {
    const input = el("select", { onchange: () => onchange(input.value) });
    const fill = (entries) => input.replaceChildren(...entries.map(([value, text]) => el("option", { value }, text)));
    fill(options);
    return { input, root: el("label", { class: "field" }, el("span", {}, label), input) };
  }

  function slider(label, onchange) {
    const value = el("output", {}, "0.00");
    const input = el("input", { type: "range", min: 0, max: 100, value: 0, step: 1 });
    input.addEventListener("input", () => {
      value.textContent = decimals(Number(input.value));
      onchange(Number(input.value));
    });
    return el("label", { class: "field slider" }, el("span", {}, label, " ", value), input);
  }

  function search(label, onchange) {
    const input = el("input", {
      type: "search",
      dir: "auto",
      spellcheck: "false",
      oninput: () => onchange(input.value.trim().toLowerCase()),
    });
    return el("label", { class: "field search" }, el("span", {}, label), input);
  }

  /** Returns a function that says whether words are in the texts of an item, which are lowered once. */
  function finder(texts) {
    const lowered = new Map();
    return (item, words) => {
      if (words && !lowered.has(item)) lowered.set(item, texts(item).join("\n").toLowerCase());
      return !words || lowered.get(item).includes(words);
    };
  }

  /** Calls `update` once before the next frame, however often it is asked to. */
  function soon(update) {
    let waiting = false;
    return () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        update();
      });
    };
  }

  /** A list that grows as the reader scrolls, so that many items open at once. */
  function growingList(card) {
    const list = el("ol", { class: "cards" });
    const more = el("button", { type: "button", class: "more", onclick: () => grow(STEP) });
    let items = [];
    let shown = 0;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) grow(STEP);
      },
      { rootMargin: "600px" },
    );
    function grow(count) {
      observer.disconnect();
      list.append(...items.slice(shown, shown + count).map(card));
      shown = Math.min(items.length, shown + count);
      more.hidden = shown === items.length;
      more.textContent = `Show more: ${number(items.length - shown)} left`;
      // Observed anew, so that a list that is still too short grows again.
      if (!more.hidden) observer.observe(more);
    }
    addEventListener("beforeprint", () => {
      if (list.offsetParent && shown < PRINTED) grow(PRINTED - shown);
    });
    return {
      root: el("div", {}, list, more),
      list,
      show(next) {
        [items, shown] = [next, 0];
        list.replaceChildren();
        grow(STEP);
      },
      /** Returns the element of an item. */
      element(index) {
        if (index >= shown) grow(index + 1 - shown);
        return list.children[index];
      },
    };
  }

  // Sentences.

  function sentenceSection() {
    const kept = data.sentences;
    const state = { relation: -1, kinds: new Set(KINDS), least: 0, words: "", order: "telling" };
    const inOrder = [...kept].sort((a, b) => a.number - b.number);
    const summary = el("div", { class: "summary", role: "status" });
    const matching = el("p", { class: "matching", role: "status" });
    const list = growingList(([sentence, triples]) => sentenceCard(sentence, triples));
    const outside = ({ subject, object }) => [subject, object].filter((mention) => typeof mention === "string");
    const has = finder(({ text, label, triples }) => [text, label ?? "", ...triples.flatMap(outside)]);
    const isFiltered = () => state.relation >= 0 || state.kinds.size < KINDS.length;
    const shownTriples = (sentence) =>
      sentence.triples
        .filter((triple) => state.relation < 0 || triple.relation === state.relation)
        .map((triple) => atScore(triple, state.least))
        .filter((triple) => triple && (!isEvaluated || triple.kind === "predicted" || state.kinds.has(triple.kind)));

    const kindCounts = Object.fromEntries(KINDS.map((kind) => [kind, el("span", { class: "count" })]));
    const update = () => {
      const sum = { wrong: 0, missing: 0, right: 0, predicted: 0 };
      for (const [relation, percent, kind, count] of counts) {
        if (state.relation >= 0 && relation !== state.relation) continue;
        const at = atScore({ kind, percent }, state.least);
        if (at) sum[at.kind] += count;
      }
      const where = `in all ${plural(allSentences, "sentence")}`;
      if (isEvaluated) {
        const [predicted, gold] = [sum.right + sum.wrong, sum.right + sum.missing];
        const measure = (name, part, whole) =>
          el("div", { class: "measure" }, el("dt", {}, name), el("dd", {}, share(part, whole)));
        summary.replaceChildren(
          el(
            "dl",
            {},
            measure("Precision", sum.right, predicted),
            measure("Recall", sum.right, gold),
            measure("F1", 2 * sum.right, predicted + gold),
          ),
          el("p", {}, `${number(predicted)} predicted, ${number(gold)} gold, ${where}`),
        );
        for (const kind of KINDS) kindCounts[kind].textContent = number(sum[kind]);
      } else {
        summary.replaceChildren(
          el("dl", {}, el("div", { class: "measure" }, el("dt", {}, "Triples"), el("dd", {}, number(sum.predicted)))),
          el("p", {}, where),
        );
      }
      const matches = [];
      for (const sentence of state.order === "telling" ? kept : inOrder) {
        if (!has(sentence, state.words)) continue;
        const triples = shownTriples(sentence);
        if (triples.length || (!sentence.triples.length && !isFiltered())) matches.push([sentence, triples]);
      }
      const all = kept.length < allSentences ? `, which were kept of ${number(allSentences)}` : "";
      matching.textContent = `Shown: ${number(matches.length)} of ${plural(kept.length, "sentence")}${all}.`;
      list.show(matches);
    };
    const change = soon(update);
    const set = (name) => (value) => {
      state[name] = value;
      change();
    };

    const byRelation = new Map();
    for (const [relation, , , count] of counts) byRelation.set(relation, (byRelation.get(relation) ?? 0) + count);
    const sorted = [...byRelation].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    const relation = select(
      "Relation",
      [[-1, "All relations"], ...sorted.map(([index, count]) => [index, `${relations[index]} (${number(count)})`])],
      (value) => set("relation")(Number(value)),
    );
    const order = select(
      "Order",
      [
        ["telling", isEvaluated ? "Errors first" : "Relations in turn"],
        ["input", "As in the input"],
      ],
      set("order"),
    );
    const kinds = el(
      "fieldset",
      { class: "kinds" },
      el("legend", {}, "Triples"),
      ...[...KINDS].reverse().map((kind) => {
        const toggle = () => {
          if (input.checked) state.kinds.add(kind);
          else state.kinds.delete(kind);
          change();
        };
        const input = el("input", { type: "checkbox", checked: true, onchange: toggle });
        return el("label", { class: `toggle ${kind}` }, input, el("span", { class: "kind" }, kind), kindCounts[kind]);
      }),
    );
    const controls = el(
      "div",
      { class: "controls" },
      isEvaluated ? kinds : null,
      relation.root,
      hasScores ? slider("Score at least", set("least")) : null,
      search("Text", set("words")),
      order.root,
    );
    update();
    return el(
      "section",
      { class: "sentences", "aria-label": "Sentences" },
      el("div", { class: "panel" }, summary, controls),
      matching,
      list.root,
    );
  }

  // Facts.

  const VERDICTS = { r: "right", w: "wrong", u: "unsure" };

  /** The 95 % interval of a share by Wilson's score. */
  function wilson(part, whole) {
    const z = 1.959964;
    const [p, d] = [part / whole, 1 + (z * z) / whole];
    const middle = (p + (z * z) / (2 * whole)) / d;
    const half = (z / d) * Math.sqrt((p * (1 - p)) / whole + (z * z) / (4 * whole * whole));
    return [Math.max(0, middle - half), Math.min(1, middle + half)];
  }

  /** Verdicts by fact. They are stored in the browser if it permits it, which a page on the disk may not be granted. */
  function judgementStore() {
    const field = (value) => value.replace(/[\t\r\n]+/g, " ");
    const key = (fact) => [fact.subject, fact.relation, fact.object].map(field).join("\t");
    const keys = data.facts.map(key);
    const known = new Set(keys);
    let digest = 0;
    for (const c of keys.join("\n")) digest = (Math.imul(digest, 31) + c.codePointAt(0)) | 0;
    const name = `rere judgements ${digest} ${data.title}`;
    const verdicts = new Map();
    const load = (lines) => {
      let count = 0;
      for (const line of lines) {
        const [subject, relation, object, verdict] = line.split("\t");
        const fact = [subject, relation, object].join("\t");
        if (!known.has(fact) || !Object.values(VERDICTS).includes(verdict)) continue;
        verdicts.set(fact, verdict);
        count += 1;
      }
      return count;
    };
    const rows = () => keys.filter((fact) => verdicts.has(fact)).map((fact) => `${fact}\t${verdicts.get(fact)}`);
    const table = () => ["subject\trelation\tobject\tverdict", ...rows()].join("\n") + "\n";
    let isKept = true;
    try {
      load((localStorage.getItem(name) ?? "").split("\n"));
    } catch {
      isKept = false;
    }
    const keep = () => {
      try {
        localStorage.setItem(name, table());
      } catch {
        isKept = false;
      }
    };
    return {
      of: (fact) => verdicts.get(key(fact)),
      set(fact, verdict) {
        if (verdict) verdicts.set(key(fact), verdict);
        else verdicts.delete(key(fact));
        keep();
      },
      load(text) {
        const count = load(text.split(/\r?\n/));
        keep();
        return count;
      },
      table,
      isKept: () => isKept,
    };
  }

  function evidence(item) {
    const { text, links } = markedText(item, item.triples);
    let hide = () => {};
    text.addEventListener("pointerenter", () => (hide = highlight(text, links, item.triples)));
    text.addEventListener("pointerleave", () => hide());
    const scored = item.triples.filter((triple) => triple.score != null).sort((a, b) => b.score - a.score);
    const source = el("p", { class: "source" }, item.label == null ? "" : el("bdi", {}, item.label));
    if (scored.length) source.append(scoreLabel(scored[0].score, scored[0].percent));
    return el(
      "div",
      { class: "evidence" },
      ...foldable(text, item.text.length).parts,
      source.textContent ? source : null,
    );
  }

  function factSection() {
    const store = judgementStore();
    const state = { relation: "", status: "", least: 0, words: "", order: "score" };
    const byScore = [...data.facts].sort((a, b) => b.score - a.score);
    // The same random order each time: a draw by a fixed seed (mulberry32, then Fisher and Yates).
    const byLot = [...data.facts];
    let seed = 1;
    const random = () => {
      seed = (seed + 0x6d2b79f5) | 0;
      let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
    for (let i = byLot.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [byLot[i], byLot[j]] = [byLot[j], byLot[i]];
    }
    let matches = [];
    let judging = false;
    let current = -1;
    const buttons = new Map();

    const card = (fact) => {
      const meta = el("p", { class: "meta" });
      if (fact.status) meta.append(el("span", { class: "status" }, fact.status));
      const support = [];
      if (fact.sentences) support.push(plural(fact.sentences, "sentence"));
      if (fact.documents) support.push(plural(fact.documents, "document"));
      if (support.length) meta.append(el("span", {}, support.join(", ")));
      const verdictButtons = Object.entries(VERDICTS).map(([key, verdict]) =>
        el(
          "button",
          {
            type: "button",
            class: `verdict ${verdict}`,
            "data-verdict": verdict,
            onclick: () => judge(matches.indexOf(fact), verdict),
          },
          verdict,
          el("kbd", {}, key),
        ),
      );
      buttons.set(fact, verdictButtons);
      const [first, ...others] = fact.evidence;
      const element = el(
        "li",
        { class: "card fact", tabindex: "-1", onfocusin: () => point(matches.indexOf(fact)) },
        el(
          "div",
          { class: "heading" },
          claim(fact.subject, fact.relation, fact.object),
          scoreLabel(fact.score, fact.percent),
        ),
        meta,
        fact.conflict == null ? null : el("p", { class: "conflict" }, fact.conflict),
        first ? evidence(first) : null,
        others.length
          ? el("details", {}, el("summary", {}, plural(others.length, "more sentence")), ...others.map(evidence))
          : null,
        el("div", { class: "verdicts", role: "group", "aria-label": "Verdict" }, ...verdictButtons),
      );
      showVerdict(fact);
      return element;
    };
    const list = growingList(card);

    function showVerdict(fact) {
      for (const button of buttons.get(fact) ?? []) {
        button.setAttribute("aria-pressed", String(button.dataset.verdict === store.of(fact)));
      }
    }

    /** Makes a fact the one that keys judge. */
    function point(index) {
      if (index < 0 || index >= matches.length || index === current) return;
      list.list.querySelector(".current")?.classList.remove("current");
      current = index;
      list.element(index).classList.add("current");
    }

    function go(index) {
      if (index < 0 || index >= matches.length) return;
      point(index);
      const element = list.element(index);
      element.focus({ preventScroll: true });
      element.scrollIntoView({ block: "center" });
    }

    function judge(index, verdict) {
      const fact = matches[index];
      if (!fact) return;
      // The same verdict again takes it back.
      const isTakenBack = store.of(fact) === verdict;
      store.set(fact, isTakenBack ? null : verdict);
      showVerdict(fact);
      report();
      if (isTakenBack) return;
      const next = matches.findIndex((other, position) => position > index && !store.of(other));
      if (next >= 0) go(next);
    }

    const progress = el("p", { class: "progress", role: "status" });
    const bar = el("progress", { max: 1, value: 0, "aria-label": "Judged facts" });
    function report(note) {
      const of = (verdict) => matches.filter((fact) => store.of(fact) === verdict).length;
      const [right, wrong, unsure] = [of("right"), of("wrong"), of("unsure")];
      const sure = right + wrong;
      bar.max = matches.length || 1;
      bar.value = sure + unsure;
      let line = `${number(sure + unsure)} of ${plural(matches.length, "shown fact")} judged. `;
      if (sure) {
        const [low, high] = wilson(right, sure).map((bound) => (100 * bound).toFixed(1));
        line += `Precision ${share(right, sure)} (95 % interval ${low} to ${high} %), ${number(right)} of ${number(sure)} right`;
        line += unsure ? `; ${number(unsure)} unsure.` : ".";
      } else {
        line += "Precision: judge some facts first.";
      }
      progress.textContent = note ? `${note} ${line}` : line;
      kept.hidden = store.isKept();
    }

    const kept = el(
      "p",
      { class: "hint" },
      "This browser does not keep judgements of this page: save them before you close or reload it.",
    );
    const save = () => {
      const url = URL.createObjectURL(new Blob([store.table()], { type: "text/tab-separated-values" }));
      el("a", { href: url, download: "judgements.tsv" }).click();
      setTimeout(() => URL.revokeObjectURL(url), 10000);
    };
    const file = el("input", { type: "file", accept: ".tsv,text/tab-separated-values", hidden: true });
    file.addEventListener("change", async () => {
      const chosen = file.files[0];
      if (!chosen) return;
      const count = store.load(await chosen.text());
      file.value = "";
      matches.forEach(showVerdict);
      report(`${plural(count, "judgement")} loaded.`);
    });
    const panel = el(
      "div",
      { class: "judging", hidden: true },
      el("div", { class: "state" }, bar, progress),
      el(
        "div",
        { class: "actions" },
        el("button", { type: "button", class: "primary", onclick: save }, "Save judgements"),
        el("button", { type: "button", onclick: () => file.click() }, "Load judgements"),
        file,
      ),
      el(
        "p",
        { class: "hint" },
        el("kbd", {}, "r"),
        " right, ",
        el("kbd", {}, "w"),
        " wrong, ",
        el("kbd", {}, "u"),
        " unsure, ",
        el("kbd", {}, "j"),
        " next, ",
        el("kbd", {}, "k"),
        " previous. The precision is an estimate for all facts only if you judge them in random order.",
      ),
      kept,
    );
    const mode = el("button", { type: "button", class: "mode", "aria-pressed": "false" }, "Judge facts");
    mode.addEventListener("click", () => {
      judging = !judging;
      mode.setAttribute("aria-pressed", String(judging));
      section.classList.toggle("is-judging", judging);
      panel.hidden = !judging;
      report();
      if (judging)
        go(
          Math.max(
            0,
            matches.findIndex((fact) => !store.of(fact)),
          ),
        );
    });
    document.addEventListener("keydown", (event) => {
      const isTyping = event.target.closest?.("input, select, textarea");
      if (!judging || section.hidden || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      const verdict = VERDICTS[event.key.toLowerCase()];
      if (verdict) judge(current, verdict);
      else if (event.key === "j") go(current + 1);
      else if (event.key === "k") go(current - 1);
      else return;
      event.preventDefault();
    });

    const summary = el("div", { class: "summary", role: "status" });
    const has = finder(({ subject, relation, object, evidence }) => [
      subject,
      relation,
      object,
      ...evidence.map(({ text }) => text),
    ]);
    const update = () => {
      const isShown = (fact) =>
        fact.percent >= state.least &&
        (!state.relation || fact.relation === state.relation) &&
        (!state.status || fact.status === state.status) &&
        has(fact, state.words);
      matches = (state.order === "score" ? byScore : byLot).filter(isShown);
      current = -1;
      buttons.clear();
      summary.replaceChildren(
        el("dl", {}, el("div", { class: "measure" }, el("dt", {}, "Facts"), el("dd", {}, number(matches.length)))),
        el("p", {}, `of ${number(data.facts.length)} match the filters`),
      );
      list.show(matches);
      report();
      if (judging)
        point(
          Math.max(
            0,
            matches.findIndex((fact) => !store.of(fact)),
          ),
        );
    };
    const change = soon(update);
    const set = (name) => (value) => {
      state[name] = value;
      change();
    };
    const options = (field, all) => {
      const tally = new Map();
      for (const fact of data.facts) tally.set(fact[field], (tally.get(fact[field]) ?? 0) + 1);
      const entries = [...tally].filter(([value]) => value).sort((a, b) => b[1] - a[1]);
      return [["", all], ...entries.map(([value, count]) => [value, `${value} (${number(count)})`])];
    };
    const statuses = options("status", "All");
    const controls = el(
      "div",
      { class: "controls" },
      select("Relation", options("relation", "All relations"), set("relation")).root,
      statuses.length > 1 ? select("Status", statuses, set("status")).root : null,
      slider("Score at least", set("least")),
      search("Text", set("words")),
      select(
        "Order",
        [
          ["score", "By score"],
          ["random", "Random"],
        ],
        set("order"),
      ).root,
      mode,
    );
    const section = el(
      "section",
      { class: "facts", "aria-label": "Facts" },
      el("div", { class: "panel" }, summary, controls, panel),
      list.root,
    );
    update();
    return section;
  }

  // The page.

  const root = document.documentElement;
  const theme = el("button", { type: "button", class: "plain theme" });
  const preferred = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ?? (preferred.matches ? "dark" : "light")) === "dark";
  const nameTheme = () => (theme.textContent = isDark() ? "Light" : "Dark");
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    nameTheme();
  });
  preferred.addEventListener("change", nameTheme);
  nameTheme();

  document.title = data.title;
  const main = el("main", {});
  const header = el("header", {}, el("h1", { dir: "auto" }, data.title), theme);
  main.append(header);
  for (const warning of data.warnings) main.append(el("p", { class: "warning", dir: "auto" }, warning));
  if (data.details.length) {
    main.append(
      el(
        "dl",
        { class: "details" },
        ...data.details.map(([label, value]) => el("div", {}, el("dt", {}, label), el("dd", {}, el("bdi", {}, value)))),
      ),
    );
  }
  if (data.figures.length) {
    const source = (text) => `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
    const figure = ({ svg, caption }) =>
      el("figure", {}, el("img", { src: source(svg), alt: caption }), el("figcaption", {}, caption));
    main.append(
      el(
        "details",
        { class: "figures" },
        el("summary", {}, plural(data.figures.length, "figure")),
        el("div", {}, ...data.figures.map(figure)),
      ),
    );
  }
  const sections = [];
  if (data.facts.length) sections.push([`Facts (${number(data.facts.length)})`, factSection()]);
  if (data.sentences.length) sections.push([`Sentences (${number(data.sentences.length)})`, sentenceSection()]);
  if (sections.length > 1) {
    const tabs = sections.map(([name], index) => el("button", { type: "button", onclick: () => open(index) }, name));
    const open = (index) => {
      sections.forEach(([, section], other) => {
        section.hidden = other !== index;
        tabs[other].setAttribute("aria-pressed", String(other === index));
      });
    };
    open(0);
    main.append(el("nav", { class: "tabs", "aria-label": "Parts of the page" }, ...tabs));
  }
  main.append(...sections.map(([, section]) => section));
  if (!sections.length) main.append(el("p", { class: "none" }, "There are no sentences."));
  document.body.append(main);
})();
