//! From values to places on an axis, and where the axis has its marks.

/// An axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// From 0 to this value.
    Linear(f64),
    /// From the first power of ten to the second.
    Logarithmic(f64, f64),
    /// Parts of a whole, each nine as wide as the one before; so many nines.
    Nines(f64),
}

impl Scale {
    /// One that reaches to this value, or further to a round one.
    pub(super) fn linear(most: f64) -> Self {
        let step = step(most);
        Self::Linear((most / step).ceil().max(1.0) * step)
    }

    /// One between powers of ten that has these values, which are positive.
    pub(super) fn logarithmic(least: f64, most: f64) -> Self {
        let (from, to) = (least.log10().floor(), most.log10().ceil());
        Self::Logarithmic(from, if to > from { to } else { from + 1.0 })
    }

    /// The place of a value, from 0 to 1.
    pub(super) fn place(self, value: f64) -> f64 {
        let place = match self {
            Self::Linear(most) => value / most,
            Self::Logarithmic(from, to) => (value.log10() - from) / (to - from),
            Self::Nines(most) => -(1.0 - value).log10() / most,
        };
        place.clamp(0.0, 1.0)
    }

    /// Values with a mark, and what it says.
    pub(super) fn marks(self) -> Vec<(f64, String)> {
        match self {
            Self::Linear(most) => {
                let step = step(most);
                let marks =
                    (0..).map(|count| f64::from(count) * step).take_while(|value| *value <= most * 1.001);
                marks.map(|value| (value, number(value))).collect()
            }
            Self::Logarithmic(from, to) => (from as i32..=to as i32)
                .map(|power| 10f64.powi(power))
                .map(|value| (value, number(value)))
                .collect(),
            Self::Nines(most) => [
                (0.0_f64, "0"),
                (0.5, "50 %"),
                (0.9, "90 %"),
                (0.99, "99 %"),
                (0.999, "99.9 %"),
                (0.9999, "99.99 %"),
                (0.99999, "99.999 %"),
            ]
            .into_iter()
            .filter(|(value, _)| -(1.0 - value).log10() <= most + 0.001)
            .map(|(value, name)| (value, name.to_owned()))
            .collect(),
        }
    }
}

/// A round distance of which five to ten reach this far.
fn step(most: f64) -> f64 {
    let power = 10f64.powf((most.max(1e-9) / 5.0).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0];
    steps.map(|step| step * power).into_iter().find(|step| most / step <= 8.0).unwrap_or(power * 10.0)
}

fn number(value: f64) -> String {
    match value {
        1_000_000.0.. => format!("{} M", value / 1e6),
        10_000.0.. => format!("{} k", value / 1e3),
        _ => format!("{}", (value * 1e6).round() / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_reach_to_the_end() {
        for most in [0.003, 1.0, 7.0, 45.0, 99.0, 12_345.0, 4_000_000.0] {
            let scale = Scale::linear(most);
            let marks = scale.marks();
            assert!((2..=11).contains(&marks.len()), "{most}: {marks:?}");
            assert!(marks.last().expect("some").0 >= most * 0.999, "{most}: {marks:?}");
        }
        assert_eq!(Scale::logarithmic(0.05, 20.0), Scale::Logarithmic(-2.0, 2.0));
        assert_eq!(Scale::logarithmic(1.0, 1.0), Scale::Logarithmic(0.0, 1.0));
    }

    #[test]
    fn each_nine_is_as_wide_as_the_one_before() {
        let scale = Scale::Nines(4.0);
        for (value, place) in [(0.0, 0.0), (0.9, 0.25), (0.99, 0.5), (0.9999, 1.0), (1.0, 1.0)] {
            assert!((scale.place(value) - place).abs() < 1e-6, "{value}");
        }
    }
}
