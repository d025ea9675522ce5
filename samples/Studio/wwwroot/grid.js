import { get, query, thumbnail } from './api.js';
import { fileName, h } from './dom.js';

const page = 500;
const gap = 8;

// Shows a class's images. Only those in sight are elements, so that a hundred thousand scroll like ten.
export class Grid {
  constructor({ onSelect, onOpen }) {
    this.selected = new Set();
    this.tiles = new Map();
    this.onSelect = onSelect;
    this.onOpen = onOpen;
    this.inner = h('ul', { class: 'tiles', role: 'list' });
    this.element = h('div', { class: 'grid', tabindex: '0', role: 'region', 'aria-label': 'Images' }, this.inner);
    this.element.addEventListener('scroll', () => this.render(), { passive: true });
    this.element.addEventListener('keydown', event => this.move(event));
    new ResizeObserver(() => this.render()).observe(this.element);
  }

  // Lists another class, or the same one anew.
  async show(className, part) {
    const isOther = className !== this.className || part !== this.part;
    [this.className, this.part] = [className, part];
    this.pages = new Map();
    this.total = 0;
    this.selected.clear();
    this.version = (this.version ?? 0) + 1;
    if (isOther) this.element.scrollTop = 0;
    if (className) await this.load(0);
    this.tiles = new Map();
    this.inner.replaceChildren();
    this.render();
    this.onSelect();
  }

  async load(index) {
    const version = this.version;
    this.pages.set(index, null);
    const answer = await get(`images?${query({ class: this.className, part: this.part, from: index * page, count: page })}`);
    if (version !== this.version) return;
    this.total = answer.total;
    this.pages.set(index, answer.images);
  }

  nameOf(index) {
    const number = Math.floor(index / page);
    if (!this.pages.has(number)) this.load(number).then(() => this.render());
    return this.pages.get(number)?.[index % page];
  }

  render() {
    const width = this.element.clientWidth - 2 * gap;
    if (!this.pages || width <= 0) return;
    const side = width < 500 ? 96 : 128;
    this.columns = Math.max(1, Math.floor((width + gap) / (side + gap)));
    this.row = Math.floor((width - gap * (this.columns - 1)) / this.columns) + gap;
    this.inner.style.height = `${Math.ceil(this.total / this.columns) * this.row}px`;
    const first = Math.max(0, Math.floor(this.element.scrollTop / this.row) - 2) * this.columns;
    const last = Math.min(this.total, (Math.ceil((this.element.scrollTop + this.element.clientHeight) / this.row) + 2) * this.columns);
    const kept = new Map();
    for (let index = first; index < last; index++) {
      const image = this.nameOf(index);
      if (!image) continue;
      const key = `${index} ${image}`;
      const tile = this.tiles.get(key) ?? this.make(index, image);
      kept.set(key, tile);
      tile.style.width = tile.style.height = `${this.row - gap}px`;
      tile.style.transform = `translate(${(index % this.columns) * this.row}px, ${Math.floor(index / this.columns) * this.row}px)`;
      if (!tile.isConnected) this.inner.append(tile);
    }
    for (const [key, tile] of this.tiles) {
      if (!kept.has(key)) tile.remove();
    }
    this.tiles = kept;
  }

  make(index, image) {
    const picture = h('img', { src: thumbnail(image), alt: '', loading: 'lazy', draggable: 'false' });
    picture.addEventListener('error', () => tile.classList.add('broken'));
    picture.addEventListener('load', () => picture.classList.toggle('tiny', picture.naturalWidth <= 64));
    const button = h(
      'button',
      {
        type: 'button',
        'aria-pressed': String(this.selected.has(image)),
        'aria-label': fileName(image),
        title: fileName(image),
        draggable: 'true',
        data: { index: String(index) },
      },
      picture,
    );
    button.addEventListener('click', event => this.toggle(index, image, event.shiftKey));
    button.addEventListener('dblclick', () => this.onOpen(image));
    button.addEventListener('dragstart', event => {
      if (!this.selected.has(image)) this.toggle(index, image, false);
      event.dataTransfer.setData('application/x-studio-images', '1');
    });
    const tile = h('li', { class: 'tile' }, button);
    return tile;
  }

  toggle(index, image, isRange) {
    if (isRange && this.last !== undefined) {
      for (let i = Math.min(index, this.last); i <= Math.max(index, this.last); i++) {
        const name = this.nameOf(i);
        if (name) this.selected.add(name);
      }
    } else if (!this.selected.delete(image)) {
      this.selected.add(image);
    }
    this.last = index;
    this.mark();
  }

  async selectAll() {
    for (let number = 0; number * page < this.total; number++) {
      if (!this.pages.get(number)) await this.load(number);
      for (const image of this.pages.get(number)) this.selected.add(image);
    }
    this.mark();
  }

  clear() {
    this.selected.clear();
    this.mark();
  }

  mark() {
    for (const [key, tile] of this.tiles) {
      tile.firstChild.setAttribute('aria-pressed', String(this.selected.has(key.slice(key.indexOf(' ') + 1))));
    }
    this.onSelect();
  }

  // Arrows go from image to image, Enter shows one large; Space is a button's own key.
  move(event) {
    const focused = document.activeElement?.dataset?.index;
    if (focused === undefined) {
      if (event.key === 'ArrowDown' && document.activeElement === this.element && this.total > 0) {
        event.preventDefault();
        this.focus(0);
      }
      return;
    }
    const index = Number(focused);
    if (event.key === 'Enter') {
      event.preventDefault();
      this.onOpen(this.nameOf(index));
      return;
    }
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.columns, ArrowUp: -this.columns }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    this.focus(Math.max(0, Math.min(this.total - 1, index + step)));
  }

  focus(index) {
    const top = Math.floor(index / this.columns) * this.row;
    if (top < this.element.scrollTop) this.element.scrollTop = top;
    if (top + this.row > this.element.scrollTop + this.element.clientHeight)
      this.element.scrollTop = top + this.row - this.element.clientHeight;
    this.render();
    this.inner.querySelector(`[data-index="${index}"]`)?.focus({ preventScroll: true });
  }
}
