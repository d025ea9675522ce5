// The page: takes images, posts each to /predict, and shows the answers.

const atOnce = 4; // requests under way; the others wait here, not in the service
const smallThumbnail = 100; // below this many pixels, an image is shown in crisp squares

const $ = id => document.getElementById(id);
const percent = new Intl.NumberFormat('en', { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 });
const number = new Intl.NumberFormat('en');
const bytes = count =>
  count < 2 ** 20 ? `${number.format(Math.floor(count / 1024))} KB` : `${number.format(Math.floor(count / 2 ** 20))} MB`;
const sleep = seconds => new Promise(resolve => setTimeout(resolve, 1000 * seconds));

const queue = [];
const answered = []; // what is still to be announced
let limits = null;
let unsureBelow = 0;
let underWay = 0;

await untilReady();
await showModel();
acceptImages();

// --- The model ---

async function untilReady() {
  for (;;) {
    const health = await fetch('health')
      .then(response => response.json())
      .catch(() => ({ status: 'unreachable', detail: 'The service does not answer.' }));
    if (health.status === 'ready') {
      $('wait').hidden = true;
      return;
    }

    showWaiting(health);
    await sleep(1);
  }
}

function showWaiting({ status, detail, progress }) {
  const titles = {
    loading: 'Loading the model',
    training: 'Training a first model',
    failed: 'There is no model',
    unreachable: 'Waiting for the service',
  };
  const bar = $('wait-progress');
  $('wait').hidden = false;
  $('wait').classList.toggle('failed', status === 'failed');
  $('wait-title').textContent = titles[status];
  $('wait-detail').textContent = detail ?? '';
  bar.hidden = status === 'failed';
  if (progress == null) {
    bar.removeAttribute('value');
  } else {
    bar.value = progress;
  }
}

async function showModel() {
  const response = await fetch('model');
  const model = await response.json();
  limits = model.limits;
  unsureBelow = model.unsureBelow;
  $('model').textContent = `${model.name} · version ${model.version} · ${bytes(model.size)}`;
  $('accepted').textContent = `JPEG, PNG, WebP, GIF or BMP, up to ${bytes(limits.imageBytes)} each`;
  $('subtitle').textContent = `Tells ${number.format(model.classes.length)} classes apart · a residual network, served by ML.NET`;
  $('classes').hidden = false;
  $('classes').querySelector('summary').textContent = `The ${number.format(model.classes.length)} classes`;
  $('classes')
    .querySelector('ul')
    .replaceChildren(...model.classes.map(name => Object.assign(document.createElement('li'), { textContent: name })));
}

// --- Images in: chosen, dropped, pasted ---

function acceptImages() {
  const drop = $('drop');
  drop.hidden = false;

  $('files').addEventListener('change', event => {
    add(event.target.files);
    event.target.value = ''; // so that the same file can be chosen again
  });
  $('clear').addEventListener('click', () => {
    queue.length = 0;
    [...$('cards').children].forEach(discard);
    $('files').focus();
    announce('All results removed.');
  });

  document.addEventListener('paste', event => add(event.clipboardData.files));
  document.addEventListener('dragover', event => {
    event.preventDefault();
    drop.classList.add('over');
  });
  document.addEventListener('dragleave', event => {
    if (!event.relatedTarget) {
      drop.classList.remove('over');
    }
  });
  document.addEventListener('drop', event => {
    event.preventDefault();
    drop.classList.remove('over');
    add(event.dataTransfer.files);
  });
}

function add(files) {
  const cards = [...files].map(newCard);
  $('cards').prepend(...cards.map(({ card }) => card));
  queue.push(...cards);
  showResults();
  work();
}

