//! The clients of the comparison in time (`__test__/time`). The process that runs the servers sends
//! frames of commands and blocks until it has the answer. Between two frames the clients do nothing, so
//! the frames decide what is in the kernel at a time, and not the clock. The exceptions are the `crowd`
//! commands: they measure time and therefore run in threads of their own.
//!
//! - `wire`        frames of commands and answers, over two named pipes
//! - `connection`  one client: what it still has to send, how much it may read, what it has read
//! - `socket`      the system calls
//! - `crowd`       clients that run on their own: a flood of pipelined requests, or a single request

mod connection;
mod crowd;
mod socket;
mod wire;

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io;
use std::process::ExitCode;

use connection::Connection;
use crowd::Crowd;
use wire::{Answer, Command, Frame};

fn main() -> ExitCode {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let [commands, answers] = paths.as_slice() else {
        eprintln!("usage: time-peer COMMANDS ANSWERS (two named pipes)");
        return ExitCode::FAILURE;
    };
    match serve(commands, answers) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("time-peer: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Carries out commands until the other side closes its pipe.
fn serve(commands: &str, answers: &str) -> io::Result<()> {
    let mut input = OpenOptions::new().read(true).open(commands)?;
    let mut output = OpenOptions::new().write(true).open(answers)?;
    let mut connections = BTreeMap::new();
    let mut crowd = Crowd::default();
    while let Some(mut frame) = Frame::read(&mut input)? {
        let mut answer = Answer::default();
        while let Some(command) = frame.next_command()? {
            obey(command, &mut connections, &mut crowd, &mut answer)?;
        }
        answer.write(&mut output)?;
    }
    Ok(())
}

fn obey(
    command: Command,
    connections: &mut BTreeMap<u32, Connection>,
    crowd: &mut Crowd,
    answer: &mut Answer,
) -> io::Result<()> {
    match command {
        Command::Connect { id, port, receive_buffer, segment } => {
            let connection = Connection::open(port, receive_buffer, segment)?;
            answer.number(connection.port()?.into());
            connections.insert(id, connection);
        }
        Command::Pump { most } => answer.number(connection::pump(connections, most as usize)?.into()),
        Command::Flood { port, requests, request } => answer.number(crowd.flood(port, requests, request)),
        Command::Ask { port, request } => answer.number(crowd.ask(port, request)),
        Command::Progress { id } => crowd.progress(id, answer),
        Command::Forget { id } => {
            connections.remove(&id);
        }
        Command::To { id, action } => {
            if let Some(connection) = connections.get_mut(&id) {
                connection.act(action);
            }
        }
        Command::Report { id } => match connections.get(&id) {
            Some(connection) => connection.report(answer),
            None => return Err(io::Error::other("a report of no connection")),
        },
    }
    Ok(())
}
