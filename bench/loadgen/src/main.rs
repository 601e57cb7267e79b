//! The load generator of the benchmarks. It has one thread and one epoll instance (`malformed` can have
//! more), and works over loopback only. It checks every response, so a wrong answer counts as an error,
//! however fast it is.
//!
//! - `args`       the command line
//! - `net`        non-blocking connect, epoll
//! - `response`   reads and checks HTTP/1 responses
//! - `histogram`  latencies
//! - `observe`    CPU and memory of this process and of the server
//! - `report`     what is printed: one line `start` at the start of the measured time, then JSON
//! - `http`       closed loop over keep-alive connections, also up- and downloads
//! - `malformed`  connect, send bytes, read until close: closed loop, or a fixed rate
//! - `burst`      the same over a Unix domain socket, with as many connections as the machine can make
//! - `idle`       open connections and hold them
//! - `drip`       heads that arrive one byte at a time and never end
//! - `floor`      a server that only reads and writes, which shows what the kernel and the generator cost

mod args;
mod burst;
mod drip;
mod floor;
mod histogram;
mod http;
mod idle;
mod malformed;
mod net;
mod observe;
mod report;
mod response;

use std::process::ExitCode;

const USAGE: &str =
    "usage: loadgen http|malformed|idle|drip --port PORT [--host 127.0.0.1], or loadgen floor, or
       loadgen burst --path SOCKET
  all        --seconds S  --warmup S  --pid SERVER_PID
  http       --connections N  --depth D  --request TEXT  --requests N  --status 200
             --body TEXT  --body-length N
             --upload BYTES  --chunked CHUNK_BYTES  (a generated request body; TEXT is then
             the head without its framing field and without the empty line)
  malformed  --connections N  --threads N | --rate PER_SECOND  --request TEXT  --reply-prefix TEXT
  burst      --connections N  --seconds S  --request TEXT  --reply-prefix TEXT
  idle       --connections N  --request TEXT (optional)  --status 200
  drip       --connections N  --interval-ms MS
TEXT takes the escapes \\r \\n \\t \\\\ and \\xNN.";

fn main() -> ExitCode {
    match run() {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("loadgen: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<String, String> {
    let mut args = args::Args::parse(std::env::args().skip(1)).map_err(|e| format!("{e}\n{USAGE}"))?;
    let mode = args.mode().to_owned();
    match mode.as_str() {
        "http" => http::run(&mut args),
        "burst" => burst::run(&mut args),
        "malformed" => malformed::run(&mut args),
        "idle" => idle::run(&mut args),
        "drip" => drip::run(&mut args),
        "floor" => floor::run(&mut args),
        _ => Err(format!("unknown mode '{mode}'\n{USAGE}")),
    }
}
