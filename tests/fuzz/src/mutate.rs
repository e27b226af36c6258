//! Changing bytes at random: the same number always gives the same bytes.

/// Longest input that is made.
const MAX: usize = 1 << 16;

/// Numbers that have surprised parsers before.
const ODD: [u64; 10] = [
    0,
    1,
    0x7f,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    u64::MAX,
];

/// A source of numbers (xorshift, after Marsaglia).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Starts from any number.
    pub fn new(seed: u64) -> Self {
        // Zero would stay zero; spread neighbours.
        let mut random = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `bound`, which is not zero.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn of<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        (!list.is_empty()).then(|| &list[self.below(list.len())])
    }

    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        start..(start + self.below(1 + (length - start).min(64))).min(length)
    }
}

/// One of `beginnings`, changed in one to eight places. `words` are what the format is made of.
pub fn input(random: &mut Random, beginnings: &[Vec<u8>], words: &[&str]) -> Vec<u8> {
    let mut data = random.of(beginnings).cloned().unwrap_or_default();
    for _ in 0..=random.below(8) {
        change(random, &mut data, beginnings, words);
        data.truncate(MAX);
    }
    data
}

fn change(random: &mut Random, data: &mut Vec<u8>, beginnings: &[Vec<u8>], words: &[&str]) {
    let range = random.range(data.len());
    match random.below(9) {
        0 if !data.is_empty() => {
            let at = random.below(data.len());
            data[at] ^= 1 << random.below(8);
        }
        1 if !data.is_empty() => {
            let at = random.below(data.len());
            data[at] = random.next() as u8;
        }
        2 => {
            let number = ODD[random.below(ODD.len())].to_be_bytes();
            let size = 1 << random.below(4);
            let number = &number[8 - size..];
            for (byte, new) in data[range.start..].iter_mut().zip(number) {
                *byte = *new;
            }
        }
        3 => drop(data.drain(range)),
        4 => data.truncate(range.start),
        5 => {
            let piece = data[range.clone()].to_vec();
            data.splice(range.start..range.start, piece);
        }
        // Much of the same finds what goes down with its input.
        6 => {
            let piece = data[range.clone()].repeat(1 << random.below(14));
            let room = MAX.saturating_sub(data.len());
            data.splice(range.start..range.start, piece.into_iter().take(room));
        }
        7 => {
            if let Some(word) = random.of(words) {
                let word = match random.below(4) {
                    0 => word.repeat(1 << random.below(14)),
                    _ => (*word).to_owned(),
                };
                let room = MAX.saturating_sub(data.len());
                data.splice(range.start..range.start, word.bytes().take(room));
            }
        }
        _ => {
            if let Some(other) = random.of(beginnings) {
                let piece = other[random.range(other.len())].to_vec();
                data.splice(range, piece);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_gives_one_input_and_others_others() {
        let beginnings = [b"some text to begin from".to_vec(), Vec::new()];
        let of = |n| input(&mut Random::new(n), &beginnings, &["word"]);
        assert_eq!(of(7), of(7));
        let all: std::collections::HashSet<Vec<u8>> = (0..1000).map(of).collect();
        assert!(all.len() > 600, "{}", all.len());
        assert!(all.iter().all(|data| data.len() <= MAX));
    }
}
