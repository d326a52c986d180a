// Elements of the page.

export const at = (id) => document.getElementById(id);

export function element(tag, content, className = "") {
  const made = document.createElement(tag);
  made.textContent = content;
  if (className) made.className = className;
  return made;
}

// Changes a text only where it is another: else it is laid out and read out again.
export function change(element, words) {
  if (element.textContent !== String(words)) element.textContent = words;
}

export const say = (id, words) => change(at(id), words);
