// Every page: htmx, and one stream of server-sent events that tells live parts to ask again.
import htmx from "htmx.org";

function announce(text) {
  const region = document.getElementById("live-region");
  if (region && text && region.textContent !== text) region.textContent = text;
}

function followChanges(address) {
  const source = new EventSource(address);
  let opened = false;
  for (const topic of ["case", "reading"]) {
    source.addEventListener(topic, () => htmx.trigger(document.body, `hk:${topic}`));
  }
  source.addEventListener("open", () => {
    // After a lost connection something may have been missed.
    if (opened) for (const topic of ["case", "reading"]) htmx.trigger(document.body, `hk:${topic}`);
    opened = true;
    document.body.dataset.liveState = "open";
  });
  source.addEventListener("error", () => {
    document.body.dataset.liveState = "lost";
    // Closed for good means that the session is over: show the sign-in page instead of old data.
    if (source.readyState === EventSource.CLOSED) window.location.reload();
  });
  // A page that is being left must not hold one of the browser's few connections.
  window.addEventListener("pagehide", () => source.close());
  window.addEventListener("pageshow", (event) => event.persisted && window.location.reload());
}

// A live part carries what is worth saying in <p id="announce" hidden>; it is said when it changes.
let said = document.getElementById("announce")?.textContent.trim();
document.addEventListener("htmx:after:swap", () => {
  const text = document.getElementById("announce")?.textContent.trim();
  if (text !== undefined && text !== said) announce(text);
  said = text ?? said;
});

const live = document.body.dataset.live?.trim();
if (live) followChanges(live);
