// Talks with the server. Paths are relative: the secret part of the address stays in front of them.
async function answer(response) {
  if (response.ok) return response.status === 204 || response.headers.get('Content-Length') === '0' ? null : response.json();
  const problem = await response.json().catch(() => ({ message: `The studio answered ${response.status}.` }));
  throw new Error(problem.message);
}

export const get = (path, options = {}) => fetch(`api/${path}`, options).then(answer);

export const post = (path, body = {}, options = {}) =>
  fetch(`api/${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    ...options,
  }).then(answer);

export const send = (path, content, options = {}) =>
  fetch(`api/${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/octet-stream' },
    body: content,
    ...options,
  }).then(answer);

export const query = values =>
  new URLSearchParams(Object.entries(values).filter(([, value]) => value !== undefined && value !== null)).toString();

export const thumbnail = (image, size = 160) => `api/thumbnail?${query({ image, size })}`;

const listeners = new Map();
let source;

// Hears what happens on the server, from now until the function that is returned is called.
export function listen(name, heard) {
  if (!listeners.has(name)) {
    listeners.set(name, new Set());
    source?.addEventListener(name, event => tell(name, event));
  }
  listeners.get(name).add(heard);
  return () => listeners.get(name).delete(heard);
}

function tell(name, event) {
  for (const heard of listeners.get(name) ?? []) heard(JSON.parse(event.data));
}

// After a break the browser connects again by itself; what was missed is asked for.
export function connect(onChange) {
  source = new EventSource('api/events');
  source.addEventListener('hello', () => onChange(true));
  source.addEventListener('error', () => onChange(false));
  for (const name of listeners.keys()) source.addEventListener(name, event => tell(name, event));
}
