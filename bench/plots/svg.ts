import * as echarts from 'echarts';
import type { Bar, Line } from './series';

const SIZE = { width: 720, height: 400 };
/** Has a white background, because GitHub's dark mode would make the text unreadable. */
const COMMON = {
  animation: false,
  backgroundColor: '#ffffff',
  textStyle: { fontFamily: 'sans-serif' },
  color: ['#0072b2', '#56b4e9', '#d55e00', '#e69f00', '#009e73'],
} satisfies echarts.EChartsOption;

/** Draws lines on logarithmic axes. */
export function svgOfLines(title: string, lines: readonly Line[]): string {
  return svgOf({
    ...COMMON,
    title: { text: title, left: 'center' },
    // Vertical, because the width of the labels depends on the fonts of the viewer.
    legend: { orient: 'vertical', right: 16, top: 'middle' },
    grid: { left: 64, right: 264, top: 48, bottom: 48 },
    xAxis: { type: 'log', name: 'enrollments', nameLocation: 'middle', nameGap: 26, min: 1 },
    yAxis: { type: 'log' },
    series: lines.map(({ label, points }) => ({ type: 'line', name: label, data: points.map((point) => [...point]) })),
  });
}

/** Draws bars that start at zero. */
export function svgOfBars(title: string, bars: readonly Bar[]): string {
  return svgOf({
    ...COMMON,
    title: { text: title, left: 'center' },
    grid: { left: 200, right: 64, top: 48, bottom: 32 },
    xAxis: { type: 'value', min: 0 },
    yAxis: { type: 'category', inverse: true, data: bars.map(({ label }) => label) },
    series: [
      {
        type: 'bar',
        data: bars.map(({ value }) => Number(value.toPrecision(3))),
        label: { show: true, position: 'right' },
      },
    ],
  });
}

function svgOf(option: echarts.EChartsOption): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, ...SIZE });
  try {
    chart.setOption(option);
    return `${chart.renderToSVGString()}\n`;
  } finally {
    chart.dispose();
  }
}
