"use strict";
(() => {
  // Sorting: a button in each header, aria-sort on the header; rows without a value stay last.
  const compare = (type) => (a, b) => {
    if (a.empty !== b.empty) return a.empty ? 1 : -1;
    if (a.empty) return a.place - b.place;
    const order = type === "number" ? a.value - b.value : a.value.localeCompare(b.value);
    return order || a.place - b.place;
  };
  const read = (row, column, type, place) => {
    const cell = row.cells[column];
    const raw = cell.dataset.value ?? cell.textContent.trim();
    const value = type === "number" ? Number.parseFloat(raw) : raw.toLowerCase();
    const empty = type === "number" ? Number.isNaN(value) : value === "";
    return { row, value, empty, place };
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    // In a grouped table each body is one row with its details, and they move together.
    const grouped = table.classList.contains("grouped");
    const items = grouped ? [...table.tBodies] : [...table.tBodies[0].rows];
    items.forEach((item, place) => { item.dataset.place = place; });
    const first = (item) => (grouped ? item.rows[0] : item);
    const holder = grouped ? table : table.tBodies[0];
    const headers = [...table.tHead.rows[0].cells];
    headers.forEach((header, column) => {
      const button = header.querySelector("button");
      if (!button) return;
      button.addEventListener("click", () => {
        const down = header.getAttribute("aria-sort") === "ascending";
        const type = header.dataset.type;
        const rows = items.map((item) => ({
          ...read(first(item), column, type, Number(item.dataset.place)), item,
        }));
        const order = compare(type);
        rows.sort((a, b) => (down && !a.empty && !b.empty ? order(b, a) : order(a, b)));
        holder.append(...rows.map((r) => r.item));
        for (const other of headers) other.removeAttribute("aria-sort");
        header.setAttribute("aria-sort", down ? "descending" : "ascending");
      });
    });
  }

  // Details of a row: shown where no script runs, folded behind a button where one does.
  for (const place of document.querySelectorAll("[data-more]")) {
    const row = document.getElementById(place.dataset.more);
    if (!row) continue;
    row.hidden = true;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "details";
    button.setAttribute("aria-label", `Details of ${place.dataset.label}`);
    button.setAttribute("aria-controls", row.id);
    button.setAttribute("aria-expanded", "false");
    button.addEventListener("click", () => {
      row.hidden = !row.hidden;
      button.setAttribute("aria-expanded", String(!row.hidden));
    });
    place.append(button);
  }

  // Colours: as the system says, until the reader chooses.
  const theme = document.getElementById("theme");
  const root = document.documentElement;
  const kept = { get: () => null, set: () => {} };
  try {
    const store = window.localStorage; // not there in every browser for a file
    kept.get = () => store.getItem("mgscreen-theme");
    kept.set = (value) => store.setItem("mgscreen-theme", value);
    kept.get();
  } catch { kept.get = () => null; kept.set = () => {}; }
  const colours = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : colours.matches);
  const choose = (value) => {
    if (value === "light" || value === "dark") root.dataset.theme = value;
    else delete root.dataset.theme;
    theme.value = root.dataset.theme ?? "";
  };
  choose(kept.get());
  theme.closest("[hidden]").hidden = false;
  const listeners = [];
  theme.addEventListener("change", () => {
    choose(theme.value);
    kept.set(theme.value);
    for (const listener of listeners) listener();
  });

  // A link to a candidate opens its evidence.
  const open = () => {
    let id;
    try { id = decodeURIComponent(location.hash.slice(1)); } catch { return; }
    const target = document.getElementById(location.hash.slice(1)) ?? document.getElementById(id);
    if (target instanceof HTMLDetailsElement) { target.open = true; target.scrollIntoView(); }
  };
  addEventListener("hashchange", open);
  open();
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });

  // Structures: one viewer for all of them, since a browser grants few WebGL contexts.
  const stored = document.getElementById("structures");
  if (stored && typeof $3Dmol !== "undefined") {
    const structures = new Map(JSON.parse(stored.textContent).map((s) => [s.id, s]));
    const dialog = document.getElementById("viewer");
    const choice = document.getElementById("viewer-choice");
    const canvas = document.getElementById("viewer-canvas");
    let viewer = null;
    const show3d = (id) => {
      const one = structures.get(id);
      if (!one) return;
      choice.value = id;
      document.getElementById("viewer-title").textContent = one.title;
      document.getElementById("viewer-xyz").value = one.xyz;
      canvas.setAttribute("aria-label", `Three-dimensional view: ${one.title}`);
      try {
        viewer ??= $3Dmol.createViewer(canvas, { backgroundColor: "white", disableFog: true });
        viewer.clear();
        viewer.addModel(one.xyz, "xyz");
        const lattice = /Lattice="([^"]+)"/.exec(one.xyz);
        if (lattice) {
          const v = lattice[1].trim().split(/\s+/).map(Number);
          const corner = (i, j, k) => ({
            x: i * v[0] + j * v[3] + k * v[6],
            y: i * v[1] + j * v[4] + k * v[7],
            z: i * v[2] + j * v[5] + k * v[8],
          });
          for (const [i, j, k] of [[0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1]]) {
            viewer.addLine({ start: corner(i, j, k), end: corner(1, j, k), color: "gray" });
            viewer.addLine({ start: corner(j, i, k), end: corner(j, 1, k), color: "gray" });
            viewer.addLine({ start: corner(j, k, i), end: corner(j, k, 1), color: "gray" });
          }
        }
        viewer.setStyle({}, { sphere: { scale: 0.3 }, stick: { radius: 0.12 } });
        viewer.zoomTo();
        viewer.rotate(-75, "x");
        viewer.render();
        document.documentElement.dataset.viewer = "ready";
      } catch (error) {
        canvas.textContent = "This browser shows no WebGL; the text below is the structure.";
        document.documentElement.dataset.viewer = "failed";
      }
    };
    choice.addEventListener("change", () => show3d(choice.value));
    for (const place of document.querySelectorAll("[data-structure]")) {
      const one = structures.get(place.dataset.structure);
      if (!one) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "view in 3D";
      button.setAttribute("aria-label", `View ${one.title} in 3D`);
      button.addEventListener("click", () => { dialog.showModal(); show3d(one.id); });
      place.append(button);
    }
  }

  const block = document.getElementById("spec");
  const many = document.getElementById("charts");
  if ((!block && !many) || typeof vegaEmbed === "undefined") return;
  const config = () => {
    const ink = isDark() ? "#e6e6e6" : "#1b1f24";
    const line = isDark() ? "#4a5058" : "#d5d9de";
    const soft = isDark() ? "#a9b1ba" : "#57606a";
    return {
      background: "transparent",
      font: "system-ui, sans-serif",
      axis: { labelColor: ink, titleColor: ink, gridColor: line, domainColor: line, tickColor: line },
      legend: { labelColor: ink, titleColor: ink },
      header: { labelColor: ink, titleColor: ink },
      title: { color: ink, subtitleColor: ink },
      text: { color: soft },
      rule: { color: ink },
      point: { color: ink },
      view: { stroke: line },
    };
  };
  const one = async (place, spec) => {
    const { config: _, ...rest } = spec;
    const drawn = await vegaEmbed(place, rest, {
      ast: true, // no eval: the page's policy forbids it
      renderer: "svg",
      actions: false,
      config: config(),
    });
    // what a chart shows is said by its place and stands in a table: not mark by mark
    drawn.view.container().querySelector("svg")?.setAttribute("aria-hidden", "true");
    return drawn;
  };
  const draw = async () => {
    if (block) await one("#chart", JSON.parse(block.textContent));
    const specs = many ? JSON.parse(many.textContent) : {};
    for (const place of document.querySelectorAll("[data-chart]")) {
      if (specs[place.dataset.chart]) await one(place, specs[place.dataset.chart]);
    }
    document.documentElement.dataset.chart = "ready";
  };
  const show = () => draw().catch((error) => {
    document.documentElement.dataset.chart = "failed";
    console.error(error);
  });
  colours.addEventListener("change", show);
  listeners.push(show);
  show();
})();
