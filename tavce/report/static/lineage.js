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
    ["clips without a number", cell.n === null || metric.pooled ? null : `${cell.dropped}`],
    ["mark", cell.mark],
    ["metric", make("code", metric.identity)],
    ["definition", metric.definition],
  ]);

  // What the table itself says, where the rows of scores are not there.
  const lost = ({ missing }) => (Object.keys(missing).length ? section("Clips without a number", list(
    Object.entries(missing).map(([reason, clips]) => `${clips} × ${reason}`),
  )) : null);

  const seconds = (clip) => (clip.start_s === null ? "" : ` ${clip.start_s.toFixed(2)} to ${clip.end_s.toFixed(2)} s`);
  const clipList = (said, metric, heading, clips) => (clips?.length ? section(heading, list(clips.map((clip) => [
    clipLink(said.dataset, clip.clip_id), ` ${number(clip.value, metric.digits)}`,
    make("span", [` · speaker ${clip.speaker}`, clip.source ? " · " : "", address(clip.source ?? ""), seconds(clip)], "soft"),
  ]))) : null);

  const reasons = (said, heading, found) => (Object.keys(found ?? {}).length ? section(heading, list(
    Object.entries(found).map(([reason, { clips, first }]) => {
      const links = first.flatMap((clip) => [clipLink(said.dataset, clip), " "]);
      const more = clips > first.length ? `and ${clips - first.length} more` : "";
      return [`${clips} × ${reason}: `, ...links, more];
    }),
  )) : null);

  // Any JSON value, for what a run says of itself.
  const tree = (value) => {
    if (value === null) return "-";
    if (Array.isArray(value)) return value.every((item) => typeof item !== "object") ? value.join(", ") : list(value.map(tree));
    if (typeof value === "object") return facts(Object.entries(value).map(([name, inner]) => [name, tree(inner)]));
    const text = typeof value === "string" ? address(value) : String(value);
    return typeof text === "string" && /^[0-9a-f]{12,}(-dirty)?$/.test(text) ? make("code", text) : text;
  };
  const folded = (heading, value) => make("details", [make("summary", heading), make("div", tree(value))], "more");
  const made = (fact) => {
    const { stage, name, settings, checkpoint, ...others } = fact;
    const lines = { ...others, checkpoint: checkpoint?.path ?? null, "checkpoint's SHA-256": checkpoint?.sha256 ?? null };
    const known = Object.fromEntries(Object.entries(lines).filter(([, value]) => value !== null && value !== undefined));
    return make("div", [make("h4", [stage, name].filter(Boolean).join(" / ")), tree(known), settings ? folded("settings", settings) : null]);
  };

  const ofRun = (said, metric, several) => (run) => [
    several ? section(`Run ${run.run}`, facts([["value", number(run.value, metric.digits)], ["clips", String(run.clips ?? "-")]])) : null,
    ...(run.notes ?? []).map((note) => make("p", note, "warning")),
    clipList(said, metric, `Worst clips${several ? ` of ${run.run}` : ""}`, run.worst),
    clipList(said, metric, `Best clips${several ? ` of ${run.run}` : ""}`, run.best),
    reasons(said, `Dropped${several ? ` by ${run.run}` : ""}`, run.dropped),
    reasons(said, `Without this number${several ? `, ${run.run}` : ""}`, run.without_number),
    section(`Made from${several ? `, ${run.run}` : ""}`, facts([["rows of scores", run.scores], ["features", run.features]]),
      ...run.facts.map((place) => made(said.facts[place]))),
  ];

  const fill = (said, metric, { cell, runs, not_there: gone }) => {
    const { row } = said;
    const parts = [numbers(metric, cell)];
    if (row.kind === "quoted") parts.push(section("Quoted", make("p", ["Not measured here. Source: ", address(row.source)])));
    parts.push(againstWords(said, metric, cell.against_baseline));
    if (!runs.some((run) => run.dropped)) parts.push(lost(cell));
    parts.push(...runs.flatMap(ofRun(said, metric, runs.length > 1)));
    if (gone.length) parts.push(section("Not there when the page was written", list(gone)));
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
