// Messages as they come. One stream a page, only while the page is seen; at most so many rows, so that a tab left open does not grow.
(function () {
  "use strict";
  const section = document.querySelector("[data-live]");
  if (!section || !window.EventSource) return;
  const status = section.querySelector("[data-live-status]");
  const rows = section.querySelector("[data-live-rows]");
  const table = rows.closest("table");
  const most = Number(section.dataset.most) || 100;
  const known = new Set();
  let source = null;
  let count = 0;
  let hideTimer = 0;

  function cell(tag, text, cls) {
    const made = document.createElement(tag);
    made.textContent = text;
    if (cls) made.className = cls;
    return made;
  }

  // Control and direction characters by their code, as the server has them by their name.
  function inert(text) {
    return text.replace(/[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
      (c) => "⟨u+" + c.charCodeAt(0).toString(16).padStart(4, "0") + "⟩");
  }

  function row(message) {
    const made = document.createElement("tr");
    const href = section.dataset.message + message.id.split("/").map(encodeURIComponent).join("/");
    made.dataset.href = href;
    made.append(cell("td", message.received_at.slice(0, 19).replace("T", " ")), cell("td", message.feed));
    const peer = document.createElement("td");
    peer.append(cell("code", message.peer_address || "unknown"));
    made.append(peer);
    const head = document.createElement("th");
    head.scope = "row";
    const link = cell("a", inert((message.subject || "(no subject)").slice(0, 90)), "hostile");
    link.href = href;
    head.append(link);
    made.append(head);
    return made;
  }

  function take(event) {
    const facts = JSON.parse(event.data);
    const fresh = facts.messages.filter((m) => !known.has(m.id));
    count += fresh.length + (facts.count - facts.messages.length);
    for (const message of fresh) {
      known.add(message.id);
      rows.prepend(row(message));
    }
    while (rows.childElementCount > most) rows.lastElementChild.remove();
    while (known.size > 4 * most) known.delete(known.values().next().value);
    table.hidden = rows.childElementCount === 0;
    status.textContent = count + (count === 1 ? " message has" : " messages have") + " come since this page was opened" +
      (facts.lost ? "; some were too fast for this page." : ".");
  }

  function open() {
    if (source) return;
    source = new EventSource(section.dataset.live);
    source.addEventListener("messages", take);
    source.addEventListener("ready", () => { section.dataset.state = "open"; });
    source.onerror = () => { section.dataset.state = "waiting"; };
  }

  function close() {
    if (source) source.close();
    source = null;
    section.dataset.state = "closed";
  }

  // A browser has six connections to one server: a tab that nobody sees gives its own back after a minute.
  document.addEventListener("visibilitychange", () => {
    window.clearTimeout(hideTimer);
    if (document.hidden) hideTimer = window.setTimeout(close, 60000);
    else open();
  });
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", open);
  open();
})();
