"use strict";
// Rows of the table of clips: what a column shows of a clip, which clips are asked for, and in which order.
tavce.order = new Intl.Collator("en", { numeric: true });
tavce.minus = (text) => text.replace("-", "−");

tavce.heading = ({ heading, unit, better }) => `${heading}${unit ? ` (${unit})` : ""} ${{ higher: "↑", lower: "↓", none: "" }[better]}`.trim();

tavce.make = (name, properties, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
};

tavce.fill = (select, choices) => {
  select.replaceChildren(...choices.map(([value, textContent]) => tavce.make("option", { value, textContent })));
};

// One dataset: its clips, and the runs that were loaded so far.
tavce.Dataset = class {
  constructor(name, facts, clips) {
    this.name = name;
    this.facts = facts;
    this.clips = clips;
    this.runs = new Map();
    this.label = new Map(facts.runs.map((run) => [run.name, run.label]));
    this.speakers = clips.speaker.map((which) => clips.speakers[which]);
    this.searched = clips.ids.map((id, k) => `${id}\n${this.speakers[k]}`.toLowerCase());
    this.ranks = new Map();
  }

  get places() { return this.clips.ids.map((_, k) => k); }

  async load(runs) {
    const found = await Promise.all(runs.map((run) => tavce.load(`clips/${this.name}/${run}`)));
    runs.forEach((run, k) => this.runs.set(run, found[k]));
  }

  // The place of every clip's text in alphabetical order: numbers sort faster than texts.
  rank(name) {
    if (!this.ranks.has(name)) {
      const texts = name === "clip" ? this.clips.ids : name === "speaker" ? this.speakers : this.sources();
      const sorted = [...new Set(texts)].sort(tavce.order.compare);
      const place = new Map(sorted.map((text, k) => [text, k]));
      this.ranks.set(name, texts.map((text) => place.get(text)));
    }
    return this.ranks.get(name);
  }

  sources() { return this.clips.source.map((which) => this.clips.sources[which]); }

  // A column of numbers: a run's of a metric, or by how much they are above the baseline's.
  numbers(run, metric, differing) {
    const values = this.runs.get(run).values[metric.name];
    if (!differing || run === this.facts.baseline) return values;
    const base = this.runs.get(this.facts.baseline).values[metric.name];
    return values.map((value, k) => (value === null || base[k] === null ? null : value - base[k]));
  }

  // Why a run has no number of a metric for a clip; undefined where nothing is known.
  why(run, metric, clip) {
    const { dropped, why, reasons } = this.runs.get(run);
    if (clip in dropped) return reasons[dropped[clip]];
    const known = why[metric.name];
    return reasons[typeof known === "number" ? known : known[clip]];
  }

  // What is missing of a clip in these columns, in words; equal reasons together.
  missing(columns, clip) {
    const found = new Map();
    for (const column of columns) {
      if (column.values[clip] !== null) continue;
      const base = this.facts.baseline;
      const own = this.runs.get(column.run).values[column.metric.name][clip] === null;
      const reason = this.why(own ? column.run : base, column.metric, clip) ?? "no reason is known";
      const words = own ? reason : `${this.label.get(base)}: ${reason}`;
      found.set(words, [...(found.get(words) ?? []), column.heading]);
    }
    const all = (names) => names.length === columns.length && names.length > 1;
    return [...found].map(([words, names]) => (all(names) ? words : `${names.join(", ")}: ${words}`)).join("; ");
  }
};

// The clips that are asked for: by words, and those that one of the runs has dropped.
tavce.chosen = (dataset, { words, dropped, runs }) => {
  const parts = words.toLowerCase().split(/\s+/).filter(Boolean);
  const lost = dropped && runs.map((run) => dataset.runs.get(run).dropped);
  return dataset.places.filter((clip) => parts.every((part) => dataset.searched[clip].includes(part))
    && (!lost || lost.some((found) => clip in found)));
};

// The clips in the order of a column; clips without a number come last, whichever way.
tavce.sorted = (clips, values, descending) => {
  const sign = descending ? -1 : 1;
  const known = clips.filter((clip) => values[clip] !== null);
  known.sort((one, two) => sign * (values[one] - values[two]) || one - two);
  return [...known, ...clips.filter((clip) => values[clip] === null)];
};

// A cell's number, and whether a difference is for the better.
tavce.cell = (column, clip, differing) => {
  const value = column.values[clip];
  if (value === null) return { text: "-", kind: "" };
  const text = tavce.minus(value.toFixed(column.metric.digits));
  if (!differing || column.base) return { text, kind: "" };
  const good = column.metric.better === "higher" ? value > 0 : value < 0;
  const kind = column.metric.better === "none" || Number(value.toFixed(column.metric.digits)) === 0 ? "" : good ? "better" : "worse";
  return { text: (value > 0 ? "+" : "") + text, kind };
};
