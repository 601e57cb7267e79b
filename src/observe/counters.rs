//! Counts the refusals of one server by code.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::http1::Code;
use crate::sync::Mutex;

/// How many codes beside the parser's count apart. Further ones count as [`OTHER`].
const OTHERS: usize = 256;
const OTHER: &str = "OTHER";

/// Counts every refusal once, from any thread.
#[derive(Debug)]
pub struct Counters {
    /// The codes of the parser's table, by index.
    table: [AtomicU64; Code::ALL.len()],
    /// All other codes: of socket errors, and of the program's own.
    others: Mutex<BTreeMap<String, u64>>,
}

impl Default for Counters {
    fn default() -> Counters {
        Counters {
            table: [const { AtomicU64::new(0) }; Code::ALL.len()],
            others: Mutex::default(),
        }
    }
}

impl Counters {
    /// Counts one refusal.
    pub fn count(&self, code: Code) {
        if let Some(counter) = self.table.get(code.index() as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts one refusal by the text of the code.
    pub fn count_text(&self, text: &str) {
        if let Some(&code) = Code::ALL.iter().find(|code| code.as_str() == text) {
            return self.count(code);
        }
        let mut others = crate::lock(&self.others);
        let full = others.len() >= OTHERS && !others.contains_key(text);
        let text = if full { OTHER } else { text };
        match others.get_mut(text) {
            Some(count) => *count += 1,
            None => {
                others.insert(text.to_owned(), 1);
            }
        }
    }

    /// Returns every code that was counted, with its count.
    pub fn snapshot(&self) -> Vec<(String, u64)> {
        let table = Code::ALL
            .iter()
            .zip(&self.table)
            .map(|(code, count)| (code.as_str().to_owned(), count.load(Ordering::Relaxed)));
        let others = crate::lock(&self.others).clone();
        table
            .chain(others)
            .filter(|(_, count)| *count > 0)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_without_end_take_no_memory_without_end() {
        let counters = Counters::default();
        for i in 0..1000 {
            counters.count_text(&format!("E{i}"));
        }
        counters.count_text("E0");
        let counts = counters.snapshot();
        assert_eq!(counts.len(), 257);
        assert!(counts.contains(&("E0".to_owned(), 2)));
        assert!(counts.contains(&("OTHER".to_owned(), 744)));
    }

    #[test]
    fn codes_count_the_same_by_name_and_by_value() {
        let counters = Counters::default();
        counters.count(Code::HeaderOverflow);
        counters.count_text("HPE_HEADER_OVERFLOW");
        counters.count_text("ECONNRESET");
        assert_eq!(
            counters.snapshot(),
            [
                ("HPE_HEADER_OVERFLOW".to_owned(), 2),
                ("ECONNRESET".to_owned(), 1)
            ]
        );
    }
}
