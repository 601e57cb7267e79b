//! What the generator prints.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::histogram::Histogram;
use crate::observe::Usage;

/// If a thread of this process is busy for a larger share of the time, it may limit the result, and not
/// the server.
const SATURATED: f64 = 0.9;

/// Failures by kind.
#[derive(Default)]
pub struct Errors(BTreeMap<&'static str, u64>);

impl Errors {
    pub fn add(&mut self, kind: &'static str) {
        *self.0.entry(kind).or_default() += 1;
    }

    pub fn merge(&mut self, other: &Self) {
        for (kind, n) in &other.0 {
            *self.0.entry(kind).or_default() += n;
        }
    }

    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

/// Prints a line at the start of the measured time. A script that starts several generators waits for it.
pub fn announce(what: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    // It does not matter if nobody reads the line any more.
    let _ = writeln!(out, "{what}").and_then(|()| out.flush());
}

pub struct Report(String);

impl Report {
    pub fn new(mode: &str) -> Self {
        Self(format!("{{\"mode\":\"{mode}\""))
    }

    pub fn number(mut self, name: &str, value: impl Into<f64>) -> Self {
        let value = value.into();
        // Writing to a String cannot fail.
        let _ = if value.fract() == 0.0 {
            write!(self.0, ",\"{name}\":{value:.0}")
        } else {
            write!(self.0, ",\"{name}\":{value:.3}")
        };
        self
    }

    pub fn count(self, name: &str, value: u64) -> Self {
        self.number(name, value as f64)
    }

    pub fn errors(mut self, errors: &Errors) -> Self {
        let kinds: Vec<_> = errors.0.iter().map(|(k, n)| format!("\"{k}\":{n}")).collect();
        let _ = write!(self.0, ",\"errors\":{},\"errorKinds\":{{{}}}", errors.total(), kinds.join(","));
        self
    }

    pub fn latency(mut self, h: &Histogram) -> Self {
        let us = |ns: u64| ns as f64 / 1000.0;
        let _ = write!(
            self.0,
            ",\"latencyUs\":{{\"mean\":{:.1},\"p50\":{:.1},\"p99\":{:.1},\"p999\":{:.1},\"max\":{:.1}}}",
            h.mean() / 1000.0,
            us(h.quantile(0.5)),
            us(h.quantile(0.99)),
            us(h.quantile(0.999)),
            us(h.max())
        );
        self
    }

    pub fn usage(mut self, usage: &Usage) -> Self {
        let wall = usage.wall.as_secs_f64();
        let share = usage.own_cpu.as_secs_f64() / wall;
        let _ = write!(
            self.0,
            ",\"seconds\":{wall:.4},\"ownCpuUs\":{},\"ownCpuShare\":{share:.3},\"saturated\":{},\"othersShare\":{:.3},\"stealShare\":{:.3}",
            usage.own_cpu.as_micros(),
            usage.busiest.as_secs_f64() / wall > SATURATED,
            usage.others.as_secs_f64() / wall,
            usage.steal.as_secs_f64() / wall
        );
        if let Some(server) = &usage.server {
            let threads: Vec<_> = server
                .threads
                .iter()
                .map(|(name, cpu)| {
                    let name: String =
                        name.chars().filter(|c| !c.is_control() && !"\"\\".contains(*c)).collect();
                    format!("{{\"name\":\"{name}\",\"cpuUs\":{}}}", cpu.as_micros())
                })
                .collect();
            let _ = write!(
                self.0,
                ",\"server\":{{\"cpuUs\":{},\"cpuShare\":{:.3},\"rssKb\":{},\"hwmKb\":{},\"threads\":[{}]}}",
                server.cpu.as_micros(),
                server.cpu.as_secs_f64() / wall,
                server.rss_kb,
                server.hwm_kb,
                threads.join(",")
            );
        }
        self
    }

    pub fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}
