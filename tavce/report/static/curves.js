"use strict";
// Curves below the videos of a clip: one small chart a video, all on one scale, each with the playhead.
tavce.Curves = class {
  constructor(player) {
    this.player = player;
    this.marks = [];
    const drawn = player.takes.filter((take) => Object.keys(take.facts.curves).length);
    const real = drawn.find((take) => take.method === "ground_truth");
    const scales = this.scales(drawn);
    for (const take of drawn) this.chart(take, scales, take === real ? undefined : real);
    this.legend(drawn, real);
  }

  // Lowest and highest value of every curve, over all videos.
  scales(takes) {
    const found = {};
    for (const { facts } of takes) {
      for (const [name, curve] of Object.entries(facts.curves)) {
        const values = curve.filter((value) => value !== null);
        const [low, high] = found[name] ?? [Infinity, -Infinity];
        found[name] = [Math.min(low, ...values), Math.max(high, ...values)];
      }
    }
    return found;
  }

  chart(take, scales, real) {
    const svg = tavce.svg("svg", { viewBox: `0 0 ${this.player.frames} 1`, preserveAspectRatio: "none", role: "img" });
    const names = Object.keys(take.facts.curves);
    svg.setAttribute("aria-label", `${names.map((name) => tavce.players.PLAIN_WORDS[name]).join(" and ")} of ${take.label}, by frame`);
    const common = names.includes("similarity") && real?.facts.curves.similarity;
    if (common) svg.append(this.line(common, scales.similarity, "real"));
    names.forEach((name, k) => svg.append(this.line(take.facts.curves[name], scales[name], k ? "second" : "first")));
    const playhead = tavce.svg("line", { y1: 0, y2: 1 });
    svg.append(playhead);
    svg.addEventListener("click", (event) => {
      const box = svg.getBoundingClientRect();
      this.player.goTo(Math.floor((event.clientX - box.left) / box.width * this.player.frames));
    });
    const values = document.createElement("span");
    take.figure.querySelector(".curve").replaceChildren(svg, values);
    this.marks.push({ take, playhead, values });
  }

  line(curve, [low, high], kind) {
    let pen = "M";
    const points = curve.map((value, frame) => {
      if (value === null) {
        pen = "M";
        return "";
      }
      const point = `${pen}${frame + 0.5} ${(0.95 - 0.9 * (value - low) / (high - low || 1)).toFixed(3)}`;
      pen = "L";
      return point;
    });
    return tavce.svg("path", { d: points.join(""), class: kind });
  }

  legend(drawn, real) {
    const place = this.player.find(".legend");
    const names = [...new Set(drawn.flatMap(({ facts }) => Object.keys(facts.curves)))];
    place.hidden = names.length === 0;
    const kinds = names.map((name) => [name === "loudness" ? "second" : "first", tavce.players.PLAIN_WORDS[name]]);
    if (real?.facts.curves.similarity && drawn.length > 1) kinds.push(["real", `similarity of ${real.label}`]);
    place.replaceChildren("Curves, on one scale for all videos: ", ...kinds.map(([kind, words]) => {
      const key = tavce.svg("svg", { viewBox: "0 0 32 8", "aria-hidden": "true" });
      key.append(tavce.svg("path", { d: "M0 4H32", class: kind }));
      const entry = document.createElement("span");
      entry.append(key, words);
      return entry;
    }));
  }

  values({ facts }, frame) {
    return Object.entries(facts.curves).map(([name, curve]) => `${name} ${curve[frame]?.toFixed(2).replace("-", "−") ?? "-"}`).join(" · ");
  }

  show(frame) {
    for (const { take, playhead, values } of this.marks) {
      playhead.setAttribute("x1", frame + 0.5);
      playhead.setAttribute("x2", frame + 0.5);
      values.textContent = this.values(take, frame);
    }
  }

  said(frame) {
    return [`Frame ${frame}`, ...this.marks.map(({ take }) => `${take.label}: ${this.values(take, frame)}`)].join(". ");
  }
};

tavce.svg = (name, attributes) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
};
