/* What the frame does in the browser alone: keys, the palette, theme, copying, the reader's zone. */
(() => {
  const root = document.documentElement;
  const cookie = (name, value) => { document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax`; };
  const $ = (query, from = document) => from.querySelector(query);
  const all = (query, from = document) => [...from.querySelectorAll(query)];

  cookie("boucle_zone", encodeURIComponent(Intl.DateTimeFormat().resolvedOptions().timeZone || ""));

  const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const turn = () => { root.dataset.theme = dark() ? "light" : "dark"; cookie("boucle_theme", root.dataset.theme); };

  /* Whatever is pressed: one listener, so that parts which are drawn again lose nothing. */
  document.addEventListener("click", async (event) => {
    const at = event.target.closest("[data-do]");
    if (!at) return;
    const what = at.dataset.do;
    if (what === "theme") turn();
    else if (what === "palette" || what === "help" || what === "account") open(what);
    else if (what === "close") at.closest("dialog").close();
    else if (what === "keys") keys(!off());
    else if (what === "copy") {
      await navigator.clipboard.writeText(at.dataset.text);
      $("#said").textContent = at.dataset.done;
      at.dataset.was ??= at.getAttribute("aria-label");
      at.setAttribute("aria-label", at.dataset.done);
      at.classList.add("done");
      setTimeout(() => { at.setAttribute("aria-label", at.dataset.was); at.classList.remove("done"); }, 2000);
    }
  });
  document.addEventListener("click", (event) => {  // beside a dialog is out of it
    if (event.target.tagName === "DIALOG" && event.target.classList.contains("palette")) event.target.close();
  });

  const open = (name) => {
    const dialog = $(`dialog.${name}`);
    if (!dialog || $("dialog[open]")) return;
    switched();
    if (name === "palette") list();
    dialog.showModal();
    const input = $("input[role=combobox]", dialog);
    if (input) { input.value = ""; filter(); input.focus(); }
  };

  /* The palette: the arrows choose, Enter goes. Rows without an icon are models: each has pages of its own. */
  const list = () => {
    const found = $("dialog.palette .found:not([data-full])");
    if (!found) return;
    const own = Object.entries(JSON.parse(found.dataset.own));
    all("a", found).filter((row) => !$("svg", row)).forEach((row) => row.after(...own.map(([page, word]) => {
      const one = row.cloneNode(true);
      one.href = `${row.getAttribute("href")}/${page}`;
      one.firstChild.textContent += ` · ${word}`;
      one.lastChild.textContent = "";
      return one;
    })));
    all("a", found).forEach((row, at) => { row.id = `go-${at}`; });
    found.dataset.full = "";
  };
  const rows = () => all("dialog.palette .found a").filter((row) => !row.hidden);
  const choose = (row) => {
    all("dialog.palette .found a").forEach((one) => one.setAttribute("aria-selected", one === row));
    $("dialog.palette input").setAttribute("aria-activedescendant", row ? row.id : "");
    row?.scrollIntoView({ block: "nearest" });
  };
  const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  const filter = () => {
    const wanted = plain($("dialog.palette input").value).split(/\s+/).filter(Boolean);
    all("dialog.palette .found a").forEach((row) => {
      row.hidden = !wanted.every((word) => plain(row.textContent).includes(word));
    });
    const left = rows();
    $("dialog.palette .none").hidden = left.length > 0;
    choose(left[0]);
  };
  document.addEventListener("input", (event) => { if (event.target.closest("dialog.palette")) filter(); });
  document.addEventListener("keydown", (event) => {
    if (!event.target.closest?.("dialog.palette")) return;
    const left = rows();
    const at = left.findIndex((row) => row.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(left[(at + (event.key === "ArrowDown" ? 1 : left.length - 1)) % left.length]);
    } else if (event.key === "Enter" && left[at]) {
      event.preventDefault();
      location.href = left[at].href;
    }
  });

  /* Single keys: never while something is written, and they can be turned off. */
  const off = () => localStorage.getItem("boucle-keys") === "off";
  const keys = (none) => { localStorage.setItem("boucle-keys", none ? "off" : "on"); switched(); };
  const switched = () => all("[data-do=keys]").forEach((one) => one.setAttribute("aria-checked", String(!off())));
  const writes = (at) => at.closest?.("input, textarea, select, [contenteditable=true], .q-field");
  let g = 0;
  const walk = (by) => {
    const list = all(".main a.model, .main a.col, .main a.line, .main [data-row]").filter((one) => one.offsetParent);
    const at = list.indexOf(document.activeElement);
    list[at < 0 ? (by > 0 ? 0 : list.length - 1) : Math.max(0, Math.min(list.length - 1, at + by))]?.focus();
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || writes(event.target) || $("dialog[open]")) return;
    if (off() && event.key !== "Tab") return;
    const after = Date.now() - g < 1200;
    g = 0;
    if (after) {
      const link = $(`.rail a[data-key="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); location.href = link.href; }
      return;
    }
    const does = {
      "g": () => { g = Date.now(); }, "/": () => open("palette"), "?": () => open("help"),
      "j": () => walk(1), "k": () => walk(-1), "u": () => $("[data-undo=mine]")?.click(),
    }[event.key];
    if (does) { event.preventDefault(); does(); }
  });
})();
