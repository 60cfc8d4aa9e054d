"use strict";
// Sorting and filtering; without it the table is there all the same, those that need attention first.
(() => {
  const table = document.querySelector("table");
  if (!table) return;
  document.documentElement.classList.add("js");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const words = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const collator = new Intl.Collator("en", { numeric: true });
  const make = (tag, properties) => Object.assign(document.createElement(tag), properties);

  // filtering

  const chosen = new Set();
  const label = make("label", { className: "find" });
  const input = make("input", { type: "search", placeholder: "Filter by name, image, reason …", autocomplete: "off", spellcheck: false });
  input.setAttribute("aria-label", "Filter previews");
  const count = make("p", {});
  count.setAttribute("role", "status");
  label.append(input, count);
  const none = make("p", { className: "none", textContent: "No preview is like that.", hidden: true });
  table.before(label);
  table.after(none);

  const filter = () => {
    const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = words.get(row);
      const fits = (chosen.size === 0 || chosen.has(row.dataset.state)) && wanted.every((word) => text.includes(word));
      row.hidden = !fits;
      shown += fits;
    }
    const all = rows.length === 1 ? "1 preview" : `${rows.length} previews`;
    count.textContent = shown === rows.length ? all : `${shown} of ${all}`;
    none.hidden = shown > 0;
    table.hidden = shown === 0;
    remember();
  };

  // A link to the page as it is filtered: all of it stays in the browser.
  const remember = () => {
    const said = new URLSearchParams();
    if (input.value) said.set("q", input.value);
    for (const state of chosen) said.append("state", state);
    const text = said.toString();
    try {
      history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
    } catch {
      // A sandbox may forbid it.
    }
  };
  const said = new URLSearchParams(location.hash.slice(1));
  input.value = said.get("q") ?? "";

  for (const item of document.querySelectorAll(".counts li")) {
    const state = item.dataset.state;
    const button = make("button", { type: "button" });
    button.append(...item.childNodes);
    item.append(button);
    const press = (on) => {
      chosen[on ? "add" : "delete"](state);
      button.setAttribute("aria-pressed", String(on));
    };
    press(said.getAll("state").includes(state));
    button.addEventListener("click", () => {
      press(!chosen.has(state));
      filter();
    });
  }
  input.addEventListener("input", filter);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && document.activeElement !== input) {
      event.preventDefault();
      input.focus();
    }
  });

  // sorting

  const key = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.sort ?? cell.textContent;
  };
  const sort = (column, direction) => {
    const keyed = rows.map((row) => [key(row, column), row]);
    keyed.sort(([one], [other]) => {
      if (!one || !other) return Boolean(other) - Boolean(one); // who has none is last either way
      return direction * collator.compare(one, other);
    });
    body.replaceChildren(...keyed.map(([, row]) => row));
  };
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = make("button", { type: "button", textContent: head.textContent });
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const direction = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", direction);
      sort(column, direction === "ascending" ? 1 : -1);
    });
  });
  filter();
})();
