// The demo page: one conversation with the assistant. Texts are set as text, never as HTML.
(() => {
  const base = location.pathname.replace(/\/demo\/?$/, "");
  const log = document.getElementById("log");
  const form = document.getElementById("form");
  const box = document.getElementById("text");
  let token = null;
  let queue = Promise.resolve();

  const make = (tag, className, text) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text) element.textContent = text;
    return element;
  };
  const add = (element) => {
    log.append(element);
    element.scrollIntoView({ block: "nearest" });
  };
  const plain = (text) => text.replace(/\*\*(.+?)\*\*/g, "$1");

  async function call(path, body) {
    const headers = { "Content-Type": "application/json" };
    if (token) headers.Authorization = `Bearer ${token}`;
    const answer = await fetch(base + path, { method: "POST", headers, body: JSON.stringify(body) });
    const data = await answer.json();
    if (!answer.ok) throw new Error(data.detail || data.title);
    return data;
  }

  function show(turn) {
    for (const message of turn.messages) add(make("div", `bubble assistant ${message.role}`, plain(message.text)));
    if (turn.sources.length) {
      const details = make("details");
      const reviewed = turn.reviewed_on ? `, reviewed ${turn.reviewed_on}` : "";
      details.append(make("summary", "", `Sources (${turn.sources.length})${reviewed}`));
      const list = make("ul");
      for (const source of turn.sources) {
        const item = make("li");
        const name = [source.title, source.publisher, source.year].filter(Boolean).join(", ");
        if (source.url) {
          const link = make("a", "", name);
          link.href = source.url;
          link.rel = "noopener noreferrer";
          item.append(link);
        } else item.textContent = name;
        list.append(item);
      }
      details.append(list);
      add(details);
    }
    if (turn.choices.length) {
      const row = make("div", "choices");
      for (const choice of turn.choices) {
        const button = make("button", "", choice.title);
        button.type = "button";
        button.addEventListener("click", () => send({ choice: choice.id }, choice.title));
        row.append(button);
      }
      add(row);
    }
  }

  function send(body, said) {
    add(make("div", "bubble visitor", said));
    queue = queue.then(async () => {
      try {
        if (!token) await open();
        show((await call("/messages", { ...body, client_id: crypto.randomUUID ? crypto.randomUUID() : String(Math.random()) })).turn);
      } catch (error) {
        add(make("div", "bubble assistant caution", `${error.message} Please try again.`));
      }
    });
  }

  async function open() {
    const started = await call("/sessions", {});
    token = started.token;
    show(started.turn);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = box.value.trim();
    if (!text) return;
    box.value = "";
    send({ text }, text);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  queue = queue.then(open).catch((error) => add(make("div", "bubble assistant caution", error.message)));
})();
