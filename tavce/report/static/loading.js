"use strict";
// Data on demand. A page opened from disk may not fetch, but it may add a script: data/KEY.js calls tavceData("KEY", …).
const tavce = { waiting: new Map(), loaded: new Map() };

function tavceData(key, value) {
  tavce.loaded.set(key, value);
}

// The path of a key's script, relative to the page. Keys hold clip ids, and these any character.
tavce.path = (key) => `data/${key.split("/").map(encodeURIComponent).join("/")}.js`;

// Returns a promise of the value of a key. It fails with a sentence that names the file.
tavce.load = (key) => {
  if (!tavce.waiting.has(key)) {
    tavce.waiting.set(key, new Promise((resolve, reject) => {
      const script = document.createElement("script");
      const fail = (why) => {
        tavce.waiting.delete(key); // another try may find it
        reject(new Error(`${decodeURIComponent(tavce.path(key))} ${why}`));
      };
      script.src = tavce.path(key);
      script.addEventListener("error", () => fail("is not there: copy the whole folder of the report, or write it anew"));
      script.addEventListener("load", () => {
        script.remove();
        if (tavce.loaded.has(key)) resolve(tavce.loaded.get(key));
        else fail(`has no data of “${key}”: write the report anew`);
      });
      document.head.append(script);
    }));
  }
  return tavce.waiting.get(key);
};

// Says in the page, within `place`, what could not be loaded.
tavce.complain = (place, error) => {
  const words = document.createElement("p");
  words.className = "warning";
  words.setAttribute("role", "alert");
  words.textContent = error.message;
  place.replaceChildren(words);
};
