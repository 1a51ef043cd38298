"use strict";
// The table of every clip: filters, columns, sorting, pages; and the panel of a clip whose videos are not in the report.
tavce.ClipTable = class {
  static PAGE = 50; // rows

  constructor(index) {
    this.index = index;
    this.form = document.getElementById("clip-filters");
    this.fields = this.form.elements;
    this.table = document.getElementById("clip-table");
    this.datasets = new Map();
    this.unticked = new Set();
    this.order = { key: null, descending: false };
    this.page = 0;
    tavce.fill(this.fields.dataset, Object.keys(index.datasets).map((name) => [name, name]));
    this.fillFields();
    this.form.hidden = false;
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("input", (event) => this.changed(event.target));
    for (const button of document.querySelectorAll("#clip-pages button")) button.addEventListener("click", () => this.turn(button.dataset.to));
  }

  get facts() { return this.index.datasets[this.fields.dataset.value]; }

  get byRun() { return this.fields.view.value === "run"; }

  get differing() { return this.fields.difference.checked && this.facts.baseline !== null; }

  // Puts a dataset's runs and metrics into the fields.
  fillFields() {
    const { runs, metrics, baseline } = this.facts;
    tavce.fill(this.fields.run, runs.map((run) => [run.name, run.label]));
    tavce.fill(this.fields.metric, metrics.filter(({ empty }) => !empty).map((metric) => [metric.name, tavce.heading(metric)]));
    if (baseline !== null) this.fields.run.value = baseline;
    this.fields.difference.disabled = baseline === null;
    this.form.querySelector(".baseline").textContent = runs.find((run) => run.name === baseline)?.label ?? "a baseline: none here";
    this.fillTicks();
  }

  fillTicks() {
    for (const part of this.form.querySelectorAll("[data-view]")) part.hidden = part.dataset.view !== this.fields.view.value;
    const { runs, metrics } = this.facts;
    const numbered = metrics.filter(({ empty }) => !empty);
    const names = this.byRun ? numbered.map((metric) => [metric.name, tavce.heading(metric)]) : runs.map((run) => [run.name, run.label]);
    this.form.querySelector(".ticks").replaceChildren(...names.map(([name, label]) => {
      const tick = tavce.make("input", { type: "checkbox", value: name, checked: !this.unticked.has(name) });
      return tavce.make("label", { className: "tick" }, tick, label);
    }));
    const empty = metrics.filter((metric) => metric.empty).map((metric) => metric.heading);
    this.form.querySelector(".lacks").textContent = empty.length ? `No method has numbers of ${empty.join(", ")}.` : "";
  }

  changed(field) {
    if (field.name === "dataset") this.fillFields();
    if (field.name === "view") this.fillTicks();
    if (field.closest(".ticks")) this.unticked[field.checked ? "delete" : "add"](field.value);
    this.show({ page: 0 });
  }

  turn(to) {
    this.page = { first: 0, previous: this.page - 1, next: this.page + 1, last: this.pages - 1 }[to];
    this.render();
    const shown = document.querySelector(`#clip-pages [data-to="${to}"]`);
    if (shown.disabled) document.querySelector("#clip-pages button:enabled")?.focus();
  }

  sortBy(key) {
    this.order = { key, descending: this.order.key === key && !this.order.descending };
    this.page = 0;
    this.arrange();
  }

  async dataset() {
    const name = this.fields.dataset.value;
    if (!this.datasets.has(name)) {
      const clips = await tavce.load(`clips/${name}`);
      this.datasets.set(name, new tavce.Dataset(name, this.index.datasets[name], clips));
    }
    return this.datasets.get(name);
  }

  // Loads what the fields ask for, and shows it.
  async show({ page }) {
    const asked = (this.asked = {}); // of two at once, the later one shows
    const ticked = [...this.form.querySelectorAll(".ticks input:checked")].map(({ value }) => value);
    const runs = this.byRun ? [this.fields.run.value] : ticked;
    try {
      const data = await this.dataset();
      await data.load(this.differing ? [...new Set([...runs, this.facts.baseline])] : runs);
      if (asked !== this.asked) return;
      this.data = data;
      this.page = page;
      this.columns = this.columnsOf(runs, ticked);
      this.rows = tavce.chosen(data, { words: this.fields.words.value, dropped: this.fields.dropped.checked, runs });
      this.explained = this.rows.some((clip) => this.columns.some(({ values }) => values[clip] === null));
      this.head();
      this.arrange();
    } catch (error) {
      tavce.complain(document.getElementById("clip-count"), error);
    }
  }

  columnsOf(runs, ticked) {
    const { metrics, baseline } = this.facts;
    const column = (run, metric, words) => ({
      key: `${run} ${metric.name}`, run, metric, heading: words, title: metric.definition, base: run === baseline,
      values: this.data.numbers(run, metric, this.differing),
    });
    if (this.byRun) return metrics.filter(({ name }) => ticked.includes(name)).map((metric) => column(runs[0], metric, tavce.heading(metric)));
    const metric = metrics.find(({ name }) => name === this.fields.metric.value);
    return metric ? runs.map((run) => column(run, metric, this.data.label.get(run))) : [];
  }

  head() {
    const sortable = (key, words, title, kind) => {
      const button = tavce.make("button", { type: "button", title, textContent: words });
      button.addEventListener("click", () => this.sortBy(key));
      const cell = tavce.make("th", { scope: "col", className: kind }, button);
      cell.dataset.key = key;
      return cell;
    };
    const [clip, speaker, source] = ["Clip", "Speaker", "Source"].map((words) => sortable(words.toLowerCase(), words, "", "text"));
    const numbers = this.columns.map(({ key, heading: words, title }) => sortable(key, words, title, ""));
    const why = this.explained ? [tavce.make("th", { scope: "col", className: "text why", textContent: "Why numbers are missing" })] : [];
    this.table.tHead.rows[0].replaceChildren(clip, speaker, ...numbers, ...why, source);
  }

  arrange() {
    const { key, descending } = this.order;
    const values = ["clip", "speaker", "source"].includes(key) ? this.data.rank(key) : this.columns.find((column) => column.key === key)?.values;
    this.sorted = values ? tavce.sorted(this.rows, values, descending) : this.rows;
    for (const cell of this.table.tHead.rows[0].cells) {
      if (values && cell.dataset.key === key) cell.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    }
    this.render();
  }

  get pages() { return Math.max(1, Math.ceil(this.sorted.length / tavce.ClipTable.PAGE)); }

  render() {
    const from = this.page * tavce.ClipTable.PAGE;
    const shown = this.sorted.slice(from, from + tavce.ClipTable.PAGE);
    this.table.tBodies[0].replaceChildren(...shown.map((clip) => this.row(clip)));
    const counts = [from + 1, from + shown.length, this.sorted.length, this.facts.clips];
    const [first, last, found, all] = counts.map((count) => count.toLocaleString("en"));
    const which = shown.length ? `rows ${first} to ${last} of ${found}` : "no clip is like that";
    document.getElementById("clip-count").textContent = `${all} clips in ${this.data.name}; ${which}`;
    const pages = document.getElementById("clip-pages");
    pages.hidden = this.pages === 1;
    pages.querySelector("span").textContent = `Page ${this.page + 1} of ${this.pages}`;
    for (const button of pages.querySelectorAll("button")) button.disabled = ["first", "previous"].includes(button.dataset.to) ? this.page === 0 : this.page >= this.pages - 1;
  }

  row(clip) {
    const { name, clips, speakers } = this.data;
    const link = tavce.make("a", { href: tavce.clipAddress(name, clips.ids[clip]), textContent: clips.ids[clip] });
    const mark = tavce.playerOf(name, clips.ids[clip]) ? [tavce.make("span", { title: "has a player", textContent: " ▶" })] : [];
    const numbers = this.columns.map((column) => {
      const { text, kind } = tavce.cell(column, clip, this.differing);
      return tavce.make("td", { textContent: text, className: kind, title: kind });
    });
    const why = this.explained ? [tavce.make("td", { className: "text why", textContent: this.data.missing(this.columns, clip) })] : [];
    const named = tavce.make("th", { scope: "row" }, link, ...mark);
    const speaker = tavce.make("td", { className: "text", textContent: speakers[clip] });
    return tavce.make("tr", {}, named, speaker, ...numbers, ...why, tavce.make("td", { className: "text" }, ...this.source(clip)));
  }

  // Where a clip is from: a link to its moment, where the source is an address.
  source(clip) {
    const { clips } = this.data;
    const source = clips.sources[clips.source[clip]];
    const time = clips.times?.[clip];
    const words = time ? `${tavce.clock(time[0])} to ${tavce.clock(time[1])}` : "";
    if (!/^https?:\/\//i.test(source)) return [source, words && `, ${words}`];
    const youtube = /^https?:\/\/(www\.)?(youtube\.com|youtu\.be)\//i.test(source);
    const at = time && youtube ? `${source}${source.includes("?") ? "&" : "?"}t=${Math.floor(time[0])}s` : source;
    return [tavce.make("a", { href: at, rel: "noreferrer", textContent: source.replace(/^https?:\/\/(www\.)?/i, "") }), words && `, ${words}`];
  }
};

tavce.clock = (time_s) => `${Math.floor(time_s / 60)}:${(time_s % 60).toFixed(2).padStart(5, "0")}`;
