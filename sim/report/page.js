for (const head of document.querySelectorAll("table.sortable th")) {
  head.addEventListener("click", () => {
    const body = head.closest("table").tBodies[0];
    const up = head.getAttribute("aria-sort") !== "ascending";
    const key = (row) => row.cells[head.cellIndex].dataset.value;
    const order = (a, b) => {
      const [x, y] = [key(a), key(b)];
      return isNaN(x) || isNaN(y) ? x.localeCompare(y, "en", {numeric: true}) : x - y;
    };
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    body.append(...[...body.rows].sort((a, b) => (up ? order(a, b) : order(b, a))));
  });
}
for (const dot of document.querySelectorAll("svg.tradeoff circle")) {
  const figure = dot.closest("figure");
  const told = figure.querySelector(".hover");
  const show = () => {
    told.textContent = dot.getAttribute("aria-label");
    const [at, from] = [dot.getBoundingClientRect(), figure.getBoundingClientRect()];
    told.style.left = `${at.right - from.left + 8}px`;
    told.style.top = `${at.top - from.top}px`;
    told.hidden = false;
  };
  const hide = () => { told.hidden = true; };
  for (const event of ["pointerenter", "focus"]) dot.addEventListener(event, show);
  for (const event of ["pointerleave", "blur"]) dot.addEventListener(event, hide);
}
