"use strict";
// The panel that says where a cell comes from. Everything is set as text: names and reasons may hold any character.
(() => {
  const panel = document.getElementById("lineage");
  const title = document.getElementById("lineage-title");
  const body = document.getElementById("lineage-body");
  const MINUS = "−";

  const make = (tag, content, className) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.append(...[content].flat().filter((part) => part !== null && part !== undefined));
    return element;
  };
  const number = (value, digits) => (value === null || value === undefined ? "-" : value.toFixed(digits).replace("-", MINUS));
  const significant = (value) => (value < 0.001 ? "< 0.001" : `= ${value.toFixed(3)}`);
  const range = (low, high, digits) => (low === null || low === undefined ? "" : ` [${number(low, digits)}, ${number(high, digits)}]`);
  const facts = (pairs) => make("dl", pairs.filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => make("div", [make("dt", name), make("dd", value)])), "facts");
  const address = (text) => {
    if (!/^https?:\/\//.test(text)) return text;
    const link = make("a", text);
    link.href = text;
    return link;
  };
  const section = (heading, ...content) => make("section", [make("h3", heading), ...content]);
  const list = (items) => make("ul", items.map((item) => make("li", item)));

  const clipLink = (dataset, clip) => {
    const link = make("a", clip);
    link.href = `#clip=${[dataset, clip].map(encodeURIComponent).join("/")}`;
    link.addEventListener("click", () => panel.close());
    return link;
  };

  const againstWords = (said, metric, against) => {
    if (!against) return null;
    if (against.why) return section(`Against ${said.baseline}`, make("p", against.why));
    const significance = against.p_holm < said.alpha ? "significant" : "not significant";
    return section(`Against ${said.baseline}`, facts([
      ["difference", `${number(against.difference, metric.digits)}${range(against.low, against.high, metric.digits)} ${metric.unit}`],
      ["pairs", `${against.pairs} clips of ${against.speakers} speakers`],
      ["p, sign flips by speaker", significant(against.p)],
      ["p, corrected (Holm)", `${significant(against.p_holm)}: ${significance} at α = ${said.alpha}`],
    ]));
  };

  const numbers = (metric, cell) => facts([
    ["value", `${number(cell.value, metric.digits)}${metric.unit ? ` ${metric.unit}` : ""}`],
    ["95 % interval", range(cell.low, cell.high, metric.digits).trim() || cell.why_no_interval],
    ["no value", cell.why_no_value],
    ["sd over seeds", cell.sd_seeds === null ? null : number(cell.sd_seeds, metric.digits)],
    ["sd over subsets", cell.sd_subsets === null ? null : number(cell.sd_subsets, metric.digits)],
    ["n", cell.n === null ? null : `${cell.n} ${metric.pooled ? "frames a subset" : `clips of ${cell.speakers} speakers`}`],
    ["mark", cell.mark],
    ["metric", make("code", metric.identity)],
    ["definition", metric.definition],
  ]);

  const seeds = (row, cell, metric) => (row.runs.length < 2 ? null : section("Seeds", list(row.runs.map(
    (run, place) => `${run}: ${number(cell.seed_values[place], metric.digits)}, n ${cell.seed_n[place]}`,
  ))));

  const missing = (cell) => section("Clips without a number", Object.keys(cell.missing).length
    ? list(Object.entries(cell.missing).map(([reason, clips]) => `${clips} × ${reason}`)) : make("p", "none"));

  const clipList = (said, metric, heading, clips) => (clips?.length ? section(heading, list(clips.map((clip) => [
    clipLink(said.dataset, clip.clip_id), ` ${number(clip.value, metric.digits)}`,
    clip.source ? make("span", [" · ", address(clip.source), clip.time ? ` ${clip.time}` : ""], "soft") : null,
  ].filter(Boolean)))) : null);

  // Any JSON value, for what a run says of itself.
  const tree = (value) => {
    if (value === null) return "-";
    if (Array.isArray(value)) return value.every((item) => typeof item !== "object") ? value.join(", ") : list(value.map(tree));
    if (typeof value === "object") return facts(Object.entries(value).map(([name, inner]) => [name, tree(inner)]));
    const text = typeof value === "string" ? address(value) : String(value);
    return typeof text === "string" && /^[0-9a-f]{12,}(-dirty)?$/.test(text) ? make("code", text) : text;
  };
  const folded = (heading, value) => {
    const details = make("details", [make("summary", heading), make("div", tree(value))], "more");
    return details;
  };

  const fill = (said, metric, cell) => {
    const { row } = said;
    const parts = [numbers(metric, cell)];
    if (row.kind === "quoted") parts.push(section("Quoted", make("p", ["Not measured here. Source: ", address(row.source)])));
    else {
      parts.push(againstWords(said, metric, cell.against_baseline), seeds(row, cell, metric), missing(cell));
    }
    body.replaceChildren(...parts.filter(Boolean));
  };

  const open = async (button) => {
    const table = button.closest("table");
    const [key, row] = [table.dataset.table, button.closest("tr")];
    const name = button.closest("td").dataset.column;
    const heading = table.querySelector(`th[data-column="${name}"] .sort`).firstChild.textContent.trim();
    title.textContent = `${heading}, ${row.cells[0].firstChild.textContent.trim()}`;
    body.replaceChildren(make("p", "Loading …", "soft"));
    panel.showModal(); // Esc closes it and focus returns to the cell: the browser sees to both
    title.focus();
    try {
      const [metrics, said] = await Promise.all([tavce.load(`lineage/${key}`), tavce.load(`lineage/${key}/${row.dataset.row}`)]);
      fill({ ...metrics, ...said }, metrics.metrics[name], said.cells[name]);
    } catch (error) {
      tavce.complain(body, error);
    }
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.cell");
    if (button) open(button);
    else if (event.target === panel) panel.close(); // beside the panel
  });
})();
