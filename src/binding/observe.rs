//! `explain` and the table of hints.

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;

use crate::http1::{Config, Lenient, Profile};
use crate::observe::explain;
use crate::observe::hints::Hint;
use crate::observe::secrets::Secrets;

/// The second argument of `explain`.
#[napi(object)]
#[derive(Debug)]
pub struct ExplainOptions {
    /// A version of llhttp, as in `process.versions.llhttp`. It decides the grammar.
    pub llhttp: String,
    /// Major version of Node.
    pub node: u32,
    /// Lenient flags of the parser.
    pub lenient: u32,
    pub max_header_size: f64,
    /// The largest number of names and values; 0 for no limit.
    pub max_header_pairs: f64,
    /// FIN follows the packets.
    pub fin: bool,
    /// Upgrades are accepted.
    pub upgrade: bool,
    /// The names of more fields whose values are hidden.
    pub redact: Vec<String>,
    /// Whether values in queries are hidden.
    pub redact_query: bool,
}

/// Says what the parser of a Node release makes of packets, as JSON (`observe/explain.rs`).
#[napi(catch_unwind)]
pub fn explain(packets: Vec<Uint8Array>, options: ExplainOptions) -> String {
    let config = Config {
        profile: Profile::for_host(&options.llhttp, options.node),
        lenient: Lenient::from_bits(options.lenient),
        max_header_size: options.max_header_size as u64,
        max_header_pairs: options.max_header_pairs as i64,
        fast_path: true,
    };
    let secrets = Secrets::new(
        options.redact.iter().map(String::as_str),
        options.redact_query,
    );
    let packets: Vec<&[u8]> = packets.iter().map(|packet| &**packet).collect();
    explain::explain(config, &packets, options.fin, options.upgrade, &secrets)
}

/// The id, the text, and `true` or `false` for certain, of every hint, one after the other.
#[napi(catch_unwind)]
pub fn hints() -> Vec<String> {
    let row = |hint: &Hint| {
        [
            hint.id().to_owned(),
            hint.text().to_owned(),
            hint.certain().to_string(),
        ]
    };
    Hint::ALL.iter().flat_map(row).collect()
}
