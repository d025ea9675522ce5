import { h, svg } from './dom.js';

// Colours that can be told apart on light and dark, by most eyes.
export const colours = ['--line-1', '--line-2', '--line-3', '--line-4', '--line-5', '--line-6'];

const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Curves that follow the data; the table below them says the same to those who do not see them.
export class Curves {
  constructor(title, series, { format = value => value.toFixed(2), x = 'epoch', range } = {}) {
    this.title = title;
    this.series = series;
    this.format = format;
    this.x = x;
    this.range = range;
    this.plot = h('div', { class: 'plot', role: 'img', 'aria-label': title });
    this.element = h('figure', { class: 'chart' }, h('figcaption', {}, title), this.plot);
    this.observer = new ResizeObserver(() => this.size());
    this.observer.observe(this.plot);
    this.scheme = matchMedia('(prefers-color-scheme: dark)');
    this.redraw = () => this.draw();
    this.scheme.addEventListener('change', this.redraw);
  }

  set(data) {
    this.data = data;
    const last = this.series
      .map((name, i) => {
        const values = data[i + 1].filter(value => value !== null && value !== undefined);
        return values.length > 0 ? `${name} ${this.format(values.at(-1))}` : null;
      })
      .filter(Boolean);
    this.plot.setAttribute('aria-label', `${this.title}: ${last.join(', ') || 'nothing yet'}`);
    if (this.chart) this.chart.setData(data);
    else this.draw();
    this.showLast();
  }

  // Without a pointer over it, the legend has the newest values.
  showLast() {
    if (this.chart && this.chart.cursor.idx == null && this.data[0].length > 0)
      this.chart.setLegend({ idx: this.data[0].length - 1 }, false);
  }

  draw() {
    if (!this.data || !this.plot.clientWidth) return;
    this.chart?.destroy();
    const axis = {
      stroke: colour('--quiet'),
      grid: { stroke: colour('--grid'), width: 1 },
      ticks: { stroke: colour('--grid'), width: 1 },
      font: '12px system-ui, sans-serif',
    };
    this.chart = new uPlot(
      {
        width: this.plot.clientWidth,
        height: 220,
        legend: { live: true },
        cursor: { y: false },
        hooks: { setCursor: [() => this.showLast()] },
        scales: { x: { time: false }, y: this.range ? { range: this.range } : {} },
        axes: [
          { ...axis, label: this.x, labelSize: 18, labelFont: axis.font },
          { ...axis, size: 52, values: (_, values) => values.map(this.format) },
        ],
        series: [
          { label: this.x, value: (_, value) => (value === null || value === undefined ? '–' : String(Number(value.toFixed(1)))) },
          ...this.series.map((label, i) => ({
            label,
            stroke: colour(colours[i % colours.length]),
            width: 2,
            spanGaps: true,
            dash: i % 2 ? [6, 4] : undefined,
            points: { show: this.data[0].length < 40 },
            value: (_, value) => (value === null || value === undefined ? '–' : this.format(value)),
          })),
        ],
      },
      this.data,
      this.plot,
    );
    this.showLast();
  }

  size() {
    if (!this.chart) this.draw();
    else if (this.plot.clientWidth !== this.chart.width) this.chart.setSize({ width: this.plot.clientWidth, height: 220 });
  }

  close() {
    this.observer.disconnect();
    this.scheme.removeEventListener('change', this.redraw);
    this.chart?.destroy();
  }
}

// How often the network is right when it says so: bars against the diagonal.
export function reliability(bins) {
  const [size, left, bottom] = [220, 36, 30];
  const [x, y] = [value => left + value * (size - left - 6), value => 6 + (1 - value) * (size - bottom - 6)];
  const picture = svg('svg', {
    viewBox: `0 0 ${size + 14} ${size}`,
    class: 'reliability',
    role: 'img',
    'aria-label': 'Reliability diagram; the table below has its numbers',
  });
  for (const value of [0, 0.5, 1]) {
    picture.append(
      svg('line', { x1: x(0), x2: x(1), y1: y(value), y2: y(value), class: 'grid-line' }),
      svg('text', { x: left - 5, y: y(value) + 4, 'text-anchor': 'end' }, `${100 * value} %`),
      svg('text', { x: x(value), y: size - 12, 'text-anchor': 'middle' }, `${100 * value} %`),
    );
  }
  for (const bin of bins.filter(each => each.count > 0)) {
    picture.append(
      svg('rect', {
        x: x(bin.low) + 1,
        y: y(bin.accuracy),
        width: x(bin.high) - x(bin.low) - 2,
        height: y(0) - y(bin.accuracy),
        class: 'bar',
      }),
    );
  }
  picture.append(svg('line', { x1: x(0), y1: y(0), x2: x(1), y2: y(1), class: 'diagonal' }));
  return picture;
}
