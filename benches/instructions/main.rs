//! Work whose instructions bench/instructions.js counts. `instructions NAME TIMES` does one piece of work so many
//! times, and `instructions` lists the names. Nothing depends on time, threads or random numbers, so the counts repeat.
#![allow(clippy::print_stdout, reason = "a program")]

#[cfg(unix)]
mod connection;
mod parsing;
mod refusals;

/// Sets up, then does its work so many times.
type Workload = fn(times: u32);

fn workloads() -> Vec<(&'static str, Workload)> {
    let mut all = [parsing::WORKLOADS, refusals::WORKLOADS].concat();
    #[cfg(unix)]
    all.extend_from_slice(connection::WORKLOADS);
    all
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let all = workloads();
    if let [name, times] = args.as_slice() {
        let (_, work) = all
            .iter()
            .find(|(known, _)| known == name)
            .expect("no such workload");
        work(times.parse().expect("TIMES is not a number"));
    } else {
        for (name, _) in all {
            println!("{name}");
        }
    }
}
