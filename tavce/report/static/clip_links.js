"use strict";
// Links to a clip, #clip=DATASET/CLIP_ID: they open its player, or say where its videos lie.
tavce.clipAddress = (dataset, clip) => `#clip=${encodeURIComponent(dataset)}/${encodeURIComponent(clip)}`;

tavce.playerOf = (dataset, clip) => tavce.players.at.get(`${dataset}/${clip}`);

tavce.players.at = new Map(tavce.players.all.map((player) => [`${player.root.dataset.dataset}/${player.root.dataset.clip}`, player]));

tavce.openClip = async () => {
  const named = /^#clip=([^/]*)\/(.*)$/s.exec(location.hash);
  const panel = document.getElementById("clip-panel");
  panel.hidden = true;
  if (!named) return;
  const [dataset, clip] = named.slice(1).map((part) => {
    try { return decodeURIComponent(part); } catch { return part; } // typed by hand
  });
  const player = tavce.playerOf(dataset, clip);
  if (player) {
    player.root.open = true;
    player.root.scrollIntoView();
    player.find(".play").focus({ preventScroll: true });
    return;
  }
  await tavce.fillPanel(panel, dataset, clip);
  panel.hidden = false;
  panel.scrollIntoView();
  panel.focus({ preventScroll: true });
};

// Says of a clip without a player where every run's video lies, or why there is none.
tavce.fillPanel = async (panel, dataset, clip) => {
  const title = tavce.make("h3", { textContent: clip });
  const facts = Object.hasOwn(tavce.table.index.datasets, dataset) ? tavce.table.index.datasets[dataset] : undefined;
  const unknown = tavce.make("p", { textContent: `The dataset “${dataset}” has no such clip in this report.` });
  if (!facts) return panel.replaceChildren(title, unknown);
  try {
    const place = (await tavce.load(`clips/${dataset}`)).ids.indexOf(clip);
    if (place < 0) return panel.replaceChildren(title, unknown);
    const found = await Promise.all(facts.runs.map((run) => tavce.load(`clips/${dataset}/${run.name}`)));
    const lines = facts.runs.map((run, k) => {
      const { dropped, reasons } = found[k];
      const path = tavce.make("code", { textContent: `${tavce.table.index.videos_root}/${dataset}/${run.name}/${clip}.mp4` });
      return tavce.make("li", {}, `${run.label}: `, place in dropped ? `no video: ${reasons[dropped[place]]}` : path);
    });
    const words = tavce.make("p", { textContent: `The report plays some clips of ${dataset} only; this one's videos lie in the folder of the run:` });
    panel.replaceChildren(title, words, tavce.make("ul", {}, ...lines));
  } catch (error) {
    tavce.complain(panel, error);
  }
};

tavce.table = new tavce.ClipTable(JSON.parse(document.getElementById("clip-index").textContent));
if (Object.keys(tavce.table.index.datasets).length) tavce.table.show({ page: 0 });
addEventListener("hashchange", tavce.openClip);
tavce.openClip();
