import { connect, get, listen, post } from './api.js';
import { byId, h, hide, say } from './dom.js';
import * as correct from './correct.js';
import * as data from './data.js';
import * as evaluate from './evaluate.js';
import * as train from './train.js';
import * as use from './use.js';

const steps = { data, train, evaluate, correct, use };
let current;

// What all steps know.
export const studio = {
  project: null,
  runs: [],
  async refresh() {
    [this.project, this.runs] = await Promise.all([get('project'), get('runs')]);
    this.show();
  },
  take(project) {
    this.project = project;
    this.show();
  },
  show() {
    byId('project').textContent = this.project.folder;
    byId('project').title = this.project.folder;
    byId('undo').hidden = !this.project.undo;
    byId('undo').setAttribute('aria-label', `Undo ${this.project.undo ?? ''}`);
    byId('undo').title = `Undo ${this.project.undo ?? ''}`;
  },
  get done() {
    return this.runs.filter(run => run.state === 'done');
  },
  get active() {
    return this.runs.find(run => ['preparing', 'training', 'testing'].includes(run.state));
  },
};

let opened = 0;

async function open() {
  const number = ++opened;
  const name = location.hash.slice(1).split('/')[0];
  const step = steps[name] ? name : 'data';
  const last = current;
  current = null;
  await last?.close?.();
  hide();
  // Images that were not shown yet would be loaded before the next step's.
  for (const image of byId('main').querySelectorAll('img')) image.removeAttribute('src');
  byId('main').replaceChildren();
  for (const link of document.querySelectorAll('#steps a')) {
    if (link.hash === `#${step}`) link.setAttribute('aria-current', 'step');
    else link.removeAttribute('aria-current');
  }
  document.title = `${step[0].toUpperCase()}${step.slice(1)} – ResNet Studio`;
  try {
    await studio.refresh();
    if (number !== opened) return;
    const place = h('div', {}); // its own: a step that is left while it opens draws nowhere
    byId('main').replaceChildren(place);
    const view = await steps[step].open(place, studio);
    if (number === opened) current = view;
    else await view.close?.();
  } catch (error) {
    byId('main').replaceChildren(h('section', { class: 'panel' }, h('h2', {}, 'This step cannot be shown'), h('p', {}, error.message)));
  }
}

async function undo() {
  if (byId('undo').hidden) return;
  try {
    const what = studio.project.undo;
    studio.take(await post('undo'));
    say(`Took back ${what}.`);
    current?.changed?.();
  } catch (error) {
    say(error.message, true);
    await studio.refresh();
  }
}

byId('undo').addEventListener('click', undo);
document.addEventListener('keydown', event => {
  const isUndo = event.key.toLowerCase() === 'z' && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
  if (!isUndo || byId('viewer').open || /INPUT|SELECT|TEXTAREA/.test(event.target.tagName)) return;
  event.preventDefault();
  undo();
});
byId('viewer-close').addEventListener('click', hide);
listen('run', run => {
  const index = studio.runs.findIndex(each => each.id === run.id);
  if (index >= 0) studio.runs[index] = run;
  else studio.runs.unshift(run);
  document.querySelector('#steps a[href="#train"]').classList.toggle('busy', Boolean(studio.active));
});
addEventListener('hashchange', open);
// A file that misses its place must not replace the page.
for (const name of ['dragover', 'drop']) addEventListener(name, event => event.preventDefault());
let wasLost = false;
connect(isThere => {
  byId('lost').hidden = isThere;
  if (isThere && wasLost) open();
  wasLost = !isThere;
});
await open();
