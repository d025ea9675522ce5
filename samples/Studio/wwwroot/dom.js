// Makes elements. Text is always text: a file's or a class's name never becomes markup.
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2).toLowerCase(), value);
    else if (name === 'class') element.className = value;
    else if (name === 'data') Object.assign(element.dataset, value);
    else if (name === 'style') Object.entries(value).forEach(([key, each]) => element.style.setProperty(key, each));
    else if (name in element && typeof value !== 'string') element[name] = value;
    else if (name === 'value' || name === 'hidden') element[name] = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...there(children.flat()));
  return element;
}

// The browser would write what is not there as a word: "null".
const there = children => children.filter(child => child !== null && child !== undefined && child !== false);

export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter(Boolean));
  return element;
}

export const byId = id => document.getElementById(id);

let hiding;

// Says something in passing; screen readers read it too.
export function say(message, isError = false) {
  const toast = byId('toast');
  toast.textContent = message;
  toast.className = isError ? 'shown error' : 'shown';
  clearTimeout(hiding);
  hiding = setTimeout(
    () => {
      toast.className = '';
    },
    isError ? 9000 : 4000,
  );
}

// Runs what a button does: its mistakes are said, and it cannot be pressed twice meanwhile.
export function action(label, run, properties = {}) {
  const button = h('button', { type: 'button', class: 'button', ...properties }, label);
  button.addEventListener('click', async () => {
    button.disabled = true;
    try {
      await run(button);
    } catch (error) {
      if (error.name !== 'AbortError') say(error.message, true);
    } finally {
      button.disabled = false;
    }
  });
  return button;
}

// Shows something large; Escape closes it.
export function show(title, ...content) {
  const viewer = byId('viewer');
  byId('viewer-title').textContent = title;
  byId('viewer-body').replaceChildren(...there(content));
  if (!viewer.open) viewer.showModal();
}

export function hide() {
  if (byId('viewer').open) byId('viewer').close();
}

// Asks for a name in the page's own words.
export function ask(title, label, value, run) {
  const input = h('input', { id: 'asked', type: 'text', value, maxlength: '100', autocomplete: 'off' });
  const problem = h('p', { class: 'error', role: 'alert' });
  const form = h(
    'form',
    { class: 'asking' },
    h('label', { for: 'asked' }, label),
    input,
    problem,
    h('button', { class: 'button', type: 'submit' }, 'Save'),
  );
  form.addEventListener('submit', async event => {
    event.preventDefault();
    try {
      await run(input.value);
      hide();
    } catch (error) {
      problem.textContent = error.message;
    }
  });
  show(title, form);
  input.focus();
  input.select();
}

export const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)} %`;

export const count = number => number.toLocaleString('en');

export function duration(seconds) {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

export const fileName = image => image.slice(image.lastIndexOf('/') + 1);
