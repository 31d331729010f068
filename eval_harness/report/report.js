"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const page = 50;
const field = (id) => document.getElementById(id);
let shown = page;

function element(name, className, text) {
  const created = document.createElement(name);
  if (className) created.className = className;
  if (text !== undefined) created.textContent = text;
  return created;
}

function option(select, value, text) {
  const created = element("option", "", text);
  created.value = value;
  select.append(created);
}

data.sets.forEach((set, number) => option(field("which"), number, `${set.label} (${set.wrong.length})`));
[...new Set(data.mentions.flatMap((mention) => mention.tags))].sort().forEach((tag) => option(field("tag"), tag, tag));

function hasRank([, rank, candidates], place) {
  if (place === "") return true;
  if (place === "silent") return candidates.length === 0;
  if (place === "0") return rank === 0 && candidates.length > 0;
  return place === "5" ? rank >= 2 && rank <= 5 : rank >= 6;
}

function textOf([number, , candidates]) {
  const mention = data.mentions[number];
  const names = candidates.flatMap(([name, ids]) => [name, ...ids]);
  return [mention.left + mention.mention + mention.right, mention.released, mention.where, ...mention.gold.flat(2), ...names]
    .join("\n").toLowerCase();
}

function item([number, rank, candidates]) {
  const mention = data.mentions[number];
  const gold = new Set(mention.gold.flat().map(([id]) => id));
  const created = element("li");
  const released = mention.released && mention.released !== mention.mention ? `, released as “${mention.released}”` : "";
  created.append(element("p", "where", mention.where + released));
  const context = element("p", "", `${mention.left}`);
  context.append(element("mark", "", mention.mention), mention.right);
  created.append(context);
  const answer = mention.gold.length ? mention.gold.map((part) => part.map(([id, name]) => `${name} [${id}]`).join(" + ")).join(" | ") : "no concept";
  created.append(element("p", "gold", `gold: ${answer}`));
  if (candidates.length === 0) {
    created.append(element("p", "none", "no candidates"));
  } else {
    const list = element("ol", "candidates");
    candidates.forEach(([name, ids, score]) => {
      const right = ids.some((id) => gold.has(id));
      list.append(element("li", right ? "right" : "", `${name} [${ids.join(", ")}] ${score.toFixed(3)}`));
    });
    created.append(list);
    if (rank > candidates.length) created.append(element("p", "where", `right at rank ${rank}`));
  }
  created.append(element("p", "tags", mention.tags.join(" · ")));
  return created;
}

function draw() {
  const set = data.sets[Number(field("which").value)];
  const rank = field("rank").value, tag = field("tag").value, search = field("search").value.trim().toLowerCase();
  const found = set.wrong.filter((row) =>
    hasRank(row, rank) && (!tag || data.mentions[row[0]].tags.includes(tag)) && (!search || textOf(row).includes(search)));
  field("list").replaceChildren(...found.slice(0, shown).map(item));
  field("count").textContent = `${found.length} of ${set.wrong.length} wrong mentions`;
  field("more").hidden = found.length <= shown;
}

field("filters").addEventListener("input", () => { shown = page; draw(); });
field("filters").addEventListener("submit", (event) => event.preventDefault());
field("more").addEventListener("click", () => { shown += page; draw(); });
draw();
