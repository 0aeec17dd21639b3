// One dashboard, drawn by Grafana's own panels from what Prometheus answered to each query. Its uid stands behind the `#`.

import 'uplot/dist/uPlot.min.css';
import { createRoot } from 'react-dom/client';
import { createTheme, dateTime, FieldType, formattedValueToString, getDisplayProcessor, toDataFrame } from '@grafana/data';
import { BigValue, BigValueColorMode, BigValueGraphMode, BigValueTextMode, GlobalStyles, PanelChrome, ThemeContext, TimeSeries } from '@grafana/ui';

const COLUMN = 60;
const LINE = 38;
const theme = createTheme({ colors: { mode: 'light' } });

const board = window.answers.map(({ board }) => board).find(({ uid }) => uid === location.hash.slice(1));

/** The legend with the labels that it names. */
const named = (legend, labels) => legend.replace(/{{(\w+)}}/g, (_, label) => labels[label] ?? '').trim();

/** A number as Prometheus writes it. */
const number = (text) => (text === 'NaN' ? null : Number(text));

/** Every series of a panel with the field's settings of the dashboard. */
function fields(panel) {
  const { defaults } = panel.fieldConfig;
  const all = panel.targets.flatMap(({ answer, legendFormat }) =>
    answer.map(({ metric, value, values }) => ({
      name: named(legendFormat, metric) || panel.title,
      labels: metric,
      samples: values ?? [value],
    })),
  );
  return all.map(({ name, labels, samples }, index) => {
    const field = {
      name,
      type: FieldType.number,
      labels,
      values: samples.map(([, text]) => number(text)),
      times: samples.map(([time]) => time * 1000),
      config: { ...defaults, displayName: name, links: [], custom: { ...defaults.custom, drawStyle: 'line', axisPlacement: 'auto' } },
      state: { seriesIndex: index, displayName: name },
    };
    field.display = getDisplayProcessor({ field, theme });
    return field;
  });
}

function frames(panel) {
  return fields(panel).map(({ times, ...field }) => {
    const frame = toDataFrame({ refId: field.name, fields: [{ name: 'Time', type: FieldType.time, values: times, config: {} }, field] });
    frame.fields[1].display = field.display;
    frame.fields[1].state = field.state;
    return frame;
  });
}

function Lines({ panel, width, height }) {
  const shown = frames(panel);
  if (shown.length === 0) {
    return null;
  }
  const times = shown.flatMap(({ fields: [time] }) => time.values);
  const [from, to] = [dateTime(Math.min(...times)), dateTime(Math.max(...times))];
  return (
    <TimeSeries
      frames={shown}
      structureRev={1}
      timeRange={{ from, to, raw: { from, to } }}
      timeZone="utc"
      width={width}
      height={height}
      legend={{ showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [] }}
    />
  );
}

function Numbers({ panel, width, height }) {
  const shown = fields(panel);
  return (
    <div style={{ display: 'flex', overflow: 'hidden' }}>
      {shown.map((field, index) => (
        <BigValue
          key={index}
          theme={theme}
          value={{ ...field.display(field.values.at(-1)), title: shown.length > 1 ? field.name : undefined }}
          width={width / shown.length}
          height={height}
          colorMode={BigValueColorMode.Value}
          graphMode={BigValueGraphMode.None}
          textMode={BigValueTextMode.Auto}
        />
      ))}
    </div>
  );
}

function Table({ panel }) {
  const labels = [...new Set(panel.targets.flatMap(({ answer }) => answer.flatMap(({ metric }) => Object.keys(metric))))];
  const rows = new Map();
  panel.targets.forEach(({ answer }, column) =>
    answer.forEach(({ metric, value }) => {
      const key = JSON.stringify(labels.map((label) => metric[label]));
      rows.set(key, { ...rows.get(key), ...metric, [`#${column}`]: Number(value[1]).toPrecision(3) });
    }),
  );
  const cell = { padding: '4px 8px', borderBottom: '1px solid #ddd', textAlign: 'left' };
  return (
    <table style={{ width: '100%', borderCollapse: 'collapse', fontSize: 12 }}>
      <thead>
        <tr>{[...labels, ...panel.targets.map(({ legendFormat }) => legendFormat)].map((name) => <th key={name} style={cell}>{name}</th>)}</tr>
      </thead>
      <tbody>
        {[...rows].map(([key, row]) => (
          <tr key={key}>{[...labels, ...panel.targets.keys().map((column) => `#${column}`)].map((name) => <td key={name} style={cell}>{row[name]}</td>)}</tr>
        ))}
      </tbody>
    </table>
  );
}

const SHAPES = { timeseries: Lines, stat: Numbers, table: Table };

/** States and heat are panels of Grafana itself, not of its components: their series are drawn as lines. */
function Panel({ panel }) {
  const { x, y, w, h } = panel.gridPos;
  const place = { position: 'absolute', left: x * COLUMN, top: y * LINE, width: w * COLUMN - 8, height: h * LINE - 8 };
  if (panel.type === 'row') {
    return <h3 style={{ ...place, margin: 0, padding: '8px 4px', fontSize: 16 }}>{panel.title}</h3>;
  }
  const Shape = SHAPES[panel.type] ?? Lines;
  return (
    <div style={place}>
      <PanelChrome title={panel.title} width={place.width} height={place.height}>
        {(width, height) => <Shape panel={panel} width={width} height={height} />}
      </PanelChrome>
    </div>
  );
}

const last = board.panels.at(-1).gridPos;
createRoot(document.getElementById('root')).render(
  <ThemeContext.Provider value={theme}>
    <GlobalStyles />
    <div style={{ position: 'relative', width: 24 * COLUMN, height: (last.y + last.h) * LINE, background: '#f4f5f5' }}>
      {board.panels.map((panel) => <Panel key={panel.id} panel={panel} />)}
    </div>
  </ThemeContext.Provider>,
);
