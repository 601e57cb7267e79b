//! CPU time and memory of this process and of the server with its child processes, read from /proc.

use std::collections::HashMap;
use std::fs;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Totals at one moment. The difference of two is a measurement.
pub struct Moment {
    at: Instant,
    own_cpu: Duration,
    server: Option<Server>,
    machine: Machine,
}

/// Clock ticks of all processors together.
#[derive(Clone, Copy, Default)]
struct Machine {
    busy: u64,
    steal: u64,
}

struct Server {
    /// utime + stime of the process tree, in clock ticks.
    ticks: u64,
    /// Run time of each thread in nanoseconds, with the thread's name.
    threads: HashMap<u32, (String, u64)>,
    rss_kb: u64,
    hwm_kb: u64,
}

pub struct Usage {
    pub wall: Duration,
    pub own_cpu: Duration,
    /// What the busiest thread used of that. It is all of it unless the load has several threads.
    pub busiest: Duration,
    pub server: Option<ServerUsage>,
    /// The CPU time of all processes but this one and the server. `steal` is what the hypervisor took.
    pub others: Duration,
    pub steal: Duration,
}

pub struct ServerUsage {
    pub cpu: Duration,
    pub rss_kb: u64,
    pub hwm_kb: u64,
    /// The busiest first. Threads of the same name share an entry.
    pub threads: Vec<(String, Duration)>,
}

impl Moment {
    pub fn now(pid: Option<u32>) -> Self {
        let server = pid.map(server);
        let own_cpu = cpu(ClockId::ProcessCPUTime);
        Self { at: Instant::now(), own_cpu, server, machine: machine() }
    }

    pub fn until(&self, end: &Self) -> Usage {
        let server = match (&self.server, &end.server) {
            (Some(a), Some(b)) => Some(between(a, b)),
            _ => None,
        };
        let own_cpu = end.own_cpu.saturating_sub(self.own_cpu);
        let server_cpu = server.as_ref().map_or(Duration::ZERO, |s| s.cpu);
        let busy = from_ticks(end.machine.busy.saturating_sub(self.machine.busy));
        Usage {
            wall: end.at - self.at,
            own_cpu,
            busiest: own_cpu,
            others: busy.saturating_sub(own_cpu + server_cpu),
            steal: from_ticks(end.machine.steal.saturating_sub(self.machine.steal)),
            server,
        }
    }
}

/// The CPU time that the calling thread has used so far.
pub fn thread_cpu() -> Duration {
    cpu(ClockId::ThreadCPUTime)
}

fn cpu(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn from_ticks(ticks: u64) -> Duration {
    Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// The first line of /proc/stat: user nice system idle iowait irq softirq steal.
fn machine() -> Machine {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields: Vec<u64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_ascii_whitespace()
        .skip(1)
        .filter_map(|f| f.parse().ok())
        .collect();
    match fields[..] {
        [user, nice, system, _, _, irq, softirq, steal, ..] => {
            Machine { busy: user + nice + system + irq + softirq, steal }
        }
        _ => Machine::default(),
    }
}

fn between(a: &Server, b: &Server) -> ServerUsage {
    let mut by_name: HashMap<&str, u64> = HashMap::new();
    for (tid, (name, ns)) in &b.threads {
        let before = a.threads.get(tid).map_or(0, |t| t.1);
        *by_name.entry(name).or_default() += ns.saturating_sub(before);
    }
    let mut threads: Vec<_> = by_name
        .into_iter()
        .filter(|t| t.1 > 0)
        .map(|(name, ns)| (name.to_owned(), Duration::from_nanos(ns)))
        .collect();
    threads.sort_by_key(|t| std::cmp::Reverse(t.1));
    let cpu = from_ticks(b.ticks.saturating_sub(a.ticks));
    ServerUsage { cpu, rss_kb: b.rss_kb, hwm_kb: b.hwm_kb, threads }
}

fn server(root: u32) -> Server {
    let mut total = Server { ticks: 0, threads: HashMap::new(), rss_kb: 0, hwm_kb: 0 };
    let mut pids = vec![root];
    while let Some(pid) = pids.pop() {
        total.ticks += ticks(pid).unwrap_or(0);
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        total.rss_kb += kilobytes(&status, "VmRSS:");
        total.hwm_kb += kilobytes(&status, "VmHWM:");
        let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { continue };
        for task in tasks.flatten() {
            let path = task.path();
            let read = |file: &str| fs::read_to_string(path.join(file)).unwrap_or_default();
            pids.extend(read("children").split_ascii_whitespace().filter_map(|p| p.parse::<u32>().ok()));
            let ns = read("schedstat").split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
            if let Some(tid) = task.file_name().to_str().and_then(|t| t.parse().ok()) {
                total.threads.insert(tid, (read("comm").trim_end().to_owned(), ns));
            }
        }
    }
    total
}

/// utime and stime are the 14th and 15th fields. The 2nd field, the name in parentheses, may have blanks.
fn ticks(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

fn kilobytes(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|l| l.strip_prefix(name));
    line.and_then(|l| l.split_ascii_whitespace().next()).and_then(|n| n.parse().ok()).unwrap_or(0)
}
