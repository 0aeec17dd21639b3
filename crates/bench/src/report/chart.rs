//! Lines over an axis, as SVG.

use super::escape;
use super::scale::Scale;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 300.0;
/// Left, top, right, bottom: room for what the axes say.
const ROOM: (f64, f64, f64, f64) = (64.0, 12.0, 12.0, 28.0);
/// Colours that can be told apart by most people.
const COLOURS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#555555"];
/// The most points of a line: more than pixels show nothing.
const POINTS: usize = 1_000;

/// A line and its name.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

/// A chart without its lines.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chart {
    title: &'static str,
    is_nines: bool,
}

impl Chart {
    /// Values over parts of a whole; both axes logarithmic.
    pub(super) fn nines(title: &'static str) -> Self {
        Self { title, is_nines: true }
    }

    /// Values over seconds.
    pub(super) fn seconds(title: &'static str) -> Self {
        Self { title, is_nines: false }
    }

    /// The chart with these lines, as markup; nothing where there is no value.
    pub(super) fn with(self, lines: impl Iterator<Item = Line>) -> String {
        let lines: Vec<_> = lines.filter(|line| line.points.iter().any(|(_, y)| *y > 0.0)).collect();
        if lines.is_empty() {
            return String::new();
        }
        let (across, up) = self.scales(&lines);
        let at = |x: f64, y: f64| {
            let (left, top, right, bottom) = ROOM;
            let x = left + across.place(x) * (WIDTH - left - right);
            (x, HEIGHT - bottom - up.place(y) * (HEIGHT - top - bottom))
        };
        let mut svg = String::new();
        let (left, bottom) = (ROOM.0, HEIGHT - ROOM.3);
        for (value, name) in across.marks() {
            let (x, _) = at(value, 0.0);
            svg += &format!(
                "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{}\" y2=\"{bottom}\"/>",
                ROOM.1
            );
            svg +=
                &format!("<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{name}</text>\n", bottom + 16.0);
        }
        for (value, name) in up.marks() {
            let y = at(0.0, value).1;
            svg += &format!(
                "<line class=\"grid\" x1=\"{left}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>",
                WIDTH - ROOM.2
            );
            svg += &format!(
                "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{name}</text>\n",
                left - 6.0,
                y + 4.0
            );
        }
        let mut legend = String::new();
        for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
            let step = line.points.len().div_ceil(POINTS).max(1);
            let last = line.points.len() - 1;
            let shown =
                line.points.iter().enumerate().filter(|(index, _)| index % step == 0 || *index == last);
            let path: String =
                shown.map(|(_, (x, y))| at(*x, *y)).map(|(x, y)| format!("{x:.1},{y:.1} ")).collect();
            svg +=
                &format!("<polyline class=\"line\" stroke=\"{colour}\" points=\"{}\"/>\n", path.trim_end());
            legend += &format!("<span style=\"color:{colour}\">■</span> {} &nbsp; ", escape(&line.name));
        }
        format!(
            "<h2>{}</h2>\n<p>{legend}</p>\n<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">\n{svg}</svg>\n",
            escape(self.title)
        )
    }

    fn scales(self, lines: &[Line]) -> (Scale, Scale) {
        let points = || lines.iter().flat_map(|line| &line.points);
        let most = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max);
        let highest = most(&mut points().map(|(_, y)| *y));
        if !self.is_nines {
            let longest = most(&mut points().map(|(x, _)| *x));
            return (Scale::linear(longest), Scale::linear(highest));
        }
        let lowest = points().map(|(_, y)| *y).filter(|y| *y > 0.0).fold(f64::MAX, f64::min);
        // As many nines as the longest run can tell of.
        let nines = most(&mut points().filter(|(x, _)| *x < 1.0).map(|(x, _)| -(1.0 - x).log10()));
        (Scale::Nines(nines.ceil().clamp(1.0, 6.0)), Scale::logarithmic(lowest, highest))
    }
}
