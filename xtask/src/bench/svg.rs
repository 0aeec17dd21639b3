//! Bars and lines as SVG, whole files that load nothing. Knows no bench.

use std::fmt::Write as _;

const WIDTH: f64 = 960.0;
/// Colours that can be told apart by most people.
const COLOURS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];
const STYLE: &str = "text{font:13px sans-serif;fill:#222}.title{font-size:16px;font-weight:bold}.grid{stroke:#ddd}\
    .line{fill:none;stroke-width:2}";

/// One bar.
#[derive(Clone, Debug)]
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) value: f64,
    /// What stands behind it.
    pub(super) text: String,
    /// Bars of the product are of another colour than those that it is compared with.
    pub(super) is_ours: bool,
}

/// Bars from left to right, over a logarithmic axis.
pub(super) fn bars(title: &str, bars: &[Bar]) -> String {
    const LEFT: f64 = 240.0;
    const RIGHT: f64 = 110.0;
    const ROW: f64 = 26.0;
    let (from, to) = powers(bars.iter().map(|bar| bar.value));
    let height = 60.0 + ROW * bars.len() as f64;
    let place = |value: f64| LEFT + (value.log10() - from) / (to - from) * (WIDTH - LEFT - RIGHT);
    let mut svg = String::new();
    for (x, name) in marks(from, to).map(|(value, name)| (place(value), name)) {
        let bottom = height - 24.0;
        svg += &vertical(x, 36.0, bottom, &name);
    }
    for (index, bar) in bars.iter().enumerate() {
        let y = 42.0 + ROW * index as f64;
        let colour = COLOURS[usize::from(bar.is_ours)];
        let width = (place(bar.value) - LEFT).max(1.0);
        // Writing into a string can't fail.
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text><rect x=\"{LEFT}\" y=\"{y}\" width=\"{width:.1}\" \
             height=\"{}\" fill=\"{colour}\"/><text x=\"{:.1}\" y=\"{}\">{}</text>",
            LEFT - 8.0,
            y + 14.0,
            escape(&bar.name),
            ROW - 8.0,
            LEFT + width + 6.0,
            y + 14.0,
            escape(&bar.text)
        );
    }
    file(title, height, &svg)
}

/// A line and its name.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

/// What an axis from left to right holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Across {
    /// Parts of a whole, each nine as wide as the one before, and a logarithmic axis upwards.
    Nines(f64),
    /// Values up to this one, and parts of a whole upwards.
    Up(f64),
}

/// Lines over two axes.
pub(super) fn lines(title: &str, across: Across, lines: &[Line]) -> String {
    const HEIGHT: f64 = 380.0;
    const LEFT: f64 = 70.0;
    const TOP: f64 = 60.0;
    const BOTTOM: f64 = HEIGHT - 30.0;
    let points = || lines.iter().flat_map(|line| &line.points);
    let (from, to) = powers(points().map(|(_, y)| *y));
    let x = |value: f64| {
        let place = match across {
            Across::Nines(most) => -(1.0 - value).max(1e-9).log10() / most,
            Across::Up(most) => value / most,
        };
        LEFT + place.clamp(0.0, 1.0) * (WIDTH - LEFT - 20.0)
    };
    let y = |value: f64| {
        let place = match across {
            Across::Nines(_) => (value.log10() - from) / (to - from),
            Across::Up(_) => value,
        };
        BOTTOM - place.clamp(0.0, 1.0) * (BOTTOM - TOP)
    };
    let mut svg = String::new();
    let (verticals, horizontals): (Vec<_>, Vec<_>) = match across {
        Across::Nines(most) => {
            let nines = [
                (0.0, "0"),
                (0.5, "50 %"),
                (0.9, "90 %"),
                (0.99, "99 %"),
                (0.999, "99.9 %"),
                (0.9999, "99.99 %"),
            ];
            let shown = nines.into_iter().filter(|(value, _)| -(1.0_f64 - value).log10() <= most + 0.001);
            (shown.map(|(value, name)| (value, name.to_owned())).collect(), marks(from, to).collect())
        }
        Across::Up(most) => (
            (0..=most as u32).map(|value| (f64::from(value), value.to_string())).collect(),
            (0..=4).map(|part| (f64::from(part) / 4.0, format!("{} %", part * 25))).collect(),
        ),
    };
    for (value, name) in verticals {
        svg += &vertical(x(value), TOP, BOTTOM, &name);
    }
    for (value, name) in horizontals {
        let y = y(value);
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text x=\"{}\" y=\"{:.1}\" \
             text-anchor=\"end\">{name}</text>",
            WIDTH - 20.0,
            LEFT - 6.0,
            y + 4.0
        );
    }
    let mut legend = LEFT;
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        let path: Vec<_> =
            line.points.iter().map(|point| format!("{:.1},{:.1}", x(point.0), y(point.1))).collect();
        let _ = writeln!(svg, "<polyline class=\"line\" stroke=\"{colour}\" points=\"{}\"/>", path.join(" "));
        let _ = writeln!(
            svg,
            "<rect x=\"{legend}\" y=\"36\" width=\"12\" height=\"12\" fill=\"{colour}\"/><text x=\"{}\" y=\"47\">{}</text>",
            legend + 18.0,
            escape(&line.name)
        );
        legend += 40.0 + 7.5 * line.name.chars().count() as f64;
    }
    file(title, HEIGHT, &svg)
}

fn vertical(x: f64, top: f64, bottom: f64, name: &str) -> String {
    format!(
        "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top}\" y2=\"{bottom}\"/><text x=\"{x:.1}\" y=\"{}\" \
         text-anchor=\"middle\">{name}</text>\n",
        bottom + 18.0
    )
}

/// The powers of ten around these values.
fn powers(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let positive = values.filter(|value| *value > 0.0 && value.is_finite());
    let (least, most) = positive
        .fold((f64::MAX, f64::MIN_POSITIVE), |(least, most), value| (least.min(value), most.max(value)));
    let (from, to) = (least.log10().floor(), most.log10().ceil());
    (from, if to > from { to } else { from + 1.0 })
}

fn marks(from: f64, to: f64) -> impl Iterator<Item = (f64, String)> {
    (from as i32..=to as i32).map(|power| 10f64.powi(power)).map(|value| (value, format!("{value}")))
}

fn file(title: &str, height: f64, content: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\">\n\
         <style>{STYLE}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text class=\"title\" x=\"12\" y=\"24\">{}</text>\n{content}</svg>\n",
        escape(title)
    )
}

/// Text in which nothing is taken for markup.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_value_on_a_logarithmic_axis_and_names_are_no_markup() {
        let bar = |value| Bar { name: "a<b".to_owned(), value, text: String::new(), is_ours: false };
        let svg = bars("bars", &[bar(10.0), bar(100.0), bar(1_000.0)]);
        // 610 pixels for two powers of ten.
        assert!(svg.contains("width=\"305.0\"") && svg.contains("width=\"610.0\""), "{svg}");
        assert!(svg.contains("a&lt;b") && !svg.contains("a<b"));
    }

    #[test]
    fn each_nine_is_as_wide_as_the_one_before() {
        let line = Line { name: "p".to_owned(), points: vec![(0.0, 1.0), (0.9, 10.0), (0.99, 100.0)] };
        let svg = lines("lines", Across::Nines(2.0), &[line]);
        assert!(svg.contains("points=\"70.0,350.0 505.0,205.0 940.0,60.0\""), "{svg}");
    }
}
