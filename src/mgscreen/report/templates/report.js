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
    const body = table.tBodies[0];
    [...body.rows].forEach((row, place) => { row.dataset.place = place; });
    const headers = [...table.tHead.rows[0].cells];
    headers.forEach((header, column) => {
      const button = header.querySelector("button");
      if (!button) return;
      button.addEventListener("click", () => {
        const down = header.getAttribute("aria-sort") === "ascending";
        const type = header.dataset.type;
        const rows = [...body.rows].map((r) => read(r, column, type, Number(r.dataset.place)));
        const order = compare(type);
        rows.sort((a, b) => (down && !a.empty && !b.empty ? order(b, a) : order(a, b)));
        body.append(...rows.map((r) => r.row));
        for (const other of headers) other.removeAttribute("aria-sort");
        header.setAttribute("aria-sort", down ? "descending" : "ascending");
      });
    });
  }

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

  const block = document.getElementById("spec");
  if (!block || typeof vegaEmbed === "undefined") return;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const config = () => {
    const ink = dark.matches ? "#e6e6e6" : "#1b1f24";
    const line = dark.matches ? "#4a5058" : "#d5d9de";
    return {
      background: "transparent",
      font: "system-ui, sans-serif",
      axis: { labelColor: ink, titleColor: ink, gridColor: line, domainColor: line, tickColor: line },
      legend: { labelColor: ink, titleColor: ink },
      title: { color: ink, subtitleColor: ink },
      view: { stroke: line },
    };
  };
  const draw = async () => {
    const spec = JSON.parse(block.textContent);
    delete spec.config;
    await vegaEmbed("#chart", spec, {
      ast: true, // no eval: the page's policy forbids it
      renderer: "svg",
      actions: false,
      config: config(),
    });
    document.documentElement.dataset.chart = "ready";
  };
  const show = () => draw().catch((error) => {
    document.documentElement.dataset.chart = "failed";
    console.error(error);
  });
  dark.addEventListener("change", show);
  show();
})();
