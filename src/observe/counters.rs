//! Refusals of one server, by code.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::http1::Code;

/// Counts every refusal once, from any thread.
#[derive(Debug)]
pub struct Counters {
    /// The codes of the parser's table, by index.
    table: [AtomicU64; Code::ALL.len()],
    /// Everything else: socket errors, and codes that user code invented.
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
    pub fn count(&self, code: Code) {
        if let Some(counter) = self.table.get(code.index() as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a refusal by the text of its code.
    pub fn count_text(&self, text: &str) {
        match Code::ALL.iter().find(|code| code.as_str() == text) {
            Some(&code) => self.count(code),
            None => {
                let mut others = crate::lock(&self.others);
                match others.get_mut(text) {
                    Some(count) => *count += 1,
                    None => {
                        others.insert(text.to_owned(), 1);
                    }
                }
            }
        }
    }

    /// Every code that was counted, with its count.
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
