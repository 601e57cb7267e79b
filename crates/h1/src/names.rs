//! The field names that clients and proxies usually send, as they spell them.
//!
//! JavaScript gets only the number of such a name, and uses the same string each time. So no bytes are copied, and V8
//! need not look the string up among all strings when it is a key.

/// The names. The number of a name is its index.
#[rustfmt::skip]
pub const NAMES: [&str; 123] = [
    "Accept", "accept", "Accept-Charset", "accept-charset", "Accept-Encoding", "accept-encoding",
    "Accept-Language", "accept-language", "Access-Control-Request-Headers",
    "access-control-request-headers", "Access-Control-Request-Method",
    "access-control-request-method", "Authorization", "authorization", "Cache-Control",
    "cache-control", "CF-Connecting-IP", "cf-connecting-ip", "Connection", "connection",
    "Content-Encoding", "content-encoding", "Content-Length", "content-length", "Content-Type",
    "content-type", "Cookie", "cookie", "Date", "date", "DNT", "dnt", "Expect", "expect",
    "Forwarded", "forwarded", "Host", "host", "If-Match", "if-match", "If-Modified-Since",
    "if-modified-since", "If-None-Match", "if-none-match", "If-Range", "if-range", "Keep-Alive",
    "keep-alive", "Origin", "origin", "Pragma", "pragma", "Priority", "priority", "Range", "range",
    "Referer", "referer", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform", "Sec-Fetch-Dest",
    "sec-fetch-dest", "Sec-Fetch-Mode", "sec-fetch-mode", "Sec-Fetch-Site", "sec-fetch-site",
    "Sec-Fetch-User", "sec-fetch-user", "Sec-GPC", "sec-gpc", "Sec-WebSocket-Extensions",
    "sec-websocket-extensions", "Sec-WebSocket-Key", "sec-websocket-key", "Sec-WebSocket-Protocol",
    "sec-websocket-protocol", "Sec-WebSocket-Version", "sec-websocket-version", "TE", "te",
    "traceparent", "tracestate", "Trailer", "trailer", "Transfer-Encoding", "transfer-encoding",
    "Upgrade", "upgrade", "Upgrade-Insecure-Requests", "upgrade-insecure-requests", "User-Agent",
    "user-agent", "Via", "via", "X-Amzn-Trace-Id", "x-amzn-trace-id", "X-API-Key", "x-api-key",
    "X-Correlation-ID", "x-correlation-id", "X-CSRF-Token", "x-csrf-token", "X-Envoy-External-Address",
    "x-envoy-external-address", "X-Forwarded-For", "x-forwarded-for", "X-Forwarded-Host",
    "x-forwarded-host", "X-Forwarded-Port", "x-forwarded-port", "X-Forwarded-Proto",
    "x-forwarded-proto", "X-Forwarded-Server", "x-forwarded-server", "X-Real-IP", "x-real-ip",
    "X-Request-ID", "X-Request-Id", "x-request-id", "X-Requested-With", "x-requested-with",
    "x-envoy-expected-rq-timeout-ms",
];

/// The size of the table. It has four times as many places as there are names, so that most names are at their first
/// place.
const PLACES: usize = 512;

/// By [`place`]: the number of the name plus one, or 0 for none.
static TABLE: [u8; PLACES] = table();

/// The number of a name, if it is one of [`NAMES`].
pub fn number(name: &[u8]) -> Option<u32> {
    let mut place = place(name)?;
    loop {
        let number = usize::from(*TABLE.get(place)?).checked_sub(1)?;
        if NAMES.get(number)?.as_bytes() == name {
            return Some(number as u32);
        }
        place = (place + 1) % PLACES;
    }
}

/// The first place of a name. Its length and three of its bytes decide it.
const fn place(name: &[u8]) -> Option<usize> {
    let length = name.len();
    if length < 2 || length > 30 {
        return None;
    }
    let hash = length * 37
        + name[0] as usize * 5
        + name[length / 2] as usize * 11
        + name[length - 1] as usize * 89;
    Some(hash % PLACES)
}

const fn table() -> [u8; PLACES] {
    let mut table = [0; PLACES];
    let mut number = 0;
    while number < NAMES.len() {
        let Some(mut at) = place(NAMES[number].as_bytes()) else {
            panic!("a name is too short or too long");
        };
        while table[at] != 0 {
            at = (at + 1) % PLACES;
        }
        table[at] = number as u8 + 1;
        number += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_number() {
        for (i, name) in NAMES.iter().enumerate() {
            assert_eq!(number(name.as_bytes()), Some(i as u32), "{name}");
        }
    }

    #[test]
    fn other_names_have_none() {
        for name in [
            "",
            "a",
            "HOST",
            "hosT",
            "Hos",
            "Hostt",
            "x-unknown",
            "Content-length",
        ] {
            assert_eq!(number(name.as_bytes()), None, "{name}");
        }
        assert_eq!(number(&[0xff; 40]), None);
    }

    #[test]
    fn names_are_found_soon() {
        let probes = |name: &str| {
            let first = place(name.as_bytes()).unwrap_or_default();
            let number = number(name.as_bytes()).unwrap_or_default() as u8 + 1;
            (0..PLACES).find(|i| TABLE[(first + i) % PLACES] == number)
        };
        let all: usize = NAMES.iter().filter_map(|name| probes(name)).sum();
        assert!(all <= NAMES.len() / 2, "{all} extra probes");
    }
}
