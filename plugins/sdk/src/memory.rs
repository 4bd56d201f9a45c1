//! Where a plugin's values live: at first in memory that it has from the start.
//!
//! A call that grows its memory has that taken back when it ends. For both the host's kernel changes the protection of pages, which
//! stops every core that runs a plugin for a moment: with many tables judged at once it is what they would wait for most. So values
//! are kept in a block of the plugin's own, and memory grows once that is full. What is never touched of it costs nothing.

use std::{
    alloc::{GlobalAlloc, Layout},
    cell::{Cell, UnsafeCell},
    ptr,
};

use dlmalloc::{Allocator, Dlmalloc};

/// Bytes that a plugin has from the start: more than judging a table of some thousand files takes.
const BLOCK: usize = 512 << 10;
/// Bytes by which WebAssembly grows.
const PAGE: usize = 64 << 10;

/// What dlmalloc joins with no other region, though they may touch: the block is a value of this program.
const APART: u32 = 1;

#[repr(align(16))]
struct Block(UnsafeCell<[u8; BLOCK]>);

// SAFETY: a plugin has one thread.
#[expect(unsafe_code, reason = "a static that is written to")]
unsafe impl Sync for Block {}

static BLOCK_OF_ALL: Block = Block(UnsafeCell::new([0; BLOCK]));

/// Gives the block, once, and then what memory grows by.
struct Given(Cell<bool>);

#[expect(unsafe_code, reason = "memory is handed out")]
// SAFETY: each region is given once: the block by the flag, a grown one by its nature. All of them are zero.
unsafe impl Allocator for Given {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        if size <= BLOCK && !self.0.replace(true) {
            return (BLOCK_OF_ALL.0.get().cast(), BLOCK, APART);
        }
        let pages = size.div_ceil(PAGE);
        let before = std::arch::wasm32::memory_grow::<0>(pages);
        // The last byte that there is has no address behind it.
        if before == usize::MAX || before + pages >= usize::MAX / PAGE {
            return (ptr::null_mut(), 0, 0);
        }
        (ptr::with_exposed_provenance_mut(before * PAGE), pages * PAGE, 0)
    }

    fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
        ptr::null_mut()
    }

    fn free_part(&self, _: *mut u8, _: usize, _: usize) -> bool {
        false
    }

    fn free(&self, _: *mut u8, _: usize) -> bool {
        false
    }

    fn can_release_part(&self, _: u32) -> bool {
        false
    }

    fn allocates_zeros(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        PAGE
    }
}

struct Heap(UnsafeCell<Dlmalloc<Given>>);

// SAFETY: a plugin has one thread.
#[expect(unsafe_code, reason = "the allocator of a plugin, which has one thread")]
unsafe impl Sync for Heap {}

#[global_allocator]
static HEAP: Heap = Heap(UnsafeCell::new(Dlmalloc::new_with_allocator(Given(Cell::new(false)))));

#[expect(unsafe_code, reason = "an allocator is called by such functions")]
// SAFETY: nothing is called while another call is under way, as a plugin has one thread and dlmalloc calls nothing but `Given`.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe { (*self.0.get()).malloc(layout.size(), layout.align()) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        unsafe { (*self.0.get()).calloc(layout.size(), layout.align()) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { (*self.0.get()).free(at, layout.size(), layout.align()) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        unsafe { (*self.0.get()).realloc(at, layout.size(), layout.align(), size) }
    }
}
