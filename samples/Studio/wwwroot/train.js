import { get, listen, post } from './api.js';
import { Curves } from './chart.js';
import { action, byId, count, duration, h, percent, say } from './dom.js';
import { Samples } from './samples.js';

const presets = {
  quick: ['Quick', 'A first result in the least time.'],
  better: ['Better', 'Learns longer, and with more of the network.'],
  best: ['Best', 'The whole network, as long as it helps.'],
};

export const startNames = { pretrained: 'a network that knows photographs', nothing: 'nothing' };

const startHints = {
  pretrained: 'It has seen a million photographs of other things, so it needs few of yours.',
  nothing: 'For drawings, tiny images, or where you have thousands of images.',
};

const layerNames = { All: 'the whole network', LastStage: 'its last stage', Head: 'its last layer' };

const stateNames = {
  preparing: 'Reading images',
  training: 'Training',
  testing: 'Testing',
  done: 'Done',
  stopped: 'Stopped',
  failed: 'Failed',
};

// A network with a picture of the world needs few images; without one, it starts from nothing.
export async function open(main, studio) {
  const options = await get('training');
  const wanted = sessionStorage.getItem('start');
  sessionStorage.removeItem('start');
  let preset = 'quick';
  let start = options.starts.includes(wanted) ? wanted : options.recommendedStart;
  let estimating;
  let curves = [];
  let points = [];
  let samples;
  let shown = studio.active ?? studio.runs[0];

  const estimate = h('p', { class: 'estimate', 'aria-live': 'polite' });
  const startList = h(
    'select',
    {
      id: 'start',
      onchange: event => {
        start = event.target.value;
        explain();
        measure();
      },
    },
    ...[...(options.hasPretrained ? ['pretrained'] : []), 'nothing', ...options.starts].map(value =>
      h('option', { value, selected: value === start }, startNames[value] ?? `the weights of ${value}`),
    ),
  );
  const startHint = h('p', { class: 'fine' });
  const explain = () => {
    startHint.textContent = startHints[start] ?? 'It goes on from what that run has learned.';
  };
  explain();
  const field = (label, input, hint) =>
    h('div', { class: 'field' }, h('label', { for: input.id }, label), input, hint ? h('span', { class: 'fine' }, hint) : null);
  const number = (id, properties) =>
    h('input', { id, type: 'number', inputmode: 'decimal', placeholder: 'preset', onchange: measure, ...properties });
  const select = (id, values, names = {}) =>
    h(
      'select',
      { id, onchange: measure },
      h('option', { value: '' }, 'preset'),
      ...values.map(value => h('option', { value }, names[value] ?? value)),
    );
  const own = {
    epochs: number('epochs', { min: '1', step: '1' }),
    learningRate: number('rate', { min: '0', step: 'any' }),
    batchSize: number('batch', { min: '2', step: '1' }),
    imageSize: number('side', { min: '16', step: '1' }),
    network: select('network', options.networks),
    layers: select('layers', options.layers, layerNames),
    recipe: select('recipe', options.recipes),
    seed: number('seed', { step: '1' }),
  };
  const begin = action(
    'Start training',
    async () => {
      estimating?.abort();
      estimate.textContent = '';
      const run = await post('runs', request());
      points = [];
      display(run);
    },
    { class: 'button', id: 'begin' },
  );
  const setup = h(
    'section',
    { class: 'card setup', 'aria-labelledby': 'setup-title' },
    h('h2', { id: 'setup-title' }, 'A new run'),
    h(
      'fieldset',
      { class: 'presets' },
      h('legend', {}, 'How thoroughly'),
      ...Object.entries(presets).map(([name, [label, words]]) =>
        h(
          'label',
          { class: 'preset' },
          h('input', {
            type: 'radio',
            name: 'preset',
            value: name,
            checked: name === preset,
            onchange: () => {
              preset = name;
              measure();
            },
          }),
          h('b', {}, label),
          h('span', {}, words),
        ),
      ),
    ),
    field('Start from', startList),
    startHint,
    options.pretrainedProblem ? h('p', { class: 'fine', id: 'no-pretrained' }, options.pretrainedProblem) : null,
    h(
      'details',
      { class: 'advanced' },
      h('summary', {}, 'Advanced'),
      h(
        'div',
        { class: 'fields' },
        field('Epochs', own.epochs),
        field('Learning rate', own.learningRate),
        field('Batch size', own.batchSize),
        field('Image side, pixels', own.imageSize),
        field('Network, from nothing', own.network),
        field('Trained part', own.layers),
        field('Recipe', own.recipe),
        field('Seed', own.seed),
      ),
    ),
    estimate,
    begin,
  );
  const live = h('section', { class: 'card live', 'aria-labelledby': 'live-title' });
  const runs = h('section', { class: 'card', 'aria-labelledby': 'runs-title' });
  main.replaceChildren(h('div', { class: 'columns' }, setup, live), runs);

  function request() {
    const values = Object.fromEntries(
      Object.entries(own)
        .filter(([, input]) => input.value !== '')
        .map(([name, input]) => [name, input.type === 'number' ? Number(input.value) : input.value]),
    );
    return { preset, start, ...values };
  }

  // Trains on some images for a moment, and says how long all of them would take.
  async function measure() {
    estimating?.abort();
    if (studio.active) {
      estimate.textContent = '';
      return;
    }
    const { signal } = (estimating = new AbortController());
    estimate.textContent = 'Measuring how long it will take…';
    estimate.className = 'estimate';
    try {
      const { seconds, settings, trainingImages, testImages } = await post('estimate', request(), { signal });
      if (signal.aborted) return;
      estimate.replaceChildren(
        h('b', {}, `About ${duration(seconds)}`),
        ` for ${count(trainingImages)} images and ${count(settings.epochs)} epochs: `
          + `${settings.network} at ${settings.imageSize}×${settings.imageSize}. `
          + `${count(testImages)} images are kept to test it on.`,
      );
    } catch (error) {
      if (error.name === 'AbortError') return;
      estimate.textContent = error.message;
      estimate.className = 'estimate error';
    }
  }

  async function display(run) {
    shown = run;
    if (points.length === 0) points = (await get(`runs/${run.id}`)).points;
    curves.forEach(each => each.close());
    curves = [
      new Curves('Loss', ['training', 'validation'], { format: value => value.toFixed(2) }),
      new Curves('Accuracy', ['training', 'validation'], { format: value => percent(value, 0), range: [0, 1] }),
    ];
    samples = new Samples();
    live.replaceChildren(
      h('div', { class: 'bar' }, h('h2', { id: 'live-title' }, run.id), h('span', { id: 'state', class: 'state', role: 'status' })),
      h('p', { id: 'message' }),
      h('progress', { id: 'progress', max: 1, 'aria-label': 'Training' }),
      h('dl', { class: 'figures', id: 'figures' }),
      h('div', { class: 'charts' }, ...curves.map(each => each.element)),
      samples.element,
      h('div', { class: 'row', id: 'run-actions' }),
    );
    update();
    list();
  }

  function update() {
    if (!live.isConnected || !byId('state')) return; // left, or not drawn yet
    const run = shown;
    const last = points.at(-1);
    const isActive = ['preparing', 'training', 'testing'].includes(run.state);
    byId('state').textContent = stateNames[run.state];
    byId('state').className = `state ${run.state}`;
    byId('message').textContent = run.message ?? run.noBetterThanChance ?? run.stoppedEarly ?? '';
    byId('message').className = run.state === 'failed' || run.noBetterThanChance ? 'error' : 'fine';
    byId('progress').hidden = !isActive;
    if (run.state === 'training' && last) byId('progress').value = last.step / last.steps;
    else byId('progress').removeAttribute('value');
    const figures = [
      last && ['Epoch', `${last.epoch} of ${last.epochs}`],
      run.state === 'training' && last && ['Time left', duration(last.secondsLeft)],
      last && ['Images per second', count(Math.round(last.imagesPerSecond))],
      last && ['Training accuracy', percent(last.accuracy)],
      last?.validation != null && ['Validation accuracy', percent(last.validation)],
      run.accuracy && ['Test accuracy', percent(run.accuracy.value)],
    ].filter(Boolean);
    byId('figures').replaceChildren(...figures.flatMap(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));
    const ends = points.filter(point => point.endsEpoch);
    const drawn = ends.length >= 3 ? ends : points;
    const x = drawn.map(point => point.step / (point.steps / point.epochs));
    curves[0].set([x, drawn.map(point => point.loss), drawn.map(point => point.validationLoss ?? null)]);
    curves[1].set([x, drawn.map(point => point.accuracy), drawn.map(point => point.validation ?? null)]);
    samples.set(points);
    byId('run-actions').replaceChildren(
      ...(isActive ? [action('Stop', () => post('stop'), { class: 'button second' })] : []),
      ...(['stopped', 'failed'].includes(run.state)
        ? [
            action('Go on', async () => {
              begin.disabled = true;
              await post(`runs/${run.id}/go-on`);
            }),
          ]
        : []),
      ...(run.state === 'done'
        ? [
            h('a', { class: 'button', href: `#evaluate/${run.id}` }, 'See how good it is'),
            h('a', { class: 'button second', href: '#use' }, 'Use it'),
          ]
        : []),
    );
    begin.disabled = Boolean(studio.active);
    begin.title = studio.active ? `${studio.active.id} is being trained` : '';
  }

  function list() {
    runs.hidden = studio.runs.length === 0;
    runs.replaceChildren(
      h('h2', { id: 'runs-title' }, 'Runs'),
      h(
        'div',
        { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Table of runs' },
        h(
          'table',
          {},
          h(
            'thead',
            {},
            h(
              'tr',
              {},
              ...['Run', 'State', 'Preset', 'Started from', 'Network', 'Images', 'Test accuracy', 'Time'].map(name =>
                h('th', { scope: 'col' }, name),
              ),
            ),
          ),
          h(
            'tbody',
            {},
            ...studio.runs.map(run =>
              h(
                'tr',
                {},
                h(
                  'th',
                  { scope: 'row' },
                  h(
                    'button',
                    {
                      type: 'button',
                      class: 'link',
                      onclick: () => {
                        points = [];
                        display(run).catch(error => say(error.message, true));
                      },
                    },
                    run.id,
                  ),
                ),
                ...[
                  stateNames[run.state],
                  presets[run.settings.preset]?.[0],
                  startNames[run.settings.start] ?? run.settings.start,
                  `${run.settings.network}, ${run.settings.imageSize} px`,
                  count(run.trainingImages),
                  run.accuracy ? percent(run.accuracy.value) : '–',
                  run.seconds ? duration(run.seconds) : '–',
                ].map(text => h('td', {}, text)),
              ),
            ),
          ),
        ),
      ),
    );
  }

  const stop = [
    listen('point', ({ run, point }) => {
      if (run !== shown?.id) return;
      points.push(point);
      update();
    }),
    listen('run', run => {
      if (run.id === shown?.id) {
        shown = run;
        update();
      }
      list();
      if (run.state === 'done')
        say(`${run.id} is done${run.accuracy ? `: ${percent(run.accuracy.value)} of the test images are right` : ''}.`);
    }),
  ];
  if (shown) await display(shown);
  else
    live.replaceChildren(
      h('h2', { id: 'live-title' }, 'Nothing trained yet'),
      h('p', { class: 'fine' }, 'Curves are drawn here while the network learns. Training goes on when this page is closed.'),
    );
  list();
  measure();
  return {
    close() {
      estimating?.abort();
      stop.forEach(end => end());
      curves.forEach(each => each.close());
    },
    changed() {
      measure();
    },
  };
}
