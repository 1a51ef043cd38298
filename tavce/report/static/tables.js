"use strict";
// Tables of scores: headings sort, arrow keys move between cells. Cells are opened by lineage.js.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  const given = [...body.rows];
  const said = document.getElementById("sorted");

  const valueOf = (row, place) => {
    const cell = row.cells[place];
    if (place === 0) return cell.firstChild.textContent.trim().toLowerCase();
    return cell.dataset.value === undefined ? null : Number(cell.dataset.value);
  };
  const compare = (place, sign) => (one, other) => {
    const [a, b] = [valueOf(one, place), valueOf(other, place)];
    if (a === null || b === null) return (a === null) - (b === null); // without a number: last, either way
    return sign * (typeof a === "string" ? a.localeCompare(b) : a - b);
  };
  // The first click puts the best on top, the second the worst; the third restores the order of the table.
  const next = (heading) => {
    const best = heading.dataset.better === "higher" ? "descending" : "ascending";
    const worst = best === "ascending" ? "descending" : "ascending";
    return { none: best, [best]: worst, [worst]: "none" }[heading.getAttribute("aria-sort")];
  };
  headings.forEach((heading, place) => {
    const button = heading.querySelector("button.sort");
    if (!button) return;
    button.addEventListener("click", () => {
      const order = next(heading);
      for (const other of headings) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
      heading.setAttribute("aria-sort", order);
      const sign = order === "ascending" ? 1 : -1;
      body.append(...(order === "none" ? given : [...given].sort(compare(place, sign))));
      said.textContent = order === "none" ? "In the order of the table" : `Sorted by ${button.textContent.trim()}, ${order}`;
    });
  });

  const cells = () => [...body.rows].map((row) => [...row.querySelectorAll("button.cell")]);
  const moves = {
    ArrowUp: (row, column) => [row - 1, column],
    ArrowDown: (row, column) => [row + 1, column],
    ArrowLeft: (row, column) => [row, column - 1],
    ArrowRight: (row, column) => [row, column + 1],
    Home: (row) => [row, 0],
    End: (row, column, all) => [row, all[row].length - 1],
  };
  const first = body.querySelector("button.cell");
  if (first) first.tabIndex = 0; // one stop of the Tab key a table
  body.addEventListener("focusin", (event) => {
    if (!event.target.matches("button.cell")) return;
    for (const button of body.querySelectorAll("button.cell")) button.tabIndex = button === event.target ? 0 : -1;
  });
  body.addEventListener("keydown", (event) => {
    if (!(event.key in moves) || !event.target.matches("button.cell") || event.altKey || event.ctrlKey || event.metaKey) return;
    const all = cells();
    const row = all.findIndex((found) => found.includes(event.target));
    const [down, across] = moves[event.key](row, all[row].indexOf(event.target), all);
    all[down]?.[across]?.focus();
    event.preventDefault();
  });
}