function newCard(file) {
  const card = $('card').content.firstElementChild.cloneNode(true);
  const name = file.name || 'Pasted image';
  const image = card.querySelector('img');
  image.src = URL.createObjectURL(file);
  image.alt = name;
  image.onload = () => image.classList.toggle('tiny', Math.max(image.naturalWidth, image.naturalHeight) < smallThumbnail);
  image.onerror = () => image.classList.add('broken');
  card.classList.add('waiting');
  card.setAttribute('aria-busy', 'true');
  card.querySelector('h3').textContent = name;
  card.querySelector('h3').title = name;
  card.querySelector('.remove').setAttribute('aria-label', `Remove ${name}`);
  card.querySelector('.remove').addEventListener('click', () => remove(card));
  return { card, file, name };
}

// --- Answers out ---

function work() {
  while (underWay < atOnce && queue.length > 0) {
    underWay++;
    classify(queue.shift()).finally(() => {
      underWay--;
      work();
    });
  }
}

async function classify({ card, file, name }) {
  try {
    const { unsure, predictions } = await predict(file, card);
    showScores(card, predictions, unsure);
    answered.push(`${name}: ${unsure ? 'unsure, perhaps ' : ''}${predictions[0].label}, ${percent.format(predictions[0].probability)}`);
  } catch (error) {
    if (card.isConnected) {
      showError(card, error);
      answered.push(`${name}: ${error.title ?? error.message}`);
    }
  }

  card.classList.remove('waiting');
  card.removeAttribute('aria-busy');
  if (queue.length === 0 && underWay === 1) {
    announce(answered.splice(0).join('. '));
  }
}

async function predict(file, card) {
  if (limits && file.size > limits.imageBytes) {
    throw {
      title: 'Image file too large',
      detail: `The file has ${number.format(file.size)} bytes; ${number.format(limits.imageBytes)} are accepted.`,
    };
  }

  while (card.isConnected) {
    const response = await fetch('predict', { method: 'POST', headers: { 'Content-Type': 'application/octet-stream' }, body: file }).catch(
      () => {
        throw { title: 'Not sent', detail: 'The service does not answer, or the file cannot be read.' };
      },
    );
    if (response.ok) {
      return response.json();
    }

    if (response.status !== 429) {
      throw await response.json().catch(() => ({ title: `The service answered ${response.status}` }));
    }

    await sleep(Number(response.headers.get('Retry-After')) || 1); // the service has too much to do
  }

  throw { title: 'Removed' };
}

function showScores(card, predictions, unsure) {
  const note = card.querySelector('.unsure');
  note.hidden = !unsure;
  note.textContent = `Unsure: no class reaches ${percent.format(unsureBelow)}`;
  card.classList.toggle('not-sure', unsure);
  card.querySelector('.scores').replaceChildren(
    ...predictions.map(({ label, probability }) => {
      const row = document.createElement('li');
      const [name, share, track, bar] = ['span', 'span', 'span', 'i'].map(tag => document.createElement(tag));
      [name.className, share.className, track.className] = ['label', 'percent', 'track'];
      [name.textContent, name.title, share.textContent] = [label, label, percent.format(probability)];
      track.setAttribute('aria-hidden', 'true');
      bar.style.transform = `scaleX(${probability})`;
      track.append(bar);
      row.append(name, share, track);
      return row;
    }),
  );
}

function showError(card, { title, detail }) {
  const error = card.querySelector('.error');
  error.replaceChildren(Object.assign(document.createElement('b'), { textContent: title ?? 'Not classified' }), detail ?? '');
  error.hidden = false;
  card.querySelector('.scores').hidden = true;
}

function remove(card) {
  const next = card.nextElementSibling ?? card.previousElementSibling;
  discard(card);
  (next?.querySelector('.remove') ?? $('files')).focus(); // where a keyboard goes on
  announce('Removed.');
}

function discard(card) {
  URL.revokeObjectURL(card.querySelector('img').src);
  card.remove();
  showResults();
}

function showResults() {
  const count = $('cards').childElementCount;
  $('results').hidden = count === 0;
  $('drop').classList.toggle('small', count > 0);
  $('results-title').textContent = count === 1 ? '1 image' : `${number.format(count)} images`;
}

function announce(text) {
  $('announcer').textContent = text;
}
