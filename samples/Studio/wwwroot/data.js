import { get, listen, post, query, send, thumbnail } from './api.js';
import { action, ask, byId, count, fileName, h, say, show } from './dom.js';
import { Grid } from './grid.js';

const atOnce = 4;

export async function open(main, studio) {
  let className = studio.project.classes[0]?.name;
  let part = '';
  let check = await get('check');
  const grid = new Grid({ onSelect: bar, onOpen: view });
  const classes = h('ul', { class: 'classes' });
  const next = h('a', { class: 'button next', href: '#train' }, 'Next: train a network');
  const tools = h('div', { class: 'tools' });
  const findings = h('section', { class: 'findings', 'aria-label': 'Checks' });
  const heading = h('h2', { id: 'class-title' });
  const parts = h('select', {
    'aria-label': 'Images to train or to test on',
    onchange: event => {
      part = event.target.value;
      grid.show(className, part).catch(fail);
    },
  });
  const files = h('input', {
    id: 'files',
    type: 'file',
    multiple: true,
    accept: 'image/*,.zip',
    class: 'unseen',
    'aria-label': 'Images or a zip file',
    onchange: event =>
      bring(
        [...event.target.files].map(file => [file.name, file]),
        className,
      ),
  });
  const folder = h('input', {
    id: 'folder',
    type: 'file',
    webkitdirectory: true,
    class: 'unseen',
    'aria-label': 'Folder of images',
    onchange: event => bring([...event.target.files].map(file => [file.webkitRelativePath, file])),
  });
  const welcome = h(
    'section',
    { class: 'panel welcome' },
    h('h2', {}, 'Start with your pictures'),
    h(
      'p',
      {},
      'Drop folders here, one for each thing that you want to tell apart, or a zip file of such folders. '
        + 'A folder’s name becomes the name of its class.',
    ),
    h(
      'div',
      { class: 'row' },
      h('label', { class: 'button', for: 'folder' }, 'Choose a folder'),
      h('label', { class: 'button second', for: 'files' }, 'Choose a zip file'),
      action('Make an empty class', () => ask('New class', 'Name', '', newClass), { class: 'button second' }),
    ),
    h('p', { class: 'fine' }, 'Nothing leaves this machine.'),
    h(
      'p',
      { class: 'fine' },
      'Each picture belongs to one class. '
        + 'Where a picture shows several things at once, train in a terminal: “resnet train photos.csv”.',
    ),
  );
  const browser = h(
    'div',
    { class: 'browser' },
    h(
      'aside',
      { 'aria-label': 'Classes' },
      h(
        'div',
        { class: 'bar' },
        h('h2', {}, 'Classes'),
        action('New class', () => ask('New class', 'Name', '', newClass), { class: 'plain' }),
      ),
      classes,
      next,
    ),
    h(
      'section',
      { class: 'images', 'aria-labelledby': 'class-title' },
      h(
        'div',
        { class: 'bar' },
        heading,
        h(
          'div',
          { class: 'row' },
          parts,
          h('label', { class: 'button second', for: 'files' }, 'Add images'),
          h('label', { class: 'button second for-mouse', for: 'folder' }, 'Add a folder'),
        ),
      ),
      tools,
      grid.element,
      h(
        'p',
        { class: 'fine for-mouse' },
        'Click or Space selects, Shift selects a range, Enter or a double click enlarges. '
          + 'Drag images onto a class to move them. Ctrl+Z takes back.',
      ),
    ),
  );
  main.replaceChildren(files, folder, welcome, browser, findings);

  const drop = async (event, target) => {
    event.preventDefault();
    document.body.classList.remove('over');
    if (event.dataTransfer.types.includes('application/x-studio-images')) {
      if (target) await move(target);
      return;
    }
    await bring(await dropped(event.dataTransfer), target);
  };
  const overPage = event => {
    event.preventDefault();
    if (event.dataTransfer.types.includes('Files')) document.body.classList.add('over');
  };
  const leavePage = event => {
    if (!event.relatedTarget) document.body.classList.remove('over');
  };
  const dropPage = event => drop(event).catch(fail);
  document.body.addEventListener('dragover', overPage);
  document.body.addEventListener('dragleave', leavePage);
  document.body.addEventListener('drop', dropPage);
  const stop = [
    listen('check', result => {
      check = result;
      find();
    }),
    listen('unpacking', ({ done, total }) => say(`Unpacked ${count(done)} of ${count(total)} images.`)),
  ];

  function fail(error) {
    say(error.message, true);
  }

  function take(project) {
    studio.take(project);
    list();
  }

  function list() {
    const { project } = studio;
    const isEmpty = project.classes.length === 0;
    welcome.hidden = !isEmpty;
    browser.hidden = isEmpty;
    findings.hidden = isEmpty;
    if (!project.classes.some(each => each.name === className)) className = project.classes[0]?.name;
    classes.replaceChildren(
      ...project.classes.map(each => {
        const total = each.counts.reduce((sum, value) => sum + value, 0);
        const words =
          each.counts.length > 1
            ? `${count(each.counts[0])} to train, ${count(each.counts[1])} to test`
            : `${count(total)} ${total === 1 ? 'image' : 'images'}`;
        const button = h(
          'button',
          {
            type: 'button',
            class: 'class',
            'aria-pressed': String(each.name === className),
            onclick: () => {
              className = each.name;
              list();
              grid.show(className, part).catch(fail);
            },
          },
          h('b', {}, each.name),
          h('span', {}, words),
        );
        button.addEventListener('dragover', event => {
          event.preventDefault();
          button.classList.add('target');
        });
        button.addEventListener('dragleave', () => button.classList.remove('target'));
        button.addEventListener('drop', event => {
          event.stopPropagation();
          button.classList.remove('target');
          drop(event, each.name).catch(fail);
        });
        return h('li', {}, button);
      }),
    );
    next.hidden = project.classes.filter(each => each.counts[0] > 0).length < 2;
    const chosen = project.classes.find(each => each.name === className);
    heading.textContent = chosen?.name ?? '';
    parts.hidden = project.parts.length < 2;
    parts.replaceChildren(
      ...(project.parts.length < 2
        ? []
        : [
            ['', 'All images'],
            [project.parts[0], 'To train on'],
            [project.parts[1], 'To test on'],
          ].map(([value, label]) => h('option', { value, selected: value === part }, label))),
    );
    bar();
    find();
  }

  function bar() {
    const number = grid.selected.size;
    const others = studio.project.classes.filter(each => each.name !== className).map(each => each.name);
    const target = h('select', { 'aria-label': 'Class to move to' }, ...others.map(name => h('option', {}, name)));
    tools.replaceChildren(
      ...(number === 0
        ? [
            action('Rename the class', () => ask('Rename the class', 'New name', className, rename), { class: 'plain' }),
            action('Select all', () => grid.selectAll(), { class: 'plain' }),
          ]
        : [
            h('span', { class: 'chosen' }, `${count(number)} selected`),
            ...(others.length > 0
              ? [
                  h(
                    'span',
                    { class: 'row' },
                    target,
                    action('Move', () => move(target.value), { class: 'button second' }),
                  ),
                ]
              : []),
            action('Remove', remove, { class: 'button second' }),
            action('Select none', () => grid.clear(), { class: 'plain' }),
          ]),
    );
  }

  function find() {
    const { unreadable, duplicates, leaks, conflicts } = check;
    const twice = duplicates.filter(
      group => !conflicts.some(other => other[0] === group[0]) && !leaks.some(other => other[0] === group[0]),
    );
    const parts = check.isRunning
      ? [h('p', { class: 'fine' }, `Checking: ${count(check.done)} of ${count(check.total)} images read.`)]
      : check.total > 0 && unreadable.length + duplicates.length === 0
        ? [h('p', { class: 'good' }, `All ${count(check.total)} images can be read, and no two are the same.`)]
        : [];
    const section = (title, advice, groups, remove) =>
      groups.length === 0
        ? []
        : [
            h(
              'details',
              { class: 'finding', open: groups.length < 4 },
              h('summary', {}, `${title}: ${count(groups.length)}`),
              h('p', {}, advice),
              h(
                'ul',
                { class: 'pairs' },
                ...groups
                  .slice(0, 60)
                  .map(group =>
                    h(
                      'li',
                      {},
                      ...group
                        .slice(0, 6)
                        .map(image =>
                          h('figure', {}, h('img', { src: thumbnail(image, 96), alt: '', loading: 'lazy' }), h('figcaption', {}, image)),
                        ),
                    ),
                  ),
              ),
              ...(remove
                ? [
                    action('Keep one of each, remove the others', () => trash(groups.flatMap(group => group.slice(1))), {
                      class: 'button second',
                    }),
                  ]
                : []),
            ),
          ];
    findings.replaceChildren(
      ...parts,
      ...(unreadable.length === 0
        ? []
        : [
            h(
              'details',
              { class: 'finding', open: unreadable.length < 8 },
              h('summary', {}, `Cannot be read: ${count(unreadable.length)}`),
              h('p', {}, 'They are left out of training.'),
              h('ul', {}, ...unreadable.slice(0, 100).map(each => h('li', {}, each.reason))),
              action('Remove them', () => trash(unreadable.map(each => each.image)), { class: 'button second' }),
            ),
          ]),
      ...section('The same image in two classes', 'At most one of its labels is right.', conflicts, false),
      ...section(
        'The same image to train and to test on',
        'The network would know the answer: such an image makes the test worthless.',
        leaks,
        true,
      ),
      ...section('Images that are there twice', 'They count double.', twice, true),
    );
  }

  async function newClass(name) {
    take(await post('classes', { name }));
    className = name.trim();
    list();
    await grid.show(className, part);
  }

  async function rename(name) {
    take(await post('classes/rename', { from: className, to: name }));
    className = name.trim();
    list();
    await grid.show(className, part);
  }

  async function move(target) {
    const images = [...grid.selected];
    if (images.length === 0 || target === className) return;
    take(await post('images/move', { images, class: target }));
    say(`Moved ${count(images.length)} to ${target}. Undo takes it back.`);
    await grid.show(className, part);
  }

  const remove = () => trash([...grid.selected]);

  async function trash(images) {
    take(await post('images/trash', { images }));
    say(`Moved ${count(images.length)} to the project’s trash folder. Undo takes it back.`);
    await grid.show(className, part);
  }

  function view(image) {
    show(fileName(image), h('img', { class: 'large', src: thumbnail(image, 1024), alt: `${fileName(image)}, of class ${className}` }));
  }

  // Sends files, some at a time. Without a class, the folder that a file lies in is its class.
  async function bring(found, target) {
    const zips = found.filter(([path]) => path.toLowerCase().endsWith('.zip'));
    const images = found.filter(([path]) => /\.(jpe?g|png|gif|bmp|webp)$/i.test(path));
    files.value = folder.value = '';
    if (zips.length + images.length === 0) {
      say('There are no images among these files. JPEG, PNG, WebP, GIF and BMP are read.', true);
      return;
    }
    const classOf = path => target ?? path.split('/').at(-2) ?? className;
    const homeless = images.filter(([path]) => !classOf(path));
    if (homeless.length > 0) {
      say('Make a class first, or drop a folder: its name becomes the class.', true);
      return;
    }
    let [done, failures] = [0, []];
    // A folder with "train" and "val" in it says what is to be tested on.
    const partOf = path =>
      path
        .toLowerCase()
        .split('/')
        .slice(0, -2)
        .findLast(name => /^(train|test|val|valid|validation)$/.test(name));
    const names = new Set(images.map(([path]) => partOf(path)));
    const isSplit = !target && names.size === 2 && names.has('train') && !names.has(undefined);
    if (isSplit && studio.project.classes.length === 0) {
      studio.take(
        await post('split', {
          classes: [...new Set(images.map(([path]) => classOf(path)))],
          test: [...names].find(name => name !== 'train'),
        }),
      );
    }
    for (const name of new Set(images.map(([path]) => classOf(path)))) {
      if (!studio.project.classes.some(each => each.name === name)) studio.take(await post('classes', { name }));
    }
    for (const [path, file] of zips) {
      say(`Sending ${fileName(path)}…`);
      const answer = await send(`upload?${query({ name: fileName(path) })}`, file);
      done += answer.added;
      failures.push(...answer.refused);
    }
    const waiting = [...images];
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        for (let next = waiting.shift(); next; next = waiting.shift()) {
          const [path, file] = next;
          const own = isSplit && studio.project.parts.includes(partOf(path)) ? partOf(path) : part;
          try {
            await send(`upload?${query({ name: fileName(path), class: classOf(path), part: own || undefined })}`, file);
            done++;
            if (done % 20 === 0) say(`Added ${count(done)} of ${count(images.length)} images.`);
          } catch (error) {
            failures.push(`${fileName(path)}: ${error.message}`);
          }
        }
      }),
    );
    take(await get('project'));
    className ??= studio.project.classes[0]?.name;
    if (target) className = target;
    list();
    await grid.show(className, part);
    await post('check');
    say(
      failures.length === 0 ? `Added ${count(done)} images.` : `Added ${count(done)} images; ${count(failures.length)} were refused.`,
      failures.length > 0,
    );
    if (failures.length > 0)
      show('Not added', h('ul', { class: 'plain-list' }, ...failures.slice(0, 100).map(failure => h('li', {}, failure))));
  }

  list();
  await grid.show(className, part);
  return {
    changed() {
      list();
      grid.show(className, part).catch(fail);
    },
    close() {
      stop.forEach(end => end());
      document.body.removeEventListener('dragover', overPage);
      document.body.removeEventListener('dragleave', leavePage);
      document.body.removeEventListener('drop', dropPage);
    },
  };
}

// Lists the files of a drop, those in folders too.
async function dropped(transfer) {
  const entries = [...transfer.items].map(item => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return [...transfer.files].map(file => [file.name, file]);
  const found = [];
  const walk = async (entry, path) => {
    if (entry.isFile) {
      found.push([path + entry.name, await new Promise((done, failed) => entry.file(done, failed))]);
      return;
    }
    const reader = entry.createReader();
    for (let some = await read(reader); some.length > 0; some = await read(reader)) {
      for (const each of some) await walk(each, `${path}${entry.name}/`);
    }
  };
  const read = reader => new Promise((done, failed) => reader.readEntries(done, failed));
  for (const entry of entries) await walk(entry, '');
  return found;
}
