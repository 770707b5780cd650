// What a page shows is in its address: filters and the time range can be linked to, and back and forward work.

export const parameters = () => new URLSearchParams(location.search);

export function change(changes, { replace = false } = {}) {
  const next = parameters();
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === "") next.delete(name); else next.set(name, value);
  }
  const address = next.size ? `${location.pathname}?${next}` : location.pathname;
  if (address === location.pathname + location.search) return;
  history[replace ? "replaceState" : "pushState"](null, "", address);
}

// Form fields by their names: filled from the address, and written into it when they change.
export function bind(form, changed) {
  const names = [...form.elements].map((field) => field.name).filter(Boolean);
  const read = () => {
    const given = parameters();
    for (const name of names) form.elements[name].value = given.get(name) ?? form.elements[name].dataset.default ?? "";
  };
  const write = () => {
    const changes = {};
    for (const name of names) {
      const field = form.elements[name];
      if (!field.checkValidity()) return;
      changes[name] = field.value === (field.dataset.default ?? "") ? null : field.value;
    }
    change(changes);
    changed();
  };
  form.addEventListener("change", write);
  form.addEventListener("submit", (event) => { event.preventDefault(); write(); });
  addEventListener("popstate", () => { read(); changed(); });
  read();
}

// Take filters away, and show the page as if one had gone there.
export function clear(names) {
  change(Object.fromEntries(names.map((name) => [name, null])));
  dispatchEvent(new PopStateEvent("popstate"));
}
