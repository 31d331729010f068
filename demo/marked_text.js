// Clicks and keys on mentions, and selections in the text, as events with offsets in code points.
const textOf = () => element.querySelector(".angel-text");
const choose = (mark) => {
  for (const other of element.querySelectorAll(".angel-mention")) {
    other.setAttribute("aria-pressed", String(other === mark));
  }
  trigger("select", { index: Number(mark.dataset.mention) });
  // On a phone the details stand below the text: bring them into view.
  if (window.innerWidth < 900) {
    setTimeout(() => document.getElementById("details").scrollIntoView({ behavior: "smooth", block: "start" }), 400);
  }
};
let selected = null;

const offsetOf = (node, offset) => {
  const range = document.createRange();
  range.selectNodeContents(textOf());
  range.setEnd(node, offset);
  return Array.from(range.toString()).length;
};

const readSelection = () => {
  const text = textOf();
  const button = element.querySelector(".angel-link-selection");
  if (!text || !button) return;
  const selection = document.getSelection();
  const range = selection && selection.rangeCount ? selection.getRangeAt(0) : null;
  const inside = range && text.contains(range.startContainer) && text.contains(range.endContainer);
  if (inside && range.toString().trim()) {
    selected = {
      start: offsetOf(range.startContainer, range.startOffset),
      end: offsetOf(range.endContainer, range.endOffset),
    };
    button.disabled = false;
    element.querySelector(".angel-selected").textContent = "“" + range.toString().trim().slice(0, 60) + "”";
  } else if (document.activeElement !== button) {
    selected = null;
    button.disabled = true;
    element.querySelector(".angel-selected").textContent = "Select any words above to link them yourself.";
  }
};
document.addEventListener("selectionchange", readSelection);

// A press on the button must not end the selection that it is about.
element.addEventListener("mousedown", (event) => {
  if (event.target.closest(".angel-link-selection")) event.preventDefault();
});
element.addEventListener("click", (event) => {
  if (event.target.closest(".angel-link-selection") && selected) {
    trigger("submit", selected);
    return;
  }
  const mark = event.target.closest(".angel-mention");
  if (mark && document.getSelection().isCollapsed) choose(mark);
});
element.addEventListener("keydown", (event) => {
  const mark = event.target.closest(".angel-mention");
  if (mark && (event.key === "Enter" || event.key === " ")) {
    event.preventDefault();
    choose(mark);
  }
});
