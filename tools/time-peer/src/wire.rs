//! Frames on the pipes. All numbers are little-endian. A frame is its length (u32) and then its commands.
//! An answer is its length (u32) and then the answers of the frame's commands, in order.

use std::fs::File;
use std::io::{self, Read, Write};

pub enum Action {
    /// Sends bytes. With `more`, the kernel keeps them until more is sent, or FIN (MSG_MORE).
    Send {
        bytes: Vec<u8>,
        more: bool,
    },
    Fin,
    Reset,
    Close,
    /// Sets how many bytes of the connection may be read altogether.
    Read {
        limit: u64,
    },
    /// Waits a short time until so many bytes of the connection have arrived altogether.
    Await {
        bytes: u64,
    },
}

pub enum Command {
    Connect {
        id: u32,
        port: u16,
        receive_buffer: u32,
        segment: u32,
    },
    To {
        id: u32,
        action: Action,
    },
    /// Lets each connection send as much as it can and read at most `most` bytes. The answer says whether there was
    /// anything.
    Pump {
        most: u32,
    },
    Report {
        id: u32,
    },
    Forget {
        id: u32,
    },
    Flood {
        port: u16,
        requests: u32,
        request: Vec<u8>,
    },
    Ask {
        port: u16,
        request: Vec<u8>,
    },
    Progress {
        id: u32,
    },
}

pub struct Frame {
    bytes: Vec<u8>,
    at: usize,
}

impl Frame {
    /// Reads a frame; `None` at the end of the input.
    pub fn read(input: &mut File) -> io::Result<Option<Self>> {
        let mut length = [0; 4];
        if input.read(&mut length[..1])? == 0 {
            return Ok(None);
        }
        input.read_exact(&mut length[1..])?;
        let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
        input.read_exact(&mut bytes)?;
        Ok(Some(Self { bytes, at: 0 }))
    }

    pub fn next_command(&mut self) -> io::Result<Option<Command>> {
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        let kind = self.take(1)?[0];
        let id = self.number()?;
        Ok(Some(match kind {
            1 => Command::Connect {
                id,
                port: self.port()?,
                receive_buffer: self.number()?,
                segment: self.number()?,
            },
            2 => {
                let more = self.number()? != 0;
                let bytes = self.blob()?;
                Command::To { id, action: Action::Send { bytes, more } }
            }
            3 => Command::To { id, action: Action::Fin },
            4 => Command::To { id, action: Action::Reset },
            5 => Command::To { id, action: Action::Close },
            6 => {
                let limit = match self.number()? {
                    u32::MAX => u64::MAX,
                    limit => limit.into(),
                };
                Command::To { id, action: Action::Read { limit } }
            }
            7 => Command::Pump { most: self.number()? },
            8 => Command::Report { id },
            9 => Command::Forget { id },
            10 => Command::Flood { port: self.port()?, requests: self.number()?, request: self.blob()? },
            11 => Command::Ask { port: self.port()?, request: self.blob()? },
            12 => Command::Progress { id },
            13 => Command::To { id, action: Action::Await { bytes: self.number()?.into() } },
            _ => return Err(io::Error::other("unknown command")),
        }))
    }

    fn take(&mut self, length: usize) -> io::Result<&[u8]> {
        let from = self.at;
        self.at += length;
        self.bytes.get(from..self.at).ok_or_else(|| io::Error::other("a frame that is cut off"))
    }

    fn number(&mut self) -> io::Result<u32> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn port(&mut self) -> io::Result<u16> {
        u16::try_from(self.number()?).map_err(io::Error::other)
    }

    fn blob(&mut self) -> io::Result<Vec<u8>> {
        let length = self.number()? as usize;
        Ok(self.take(length)?.to_vec())
    }
}

/// Numbers are written as f64, the type of JavaScript's numbers. It holds every number that occurs here exactly.
#[derive(Default)]
pub struct Answer(Vec<u8>);

impl Answer {
    pub fn number(&mut self, number: u64) {
        self.0.extend((number as f64).to_le_bytes());
    }

    pub fn blob(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend(bytes);
    }

    pub fn write(self, output: &mut File) -> io::Result<()> {
        let mut frame = (self.0.len() as u32).to_le_bytes().to_vec();
        frame.extend(self.0);
        output.write_all(&frame)
    }
}
