import { post, thumbnail } from './api.js';
import { action, count, fileName, h, percent, say } from './dom.js';
import { nothingYet, picker } from './evaluate.js';

// Shows one doubtful label after the other: a key for each answer.
export async function open(main, studio) {
  if (studio.done.length === 0) {
    main.replaceChildren(nothingYet('With one, the studio finds images that probably lie in the wrong class.'));
    return {};
  }
  let id = studio.done[0].id;
  let found;
  let index = 0;
  let changes = 0;
  const body = h('div', { class: 'stack' });
  main.replaceChildren(
    h(
      'div',
      { class: 'bar' },
      h('h2', {}, 'Whose label is wrong?'),
      picker(studio, id, value => {
        id = value;
        found = undefined;
        draw();
      }),
    ),
    body,
  );

  const search = action('Find likely wrong labels', async button => {
    button.textContent = 'Looking at all images…';
    try {
      found = await post(`runs/${id}/labels`);
      index = 0;
    } finally {
      button.textContent = 'Find likely wrong labels';
    }
    draw();
  });

  function draw() {
    if (!found) {
      body.replaceChildren(
        h(
          'section',
          { class: 'panel' },
          h('h3', {}, 'A second look at your labels'),
          h(
            'p',
            {},
            'A few wrong labels are in almost every collection, and they cost accuracy. Each that is found is shown to you; you decide.',
          ),
          search,
        ),
      );
      return;
    }
    const label = found.labels[index];
    if (!label) {
      body.replaceChildren(
        h(
          'section',
          { class: 'panel' },
          h('h3', {}, found.labels.length === 0 ? 'No label looks wrong' : 'That was the last one'),
          h(
            'p',
            {},
            found.labels.length === 0
              ? `All ${count(found.images)} labels fit their images.`
              : `${count(changes)} images were moved or removed.`,
          ),
          h(
            'div',
            { class: 'row' },
            changes > 0
              ? action('Train again from these weights', () => {
                  sessionStorage.setItem('start', id);
                  location.hash = '#train';
                })
              : null,
            search,
          ),
        ),
      );
      return;
    }
    body.replaceChildren(
      h(
        'section',
        { class: 'card doubt', 'aria-labelledby': 'doubt-title' },
        h(
          'div',
          { class: 'bar' },
          h('h3', { id: 'doubt-title' }, fileName(label.image)),
          h('span', { class: 'fine' }, `${index + 1} of ${found.labels.length}`),
        ),
        h(
          'div',
          { class: 'columns even' },
          h('img', { class: 'large', src: thumbnail(label.image, 640), alt: `${fileName(label.image)}, in class ${label.class}` }),
          h(
            'div',
            { class: 'stack' },
            h('p', {}, 'It is in ', h('b', {}, label.class), `, with a probability of ${percent(label.probability)}.`),
            h('p', {}, 'It looks like ', h('b', {}, label.suggested), `, with ${percent(label.suggestedProbability)}.`),
            h(
              'div',
              { class: 'answers' },
              action([h('kbd', {}, 'K'), ' Keep it in ', label.class], keep, { class: 'button second' }),
              action([h('kbd', {}, 'M'), ' Move it to ', label.suggested], move),
              action([h('kbd', {}, 'X'), ' Exclude it'], exclude, { class: 'button second' }),
            ),
            h('p', { class: 'fine' }, found.method),
          ),
        ),
      ),
      h(
        'ul',
        { class: 'gallery strip', 'aria-label': 'The next ones' },
        ...found.labels
          .slice(index + 1, index + 9)
          .map(each => h('li', {}, h('img', { src: thumbnail(each.image, 96), alt: fileName(each.image), loading: 'lazy' }))),
      ),
    );
  }

  function next(message, isChange) {
    changes += isChange ? 1 : 0;
    index++;
    say(message);
    draw();
  }

  async function keep() {
    await post('labels/keep', { image: found.labels[index].image });
    next('Kept; it is not asked about again.', false);
  }

  async function move() {
    const { image, suggested } = found.labels[index];
    studio.take(await post('images/move', { images: [image], class: suggested }));
    next(`Moved to ${suggested}. Undo takes it back.`, true);
  }

  async function exclude() {
    studio.take(await post('images/trash', { images: [found.labels[index].image] }));
    next('Moved to the trash folder. Undo takes it back.', true);
  }

  let isBusy = false;
  const key = async event => {
    if (
      !found?.labels[index]
      || isBusy
      || event.ctrlKey
      || event.metaKey
      || event.altKey
      || /INPUT|SELECT|TEXTAREA/.test(event.target.tagName)
    )
      return;
    const answer = { k: keep, m: move, x: exclude }[event.key.toLowerCase()];
    if (!answer) return;
    isBusy = true;
    try {
      await answer();
    } catch (error) {
      say(error.message, true);
    } finally {
      isBusy = false;
    }
  };
  document.addEventListener('keydown', key);
  draw();
  return {
    changed() {
      if (found && index > 0) index--;
      changes = Math.max(0, changes - 1);
      draw();
    },
    close() {
      document.removeEventListener('keydown', key);
    },
  };
}
