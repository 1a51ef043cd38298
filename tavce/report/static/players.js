"use strict";
for (const clip of document.querySelectorAll(".clip")) {
  const button = clip.querySelector("button");
  const videos = [...clip.querySelectorAll("video")];
  const [leader, ...others] = videos;
  let together = false;
  for (const video of videos) {
    const show = (visible) => (event) => { if (event.pointerType !== "touch") video.controls = visible; };
    video.controls = false; // they would cover the mouth
    video.tabIndex = 0;
    for (const event of ["pointerenter", "focusin"]) video.addEventListener(event, show(true));
    for (const event of ["pointerleave", "focusout"]) video.addEventListener(event, show(false));
  }
  const stop = () => {
    together = false;
    videos.forEach((video) => video.pause());
    button.textContent = "Play all";
    button.setAttribute("aria-pressed", "false");
  };
  const start = async () => {
    together = true;
    button.textContent = "Pause all";
    button.setAttribute("aria-pressed", "true");
    others.forEach((video) => { video.muted = true; });
    leader.muted = false;
    videos.forEach((video) => { video.currentTime = 0; });
    const started = await Promise.allSettled(videos.map((video) => video.play()));
    if (started[0].status === "rejected") stop();
  };
  button.addEventListener("click", () => (together ? stop() : start()));
  leader.addEventListener("ended", stop);
  leader.addEventListener("timeupdate", () => {
    if (!together) return;
    for (const video of others) {
      if (!video.ended && Math.abs(video.currentTime - leader.currentTime) > 0.08) video.currentTime = leader.currentTime;
    }
  });
}
