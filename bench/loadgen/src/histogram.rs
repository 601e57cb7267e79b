//! A log-linear histogram: 128 buckets per power of two, so a value is off by less than 1%.

const SUB_BITS: u32 = 7;
const SUB: u64 = 1 << SUB_BITS;

pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    sum: u128,
    max: u64,
}

impl Histogram {
    pub fn new() -> Self {
        Self { buckets: vec![0; ((64 - SUB_BITS as usize) + 1) * SUB as usize], count: 0, sum: 0, max: 0 }
    }

    pub fn record(&mut self, value: u64) {
        self.buckets[index(value)] += 1;
        self.count += 1;
        self.sum += u128::from(value);
        self.max = self.max.max(value);
    }

    pub fn merge(&mut self, other: &Self) {
        for (to, n) in self.buckets.iter_mut().zip(&other.buckets) {
            *to += n;
        }
        self.count += other.count;
        self.sum += other.sum;
        self.max = self.max.max(other.max);
    }

    pub fn max(&self) -> u64 {
        self.max
    }

    pub fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum as f64 / self.count as f64 }
    }

    /// The value below which `share` of all values are (the lower edge of its bucket).
    pub fn quantile(&self, share: f64) -> u64 {
        let rank = ((self.count as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (i, n) in self.buckets.iter().enumerate() {
            seen += n;
            if seen >= rank {
                return lower_edge(i);
            }
        }
        0
    }
}

fn index(value: u64) -> usize {
    if value < SUB {
        return value as usize;
    }
    let shift = value.ilog2() - SUB_BITS;
    // value >> shift is in SUB..2*SUB.
    (u64::from(shift) * SUB + (value >> shift)) as usize
}

fn lower_edge(index: usize) -> u64 {
    let index = index as u64;
    if index < 2 * SUB {
        return index;
    }
    let shift = index / SUB - 1;
    (index - shift * SUB) << shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_enclose_the_value() {
        for value in [0, 1, 127, 128, 255, 256, 257, 1000, 123_456_789, u64::MAX] {
            let low = lower_edge(index(value));
            assert!(low <= value && value - low <= value / SUB, "{value} {low}");
        }
    }

    #[test]
    fn quantiles_of_a_ramp() {
        let mut h = Histogram::new();
        (1..=1000).for_each(|v| h.record(v));
        assert!((495..=500).contains(&h.quantile(0.5)));
        assert!((980..=990).contains(&h.quantile(0.99)));
        assert_eq!(h.max(), 1000);
        assert_eq!(h.count, 1000);
    }

    #[test]
    fn merged_halves_are_the_whole() {
        let [mut whole, mut a, mut b] = [Histogram::new(), Histogram::new(), Histogram::new()];
        for v in 1..=1000 {
            whole.record(v);
            if v % 3 == 0 { a.record(v) } else { b.record(v) }
        }
        a.merge(&b);
        assert_eq!(a.buckets, whole.buckets);
        assert_eq!((a.count, a.sum, a.max), (whole.count, whole.sum, whole.max));
    }
}
