//! Extism's C interface, as far as it is measured.

#![expect(unsafe_code, reason = "a library in C is called")]

use std::{
    ffi::{CStr, OsStr, c_char, c_void},
    ptr, slice,
};

use libloading::Library;

type New = unsafe extern "C" fn(*const u8, u64, *const c_void, u64, bool, *mut *mut c_char) -> *mut c_void;
type Call = unsafe extern "C" fn(*mut c_void, *const c_char, *const u8, u64) -> i32;
type Length = unsafe extern "C" fn(*mut c_void) -> u64;
type Data = unsafe extern "C" fn(*mut c_void) -> *const u8;
type Words = unsafe extern "C" fn(*mut c_void) -> *const c_char;
type Free = unsafe extern "C" fn(*mut c_void);

/// The library's functions. It is never unloaded: its threads would be left without code.
pub(crate) struct Extism {
    new: New,
    call: Call,
    length: Length,
    data: Data,
    error: Words,
    free: Free,
}

/// A plugin that the library made.
pub(crate) struct Foreign<'a> {
    extism: &'a Extism,
    plugin: *mut c_void,
}

impl Extism {
    pub(crate) fn load(library: &OsStr) -> Self {
        // SAFETY: whoever runs the bench names Extism's library; the types are those of its header, extism.h.
        unsafe {
            let library = Box::leak(Box::new(Library::new(library).expect("Extism's library")));
            Self {
                new: *library.get(b"extism_plugin_new").expect("a function"),
                call: *library.get(b"extism_plugin_call").expect("a function"),
                length: *library.get(b"extism_plugin_output_length").expect("a function"),
                data: *library.get(b"extism_plugin_output_data").expect("a function"),
                error: *library.get(b"extism_plugin_error").expect("a function"),
                free: *library.get(b"extism_plugin_free").expect("a function"),
            }
        }
    }

    /// A plugin of a manifest, or of the bytes of one module.
    pub(crate) fn plugin(&self, bytes: &[u8]) -> Foreign<'_> {
        let mut why = ptr::null_mut();
        // SAFETY: as many bytes are there as it is told, no functions of ours, and a place for its words.
        let plugin = unsafe { (self.new)(bytes.as_ptr(), bytes.len() as u64, ptr::null(), 0, false, &raw mut why) };
        if plugin.is_null() {
            // SAFETY: it gave words where it gave no plugin.
            panic!("{}", unsafe { CStr::from_ptr(why) }.to_string_lossy());
        }
        Foreign { extism: self, plugin }
    }
}

impl Foreign<'_> {
    /// What a function of the plugin puts out.
    pub(crate) fn call(&mut self, function: &CStr) -> Vec<u8> {
        // SAFETY: the plugin is there until the drop, no bytes are handed over, and what it puts out is there until the next call.
        unsafe {
            if (self.extism.call)(self.plugin, function.as_ptr(), ptr::null(), 0) != 0 {
                panic!("{}", CStr::from_ptr((self.extism.error)(self.plugin)).to_string_lossy());
            }
            let length = usize::try_from((self.extism.length)(self.plugin)).expect("short");
            if length == 0 {
                return Vec::new();
            }
            slice::from_raw_parts((self.extism.data)(self.plugin), length).to_vec()
        }
    }
}

impl Drop for Foreign<'_> {
    fn drop(&mut self) {
        // SAFETY: it is there, and not used after.
        unsafe { (self.extism.free)(self.plugin) };
    }
}
