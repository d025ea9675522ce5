import { thumbnail } from './api.js';
import { fileName, h, percent, svg } from './dom.js';

const [width, height] = [100, 24];

// Images that the network does not learn from, and what it takes them for, epoch after epoch.
export class Samples {
  constructor() {
    this.list = h('ul', { class: 'samples' });
    this.element = h(
      'section',
      { class: 'stack', hidden: true, 'aria-labelledby': 'samples-title' },
      h('h3', { id: 'samples-title' }, 'Its guesses so far'),
      h(
        'p',
        { class: 'fine' },
        'Images that it does not learn from, and what it takes them for after each epoch. '
          + 'The line shows how sure it was of the right class.',
      ),
      this.list,
    );
  }

  set(points) {
    const told = points.filter(point => point.samples);
    this.element.hidden = told.length === 0;
    for (const [index, sample] of (told.at(-1)?.samples ?? []).entries()) {
      this.list.children[index] ?? this.list.append(this.make(sample));
      const tile = this.list.children[index];
      const isRight = sample.predicted === sample.class;
      tile.className = isRight ? 'right' : 'wrong';
      tile.querySelector('b').textContent = sample.predicted;
      tile.querySelector('.sure').textContent = percent(sample.probability, 0);
      tile.querySelector('.mark').textContent = isRight ? '✓' : '✗';
      tile.querySelector('.mark').setAttribute('aria-label', isRight ? 'right' : 'wrong');
      tile.querySelector('.truth').textContent = isRight ? '' : `it is ${sample.class}`;
      tile.querySelector('polyline').setAttribute('points', line(told.map(point => point.samples[index]?.classProbability ?? 0)));
    }
  }

  make(sample) {
    return h(
      'li',
      {},
      h('img', { src: thumbnail(sample.image, 200), alt: `${fileName(sample.image)}, of class ${sample.class}` }),
      h('p', {}, h('span', { class: 'mark', role: 'img' }), ' ', h('b', {}), ' ', h('span', { class: 'sure' })),
      h('p', { class: 'truth' }),
      svg(
        'svg',
        { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
        svg('polyline', { points: '' }),
      ),
    );
  }
}

const line = values =>
  values
    .map(
      (value, index) =>
        `${values.length > 1 ? (width * index) / (values.length - 1) : width},${(height - 1 - (height - 2) * value).toFixed(1)}`,
    )
    .join(' ');
