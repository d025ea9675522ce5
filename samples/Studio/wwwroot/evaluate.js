import { get, listen, post, query, thumbnail } from './api.js';
import { Curves, reliability } from './chart.js';
import { action, count, duration, fileName, h, percent, say, show } from './dom.js';
import { startNames } from './train.js';

const mostClasses = 25;
const mostCompared = 6;

export function picker(studio, id, onChange) {
  return h(
    'select',
    { 'aria-label': 'Run', onchange: event => onChange(event.target.value) },
    ...studio.done.map(run =>
      h('option', { value: run.id, selected: run.id === id }, `${run.id}${run.accuracy ? `, ${percent(run.accuracy.value)}` : ''}`),
    ),
  );
}

export const nothingYet = words =>
  h(
    'section',
    { class: 'panel' },
    h('h2', {}, 'There is no trained network yet'),
    h('p', {}, words),
    h('a', { class: 'button', href: '#train' }, 'Train one'),
  );

export async function open(main, studio) {
  if (studio.done.length === 0) {
    main.replaceChildren(nothingYet('Here you will see how often it is right, what it confuses, and where it looked.'));
    return {};
  }
  let id = location.hash.split('/')[1];
  if (!studio.done.some(run => run.id === id)) id = studio.done[0].id;
  let chart;
  const compared = new Set(studio.done.slice(0, 3).map(run => run.id));
  const body = h('div', { class: 'stack' });
  const others = h('section', { class: 'card', 'aria-labelledby': 'compare-title' });
  main.replaceChildren(
    h(
      'div',
      { class: 'bar' },
      h('h2', {}, 'How good is it?'),
      picker(studio, id, value => {
        id = value;
        draw().catch(fail);
      }),
    ),
    body,
    others,
  );

  function fail(error) {
    say(error.message, true);
  }

  async function draw() {
    const run = studio.runs.find(each => each.id === id);
    if (!run.accuracy) {
      body.replaceChildren(h('p', { class: 'panel' }, run.message ?? 'It was not tested.'));
      return;
    }
    const result = await get(`runs/${id}/evaluation`);
    const { accuracy } = result;
    body.replaceChildren(
      h(
        'section',
        { class: 'card score', 'aria-label': 'Accuracy' },
        h('p', { class: 'big' }, percent(accuracy.value)),
        h(
          'p',
          {},
          `${count(accuracy.correct)} of ${count(accuracy.total)} images that it has never seen are right. `
            + `With so many images, the true share lies between ${percent(accuracy.low)} and ${percent(accuracy.high)}, `
            + 'with 95 % confidence.',
        ),
      ),
      h('div', { class: 'columns even' }, confusion(result), calibration(result)),
      classes(result),
      mistakes(result),
    );
    explain();
    await compare();
  }

  // One heat map after the other: each takes a moment, and the page is not to wait for all of them.
  function explain() {
    const next = body.querySelector('img[data-heat]');
    if (!next?.isConnected) return;
    next.onload = explain;
    next.onerror = () => {
      next.remove();
      explain();
    };
    next.src = next.dataset.heat;
    delete next.dataset.heat;
  }

  function confusion(result) {
    const cell = (label, predicted) =>
      label === predicted
        ? result.perClass.find(each => each.name === label).correct
        : (result.confusion.find(each => each.class === label && each.predicted === predicted)?.count ?? 0);
    const content =
      result.classes.length <= mostClasses
        ? h(
            'table',
            { class: 'matrix' },
            h('thead', {}, h('tr', {}, h('td', {}), ...result.classes.map(name => h('th', { scope: 'col' }, h('span', {}, name))))),
            h(
              'tbody',
              {},
              ...result.perClass.map(row =>
                h(
                  'tr',
                  {},
                  h('th', { scope: 'row' }, row.name),
                  ...result.classes.map(predicted => {
                    const number = cell(row.name, predicted);
                    const strength = row.images === 0 ? 0 : number / row.images;
                    return h(
                      'td',
                      { class: row.name === predicted ? 'right' : number > 0 ? 'wrong' : 'none' },
                      number === 0
                        ? h('span', { 'aria-label': `${row.name} taken for ${predicted}: none` }, '·')
                        : h(
                            'button',
                            {
                              type: 'button',
                              style: { '--strength': `${Math.round(8 + 37 * strength)}%` },
                              'aria-label': `${row.name} taken for ${predicted}: ${number} images`,
                              onclick: () => cellImages(row.name, predicted).catch(fail),
                            },
                            String(number),
                          ),
                    );
                  }),
                ),
              ),
            ),
          )
        : h(
            'ul',
            { class: 'plain-list' },
            ...result.confusion.slice(0, 40).map(each =>
              h(
                'li',
                {},
                h(
                  'button',
                  {
                    type: 'button',
                    class: 'link',
                    onclick: () => cellImages(each.class, each.predicted).catch(fail),
                  },
                  `${each.class} taken for ${each.predicted}: ${count(each.count)}`,
                ),
              ),
            ),
          );
    return h(
      'section',
      { class: 'card', 'aria-labelledby': 'confusion-title' },
      h('h3', { id: 'confusion-title' }, 'What it confuses'),
      h('p', { class: 'fine' }, 'A row for each class, a column for what the network said. Choose a cell to see its images.'),
      h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Confusion matrix' }, content),
    );
  }

  async function cellImages(label, predicted) {
    const images = await get(`runs/${id}/cell?${query({ class: label, predicted })}`);
    show(
      label === predicted ? `${label}, rightly` : `${label}, taken for ${predicted}`,
      h('ul', { class: 'gallery' }, ...images.map(each => picture(each, 160))),
    );
  }

  function picture(each, size) {
    return h(
      'li',
      {},
      h(
        'button',
        {
          type: 'button',
          class: 'bare',
          'aria-label': `${fileName(each.image)}: where the network looked`,
          onclick: () => look(each).catch(fail),
        },
        h('img', { src: thumbnail(each.image, size), alt: '', loading: 'lazy' }),
      ),
      h('span', { class: 'fine' }, `${each.predicted} ${percent(each.confidence, 0)}`),
    );
  }

  async function look(each) {
    const heat = name =>
      h(
        'figure',
        {},
        h('img', {
          class: 'large',
          src: `api/runs/${id}/heatmap?${query({ image: each.image, class: name })}`,
          alt: `What speaks for ${name}`,
        }),
        h('figcaption', {}, `what speaks for ${name}`),
      );
    show(
      fileName(each.image),
      h(
        'p',
        {},
        each.predicted === each.class
          ? `Its folder says ${each.class}, and so does the network, with ${percent(each.confidence)}.`
          : `Its folder says ${each.class}; the network says ${each.predicted}, with ${percent(each.confidence)}, `
            + `and ${each.class} with ${percent(each.classProbability)}.`,
      ),
      h(
        'div',
        { class: 'looks' },
        h(
          'figure',
          {},
          h('img', { class: 'large', src: thumbnail(each.image, 480), alt: fileName(each.image) }),
          h('figcaption', {}, 'the image'),
        ),
        heat(each.predicted),
        each.predicted === each.class ? null : heat(each.class),
      ),
      each.predicted === each.class
        ? null
        : h(
            'div',
            { class: 'row' },
            action(
              `Move it to ${each.predicted}`,
              async () => {
                studio.take(await post('images/move', { images: [each.image], class: each.predicted }));
                say(`Moved to ${each.predicted}. Undo takes it back.`);
              },
              { class: 'button second' },
            ),
          ),
    );
  }

  function mistakes(result) {
    return h(
      'section',
      { class: 'card', 'aria-labelledby': 'mistakes-title' },
      h('h3', { id: 'mistakes-title' }, 'Worst mistakes'),
      result.mistakes.length === 0
        ? h('p', {}, 'It made none.')
        : h(
            'p',
            { class: 'fine' },
            'The wrong answers that the network was surest of, with what it looked at. Yellow is where it found what it named.',
          ),
      h(
        'ul',
        { class: 'mistakes' },
        ...result.mistakes
          .slice(0, 12)
          .map(each =>
            h(
              'li',
              {},
              h(
                'button',
                { type: 'button', class: 'bare', 'aria-label': `${fileName(each.image)}: larger`, onclick: () => look(each).catch(fail) },
                h('img', { src: thumbnail(each.image, 200), alt: '', loading: 'lazy' }),
                h('img', { alt: '', data: { heat: `api/runs/${id}/heatmap?${query({ image: each.image, class: each.predicted })}` } }),
              ),
              h('p', {}, h('b', {}, each.class), ' taken for ', h('b', {}, each.predicted), `, ${percent(each.confidence, 0)} sure`),
            ),
          ),
      ),
    );
  }

  function classes(result) {
    return h(
      'section',
      { class: 'card', 'aria-labelledby': 'classes-title' },
      h('h3', { id: 'classes-title' }, 'Class by class'),
      h(
        'div',
        { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Table of classes' },
        h(
          'table',
          {},
          h(
            'thead',
            {},
            h(
              'tr',
              {},
              ...[
                ['Class'],
                ['Test images'],
                ['Found', 'Recall: of the class’s images, the share that it found'],
                ['Right when named', 'Precision: of the images given to the class, the share that belong to it'],
                ['F1', 'The harmonic mean of the two'],
              ].map(([name, title]) => h('th', { scope: 'col', title }, name)),
            ),
          ),
          h(
            'tbody',
            {},
            ...result.perClass.map(each =>
              h(
                'tr',
                {},
                h('th', { scope: 'row' }, each.name),
                h('td', {}, count(each.images)),
                h('td', {}, percent(each.recall)),
                h('td', {}, each.predicted === 0 ? '–' : percent(each.precision)),
                h('td', {}, percent(each.f1)),
              ),
            ),
          ),
        ),
      ),
    );
  }

  function calibration(result) {
    const bins = result.bins.filter(bin => bin.count > 0);
    return h(
      'section',
      { class: 'card', 'aria-labelledby': 'trust-title' },
      h('h3', { id: 'trust-title' }, 'Can its probabilities be trusted?'),
      h(
        'p',
        {},
        'When it says 90 %, is it right nine times out of ten? Bars on the dashed line are. '
          + `On average they are off by ${percent(result.calibrationError)}; log-loss ${result.logLoss.toFixed(3)}.`,
      ),
      reliability(result.bins),
      h(
        'details',
        {},
        h('summary', {}, 'As a table'),
        h(
          'table',
          {},
          h('thead', {}, h('tr', {}, ...['It says', 'Images', 'It is right'].map(name => h('th', { scope: 'col' }, name)))),
          h(
            'tbody',
            {},
            ...bins.map(bin =>
              h(
                'tr',
                {},
                h('th', { scope: 'row' }, percent(bin.confidence, 0)),
                h('td', {}, count(bin.count)),
                h('td', {}, percent(bin.accuracy, 0)),
              ),
            ),
          ),
        ),
      ),
    );
  }

  async function compare() {
    const chosen = studio.done.filter(run => compared.has(run.id));
    const histories = await Promise.all(chosen.map(run => get(`runs/${run.id}`)));
    chart?.close();
    const curves = histories.map(({ points }) => {
      const ends = points.filter(point => point.endsEpoch);
      const drawn = ends.length > 0 ? ends : points;
      return drawn.map(point => [point.step / point.steps, point.validation ?? point.accuracy]);
    });
    chart = new Curves(
      'Accuracy while learning',
      chosen.map(run => run.id),
      { format: value => percent(value, 0), range: [0, 1], x: 'share of the run' },
    );
    others.replaceChildren(
      h('h3', { id: 'compare-title' }, 'Runs side by side'),
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
              ...[
                'Run',
                'Test accuracy',
                '95 % interval',
                'Test images',
                'Preset',
                'Started from',
                'Network',
                'Epochs',
                'Time',
                'Drawn',
              ].map(name => h('th', { scope: 'col' }, name)),
            ),
          ),
          h(
            'tbody',
            {},
            ...studio.done.map(run =>
              h(
                'tr',
                { class: run.id === id ? 'chosen' : '' },
                h('th', { scope: 'row' }, run.id),
                ...[
                  run.accuracy ? percent(run.accuracy.value) : '–',
                  run.accuracy ? `${percent(run.accuracy.low)} – ${percent(run.accuracy.high)}` : '–',
                  count(run.testImages),
                  run.settings.preset,
                  startNames[run.settings.start] ?? run.settings.start,
                  run.settings.network,
                  count(run.settings.epochs),
                  duration(run.seconds),
                ].map(text => h('td', {}, text)),
                h(
                  'td',
                  {},
                  h('input', {
                    type: 'checkbox',
                    checked: compared.has(run.id),
                    'aria-label': `Draw ${run.id}`,
                    onchange: event => {
                      if (event.target.checked) compared.add(run.id);
                      else compared.delete(run.id);
                      if (compared.size > mostCompared) compared.delete([...compared][0]);
                      compare().catch(fail);
                    },
                  }),
                ),
              ),
            ),
          ),
        ),
      ),
      chart.element,
    );
    const x = [...new Set(curves.flat().map(([at]) => at))].sort((a, b) => a - b);
    chart.set([
      x,
      ...curves.map(curve => {
        const at = new Map(curve);
        return x.map(each => at.get(each) ?? null);
      }),
    ]);
  }

  const stop = listen('run', run => {
    if (run.state === 'done') open(main, studio).catch(fail);
  });
  await draw();
  return {
    changed() {},
    close() {
      stop();
      chart?.close();
    },
  };
}
