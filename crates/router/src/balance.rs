//! Power of two choices. It knows places and ranks, not what stands there.
use crate::random::Random;

/// The place with the better rank of two that are drawn; where neither has the best class of rank,
/// the best of all. `rank` is a class and a load, less is better, `None` cannot be chosen.
pub(crate) fn pick(
    places: usize,
    random: &mut Random,
    rank: impl Fn(usize) -> Option<(u8, usize)>,
) -> Option<usize> {
    if places <= 2 {
        let first = if places == 2 { random.below(2) as usize } else { 0 };
        return best((0..places).map(|step| (first + step) % places), rank);
    }
    let one = random.below(places as u64) as usize;
    let other = (one + 1 + random.below(places as u64 - 1) as usize) % places;
    let drawn = best([one, other].into_iter(), &rank);
    match drawn.and_then(&rank) {
        Some((0, _)) => drawn,
        _ => best((0..places).map(|step| (one + step) % places), rank),
    }
}

fn best(places: impl Iterator<Item = usize>, rank: impl Fn(usize) -> Option<(u8, usize)>) -> Option<usize> {
    places
        .filter_map(|place| Some((rank(place)?, place)))
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, place)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_spreads_evenly_when_calls_do_not_end() {
        let (mut random, mut load) = (Random::new(), [0usize; 5]);
        for _ in 0..5_000 {
            let place = pick(5, &mut random, |place| Some((0, load[place]))).expect("all can take it");
            load[place] += 1;
        }
        for each in load {
            assert!((950..=1_050).contains(&each), "{load:?}");
        }
    }

    #[test]
    fn equal_loads_are_drawn_at_random() {
        for places in 2..5 {
            let (mut random, mut taken) = (Random::new(), vec![0; places]);
            for _ in 0..2_000 {
                taken[pick(places, &mut random, |_| Some((0, 0))).expect("all can take it")] += 1;
            }
            assert!(taken.iter().all(|times| *times > 2_000 / places / 2), "{taken:?}");
        }
    }

    #[test]
    fn the_only_one_that_can_is_always_found() {
        let mut random = Random::new();
        for places in 1..8 {
            for able in 0..places {
                let found = pick(places, &mut random, |place| (place == able).then_some((2, 9)));
                assert_eq!(found, Some(able));
            }
        }
    }

    #[test]
    fn a_better_class_wins_over_a_smaller_load() {
        let mut random = Random::new();
        for _ in 0..100 {
            let found = pick(6, &mut random, |place| Some(if place == 4 { (0, 900) } else { (2, 0) }));
            assert_eq!(found, Some(4));
        }
    }

    #[test]
    fn without_any_there_is_none() {
        assert_eq!(pick(0, &mut Random::new(), |_| Some((0, 0))), None);
        assert_eq!(pick(3, &mut Random::new(), |_| None), None);
    }
}
