//! Values that are passed on unchanged, and Node-API calls for which napi-rs has no cheap form.

// Without an engine, only the parser's part is used.
#![cfg_attr(not(unix), allow(dead_code))]

use napi::bindgen_prelude::{FromNapiValue, ToNapiValue, TypeName, ValidateNapiValue};
use napi::{Error, Result, Status, ValueType, check_status, sys};

/// A value of JavaScript, valid during the call in which it appeared.
#[derive(Clone, Copy)]
pub struct Value(pub sys::napi_value);

impl TypeName for Value {
    fn type_name() -> &'static str {
        "any"
    }

    fn value_type() -> ValueType {
        ValueType::Unknown
    }
}

impl ValidateNapiValue for Value {}

impl FromNapiValue for Value {
    unsafe fn from_napi_value(_env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        Ok(Value(value))
    }
}

impl ToNapiValue for Value {
    unsafe fn to_napi_value(_env: sys::napi_env, value: Self) -> Result<sys::napi_value> {
        Ok(value.0)
    }
}

pub fn undefined(env: sys::napi_env) -> sys::napi_value {
    let mut value = std::ptr::null_mut();
    // SAFETY: `env` is the environment of the call that we are in. A failure leaves null, which
    // Node-API takes for undefined.
    unsafe { sys::napi_get_undefined(env, &mut value) };
    value
}

pub fn null(env: sys::napi_env) -> sys::napi_value {
    let mut value = std::ptr::null_mut();
    // SAFETY: as in `undefined`.
    unsafe { sys::napi_get_null(env, &mut value) };
    value
}

pub fn int(env: sys::napi_env, number: i32) -> sys::napi_value {
    let mut value = std::ptr::null_mut();
    // SAFETY: as in `undefined`.
    unsafe { sys::napi_create_int32(env, number, &mut value) };
    value
}

pub fn double(env: sys::napi_env, number: f64) -> sys::napi_value {
    let mut value = std::ptr::null_mut();
    // SAFETY: as in `undefined`.
    unsafe { sys::napi_create_double(env, number, &mut value) };
    value
}

pub fn latin1(env: sys::napi_env, text: &[u8]) -> Result<sys::napi_value> {
    let mut value = std::ptr::null_mut();
    // SAFETY: the pointer and the length are those of a slice, which is copied.
    let status = unsafe {
        sys::napi_create_string_latin1(env, text.as_ptr().cast(), text.len() as isize, &mut value)
    };
    check_status!(status, "Failed to create a string")?;
    Ok(value)
}

/// Makes a Buffer with a copy of the bytes. A Buffer over the memory itself would cost the garbage collector more than
/// the copy, and would keep the memory until the collector and then the event loop release it.
pub fn buffer(env: sys::napi_env, bytes: &[u8]) -> Result<sys::napi_value> {
    let mut value = std::ptr::null_mut();
    // SAFETY: the pointer and the length are those of a slice, which is copied.
    let status = unsafe {
        sys::napi_create_buffer_copy(
            env,
            bytes.len(),
            bytes.as_ptr().cast(),
            std::ptr::null_mut(),
            &mut value,
        )
    };
    check_status!(status, "Failed to create a Buffer")?;
    Ok(value)
}

/// The bytes of a Buffer or Uint8Array.
///
/// # Safety
/// JavaScript owns them: the slice must not outlive the call in which the value appeared, and no JavaScript may run
/// while it is used.
pub unsafe fn bytes<'a>(env: sys::napi_env, value: sys::napi_value) -> Result<&'a [u8]> {
    let mut data = std::ptr::null_mut();
    let mut length = 0;
    // SAFETY: Node-API checks that the value is a view.
    let status = unsafe { sys::napi_get_buffer_info(env, value, &mut data, &mut length) };
    check_status!(status, "Expected a Uint8Array")?;
    if length == 0 {
        return Ok(&[]);
    }
    // SAFETY: Node-API describes a live view, and the caller guarantees its lifetime.
    Ok(unsafe { std::slice::from_raw_parts(data.cast(), length) })
}

/// An element of an array.
pub fn element(env: sys::napi_env, array: sys::napi_value, i: u32) -> Result<sys::napi_value> {
    let mut element = std::ptr::null_mut();
    // SAFETY: Node-API checks that the value is an object.
    check_status!(unsafe { sys::napi_get_element(env, array, i, &mut element) })?;
    Ok(element)
}

/// How `write` takes a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Latin1,
    Utf8,
}

/// Appends a string to `buffer`.
pub fn append_string(
    env: sys::napi_env,
    value: sys::napi_value,
    encoding: Encoding,
    buffer: &mut Vec<u8>,
) -> Result<()> {
    let read = match encoding {
        Encoding::Latin1 => sys::napi_get_value_string_latin1,
        Encoding::Utf8 => sys::napi_get_value_string_utf8,
    };
    // Most strings fit into the free memory. Only for others the length is asked first.
    buffer.reserve(1024);
    loop {
        let room = buffer.capacity() - buffer.len();
        let mut length = 0;
        // SAFETY: the pointer and the size describe the unused capacity.
        let status = unsafe {
            let end = buffer.as_mut_ptr().add(buffer.len());
            read(env, value, end.cast(), room, &mut length)
        };
        check_status!(status, "Expected a string")?;
        // A terminator follows, and a string that was cut may lack up to one character of UTF-8.
        if length + 4 < room {
            // SAFETY: Node-API has written `length` bytes there.
            unsafe { buffer.set_len(buffer.len() + length) };
            return Ok(());
        }
        let mut whole = 0;
        // SAFETY: without a buffer, only the length is computed.
        let status = unsafe { read(env, value, std::ptr::null_mut(), 0, &mut whole) };
        check_status!(status, "Expected a string")?;
        buffer.reserve(whole + 8);
    }
}

pub fn invalid(message: &str) -> Error {
    Error::new(Status::InvalidArg, message.to_owned())
}
